//! Rule documents: TOML in files and JSON in requests, the same shape, read into a checked
//! [`RuleSet`].
//!
//! The whole document is read even when it has faults, so that one answer names all of them, each with
//! its JSON pointer.

mod calendars;
mod check;
mod columns;
mod conditions;
mod passes;
pub(crate) mod schema;
mod toml;

use recon_domain::{Condition, ReadOptions, RuleSet};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

pub use self::check::{check_columns, explain_columns};
pub use self::schema::schema;
pub use self::toml::{to_toml, toml_to_json};
use crate::document::Node;
pub use crate::problem::FieldErrors as RuleErrors;
use crate::problem::{FieldCode, FieldErrors};
use crate::{json, options, request};

/// The most bytes of the name of a role, a calendar or a pass.
pub const NAME_BYTES_MAX: usize = 64;
/// The most bytes of a column's name or of any other text.
pub const TEXT_BYTES_MAX: usize = 1024;
/// The most replacements of one column.
pub const VALUES_MAX: usize = 1000;
/// The most steps of one column's normalisation.
pub const NORMALIZE_MAX: usize = 16;
/// The most calendars of a document.
pub const CALENDARS_MAX: usize = 16;
/// The most patterns of a document, in `extract` and `matches`.
pub const PATTERNS_MAX: usize = 32;
/// The most bytes that a compiled pattern may take.
pub const PATTERN_BYTES_MAX: usize = 512 * 1024;
/// The most days that a date may be off.
pub const DAYS_MAX: u16 = 3650;
/// The most decimal places of a percentage.
pub const PERCENT_PLACES_MAX: u8 = 6;

/// Reads rules from TOML.
///
/// # Errors
/// Every fault: for a text that is not TOML its line and column, else JSON pointers.
pub fn from_toml(text: &str) -> Result<RuleSet, RuleErrors> {
    from_json(&toml_to_json(text)?)
}

/// Reads rules from JSON.
///
/// # Errors
/// Every fault, at its place.
pub fn from_json(document: &Value) -> Result<RuleSet, RuleErrors> {
    request::read(document, read)
}

/// Reads the text of a JSON rule document, for [`from_json`].
///
/// # Errors
/// What is not JSON, by line and column, or a field that is said twice, by its place.
pub fn parse_json(text: &str) -> Result<Value, RuleErrors> {
    json::parse(text.as_bytes()).map_err(|fault| FieldErrors(vec![fault]))
}

/// How a condition of a pass is named in results: `currency`, `equal:reference`, `within:amount`,
/// `similar:name`, `where:name`.
#[must_use]
pub fn condition_name(rules: &RuleSet, pass: u16, condition: Condition) -> String {
    let pass = rules.passes.get(usize::from(pass));
    let (kind, role) = match condition {
        Condition::Currency => return "currency".to_owned(),
        Condition::Equal(index) => {
            ("equal", pass.and_then(|pass| pass.equal.get(usize::from(index))).copied())
        }
        Condition::Within(index) => {
            ("within", pass.and_then(|pass| pass.within.get(usize::from(index))).map(|within| within.role))
        }
        Condition::Similar(index) => (
            "similar",
            pass.and_then(|pass| pass.similar.get(usize::from(index))).map(|similar| similar.role),
        ),
        Condition::Filter(index) => {
            ("where", pass.and_then(|pass| pass.filters.get(usize::from(index))).map(|filter| filter.role))
        }
    };
    let role = role.and_then(|role| rules.roles.get(role.index()));
    format!("{kind}:{}", role.map_or("?", |role| role.name.as_str()))
}

/// Reads rules at a place of a larger document.
pub(crate) fn read(node: &Node<'_>) -> Option<RuleSet> {
    let table = node.table(&["default_currency", "left", "right", "columns", "calendars", "passes"])?;
    let patterns = count_patterns(node.value);
    if patterns > PATTERNS_MAX {
        // Compiling them is the work that the limit is there to avoid.
        node.fault(FieldCode::TooMany, format!("{patterns} patterns, at most {PATTERNS_MAX} are allowed"));
        return None;
    }
    let default_currency = table.get("default_currency").and_then(|node| node.parsed());
    let given = ["left", "right"].map(|side| table.get(side).and_then(|node| options::read(&node)));
    let columns = columns::read(&table);
    let calendars = table.get("calendars").map_or_else(Vec::new, |node| calendars::read(&node));
    let passes = passes::read(&table, &passes::Known { columns: &columns, calendars: &calendars });
    Some(RuleSet {
        default_currency,
        options: given.map(Option::<ReadOptions>::unwrap_or_default),
        roles: columns.into_iter().filter_map(|column| column.role).collect(),
        calendars: calendars.into_iter().filter_map(|named| named.calendar).collect(),
        passes,
    })
}

/// Refuses options that only matter where a file is read, in rules for datasets, which were read already.
pub(crate) fn refuse_file_options(node: &Node<'_>) {
    for side in ["left", "right"] {
        let Some(Value::Object(given)) = node.value.get(side) else { continue };
        for name in
            options::READING.iter().filter(|name| given.get(**name).is_some_and(|value| !value.is_null()))
        {
            let detail = format!("`{name}` belongs to the dataset's own options: it was read already");
            node.fault_below(&[side, name], FieldCode::UnknownField, detail);
        }
    }
}

fn count_patterns(document: &Value) -> usize {
    let columns = document.get("columns").and_then(Value::as_object).into_iter().flat_map(|map| map.values());
    let passes = document.get("passes").and_then(Value::as_array).into_iter().flatten();
    let filters = passes.filter_map(|pass| pass.get("where")?.as_array()).flatten();
    columns.filter(|column| column.get("extract").is_some()).count()
        + filters.filter(|filter| filter.get("matches").is_some()).count()
}

/// Compiles a pattern within its limits.
fn pattern(node: &Node<'_>) -> Option<Regex> {
    let text = node.text(TEXT_BYTES_MAX)?;
    if text.is_empty() {
        node.fault(FieldCode::Malformed, "an empty pattern says nothing");
        return None;
    }
    match RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build() {
        Ok(pattern) => Some(pattern),
        Err(regex::Error::CompiledTooBig(limit)) => {
            node.fault(FieldCode::TooMany, format!("the pattern compiles to more than {limit} bytes"));
            None
        }
        Err(error) => {
            // The library draws the pattern over several lines; its last line says what is wrong.
            let drawn = error.to_string();
            let reason = drawn.lines().last().unwrap_or_default().trim_start_matches("error: ");
            node.fault(FieldCode::Malformed, format!("not a regular expression: {reason}"));
            None
        }
    }
}

#[cfg(test)]
mod tests;

//! `[columns.NAME]`: the roles, and where their cells come from.

use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use recon_domain::{AMOUNT, CURRENCY, DATE, Role, RoleType, RuleSet, Source};

use super::{NAME_BYTES_MAX, NORMALIZE_MAX, TEXT_BYTES_MAX, VALUES_MAX};
use crate::document::{Node, Table, quoted};
use crate::problem::FieldCode;

/// Columns of the result files, which a role would hide.
pub(super) const RESULT_COLUMNS: [&str; 14] = [
    "match",
    "pass",
    "status",
    "ambiguity",
    "side",
    "row",
    "variance_amount",
    "variance_days",
    "kind",
    "nearest_row",
    "failed",
    "cause",
    "line",
    "reason",
];
const SIDES: [&str; 2] = ["left", "right"];
const FIELDS: [&str; 13] = [
    "left",
    "left_debit",
    "left_credit",
    "right",
    "right_debit",
    "right_credit",
    "type",
    "negate",
    "left_format",
    "right_format",
    "extract",
    "values",
    "normalize",
];

/// A role as far as it could be read. The name and the type serve the checks of the passes even where the
/// rest has faults, so that one fault does not draw others after it.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Option<RoleType>,
    pub(super) role: Option<Role>,
}

/// Reads the columns of a document, in its order.
pub(super) fn read(document: &Table<'_>) -> Vec<Column> {
    let entries = document.required("columns").and_then(|node| {
        let entries = node.entries(RuleSet::ROLES_MAX)?;
        if entries.is_empty() {
            node.fault(FieldCode::Missing, "at least one column must be mapped");
        }
        Some(entries)
    });
    entries.unwrap_or_default().into_iter().map(|(name, node)| column(name, &node)).collect()
}

fn column(name: &str, node: &Node<'_>) -> Column {
    check_name(name, node);
    let Some(table) = node.table(&FIELDS) else {
        return Column { name: name.to_owned(), kind: None, role: None };
    };
    let kind = table.required("type").and_then(|node| kind(name, &node));
    let [left, right] = [0, 1].map(|side| source(&table, side, kind));
    check_mapped(name, &table, &[&left, &right]);
    let negate = table.get("negate").map_or(Some([false; 2]), |node| negate(&node, kind));
    let role = kind.zip(left.zip(right)).map(|(kind, (left, right))| Role {
        name: name.to_owned(),
        kind,
        sources: [left, right],
        negate: negate.unwrap_or_default(),
        formats: SIDES.map(|side| table.get(&format!("{side}_format")).and_then(|node| format(&node, kind))),
        extract: table.get("extract").and_then(|node| extract(&node, kind)),
        values: table.get("values").and_then(|node| values(&node, kind)).unwrap_or_default(),
        normalize: table.get("normalize").and_then(|node| normalize(&node, kind)).unwrap_or_default(),
    });
    Column { name: name.to_owned(), kind, role }
}

fn check_name(name: &str, node: &Node<'_>) {
    if name.is_empty()
        || name.len() > NAME_BYTES_MAX
        || name.trim() != name
        || name.chars().any(char::is_control)
    {
        let detail =
            format!("the name of a column is a text of 1 to {NAME_BYTES_MAX} bytes without blanks around it");
        node.fault(FieldCode::Malformed, detail);
    }
    if RESULT_COLUMNS.contains(&name) {
        let detail = format!("`{name}` is a column of the result files already; choose another name");
        node.fault(FieldCode::Conflict, detail);
    }
}

/// The type; the reserved roles have a say in it.
fn kind(name: &str, node: &Node<'_>) -> Option<RoleType> {
    let kind: RoleType = node.word()?;
    let allowed: &[RoleType] = match name {
        AMOUNT => &[RoleType::Decimal, RoleType::Integer],
        DATE => &[RoleType::Date, RoleType::Timestamp],
        CURRENCY => &[RoleType::Text],
        _ => RoleType::ALL,
    };
    if !allowed.contains(&kind) {
        let allowed: Vec<&str> = allowed.iter().map(|kind| kind.as_str()).collect();
        let detail = format!("the column `{name}` has the type {}, not {kind}", allowed.join(" or "));
        node.fault(FieldCode::WrongColumnType, detail);
    }
    Some(kind)
}

fn source(table: &Table<'_>, side: usize, kind: Option<RoleType>) -> Option<Source> {
    let side = SIDES[side];
    let [whole, debit, credit] = ["", "_debit", "_credit"].map(|part| table.get(&format!("{side}{part}")));
    let named = |node: &Option<Node<'_>>| node.as_ref()?.name(TEXT_BYTES_MAX).map(str::to_owned);
    if let Some(part) = debit.as_ref().or(credit.as_ref()) {
        if whole.is_some() {
            let detail = format!("either `{side}`, or `{side}_debit` and `{side}_credit`");
            part.fault(FieldCode::Conflict, detail);
        }
        fits(part, kind, &[RoleType::Decimal, RoleType::Integer]);
        let (absent, present) = if debit.is_none() { ("debit", "credit") } else { ("credit", "debit") };
        if debit.is_none() || credit.is_none() {
            part.fault(FieldCode::Missing, format!("`{side}_{present}` needs `{side}_{absent}` beside it"));
        }
        let (debit, credit) = (named(&debit)?, named(&credit)?);
        if debit == credit {
            part.fault(FieldCode::Conflict, "debit and credit are the same column");
        }
        return Some(Source::DebitCredit { debit, credit });
    }
    if whole.is_none() { Some(Source::Absent) } else { named(&whole).map(Source::Column) }
}

/// A side without a column: fine for the currency, which may come from elsewhere, if the other side has one.
fn check_mapped(name: &str, table: &Table<'_>, sources: &[&Option<Source>; 2]) {
    let absent = sources.map(|source| *source == Some(Source::Absent));
    let optional = name == CURRENCY && absent != [true, true];
    for (side, _) in SIDES.iter().zip(absent).filter(|(_, absent)| *absent && !optional) {
        table.fault(FieldCode::Missing, format!("`{side}` is missing: the column of the {side} file"));
    }
}

fn negate(node: &Node<'_>, kind: Option<RoleType>) -> Option<[bool; 2]> {
    fits(node, kind, &[RoleType::Decimal, RoleType::Integer]);
    match node.text(TEXT_BYTES_MAX)? {
        "left" => Some([true, false]),
        "right" => Some([false, true]),
        "both" => Some([true, true]),
        other => {
            node.unknown_word("side", other, &["left", "right", "both"]);
            None
        }
    }
}

/// A format that names a complete date: it must read what it writes.
fn format(node: &Node<'_>, kind: RoleType) -> Option<String> {
    fits(node, Some(kind), &[RoleType::Date, RoleType::Timestamp]);
    let format = node.text(TEXT_BYTES_MAX)?;
    let date = jiff::civil::date(2026, 11, 23);
    let sample = date.at(13, 14, 15, 0).to_zoned_datetime(TimeZone::UTC).ok()?;
    let written = match strtime::format(format, &sample) {
        Ok(written) => written,
        Err(error) => {
            node.fault(FieldCode::Malformed, format!("`{}` is not a date format: {error}", quoted(format)));
            return None;
        }
    };
    let read = BrokenDownTime::parse(format, &written);
    let complete = read.is_ok_and(|read| {
        let moment = read.to_timestamp().map(|moment| moment.to_zoned_datetime(TimeZone::UTC).date());
        read.to_date().or(moment).is_ok_and(|read| read == date)
    });
    if !complete {
        let detail = format!("`{}` does not say day, month and year, as `%d.%m.%Y` does", quoted(format));
        node.fault(FieldCode::Malformed, detail);
    }
    Some(format.to_owned())
}

fn extract(node: &Node<'_>, kind: RoleType) -> Option<regex::Regex> {
    fits(node, Some(kind), &[RoleType::Text]);
    let pattern = super::pattern(node)?;
    let groups = pattern.captures_len() - 1;
    if groups > 1 {
        let detail = format!("the pattern has {groups} groups and one is kept; make the others (?:…)");
        node.fault(FieldCode::Conflict, detail);
    }
    Some(pattern)
}

fn values(node: &Node<'_>, kind: RoleType) -> Option<Vec<(String, String)>> {
    fits(node, Some(kind), &[RoleType::Text]);
    let pair = |(from, to): (&str, Node<'_>)| Some((from.to_owned(), to.text(TEXT_BYTES_MAX)?.to_owned()));
    Some(node.entries(VALUES_MAX)?.into_iter().filter_map(pair).collect())
}

fn normalize(node: &Node<'_>, kind: RoleType) -> Option<Vec<recon_domain::Normalize>> {
    fits(node, Some(kind), &[RoleType::Text]);
    Some(node.list(NORMALIZE_MAX)?.iter().filter_map(Node::word).collect())
}

/// Records a fault where a field does not belong to the column's type. An unknown type is a fault already.
fn fits(node: &Node<'_>, kind: Option<RoleType>, allowed: &[RoleType]) {
    let Some(kind) = kind.filter(|kind| !allowed.contains(kind)) else { return };
    let allowed: Vec<&str> = allowed.iter().map(|kind| kind.as_str()).collect();
    let detail = format!("is for columns of the type {}, and this one is {kind}", allowed.join(" or "));
    node.fault(FieldCode::WrongColumnType, detail);
}

//! `[[passes]]`: what makes two entries the same, strictest first.

use recon_domain::{Ambiguous, Cardinality, Combine, MatchStatus, Pass, RoleId, RoleType, RuleSet};

use super::calendars::NamedCalendar;
use super::columns::Column;
use super::{NAME_BYTES_MAX, TEXT_BYTES_MAX, conditions};
use crate::document::{Node, Table, quoted, suggestion};
use crate::problem::FieldCode;

/// How many items `combine = "search"` looks at in a block when the pass does not say.
const SEARCH_ITEMS_DEFAULT: u32 = 40;
/// The most items that it may be told to look at.
const SEARCH_ITEMS_MAX: u32 = 1000;
const FIELDS: [&str; 10] = [
    "name",
    "cardinality",
    "combine",
    "search_items_max",
    "where",
    "equal",
    "within",
    "similar",
    "ambiguous",
    "outcome",
];

/// What passes may refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) columns: &'k [Column],
    pub(super) calendars: &'k [NamedCalendar],
}

/// A column that a condition names. The type is `None` where the column itself has a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapped<'k> {
    pub(super) id: RoleId,
    pub(super) name: &'k str,
    pub(super) kind: Option<RoleType>,
}

/// Reads the passes of a document, in its order.
pub(super) fn read(document: &Table<'_>, known: &Known<'_>) -> Vec<Pass> {
    let nodes = document.required("passes").and_then(|node| {
        let nodes = node.list(RuleSet::PASSES_MAX)?;
        if nodes.is_empty() {
            node.fault(FieldCode::Missing, "at least one pass is needed");
        }
        Some(nodes)
    });
    let nodes = nodes.unwrap_or_default();
    let mut names = Vec::new();
    nodes.iter().filter_map(|node| pass(node, known, &mut names)).collect()
}

fn pass<'a>(node: &Node<'a>, known: &Known<'_>, names: &mut Vec<&'a str>) -> Option<Pass> {
    let table = node.table(&FIELDS)?;
    let name = name(&table, names);
    let cardinality = table.get("cardinality").map_or(Some(Cardinality::OneToOne), |node| cardinality(&node));
    let (combine, search_items_max) = groups(&table);
    let equal = conditions::equal(&table, known);
    let within = conditions::within(&table, known, &equal);
    let similar = conditions::similar(&table, known, &equal);
    check_selective(&table);
    Some(Pass {
        name: name?.to_owned(),
        cardinality: cardinality?,
        combine,
        search_items_max,
        filters: conditions::filters(&table, known),
        equal: equal.iter().map(|role| role.id).collect(),
        within,
        similar,
        ambiguous: table.get("ambiguous").map_or(Some(Ambiguous::Suggest), |node| node.word())?,
        outcome: table.get("outcome").map_or(Some(MatchStatus::Confirmed), |node| outcome(&node))?,
    })
}

fn name<'a>(table: &Table<'a>, names: &mut Vec<&'a str>) -> Option<&'a str> {
    let node = table.required("name")?;
    let name = node.name(NAME_BYTES_MAX)?;
    if names.contains(&name) {
        node.fault(FieldCode::Duplicate, format!("another pass is named `{}` already", quoted(name)));
    }
    names.push(name);
    Some(name)
}

fn cardinality(node: &Node<'_>) -> Option<Cardinality> {
    let cardinality: Cardinality = node.word()?;
    if cardinality != Cardinality::OneToOne {
        node.fault(
            FieldCode::NotSupportedYet,
            format!("{cardinality} is not supported yet, only one_to_one"),
        );
    }
    Some(cardinality)
}

/// What only passes of other cardinalities have a use for.
fn groups(table: &Table<'_>) -> (Combine, u32) {
    let combine = table.get("combine").and_then(|node| {
        let combine = node.word()?;
        node.fault(FieldCode::NotSupportedYet, "groups are not supported yet, and one_to_one has none");
        Some(combine)
    });
    let search_items_max = table.get("search_items_max").and_then(|node| {
        let items = node.integer(1..=SEARCH_ITEMS_MAX)?;
        node.fault(FieldCode::NotSupportedYet, "groups are not supported yet, and one_to_one has none");
        Some(items)
    });
    (combine.unwrap_or(Combine::Key), search_items_max.unwrap_or(SEARCH_ITEMS_DEFAULT))
}

/// A pass must narrow down what it compares: by likeness alone it would compare every entry with every
/// other.
fn check_selective(table: &Table<'_>) {
    let present = |key| table.get(key).is_some_and(|node| !is_empty_list(&node));
    if present("equal") || present("within") {
        return;
    }
    let detail = if present("similar") {
        "has only `similar` and would compare every left entry with every right one; add an `equal` or a `within`"
    } else {
        "has no condition; add an `equal` or a `within`"
    };
    table.fault(FieldCode::Missing, detail);
}

/// Whether a value is a list without items. Another type is a fault by itself.
fn is_empty_list(node: &Node<'_>) -> bool {
    node.value.as_array().is_some_and(Vec::is_empty)
}

fn outcome(node: &Node<'_>) -> Option<MatchStatus> {
    match node.text(TEXT_BYTES_MAX)? {
        "confirm" => Some(MatchStatus::Confirmed),
        "suggest" => Some(MatchStatus::Suggested),
        other => {
            node.unknown_word("outcome", other, &["confirm", "suggest"]);
            None
        }
    }
}

impl<'k> Known<'k> {
    /// The column that a text names.
    pub(super) fn column(&self, node: &Node<'_>) -> Option<Mapped<'k>> {
        let given = node.text(TEXT_BYTES_MAX)?;
        let Some(index) = self.columns.iter().position(|column| column.name == given) else {
            let names = self.columns.iter().map(|column| column.name.as_str());
            let detail = unknown("column of these rules is", given, names);
            node.fault(FieldCode::UnknownRole, detail);
            return None;
        };
        let column = &self.columns[index];
        Some(Mapped { id: RoleId(u16::try_from(index).ok()?), name: &column.name, kind: column.kind })
    }

    /// The index of the calendar that a text names.
    pub(super) fn calendar(&self, node: &Node<'_>) -> Option<usize> {
        let given = node.text(TEXT_BYTES_MAX)?;
        let index = self.calendars.iter().position(|calendar| calendar.name == given);
        if index.is_none() {
            let names = self.calendars.iter().map(|calendar| calendar.name.as_str());
            let detail = unknown("calendar of these rules is", given, names);
            node.fault(FieldCode::UnknownCalendar, detail);
        }
        index
    }
}

/// Says that nothing has the name, and which names there are.
fn unknown<'n>(what: &str, given: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    const NAMES_MAX: usize = 8;
    let hint = suggestion(given, names.clone()).unwrap_or_else(|| {
        let mut some: Vec<&str> = names.clone().take(NAMES_MAX).collect();
        if names.count() > NAMES_MAX {
            some.push("…");
        }
        if some.is_empty() {
            "; there are none".to_owned()
        } else {
            format!("; there are: {}", some.join(", "))
        }
    });
    format!("no {what} named `{}`{hint}", quoted(given))
}

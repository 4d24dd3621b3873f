//! The conditions of a pass: `equal`, `within`, `similar`, `where`.

use recon_domain::{
    Allowance, Decimal, Filter, FilterTest, Measure, RoleType, RuleSet, Side, Similar, Tolerance, Within,
};

use super::passes::{Known, Mapped};
use super::{DAYS_MAX, PERCENT_PLACES_MAX, TEXT_BYTES_MAX, calendars};
use crate::document::{Node, Table, quoted};
use crate::problem::FieldCode;

const NUMBERS: &[RoleType] = &[RoleType::Decimal, RoleType::Integer];
const DATES: &[RoleType] = &[RoleType::Date, RoleType::Timestamp];
const TEXTS: &[RoleType] = &[RoleType::Text];
const NUMBER_FIELDS: [&str; 4] = ["absolute", "percent", "above", "below"];
const DAY_FIELDS: [&str; 3] = ["days_before", "days_after", "calendar"];
const WITHIN_FIELDS: [&str; 8] =
    ["column", "absolute", "percent", "above", "below", "days_before", "days_after", "calendar"];
const TESTS: [&str; 5] = ["is", "is_not", "at_least", "at_most", "matches"];
const FILTER_FIELDS: [&str; 7] = ["side", "column", "is", "is_not", "at_least", "at_most", "matches"];
/// The greatest score of likeness.
pub(super) const SCORE_MAX: u16 = 10_000;
/// One hundred percent.
const HUNDRED: i128 = 100;

fn items<'a>(pass: &Table<'a>, key: &str) -> Vec<Node<'a>> {
    pass.get(key).and_then(|node| node.list(RuleSet::CONDITIONS_MAX)).unwrap_or_default()
}

/// The column of a condition, if it has one of these types and the pass has no such condition on it yet.
fn column<'k>(
    table: &Table<'_>,
    known: &Known<'k>,
    (what, allowed): (&str, &[RoleType]),
    taken: &[(&str, &[Mapped<'k>])],
) -> Option<Mapped<'k>> {
    let node = table.required("column")?;
    let column = known.column(&node)?;
    if let Some(kind) = column.kind.filter(|kind| !allowed.contains(kind)) {
        let allowed: Vec<&str> = allowed.iter().map(|kind| kind.as_str()).collect();
        let detail = format!(
            "{what} is for columns of the type {}; `{}` is {kind}",
            allowed.join(" or "),
            column.name
        );
        node.fault(FieldCode::WrongColumnType, detail);
        return None;
    }
    for (list, taken) in taken {
        if taken.contains(&column) {
            node.fault(
                FieldCode::Duplicate,
                format!("`{}` is in `{list}` of this pass already", column.name),
            );
        }
    }
    Some(column)
}

/// Columns that must be equal.
pub(super) fn equal<'k>(pass: &Table<'_>, known: &Known<'k>) -> Vec<Mapped<'k>> {
    let mut equal = Vec::new();
    for item in items(pass, "equal") {
        let Some(column) = known.column(&item) else { continue };
        if equal.contains(&column) {
            item.fault(FieldCode::Duplicate, format!("`{}` is listed twice", column.name));
        }
        equal.push(column);
    }
    equal
}

/// Columns that may differ by a measured amount.
pub(super) fn within<'k>(pass: &Table<'_>, known: &Known<'k>, equal: &[Mapped<'k>]) -> Vec<Within> {
    let mut taken = Vec::new();
    let mut within = Vec::new();
    for item in items(pass, "within") {
        let Some(table) = item.table(&WITHIN_FIELDS) else { continue };
        let measured = [NUMBERS, DATES].concat();
        let Some(column) =
            column(&table, known, ("`within`", &measured), &[("equal", equal), ("within", &taken)])
        else {
            continue;
        };
        taken.push(column);
        let Some(kind) = column.kind else { continue };
        let tolerance = if DATES.contains(&kind) { days(&table, known, kind) } else { amount(&table, kind) };
        within.extend(tolerance.map(|tolerance| Within { role: column.id, tolerance }));
    }
    within
}

/// Records a fault for each of these fields that is there: they measure another kind of column.
fn foreign(table: &Table<'_>, fields: &[&str], kind: RoleType) {
    for field in fields {
        if let Some(node) = table.get(field) {
            node.fault(
                FieldCode::WrongColumnType,
                format!("`{field}` does not measure columns of the type {kind}"),
            );
        }
    }
}

fn amount(table: &Table<'_>, kind: RoleType) -> Option<Tolerance> {
    foreign(table, &DAY_FIELDS, kind);
    let [absolute, percent, above, below] = NUMBER_FIELDS.map(|field| table.get(field));
    if [&absolute, &percent, &above, &below].iter().all(|node| node.is_none()) {
        let detail =
            "says no tolerance; add `absolute` or `percent` for both directions, `above` or `below` for one";
        table.fault(FieldCode::Missing, detail);
        return None;
    }
    let two_ways = absolute.is_some() || percent.is_some();
    if let Some(one_way) = above.as_ref().or(below.as_ref()).filter(|_| two_ways) {
        one_way.fault(FieldCode::Conflict, "either `absolute` and `percent`, or `above` and `below`");
        return None;
    }
    let read = |node: Option<Node<'_>>, read: fn(&Node<'_>, RoleType) -> Option<Allowance>| {
        node.map_or(Some(Allowance::default()), |node| read(&node, kind))
    };
    if two_ways {
        let absolute = read(absolute, |node, kind| absolute_of(node, kind, &node.decimal()?));
        let percent = read(percent, |node, _| percent_of(node, node.decimal()?));
        let both = Allowance { absolute: absolute?.absolute, percent: percent?.percent };
        return Some(Tolerance::Amount { below: both, above: both });
    }
    let (below, above) = (read(below, one_way), read(above, one_way));
    Some(Tolerance::Amount { below: below?, above: above? })
}

/// `"0.02"` or `"0.5%"`.
fn one_way(node: &Node<'_>, kind: RoleType) -> Option<Allowance> {
    let Some(percent) = node.value.as_str().and_then(|text| text.strip_suffix('%')) else {
        return absolute_of(node, kind, &node.decimal()?);
    };
    match percent.parse() {
        Ok(percent) => percent_of(node, percent),
        Err(error) => {
            node.fault(FieldCode::Malformed, format!("`{}%`: {error}", quoted(percent)));
            None
        }
    }
}

fn absolute_of(node: &Node<'_>, kind: RoleType, absolute: &Decimal) -> Option<Allowance> {
    if absolute.units() < 0 {
        node.fault(FieldCode::OutOfRange, format!("{absolute} is below zero"));
        return None;
    }
    if kind == RoleType::Integer && absolute.rescaled(0).is_err() {
        node.fault(FieldCode::OutOfRange, format!("{absolute} is not a whole number, as the column's are"));
        return None;
    }
    Some(Allowance { absolute: *absolute, percent: Decimal::default() })
}

fn percent_of(node: &Node<'_>, percent: Decimal) -> Option<Allowance> {
    if percent.scale() > PERCENT_PLACES_MAX {
        let detail = format!("{percent} has more than {PERCENT_PLACES_MAX} digits after the point");
        node.fault(FieldCode::OutOfRange, detail);
        return None;
    }
    let hundred = HUNDRED * 10_i128.pow(u32::from(percent.scale()));
    if !(0..=hundred).contains(&percent.units()) {
        node.fault(FieldCode::OutOfRange, format!("{percent} is not a percentage from 0 to 100"));
        return None;
    }
    Some(Allowance { absolute: Decimal::default(), percent })
}

fn days(table: &Table<'_>, known: &Known<'_>, kind: RoleType) -> Option<Tolerance> {
    foreign(table, &NUMBER_FIELDS, kind);
    let [before, after] = ["days_before", "days_after"].map(|field| table.get(field));
    if before.is_none() && after.is_none() {
        table.fault(FieldCode::Missing, "says no tolerance; add `days_before` or `days_after`");
        return None;
    }
    let read = |node: Option<Node<'_>>| node.map_or(Some(0), |node| node.integer(0..=DAYS_MAX));
    let (before, after) = (read(before), read(after));
    let calendar = match table.get("calendar") {
        Some(node) => Some(known.calendar(&node)?),
        None => None,
    };
    Some(Tolerance::Days { before: before?, after: after?, calendar })
}

/// Columns whose texts must be alike.
pub(super) fn similar<'k>(pass: &Table<'_>, known: &Known<'k>, equal: &[Mapped<'k>]) -> Vec<Similar> {
    let mut taken = Vec::new();
    let mut similar = Vec::new();
    for item in items(pass, "similar") {
        let Some(table) = item.table(&["column", "at_least", "measure"]) else { continue };
        let column = column(&table, known, ("`similar`", TEXTS), &[("equal", equal), ("similar", &taken)]);
        taken.extend(column);
        let at_least = table.required("at_least").and_then(|node| node.integer(0..=SCORE_MAX));
        let measure = table.get("measure").map_or(Some(Measure::TokenSet), |node| node.word());
        let read = column.zip(at_least).zip(measure);
        similar.extend(read.map(|((column, at_least), measure)| Similar {
            role: column.id,
            at_least,
            measure,
        }));
    }
    similar
}

/// Which entries take part at all.
pub(super) fn filters(pass: &Table<'_>, known: &Known<'_>) -> Vec<Filter> {
    items(pass, "where").iter().filter_map(|item| filter(item, known)).collect()
}

fn filter(item: &Node<'_>, known: &Known<'_>) -> Option<Filter> {
    let table = item.table(&FILTER_FIELDS)?;
    let side = table.get("side").map_or(Some(None), |node| node.word::<Side>().map(Some));
    let column = table.required("column").and_then(|node| known.column(&node));
    let given: Vec<(&str, Node<'_>)> =
        TESTS.iter().filter_map(|name| table.get(name).map(|node| (*name, node))).collect();
    match given.as_slice() {
        [] => table.fault(FieldCode::Missing, format!("asks for nothing; add one of {}", TESTS.join(", "))),
        [_] => {}
        [_, (name, second), ..] => {
            second.fault(
                FieldCode::Conflict,
                format!("one test for each `where`; give `{name}` a `where` of its own"),
            );
        }
    }
    let (column, (name, node)) = column.zip(given.first())?;
    let test = filter_test(node, name, &column)?;
    Some(Filter { side: side?, role: column.id, test })
}

fn filter_test(node: &Node<'_>, name: &str, column: &Mapped<'_>) -> Option<FilterTest> {
    let kind = column.kind?;
    let allowed = match name {
        "at_least" | "at_most" => NUMBERS,
        "matches" => TEXTS,
        _ => RoleType::ALL,
    };
    if !allowed.contains(&kind) {
        let allowed: Vec<&str> = allowed.iter().map(|kind| kind.as_str()).collect();
        let detail = format!(
            "`{name}` is for columns of the type {}; `{}` is {kind}",
            allowed.join(" or "),
            column.name
        );
        node.fault(FieldCode::WrongColumnType, detail);
        return None;
    }
    match name {
        "at_least" => node.decimal().map(FilterTest::AtLeast),
        "at_most" => node.decimal().map(FilterTest::AtMost),
        "matches" => super::pattern(node).map(FilterTest::Matches),
        "is_not" => literal(node, kind).map(FilterTest::IsNot),
        _ => literal(node, kind).map(FilterTest::Is),
    }
}

/// A value of the column's type, as text in the form in which cells are compared. No text at all stands for the empty
/// cell, which every type has.
fn literal(node: &Node<'_>, kind: RoleType) -> Option<String> {
    if node.value.as_str() == Some("") {
        return Some(String::new());
    }
    match kind {
        RoleType::Text => node.text(TEXT_BYTES_MAX).map(str::to_owned),
        RoleType::Decimal => node.decimal().map(|number| number.to_string()),
        RoleType::Integer => {
            let number = node.decimal()?;
            let whole = number.rescaled(0).ok();
            if whole.is_none() {
                node.fault(FieldCode::Malformed, format!("{number} is not a whole number"));
            }
            whole.map(|units| units.to_string())
        }
        RoleType::Date => calendars::day(node).map(|day| day.to_string()),
        RoleType::Timestamp => {
            let text = node.text(TEXT_BYTES_MAX)?;
            let moment = text.parse::<jiff::Timestamp>().ok();
            if moment.is_none() {
                let detail = format!("`{}` is not a time such as 2026-12-25T10:00:00Z", quoted(text));
                node.fault(FieldCode::Malformed, detail);
            }
            moment.map(|moment| recon_domain::Instant::from_micros(moment.as_microsecond()).to_string())
        }
    }
}

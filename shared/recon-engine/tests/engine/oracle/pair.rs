//! One pair: its cells, what it fails, what it costs.

use recon_domain::{Allowance, Condition, FilterTest, Measure, Pass, RuleSet, Side, Tolerance};
use recon_engine::Deviation;

use crate::case::{AMOUNT, DATE, Row};

/// What a pair fails.
pub type Failures = Vec<(Condition, Deviation)>;

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Number(i128),
    Day(i32),
    Text(String),
}

pub fn cell(row: &Row, role: usize) -> Cell {
    match role {
        0 => row.amount.map_or(Cell::Empty, Cell::Number),
        1 => row.day.map_or(Cell::Empty, Cell::Day),
        2 => row.reference.clone().map_or(Cell::Empty, Cell::Text),
        3 => row.description.clone().map_or(Cell::Empty, Cell::Text),
        4 => row.quantity.map_or(Cell::Empty, Cell::Number),
        _ => unreachable!(),
    }
}

pub fn written(row: &Row) -> String {
    format!(
        "{:?}/{:?}/{:?}/{:?}/{:?}/{}",
        row.amount, row.day, row.reference, row.description, row.quantity, row.currency
    )
}

fn percent(allowance: &Allowance, left: i128, scale: u32) -> i128 {
    let absolute =
        allowance.absolute.units() * 10_i128.pow(scale) / 10_i128.pow(allowance.absolute.scale().into());
    let whole = 100 * 10_i128.pow(allowance.percent.scale().into());
    absolute.max(left.abs() * allowance.percent.units() / whole)
}

/// Business days in (from, to], negative backwards.
fn business_days(rules: &RuleSet, calendar: usize, from: i32, to: i32) -> i32 {
    let ordinal = |day| rules.calendars[calendar].ordinal(recon_domain::Day::from_number(day));
    let is_open = |day: i32| ordinal(day) != ordinal(day - 1);
    let between = |a: i32, b: i32| (a + 1..=b).filter(|day| is_open(*day)).count() as i32;
    if to >= from { between(from, to) } else { -between(to, from) }
}

fn likeness(measure: Measure, a: &str, b: &str) -> u16 {
    if a == b {
        return 10_000;
    }
    match measure {
        Measure::TokenSet => token_set(a, b),
        Measure::Edit => {
            let longer = a.chars().count().max(b.chars().count());
            ((longer - levenshtein(a, b)) * 10_000 / longer) as u16
        }
        Measure::JaroWinkler => unimplemented_measure(),
    }
}

fn unimplemented_measure() -> u16 {
    panic!("the oracle does not know this measure")
}

fn levenshtein(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut diagonal = std::mem::replace(&mut row[0], i);
        for j in 1..=b.len() {
            let substituted = diagonal + usize::from(a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = substituted.min(row[j] + 1).min(row[j - 1] + 1);
        }
    }
    row[b.len()]
}

fn common_subsequence(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut best = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..a.len() {
        for j in 0..b.len() {
            best[i + 1][j + 1] =
                if a[i] == b[j] { best[i][j] + 1 } else { best[i][j + 1].max(best[i + 1][j]) };
        }
    }
    best[a.len()][b.len()]
}

fn token_set(a: &str, b: &str) -> u16 {
    let words = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<std::collections::BTreeSet<String>>()
    };
    let (a, b) = (words(a), words(b));
    let join = |words: Vec<&String>| words.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let length = |text: &str| text.chars().count();
    let shared = join(a.intersection(&b).collect());
    let (rest_a, rest_b) = (join(a.difference(&b).collect()), join(b.difference(&a).collect()));
    let changes = length(&rest_a) + length(&rest_b) - 2 * common_subsequence(&rest_a, &rest_b);
    let share = |part: usize, whole: usize| (part * 10_000).checked_div(whole).unwrap_or(0) as u16;
    let whole = |rest: &str| match (length(&shared), length(rest)) {
        (0, rest) => rest,
        (shared, 0) => shared,
        (shared, rest) => shared + 1 + rest,
    };
    let total = whole(&rest_a) + whole(&rest_b);
    let mut best = share(total - changes, total);
    if !shared.is_empty() {
        best = best.max(share(2 * length(&shared), length(&shared) + whole(&rest_a)));
        best = best.max(share(2 * length(&shared), length(&shared) + whole(&rest_b)));
    }
    best
}

/// Both texts, unless one is empty or too long to be compared.
fn texts(left: &Row, right: &Row, role: usize) -> Option<(String, String)> {
    match (cell(left, role), cell(right, role)) {
        (Cell::Text(a), Cell::Text(b)) if a.len() <= 1_024 && b.len() <= 1_024 => Some((a, b)),
        _ => None,
    }
}

fn passes_filter(row: &Row, role: usize, test: &FilterTest) -> bool {
    let text = match cell(row, role) {
        Cell::Empty => {
            return match test {
                FilterTest::Is(wanted) => wanted.is_empty(),
                FilterTest::IsNot(unwanted) => !unwanted.is_empty(),
                _ => false,
            };
        }
        Cell::Number(units) => recon_domain::Decimal::units_text(units, if role == 0 { 2 } else { 0 }),
        Cell::Day(day) => recon_domain::Day::from_number(day).to_string(),
        Cell::Text(text) => text,
    };
    let scaled = |decimal: &recon_domain::Decimal| {
        let Cell::Number(units) = cell(row, role) else { return None };
        let own = if role == 0 { 2 } else { 0 };
        Some((units * 10_i128.pow(decimal.scale().into()), decimal.units() * 10_i128.pow(own)))
    };
    match test {
        FilterTest::Is(wanted) => text == *wanted,
        FilterTest::IsNot(unwanted) => text != *unwanted,
        FilterTest::AtLeast(least) => scaled(least).is_some_and(|(units, least)| units >= least),
        FilterTest::AtMost(most) => scaled(most).is_some_and(|(units, most)| units <= most),
        FilterTest::Matches(pattern) => pattern.is_match(&text),
    }
}

/// The failed conditions of a pair, in the order of the rules.
pub fn failures(rules: &RuleSet, pass: &Pass, left: &Row, right: &Row) -> Failures {
    let mut failed = Vec::new();
    if left.currency != right.currency {
        failed.push((Condition::Currency, Deviation::Other));
    }
    for (number, role) in (0..).zip(&pass.equal) {
        let by = match (cell(left, role.index()), cell(right, role.index())) {
            (a, b) if a == b && a != Cell::Empty => continue,
            (Cell::Number(a), Cell::Number(b)) => Deviation::Number(b - a),
            (Cell::Day(a), Cell::Day(b)) => Deviation::Days(b - a),
            _ => Deviation::Other,
        };
        failed.push((Condition::Equal(number), by));
    }
    for (number, within) in (0..).zip(&pass.within) {
        let cells = (cell(left, within.role.index()), cell(right, within.role.index()));
        let by = match (&within.tolerance, cells) {
            (Tolerance::Amount { below, above }, (Cell::Number(a), Cell::Number(b))) => {
                let scale = if within.role == AMOUNT { 2 } else { 0 };
                if a - percent(below, a, scale) <= b && b <= a + percent(above, a, scale) {
                    continue;
                }
                Deviation::Number(b - a)
            }
            (Tolerance::Days { before, after, calendar }, (Cell::Day(a), Cell::Day(b))) => {
                let apart = calendar.map_or(b - a, |calendar| business_days(rules, calendar, a, b));
                if (-i32::from(*before)..=i32::from(*after)).contains(&apart) {
                    continue;
                }
                Deviation::Days(apart)
            }
            _ => Deviation::Other,
        };
        failed.push((Condition::Within(number), by));
    }
    for (number, similar) in (0..).zip(&pass.similar) {
        let by = match texts(left, right, similar.role.index()) {
            Some((a, b)) => match likeness(similar.measure, &a, &b) {
                score if score >= similar.at_least => continue,
                score => Deviation::Score(score),
            },
            None => Deviation::Other,
        };
        failed.push((Condition::Similar(number), by));
    }
    for (number, filter) in (0..).zip(&pass.filters) {
        let holds = |side: Side, row: &Row| {
            filter.side.is_some_and(|only| only != side)
                || passes_filter(row, filter.role.index(), &filter.test)
        };
        if !(holds(Side::Left, left) && holds(Side::Right, right)) {
            failed.push((Condition::Filter(number), Deviation::Other));
        }
    }
    failed
}

/// Amount, days, dissimilarity, disagreements.
pub type Cost = (u128, u64, u32, u32);

pub fn cost(pass: &Pass, left: &Row, right: &Row) -> Cost {
    let has = |role: usize, amounts: bool| {
        pass.within.iter().any(|within| {
            within.role.index() == role && matches!(within.tolerance, Tolerance::Amount { .. }) == amounts
        })
    };
    let numbers: Vec<usize> = (0..5).filter(|role| *role == AMOUNT.index() || has(*role, true)).collect();
    let dates: Vec<usize> = (0..5).filter(|role| *role == DATE.index() || has(*role, false)).collect();
    let (mut amount, mut days, mut dissimilarity, mut disagreements) = (0_u128, 0_u64, 0, 0);
    for role in &numbers {
        amount = amount.saturating_add(match (cell(left, *role), cell(right, *role)) {
            (Cell::Number(a), Cell::Number(b)) => a.abs_diff(b),
            (Cell::Empty, Cell::Empty) => 0,
            _ => u128::MAX,
        });
    }
    for role in &dates {
        days = days.saturating_add(match (cell(left, *role), cell(right, *role)) {
            (Cell::Day(a), Cell::Day(b)) => a.abs_diff(b).into(),
            (Cell::Empty, Cell::Empty) => 0,
            _ => u64::MAX,
        });
    }
    for similar in &pass.similar {
        dissimilarity += match texts(left, right, similar.role.index()) {
            Some((a, b)) => 10_000 - u32::from(likeness(similar.measure, &a, &b)),
            None => 10_000,
        };
    }
    for role in 0..5 {
        let measured = numbers.contains(&role)
            || dates.contains(&role)
            || pass.equal.iter().any(|equal| equal.index() == role)
            || pass.similar.iter().any(|similar| similar.role.index() == role);
        let (a, b) = (cell(left, role), cell(right, role));
        if !measured && a != Cell::Empty && b != Cell::Empty && a != b {
            disagreements += 1;
        }
    }
    (amount, days, dissimilarity, disagreements)
}

/// Numbers and dates, then texts, each in the order of the rules, empty first, then the currency.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct CellOrder(
    Option<i128>,
    Option<i32>,
    Option<i128>,
    Option<String>,
    Option<String>,
    recon_domain::Currency,
);

impl CellOrder {
    pub fn of(row: &Row) -> Self {
        Self(row.amount, row.day, row.quantity, row.reference.clone(), row.description.clone(), row.currency)
    }
}

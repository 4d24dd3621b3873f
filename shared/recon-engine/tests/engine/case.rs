//! Small tables and rules for tests.

use std::num::NonZeroUsize;

use recon_domain::{
    Allowance, Ambiguous, Calendar, Cardinality, Combine, Currency, Decimal, Filter, FilterTest, MatchStatus,
    Measure, Pass, Role, RoleId, RoleType, RuleSet, Side, Similar, Source, Tolerance, Within,
};
use recon_engine::{Column, Interner, Outcome, Quiet, Table, reconcile};

pub const AMOUNT: RoleId = RoleId(0);
pub const DATE: RoleId = RoleId(1);
pub const REFERENCE: RoleId = RoleId(2);
pub const DESCRIPTION: RoleId = RoleId(3);
pub const QUANTITY: RoleId = RoleId(4);

/// A row under the five roles above.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Cents.
    pub amount: Option<i128>,
    pub day: Option<i32>,
    pub reference: Option<String>,
    pub description: Option<String>,
    pub quantity: Option<i128>,
    pub currency: Currency,
    /// The hash of the whole row.
    pub content: u128,
}

/// A row with an amount, a day and a reference.
pub fn row(amount: i128, day: i32, reference: &str) -> Row {
    Row {
        amount: Some(amount),
        day: Some(day),
        reference: Some(reference.to_owned()).filter(|text| !text.is_empty()),
        description: None,
        quantity: None,
        currency: "EUR".parse().unwrap(),
        content: 0,
    }
}

impl Row {
    pub fn described(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    pub fn in_currency(mut self, code: &str) -> Self {
        self.currency = code.parse().unwrap();
        self
    }
}

pub fn table(rows: &[Row], texts: &mut Interner) -> Table {
    let numbers = |of: fn(&Row) -> Option<i128>, scale| Column::Number {
        units: rows.iter().map(|row| of(row).unwrap_or(Column::EMPTY_NUMBER)).collect(),
        scale,
    };
    let mut ids = |of: fn(&Row) -> Option<&String>| Column::Text {
        ids: rows.iter().map(|row| texts.intern(of(row).map_or("", String::as_str))).collect(),
        shown: None,
    };
    Table {
        columns: vec![
            numbers(|row| row.amount, 2),
            Column::Day(rows.iter().map(|row| row.day.unwrap_or(Column::EMPTY_DAY)).collect()),
            ids(|row| row.reference.as_ref()),
            ids(|row| row.description.as_ref()),
            numbers(|row| row.quantity, 0),
        ],
        currencies: rows.iter().map(|row| row.currency).collect(),
        rows: (1..).take(rows.len()).collect(),
        contents: rows.iter().map(|row| row.content).collect(),
        rejected: 0,
    }
}

pub fn rules(passes: Vec<Pass>) -> RuleSet {
    let role = |name: &str, kind| Role {
        name: name.into(),
        kind,
        sources: [Source::Absent, Source::Absent],
        negate: [false; 2],
        formats: [None, None],
        extract: None,
        values: Vec::new(),
        normalize: Vec::new(),
    };
    let weekend = [false, false, false, false, false, true, true];
    // 20,000 is a Thursday.
    let holidays = vec![recon_domain::Day::from_number(20_004)];
    RuleSet {
        default_currency: None,
        options: Default::default(),
        roles: vec![
            role("amount", RoleType::Decimal),
            role("date", RoleType::Date),
            role("reference", RoleType::Text),
            role("description", RoleType::Text),
            role("quantity", RoleType::Integer),
        ],
        calendars: vec![Calendar::new("bank".into(), weekend, holidays).unwrap()],
        passes,
    }
}

pub fn pass(equal: &[RoleId], within: &[Within], similar: &[Similar]) -> Pass {
    Pass {
        name: "pass".into(),
        cardinality: Cardinality::OneToOne,
        combine: Combine::Key,
        search_items_max: 0,
        filters: Vec::new(),
        equal: equal.to_vec(),
        within: within.to_vec(),
        similar: similar.to_vec(),
        ambiguous: Ambiguous::Suggest,
        outcome: MatchStatus::Confirmed,
    }
}

pub fn cents(cents: i128) -> Within {
    let allowance = Allowance { absolute: Decimal::new(cents, 2).unwrap(), percent: Decimal::default() };
    Within { role: AMOUNT, tolerance: Tolerance::Amount { below: allowance, above: allowance } }
}

pub fn days(before: u16, after: u16) -> Within {
    Within { role: DATE, tolerance: Tolerance::Days { before, after, calendar: None } }
}

pub fn alike(role: RoleId, at_least: u16) -> Similar {
    Similar { role, at_least, measure: Measure::TokenSet }
}

pub fn filter(side: Option<Side>, role: RoleId, test: FilterTest) -> Filter {
    Filter { side, role, test }
}

pub fn run_on(rules: &RuleSet, left: &[Row], right: &[Row], threads: usize) -> Outcome {
    let mut texts = Interner::new();
    let (left, right) = (table(left, &mut texts), table(right, &mut texts));
    reconcile(rules, &left, &right, &texts, NonZeroUsize::new(threads).unwrap(), &Quiet).unwrap()
}

pub fn run(rules: &RuleSet, left: &[Row], right: &[Row]) -> Outcome {
    run_on(rules, left, right, 1)
}

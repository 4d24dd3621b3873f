//! Random rows and rules with many ties.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use recon_domain::{
    Allowance, Ambiguous, Decimal, Filter, FilterTest, MatchStatus, Measure, Pass, RoleId, RuleSet, Side,
    Similar, Tolerance, Within,
};
use regex::Regex;

use crate::case::{AMOUNT, DATE, DESCRIPTION, QUANTITY, REFERENCE, Row, filter, pass, rules};

const AMOUNTS: &[i128] = &[0, 100, 101, 102, 110, 1_000, 1_001, -100, 10_100, 200_000, 200_009];
const REFERENCES: &[&str] = &["A1", "A2", "B1", "B22", "é"];
const DESCRIPTIONS: &[&str] = &["red card", "card red", "red cards", "blue", "blue card one", "one", "--"];

pub fn row() -> impl Strategy<Value = Row> {
    (
        weighted(0.9, prop_oneof![3 => select(AMOUNTS), 1 => 0..5_000_i128]),
        weighted(0.9, 20_000..20_009_i32),
        weighted(0.8, select(REFERENCES)),
        weighted(0.8, prop_oneof![9 => select(DESCRIPTIONS).prop_map(str::to_owned), 1 => long_text()]),
        weighted(0.5, 0..3_i128),
        select(vec!["EUR", "EUR", "EUR", "USD"]),
        0..3_u128,
    )
        .prop_map(|(amount, day, reference, description, quantity, currency, content)| Row {
            amount,
            day,
            reference: reference.map(str::to_owned),
            description,
            quantity,
            currency: currency.parse().unwrap(),
            content,
        })
}

/// A text about as long as the longest one that is compared.
fn long_text() -> impl Strategy<Value = String> {
    select(vec![1_024, 1_025, 5_000]).prop_map(|bytes| "card".repeat(bytes).split_off(3 * bytes))
}

pub fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    vec(row(), 0..=most)
}

fn allowance() -> impl Strategy<Value = Allowance> {
    (select(vec![0, 1, 2, 10]), select(vec![0, 1, 50, 1_000])).prop_map(|(cents, percent)| Allowance {
        absolute: Decimal::new(cents, 2).unwrap(),
        percent: Decimal::new(percent, 2).unwrap(),
    })
}

fn amounts() -> impl Strategy<Value = Within> {
    (select(vec![AMOUNT, AMOUNT, QUANTITY]), allowance(), allowance())
        .prop_map(|(role, below, above)| Within { role, tolerance: Tolerance::Amount { below, above } })
}

fn days() -> impl Strategy<Value = Within> {
    (0..3_u16, 0..4_u16, any::<bool>()).prop_map(|(before, after, business)| Within {
        role: DATE,
        tolerance: Tolerance::Days { before, after, calendar: business.then_some(0) },
    })
}

fn similar() -> impl Strategy<Value = Similar> {
    (
        select(vec![DESCRIPTION, DESCRIPTION, REFERENCE]),
        select(vec![3_000, 6_000, 8_500, 10_000]),
        select(vec![Measure::TokenSet, Measure::Edit]),
    )
        .prop_map(|(role, at_least, measure)| Similar { role, at_least, measure })
}

fn filters() -> impl Strategy<Value = Filter> {
    let decimal = |units| Decimal::new(units, 2).unwrap();
    let tests: Vec<(RoleId, FilterTest)> = vec![
        (REFERENCE, FilterTest::Is("A1".into())),
        (REFERENCE, FilterTest::IsNot("A1".into())),
        (AMOUNT, FilterTest::AtLeast(decimal(101))),
        (AMOUNT, FilterTest::AtMost(decimal(1_000))),
        (AMOUNT, FilterTest::Is("1.00".into())),
        (AMOUNT, FilterTest::IsNot("1.00".into())),
        (DATE, FilterTest::Is("2024-10-05".into())),
        (QUANTITY, FilterTest::AtLeast(Decimal::new(5, 1).unwrap())),
        (DESCRIPTION, FilterTest::Matches(Regex::new("^red|one$").unwrap())),
        (AMOUNT, FilterTest::Matches(Regex::new("0$").unwrap())),
        (AMOUNT, FilterTest::Is(String::new())),
        (DATE, FilterTest::IsNot(String::new())),
        (REFERENCE, FilterTest::IsNot(String::new())),
        (DESCRIPTION, FilterTest::Is(String::new())),
        (QUANTITY, FilterTest::Is(String::new())),
    ];
    (select(vec![None, Some(Side::Left), Some(Side::Right)]), select(tests))
        .prop_map(|(side, (role, test))| filter(side, role, test))
}

fn any_pass() -> impl Strategy<Value = Pass> {
    (
        subsequence(vec![AMOUNT, DATE, REFERENCE, DESCRIPTION], 0..=3),
        weighted(0.5, amounts()),
        weighted(0.5, days()),
        weighted(0.4, similar()),
        weighted(0.3, filters()),
        select(vec![Ambiguous::Suggest, Ambiguous::Forbid, Ambiguous::Allow]),
        select(vec![MatchStatus::Confirmed, MatchStatus::Confirmed, MatchStatus::Suggested]),
    )
        .prop_map(|(equal, amounts, days, similar, filters, ambiguous, outcome)| Pass {
            filters: filters.into_iter().collect(),
            ambiguous,
            outcome,
            ..pass(
                &equal,
                &amounts.into_iter().chain(days).collect::<Vec<_>>(),
                &similar.into_iter().collect::<Vec<_>>(),
            )
        })
}

pub fn any_rules() -> impl Strategy<Value = RuleSet> {
    vec(any_pass(), 1..=3).prop_map(|mut passes| {
        for (number, pass) in passes.iter_mut().enumerate() {
            pass.name = format!("pass {number}");
        }
        rules(passes)
    })
}

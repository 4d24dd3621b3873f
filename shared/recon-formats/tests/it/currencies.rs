//! Codes of currencies beside amounts, through mapping and engine.

use std::num::NonZeroUsize;

use recon_domain::{
    Ambiguous, BreakKind, Cardinality, Combine, Currency, MatchStatus, Pass, RoleId, RoleType, RuleSet,
    Source,
};
use recon_engine::{Column, Outcome, Quiet, reconcile};
use recon_formats::Mapped;

use super::{map, role, rules};

/// Rules whose one pass wants equal amounts.
fn equal_amounts(with_currency: bool) -> RuleSet {
    let mut roles = vec![role("amount", RoleType::Decimal)];
    if with_currency {
        roles.push(role("currency", RoleType::Text));
    }
    let mut rules = rules(roles);
    rules.passes = vec![Pass {
        name: "amount".into(),
        cardinality: Cardinality::OneToOne,
        combine: Combine::Key,
        search_items_max: 0,
        filters: Vec::new(),
        equal: vec![RoleId(0)],
        within: Vec::new(),
        similar: Vec::new(),
        ambiguous: Ambiguous::Suggest,
        outcome: MatchStatus::Confirmed,
    }];
    rules
}

fn run(rules: &RuleSet, left: &str, right: &str) -> (Mapped, Outcome) {
    let mapped = map(rules, left, right).unwrap();
    let outcome =
        reconcile(rules, &mapped.left, &mapped.right, &mapped.texts, NonZeroUsize::MIN, &Quiet).unwrap();
    (mapped, outcome)
}

fn codes(currencies: &[Currency]) -> Vec<&str> {
    currencies.iter().map(Currency::as_str).collect()
}

fn reasons(mapped: &Mapped) -> Vec<&str> {
    mapped.rejections[0].iter().map(|rejection| rejection.reason.as_str()).collect()
}

#[test]
fn amounts_of_different_codes_do_not_match_and_totals_are_by_currency() {
    let rules = equal_amounts(false);
    let left = "ref,amount\na,EUR 1.00\nb,2.00 USD\nc,3.00\n";
    let right = "ref,amount\na,USD 1.00\nb,USD 2.00\nc,3.00\n";
    let (mapped, outcome) = run(&rules, left, right);
    assert_eq!(codes(&mapped.left.currencies), ["EUR", "USD", "XXX"]);
    assert_eq!(codes(&mapped.right.currencies), ["USD", "USD", "XXX"]);
    let pairs: Vec<_> =
        outcome.matches.iter().map(|found| (found.left.as_slice(), found.right.as_slice())).collect();
    assert_eq!(pairs, [(&[1_u32][..], &[1_u32][..]), (&[2][..], &[2][..])]);
    let kinds: Vec<_> = outcome.breaks.iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [BreakKind::CurrencyDiffers; 2]);
    let totals: Vec<_> = outcome
        .summary
        .control_totals
        .iter()
        .map(|total| {
            (total.currency.as_str(), total.sides.map(|side| (side.input, side.matched, side.broken)))
        })
        .collect();
    assert_eq!(
        totals,
        [
            ("EUR", [(100, 0, 100), (0, 0, 0)]),
            ("USD", [(200, 200, 0), (300, 200, 100)]),
            ("XXX", [(300, 300, 0), (300, 300, 0)]),
        ]
    );
    let reading = mapped.readings[0].iter().find(|reading| reading.text.starts_with("currency:")).unwrap();
    assert!(reading.text.contains("2 of 3 amounts have the code or sign"), "{}", reading.text);
}

#[test]
fn an_empty_cell_of_the_currency_column_leaves_it_to_the_code() {
    let rules = equal_amounts(true);
    let text = "amount,currency\nEUR 1.00,\nEUR 2.00,EUR\nEUR 3.00,USD\n4.00,\n";
    let (mapped, outcome) = run(&rules, text, text);
    assert_eq!(codes(&mapped.left.currencies), ["EUR", "EUR", "XXX"]);
    let shown = (0..3).map(|entry| mapped.left.columns[1].text(entry, &mapped.texts).unwrap());
    assert_eq!(shown.collect::<Vec<_>>(), ["EUR", "EUR", "XXX"]);
    assert_eq!(reasons(&mapped), ["the cell says EUR, the row's currency is USD"]);
    assert_eq!(outcome.matches.len(), 3);
}

#[test]
fn a_side_without_the_currency_column_takes_the_codes() {
    let mut rules = equal_amounts(true);
    rules.roles[1].sources[1] = Source::Absent;
    let (mapped, outcome) = run(&rules, "amount,currency\n1.00,EUR\n", "x,amount\na,EUR 1.00\n");
    assert_eq!(codes(&mapped.right.currencies), ["EUR"]);
    assert_eq!(mapped.right.columns[1].text(0, &mapped.texts).unwrap(), "EUR");
    assert_eq!(outcome.matches.len(), 1);
}

#[test]
fn a_debit_and_a_credit_with_different_codes_reject_their_row() {
    let mut rules = equal_amounts(false);
    rules.roles[0].sources[0] = Source::DebitCredit { debit: "debit".into(), credit: "credit".into() };
    let left = "debit,credit\nEUR 1.00,EUR 3.00\nEUR 1.00,USD 3.00\n,USD 5.00\nUSD 0.00,4.00\n";
    let (mapped, _) = run(&rules, left, "x,amount\na,EUR 2.00\n");
    assert_eq!(codes(&mapped.left.currencies), ["EUR", "USD", "USD"]);
    assert_eq!(reasons(&mapped), ["the cell says USD, the row's currency is EUR"]);
    assert_eq!(mapped.rejections[0][0].column.as_deref(), Some("credit"));
}

#[test]
fn a_side_without_a_currency_says_so_where_the_other_has_one() {
    let rules = equal_amounts(false);
    let (mapped, outcome) = run(&rules, "x,amount\na,EUR 1.00\n", "x,amount\na,1.00\n");
    assert!(outcome.matches.is_empty());
    let reading = mapped.readings[1].iter().find(|reading| reading.text.starts_with("currency:")).unwrap();
    assert!(reading.assumed && reading.text.contains("`default_currency`"), "{}", reading.text);
    let (mapped, _) = run(&rules, "x,amount\na,2.00\n", "x,amount\na,1.00\n");
    assert!(mapped.readings.iter().flatten().all(|reading| !reading.text.starts_with("currency:")));
}

#[test]
fn the_scale_is_that_of_the_codes() {
    let scale = |cells: &[&str]| {
        let rows: String = cells.iter().map(|cell| format!("a,{cell}\n")).collect();
        let text = format!("x,amount\n{rows}");
        match &map(&equal_amounts(false), &text, &text).unwrap().left.columns[0] {
            Column::Number { scale, .. } => *scale,
            _ => 99,
        }
    };
    assert_eq!(scale(&["JPY 100", "JPY 5"]), 0);
    assert_eq!(scale(&["JPY 100", "5"]), 2);
    assert_eq!(scale(&["KWD 100", "5 JPY"]), 3);
}

#[test]
fn signs_are_their_currencies_so_that_pounds_do_not_match_euros() {
    let rules = equal_amounts(false);
    let left = "ref,amount\na,€1.00\nb,£2.00\nc,$3.00\nd,¥4\ne,€5.00\n";
    let right = "ref,amount\na,$1.00\nb,2.00 GBP\nc,USD 3.00\nd,$4\ne,5.00 €\n";
    let (mapped, outcome) = run(&rules, left, right);
    assert_eq!(codes(&mapped.left.currencies), ["EUR", "GBP", "USD", "JPY", "EUR"]);
    assert_eq!(codes(&mapped.right.currencies), ["USD", "GBP", "USD", "USD", "EUR"]);
    let pairs: Vec<_> =
        outcome.matches.iter().map(|found| (found.left.as_slice(), found.right.as_slice())).collect();
    assert_eq!(pairs, [(&[1_u32][..], &[1_u32][..]), (&[2][..], &[2][..]), (&[4][..], &[4][..])]);
    let reading = mapped.readings[0].iter().find(|reading| reading.text.starts_with("currency:")).unwrap();
    assert!(reading.assumed && reading.text.contains("`$` was taken for USD"), "{}", reading.text);
    assert!(!reading.text.contains('€'), "{}", reading.text);
}

#[test]
fn a_sign_of_several_currencies_fits_the_one_that_is_named() {
    let rules = equal_amounts(true);
    let left = "amount,currency\n$1.00,CAD\n$2.00,EUR\n€3.00,EUR\n£4.00,EGP\n¥5,CNY\n";
    let (mapped, _) = run(&rules, left, left);
    assert_eq!(codes(&mapped.left.currencies), ["CAD", "EUR", "EGP", "CNY"]);
    assert_eq!(reasons(&mapped), ["the cell says $, the row's currency is EUR"]);
}

#[test]
fn debits_that_all_have_a_sign_are_debits_and_mixed_ones_were_taken_back() {
    let mut rules = equal_amounts(false);
    rules.roles[0].sources[0] = Source::DebitCredit { debit: "debit".into(), credit: "credit".into() };
    let units = |left: &str| {
        let (mapped, _) = run(&rules, left, "x,amount\na,1.00\n");
        let Column::Number { units, .. } = &mapped.left.columns[0] else { unreachable!() };
        let told = mapped.readings[0].iter().find(|reading| reading.text.starts_with("debits in `debit`"));
        (units.clone(), told.is_some_and(|reading| reading.assumed))
    };
    assert_eq!(units("debit,credit\n-1.00,0.00\n0.00,3.00\n-2.50,\n"), (vec![-100, 300, -250], true));
    assert_eq!(units("debit,credit\n1.00,0.00\n,3.00\n-2.50,\n"), (vec![-100, 300, 250], false));
    assert_eq!(units("debit,credit\n1.00,\n,3.00\n2.50,\n"), (vec![-100, 300, -250], false));
}

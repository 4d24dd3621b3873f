//! What holds for all inputs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use recon_domain::{Ambiguous, BreakKind, Currency, Decimal, FilterTest, MatchStatus, RuleSet, Side};
use recon_engine::{Cancelled, Interner, Outcome, Phase, Progress, reconcile};

use crate::case::{
    AMOUNT, DATE, DESCRIPTION, REFERENCE, Row, alike, cents, days, filter, pass, row, rules, run, run_on,
    table,
};
use crate::oracle;
use crate::strategies::{any_rules, rows};

fn check_against_the_oracle(rules: &RuleSet, left: &[Row], right: &[Row]) -> Outcome {
    let outcome = run(rules, left, right);
    let (ours, expected) =
        (oracle::account(rules, left, right, &outcome), oracle::reconcile(rules, left, right));
    assert_eq!(ours, expected);
    check_conservation(left, right, &outcome);
    outcome
}

/// Every entry once; rows and amounts add up; the variances explain the difference of both sides.
fn check_conservation(left: &[Row], right: &[Row], outcome: &Outcome) {
    let mut seen = [BTreeSet::new(), BTreeSet::new()];
    for matched in &outcome.matches {
        for (side, entries) in [(0, &matched.left), (1, &matched.right)] {
            entries.iter().for_each(|entry| assert!(seen[side].insert(*entry), "{side} {entry} twice"));
        }
    }
    for left_over in &outcome.breaks {
        let side = usize::from(left_over.side == Side::Right);
        assert!(seen[side].insert(left_over.entry), "{side} {} twice", left_over.entry);
    }
    for (side, rows) in [left, right].into_iter().enumerate() {
        let counts = outcome.summary.sides[side];
        assert_eq!(seen[side].len(), rows.len());
        assert_eq!(counts.rows, rows.len() as u64);
        assert_eq!(counts.rows, counts.matched + counts.suggested + counts.broken);
    }
    let currencies: BTreeSet<Currency> = left.iter().chain(right).map(|row| row.currency).collect();
    let totals = &outcome.summary.control_totals;
    assert!(totals.iter().map(|totals| totals.currency).eq(currencies));
    for totals in totals {
        let sum = |rows: &[Row]| -> i128 {
            rows.iter().filter(|row| row.currency == totals.currency).filter_map(|row| row.amount).sum()
        };
        for (rows, side) in [left, right].into_iter().zip(totals.sides) {
            assert_eq!(side.input, sum(rows));
            assert_eq!(side.input, side.matched + side.suggested + side.broken);
        }
        let of_currency = outcome
            .matches
            .iter()
            .filter(|matched| left[matched.left[0] as usize].currency == totals.currency);
        let variances: i128 = of_currency.filter_map(|matched| matched.variance.amount).sum();
        let [left, right] = totals.sides;
        assert_eq!(right.input - left.input, variances + right.broken - left.broken);
    }
    let by_pass = &outcome.summary.by_pass;
    let confirmed: u64 = by_pass.iter().map(|pass| pass.confirmed).sum();
    assert_eq!(confirmed, outcome.summary.sides[0].matched);
    let by_kind: u64 = outcome.summary.breaks.iter().map(|(_, rows)| rows).sum();
    assert_eq!(by_kind, outcome.breaks.len() as u64);
}

/// A permutation that depends on the seed.
fn shuffled(rows: &[Row], seed: u64) -> Vec<Row> {
    let mut order: Vec<(u64, &Row)> = (0..).zip(rows).map(|(n, row)| (mixed(seed ^ n), row)).collect();
    order.sort_by_key(|(key, _)| *key);
    order.into_iter().map(|(_, row)| row.clone()).collect()
}

fn mixed(mut number: u64) -> u64 {
    number =
        (number ^ (number >> 30)).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    number ^ (number >> 29)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_with_the_oracle_on_small_inputs(rules in any_rules(), left in rows(9), right in rows(9)) {
        check_against_the_oracle(&rules, &left, &right);
    }

    #[test]
    fn agrees_with_the_oracle_where_neighbours_are_many(rules in any_rules(), left in rows(3), right in rows(40)) {
        check_against_the_oracle(&rules, &left, &right);
    }

    #[test]
    fn row_order_and_threads_do_not_change_the_digest(
        rules in any_rules(), left in rows(14), right in rows(14), seed in any::<u64>(),
    ) {
        let outcome = run(&rules, &left, &right);
        for threads in [2, 4] {
            prop_assert_eq!(&run_on(&rules, &left, &right, threads), &outcome);
        }
        let (other_left, other_right) = (shuffled(&left, seed), shuffled(&right, !seed));
        let other = run_on(&rules, &other_left, &other_right, 2);
        prop_assert_eq!(&other.summary, &outcome.summary);
        let in_words = |left: &[Row], right: &[Row], outcome| oracle::account(&rules, left, right, outcome);
        prop_assert_eq!(in_words(&other_left, &other_right, &other), in_words(&left, &right, &outcome));
    }

    #[test]
    fn a_changed_value_changes_the_digest(
        rules in any_rules(), left in proptest::collection::vec(crate::strategies::row(), 1..9), right in rows(9),
        at in any::<prop::sample::Index>(),
    ) {
        let digest = run(&rules, &left, &right).summary.digest;
        let mut changed = left.clone();
        let row = at.get(&left);
        let at = left.iter().position(|other| other == row).unwrap();
        // A value that no other row has.
        changed[at].amount = Some(77_777_777);
        prop_assert_ne!(run(&rules, &changed, &right).summary.digest, digest);
    }

    #[test]
    fn a_wider_tolerance_never_matches_fewer(
        left in rows(12), right in rows(12), narrow in 0..150_i128, more in 0..1_000_i128,
    ) {
        let matched = |allowed: i128| {
            let pass = recon_domain::Pass { ambiguous: Ambiguous::Allow, ..pass(&[], &[cents(allowed)], &[]) };
            run(&rules(vec![pass]), &left, &right).summary.sides[0].matched
        };
        prop_assert!(matched(narrow) <= matched(narrow + more));
    }
}

/// Rows spread so that windows are worth sorting for, with a few that have a counterpart.
fn spread(count: u64, seed: u64, amounts: u64, day_count: u64) -> Vec<Row> {
    let below =
        |n: u64, what: u64, limit: u64| i64::try_from(mixed(seed ^ mixed(n * 8 + what)) % limit).unwrap();
    (0..count)
        .map(|n| {
            let words = ["red", "blue", "card", "cards", "one", "two", "fee"];
            let word = |what| words[usize::try_from(below(n, what, 7)).unwrap()];
            let description = format!("{} {} {}", word(3), word(4), word(5));
            let day = 20_000 + i32::try_from(below(n, 1, day_count)).unwrap();
            row(below(n, 0, amounts).into(), day, "").described(&description)
        })
        .collect()
}

#[test]
fn agrees_with_the_oracle_along_windows_and_across_two_of_them() {
    let similar = alike(DESCRIPTION, 8_000);
    for (amounts, day_count) in [(60, 40), (2_000, 3), (20, 300), (5, 5), (1, 1)] {
        let passes = vec![
            pass(&[AMOUNT, DATE], &[], std::slice::from_ref(&similar)),
            pass(&[], &[cents(2), days(1, 2)], std::slice::from_ref(&similar)),
            pass(&[DATE], &[cents(3)], &[]),
            pass(&[], &[days(0, 3), cents(1)], &[]),
        ];
        let (left, right) = (spread(150, 1, amounts, day_count), spread(160, 2, amounts, day_count));
        let outcome = check_against_the_oracle(&rules(passes), &left, &right);
        assert!(!outcome.matches.is_empty());
    }
}

/// A left row, and a right one that fails by its amount alone, at some place behind others that fail more.
fn check_sight(others: i128, day: i32, kind: BreakKind) {
    let mut pass = pass(&[], &[cents(2), days(1, 3)], &[]);
    pass.filters = vec![filter(Some(Side::Right), REFERENCE, FilterTest::Is("wanted".into()))];
    let mut right: Vec<Row> = (1..=others).map(|n| row(100_000 + 100 * n, 20_000, "other")).collect();
    right.push(row(900_000, day, "wanted"));
    right.extend((1..=20).map(|n| row(900_000 + 100 * n, 20_000, "other")));
    let outcome = check_against_the_oracle(&rules(vec![pass]), &[row(100_000, 20_000, "")], &right);
    assert_eq!(outcome.breaks[0].kind, kind, "{others} {day}");
}

#[test]
fn eight_neighbours_each_way_are_looked_at_on_each_day_of_the_tolerance() {
    check_sight(7, 20_000, BreakKind::AmountOutOfTolerance);
    check_sight(8, 20_000, BreakKind::MissingRight);
    check_sight(20, 20_002, BreakKind::AmountOutOfTolerance);
    check_sight(20, 19_999, BreakKind::AmountOutOfTolerance);
}

#[test]
fn a_block_worked_on_by_all_threads_gives_what_one_thread_gives() {
    let (left, right) = (spread(9_500, 3, 20_000, 300), spread(700, 4, 20_000, 300));
    let rules = rules(vec![pass(&[], &[cents(40), days(0, 20)], &[])]);
    let outcome = run_on(&rules, &left, &right, 1);
    assert!(outcome.summary.sides[0].matched > 100);
    assert_eq!(run_on(&rules, &left, &right, 4), outcome);
    check_conservation(&left, &right, &outcome);
}

#[test]
fn a_block_with_too_many_pairs_is_left_open_and_counted() {
    // One more than a square root of the limit on each side, all different, and no window to look along.
    let rows: Vec<Row> = (0..16_385).map(|n| row(n, 20_000, "same")).collect();
    let mut other = rows.clone();
    other.iter_mut().for_each(|row| row.day = Some(20_001));
    let outcome = run_on(&rules(vec![pass(&[REFERENCE], &[], &[])]), &rows, &other, 2);
    assert_eq!(outcome.summary.limits.skipped_blocks, 1);
    assert!(outcome.matches.is_empty());
    // Their candidates are shown all the same: they fail nothing.
    let nearest = outcome.breaks[7].nearest.as_ref().unwrap();
    assert_eq!((nearest.entry, nearest.failed.len()), (7, 0));
}

#[test]
fn empty_sides_and_rules_without_passes_are_fine() {
    let rows = [row(100, 20_000, "A"), row(200, 20_000, "B")];
    for (left, right) in [(&rows[..], &[][..]), (&[], &rows), (&[], &[])] {
        check_against_the_oracle(&rules(vec![pass(&[AMOUNT], &[], &[])]), left, right);
    }
    let outcome = run(&rules(Vec::new()), &rows, &rows);
    assert_eq!((outcome.matches.len(), outcome.breaks.len()), (0, 4));
}

/// Stops at a phase.
struct Until(Phase);

impl Progress for Until {
    fn advance(&self, phase: Phase, _: u64, _: u64) -> bool {
        phase != self.0
    }
}

#[test]
fn a_run_stops_when_it_is_told_to() {
    let mut texts = Interner::new();
    let rules = rules(vec![pass(&[AMOUNT], &[], &[])]);
    let (left, right) = (table(&[row(1, 1, "")], &mut texts), table(&[row(2, 1, "")], &mut texts));
    for phase in [Phase::Matching, Phase::Classifying] {
        let result = reconcile(&rules, &left, &right, &texts, std::num::NonZeroUsize::MIN, &Until(phase));
        assert_eq!(result, Err(Cancelled), "{phase:?}");
    }
}

#[test]
fn matches_stand_in_the_order_of_passes_and_of_the_left_file() {
    let left = [row(300, 20_000, "A"), row(100, 20_000, "B"), row(200, 20_000, "C")];
    let right = [row(200, 20_000, "C"), row(100, 20_009, "X"), row(300, 20_000, "A")];
    let rules = rules(vec![pass(&[REFERENCE], &[], &[]), pass(&[AMOUNT], &[], &[])]);
    let outcome = run(&rules, &left, &right);
    let pairs: Vec<(u16, u32, u32)> =
        outcome.matches.iter().map(|matched| (matched.pass, matched.left[0], matched.right[0])).collect();
    assert_eq!(pairs, [(0, 0, 2), (0, 2, 0), (1, 1, 1)]);
    assert!(outcome.matches.iter().all(|matched| matched.status == MatchStatus::Confirmed));
}

/// Only what was found by a look for fewer failures ends the search.
#[test]
fn a_candidate_without_failures_does_not_end_the_search_for_a_cheaper_one() {
    let empty = Row { amount: None, ..row(0, 20_003, "") };
    let left = [Row { description: Some("blue".into()), ..empty.clone() }];
    let mut right: Vec<Row> = (0..6).map(|n| Row { quantity: Some(n), ..empty.clone() }).collect();
    right.extend([row(110, 20_000, "").described("blue"), row(111, 20_000, "").described("blue")]);
    right.extend([row(112, 20_003, ""), row(113, 20_003, "")]);
    let mut pass = pass(&[], &[], &[]);
    pass.ambiguous = Ambiguous::Forbid;
    pass.filters = vec![filter(Some(Side::Right), AMOUNT, FilterTest::AtLeast(Decimal::default()))];
    check_against_the_oracle(&rules(vec![pass]), &left, &right);
}

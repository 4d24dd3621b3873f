//! One case for each kind of break, each cause, and each treatment of ambiguity.

use recon_domain::{Ambiguous, BreakKind, Cause, Condition, FilterTest, MatchStatus, Pass, Side};
use recon_engine::{Deviation, Match, Outcome};

use crate::case::{
    AMOUNT, DATE, DESCRIPTION, REFERENCE, Row, alike, cents, days, filter, pass, row, rules, run,
};

/// The kinds of all breaks, left before right.
fn kinds(outcome: &Outcome) -> Vec<(Side, u32, BreakKind)> {
    outcome.breaks.iter().map(|left_over| (left_over.side, left_over.entry, left_over.kind)).collect()
}

/// Runs one pass over a left and a right row; the left break's kind, failures and cause.
fn check(
    pass: Pass,
    left: Row,
    right: Row,
    kind: BreakKind,
    failed: &[(Condition, Deviation)],
    cause: Option<Cause>,
) {
    let outcome = run(&rules(vec![pass]), &[left], &[right]);
    let left_over = &outcome.breaks[0];
    assert_eq!(left_over.kind, kind);
    let nearest = left_over.nearest.as_ref();
    let found: Vec<_> =
        nearest.iter().flat_map(|nearest| &nearest.failed).map(|one| (one.condition, one.by)).collect();
    assert_eq!(found, failed);
    assert_eq!(nearest.and_then(|nearest| nearest.cause), cause);
}

#[test]
fn a_single_failed_condition_names_the_kind() {
    let reference = || pass(&[REFERENCE, AMOUNT], &[days(1, 1)], &[]);
    let base = || row(12_345, 20_000, "A1");
    check(
        reference(),
        base(),
        base().in_currency("USD"),
        BreakKind::CurrencyDiffers,
        &[(Condition::Currency, Deviation::Other)],
        None,
    );
    check(
        reference(),
        base(),
        row(99_999, 20_000, "A1"),
        BreakKind::AmountOutOfTolerance,
        &[(Condition::Equal(1), Deviation::Number(87_654))],
        None,
    );
    check(
        reference(),
        base(),
        row(12_345, 20_007, "A1"),
        BreakKind::DateOutOfTolerance,
        &[(Condition::Within(0), Deviation::Days(7))],
        None,
    );
    check(
        reference(),
        base(),
        row(12_345, 20_000, "A2"),
        BreakKind::ReferenceDiffers,
        &[(Condition::Equal(0), Deviation::Other)],
        None,
    );
    check(
        pass(&[AMOUNT], &[], &[alike(DESCRIPTION, 9_000)]),
        base().described("red card"),
        base().described("red cart"),
        BreakKind::ReferenceDiffers,
        &[(Condition::Similar(0), Deviation::Score(8_750))],
        None,
    );
    check(
        pass(&[DATE], &[cents(5)], &[]),
        base(),
        row(99_999, 20_000, "B"),
        BreakKind::AmountOutOfTolerance,
        &[(Condition::Within(0), Deviation::Number(87_654))],
        None,
    );
}

#[test]
fn two_failed_conditions_are_shown_and_the_entry_is_missing() {
    let outcome = run(
        &rules(vec![pass(&[REFERENCE, AMOUNT, DATE], &[], &[])]),
        &[row(100, 20_000, "A")],
        &[row(777, 20_003, "A")],
    );
    assert_eq!(
        kinds(&outcome),
        [(Side::Left, 0, BreakKind::MissingRight), (Side::Right, 0, BreakKind::MissingLeft)]
    );
    let failed: Vec<Condition> =
        outcome.breaks[0].nearest.as_ref().unwrap().failed.iter().map(|one| one.condition).collect();
    assert_eq!(failed, [Condition::Equal(1), Condition::Equal(2)]);
}

#[test]
fn three_failed_conditions_are_nobodys_neighbour() {
    let rules = rules(vec![pass(&[REFERENCE, AMOUNT, DATE], &[], &[])]);
    let outcome = run(&rules, &[row(100, 20_000, "A")], &[row(777, 20_003, "B")]);
    assert!(outcome.breaks.iter().all(|left_over| left_over.nearest.is_none()));
}

#[test]
fn a_pair_that_has_nothing_in_common_is_not_near() {
    let rules = rules(vec![pass(&[REFERENCE], &[], &[])]);
    let outcome = run(&rules, &[row(100, 20_000, "A")], &[row(777, 20_003, "B")]);
    assert_eq!(outcome.breaks[0].kind, BreakKind::MissingRight);
    assert_eq!(outcome.breaks[0].nearest, None);
    let outcome = run(&rules, &[row(100, 20_000, "A")], &[row(100, 20_003, "B")]);
    assert_eq!(outcome.breaks[0].kind, BreakKind::ReferenceDiffers);
}

#[test]
fn what_a_filter_keeps_out_is_missing_with_its_neighbour_shown() {
    let mut pass = pass(&[AMOUNT], &[], &[]);
    pass.filters = vec![filter(Some(Side::Right), REFERENCE, FilterTest::IsNot("B".into()))];
    check(
        pass,
        row(100, 20_000, "A"),
        row(100, 20_000, "B"),
        BreakKind::MissingRight,
        &[(Condition::Filter(0), Deviation::Other)],
        None,
    );
}

#[test]
fn surplus_interchangeable_entries_are_duplicates_of_a_matched_twin() {
    let mut twice = [row(100, 20_000, "A"), row(100, 20_000, "A"), row(100, 20_000, "A")];
    // Unmapped columns make no difference to rules, only to the order.
    twice[0].content = 9;
    let outcome = run(
        &rules(vec![pass(&[REFERENCE], &[], &[])]),
        &twice,
        &[row(105, 20_000, "A"), row(105, 20_000, "A")],
    );
    assert_eq!(outcome.matches.len(), 2);
    assert!(outcome.matches.iter().all(|one| (one.ambiguity, one.status) == (0, MatchStatus::Confirmed)));
    assert_eq!(kinds(&outcome), [(Side::Left, 0, BreakKind::Duplicate)]);
    assert_eq!(outcome.breaks[0].twin, Some(1));
    assert_eq!(outcome.breaks[0].nearest, None);
}

fn ambiguous_run(ambiguous: Ambiguous) -> Outcome {
    let pass = Pass { ambiguous, ..pass(&[AMOUNT], &[], &[]) };
    let left = [row(100, 20_000, "A")];
    // Equally far in every way that counts.
    let right = [row(100, 20_001, "B"), row(100, 20_001, "C"), row(100, 20_005, "D")];
    run(&rules(vec![pass]), &left, &right)
}

#[test]
fn ambiguity_is_counted_and_treated_as_the_pass_says() {
    let status = |ambiguous| {
        let outcome = ambiguous_run(ambiguous);
        outcome.matches.iter().map(|one| (one.status, one.ambiguity, one.right[0])).collect::<Vec<_>>()
    };
    assert_eq!(status(Ambiguous::Suggest), [(MatchStatus::Suggested, 1, 0)]);
    assert_eq!(status(Ambiguous::Allow), [(MatchStatus::Confirmed, 1, 0)]);
    assert_eq!(status(Ambiguous::Forbid), []);
    let outcome = ambiguous_run(Ambiguous::Forbid);
    assert!(kinds(&outcome).iter().all(|(_, _, kind)| *kind == BreakKind::Ambiguous));
    assert_eq!(outcome.breaks.len(), 4);
}

#[test]
fn what_is_left_over_by_an_ambiguous_match_is_ambiguous_too() {
    // Either left row may take the near right row; the other one then takes the far one, at the same cost.
    let left = [row(5, 20_000, "alice"), row(5, 20_000, "bob")];
    let right = [row(5, 20_000, "x"), row(5, 20_004, "y")];
    let outcome = run(&rules(vec![pass(&[AMOUNT], &[], &[])]), &left, &right);
    assert_eq!(outcome.matches.len(), 2);
    let doubtful = |one: &Match| one.status == MatchStatus::Suggested && one.ambiguity > 0;
    assert!(outcome.matches.iter().all(doubtful), "{:?}", outcome.matches);
}

#[test]
fn what_one_pass_forbids_a_later_one_may_take() {
    let forbid = Pass { ambiguous: Ambiguous::Forbid, ..pass(&[AMOUNT], &[], &[]) };
    let rules = rules(vec![forbid, pass(&[AMOUNT], &[], &[alike(DESCRIPTION, 9_000)])]);
    let left = [row(100, 20_000, "").described("one card")];
    let right = [row(100, 20_000, "").described("card one"), row(100, 20_000, "").described("card two")];
    let outcome = run(&rules, &left, &right);
    assert_eq!((outcome.matches[0].pass, outcome.matches[0].status), (1, MatchStatus::Confirmed));
    // Its candidate is gone, so this is no longer ambiguous.
    assert_eq!(kinds(&outcome), [(Side::Right, 1, BreakKind::MissingLeft)]);
}

#[test]
fn a_pass_may_make_suggestions_only() {
    let pass = Pass { outcome: MatchStatus::Suggested, ..pass(&[AMOUNT], &[], &[]) };
    let outcome = run(&rules(vec![pass]), &[row(1, 1, "")], &[row(1, 1, "")]);
    assert_eq!((outcome.matches[0].status, outcome.matches[0].ambiguity), (MatchStatus::Suggested, 0));
    assert_eq!((outcome.summary.sides[0].suggested, outcome.summary.by_pass[0].suggested), (1, 1));
}

#[test]
fn causes_are_named_where_they_explain_the_difference() {
    let by_reference = || pass(&[REFERENCE, AMOUNT], &[days(0, 0)], &[]);
    for (right, day, cause) in [
        (-12_345, 20_000, Some(Cause::SignFlipped)),
        (12_435, 20_000, Some(Cause::DigitsTransposed)),
        (1_234_500, 20_000, Some(Cause::DecimalShifted)),
        (12_344, 20_000, Some(Cause::FxRounding)),
        (54_321, 20_000, None),
        // 20,000 is the 4th of October 2024.
        (12_345, 19_995, Some(Cause::CutOff)),
        (12_345, 20_003, None),
    ] {
        let outcome = run(&rules(vec![by_reference()]), &[row(12_345, 20_000, "A")], &[row(right, day, "A")]);
        for left_over in &outcome.breaks {
            assert_eq!(left_over.nearest.as_ref().unwrap().cause, cause, "{right} {day}");
        }
    }
}

#[test]
fn a_difference_that_many_pairs_share_is_constant() {
    let rows = |fee: i128| {
        [("A", 10_000), ("B", 25_000), ("C", 31_300)].map(|(name, amount)| row(amount - fee, 20_000, name))
    };
    let outcome = run(&rules(vec![pass(&[REFERENCE, AMOUNT], &[], &[])]), &rows(0), &rows(35));
    assert_eq!(outcome.breaks.len(), 6);
    for left_over in &outcome.breaks {
        assert_eq!(left_over.kind, BreakKind::AmountOutOfTolerance);
        assert_eq!(left_over.nearest.as_ref().unwrap().cause, Some(Cause::ConstantDifference));
    }
}

#[test]
fn a_component_that_may_have_a_better_assignment_is_counted_with_its_gap() {
    let limits = |right: [i128; 2]| {
        let right = right.map(|amount| row(amount, 20_000, ""));
        let left = [row(100, 20_000, ""), row(103, 20_000, "")];
        let limits = run(&rules(vec![pass(&[], &[cents(10)], &[])]), &left, &right).summary.limits;
        (limits.bounded_components, limits.gap)
    };
    // 103 takes 102, which leaves 110 for 100: 11 cents apart in all, the other way round 9.
    assert_eq!(limits([102, 110]), (1, 3));
    // Each right entry has its cheapest.
    assert_eq!(limits([102, 97]), (0, 0));
}

//! What is asked about single matches and breaks is answered as a run answers it, and as the oracle does.

use proptest::prelude::*;
use recon_domain::{BreakKind, Cause, Condition, RuleSet, Side};
use recon_engine::{
    Break, Checker, Failed, Interner, Match, Nearest, Outcome, Progress, Quiet, Reason, RecountError, Table,
};

use crate::case::{AMOUNT, REFERENCE, Row, pass, row, rules, run, table};
use crate::oracle::pair::failures;
use crate::strategies::{any_rules, rows};

/// Rules with tables.
struct Case {
    rules: RuleSet,
    tables: [Table; 2],
    texts: Interner,
}

impl Case {
    fn new(rules: &RuleSet, left: &[Row], right: &[Row]) -> Self {
        let mut texts = Interner::new();
        let tables = [table(left, &mut texts), table(right, &mut texts)];
        Self { rules: rules.clone(), tables, texts }
    }

    fn checker(&self) -> Checker<'_> {
        let [left, right] = &self.tables;
        Checker::new(&self.rules, [left, right], &self.texts, &Quiet).unwrap()
    }
}

/// The answers about a run's own result are what it says.
fn agrees(case: &Case, outcome: &Outcome) -> Result<(), TestCaseError> {
    let mut checker = case.checker();
    for found in &outcome.matches {
        prop_assert_eq!(checker.failed(found.pass, [found.left[0], found.right[0]]), Ok(Vec::new()));
    }
    for left_over in &outcome.breaks {
        let Some(nearest) = &left_over.nearest else { continue };
        let near = checker.near(left_over.side, left_over.entry, nearest.entry).unwrap();
        let named = Nearest { cause: None, ..nearest.clone() };
        prop_assert!(near.contains(&named), "{:?} is none of {:?}", named, near);
        let least = near[0].failed.len();
        prop_assert!(near.iter().all(|near| (least..=2).contains(&near.failed.len())), "{:?}", near);
    }
    let reasons = checker.reasons(&outcome.matches, &outcome.breaks).unwrap();
    prop_assert_eq!(reasons.len(), outcome.breaks.len());
    for (left_over, reason) in outcome.breaks.iter().zip(reasons) {
        prop_assert_eq!(reason.cause, left_over.nearest.as_ref().and_then(|nearest| nearest.cause));
        match left_over.kind {
            BreakKind::Ambiguous => prop_assert_ne!(reason.kind, BreakKind::Duplicate),
            kind => prop_assert_eq!(reason.kind, kind),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_run_is_told_that_it_is_right(
        rules in any_rules(), mut left in rows(9), mut right in rows(9), again in 0..4_usize,
    ) {
        for rows in [&mut left, &mut right] {
            rows.extend_from_within(..again.min(rows.len()));
        }
        agrees(&Case::new(&rules, &left, &right), &run(&rules, &left, &right))?;
    }

    #[test]
    fn any_pair_fails_what_the_oracle_says(rules in any_rules(), left in rows(4), right in rows(4)) {
        let case = Case::new(&rules, &left, &right);
        let mut checker = case.checker();
        for (number, pass) in (0..).zip(&rules.passes) {
            for (i, left) in (0..).zip(&left) {
                for (j, right) in (0..).zip(&right) {
                    let expected = failures(&rules, pass, left, right);
                    let expected: Vec<Failed> =
                        expected.into_iter().map(|(condition, by)| Failed { condition, by }).collect();
                    prop_assert_eq!(checker.failed(number, [i, j]), Ok(expected));
                }
            }
        }
    }
}

#[test]
fn a_pair_of_which_nothing_agrees_is_no_nearest_candidate() {
    let rules = rules(vec![pass(&[REFERENCE, AMOUNT], &[], &[])]);
    let case = Case::new(&rules, &[row(100, 20_000, "a")], &[row(200, 20_001, "b"), row(200, 20_001, "a")]);
    let mut checker = case.checker();
    assert_eq!(checker.near(Side::Left, 0, 0), Ok(Vec::new()));
    assert_eq!(checker.near(Side::Right, 0, 0), Ok(Vec::new()));
    assert_eq!(checker.near(Side::Left, 0, 1).unwrap().len(), 1);
}

/// Three pairs that differ by the same fee, then a match with a surplus left row.
fn fees() -> (Case, Outcome) {
    let rows = |fee: i128| {
        let rows = [("A", 10_000), ("B", 25_000), ("C", 31_300)];
        let mut rows = rows.map(|(name, amount)| row(amount - fee, 20_000, name)).to_vec();
        rows.push(row(7_700, 20_000, "twice"));
        rows
    };
    let rules = rules(vec![pass(&[REFERENCE, AMOUNT], &[], &[])]);
    let (mut left, right) = (rows(0), rows(35));
    left.push(left[3].clone());
    (Case::new(&rules, &left, &right), run(&rules, &left, &right))
}

#[test]
fn reasons_follow_from_the_matches_and_breaks_that_are_given() {
    let (case, outcome) = fees();
    agrees(&case, &outcome).unwrap();
    let (matches, breaks) = (outcome.matches.as_slice(), outcome.breaks.as_slice());
    let reasons = |matches: &[Match], breaks: &[Break]| case.checker().reasons(matches, breaks).unwrap();
    let constant = Some(Cause::ConstantDifference);
    let found = reasons(matches, breaks);
    assert_eq!(found[0], Reason { kind: BreakKind::AmountOutOfTolerance, cause: constant });
    let place = found.iter().position(|reason| reason.kind == BreakKind::Duplicate).unwrap();
    // Without its match nothing is a duplicate, and two pairs are no constant difference.
    assert_eq!(reasons(&[], breaks)[place].kind, BreakKind::MissingRight);
    let few: Vec<Break> = breaks.iter().filter(|left_over| left_over.entry != 0).cloned().collect();
    assert!(reasons(matches, &few).iter().all(|reason| reason.cause != constant), "{few:?}");
    // What the breaks say of themselves is not looked at.
    let mut other = breaks.to_vec();
    other[0].kind = BreakKind::Ambiguous;
    let nearest = other[0].nearest.as_mut().unwrap();
    nearest.cause = Some(Cause::CutOff);
    nearest.failed[0].condition = Condition::Similar(9);
    assert_eq!(reasons(matches, &other), found);
}

#[test]
fn interchangeable_rows_are_one_pair_of_a_constant_difference() {
    let rules = rules(vec![pass(&[REFERENCE, AMOUNT], &[], &[])]);
    let rows = |fee: i128| vec![row(10_000 - fee, 20_000, "A"); 3];
    let (left, right) = (rows(0), rows(35));
    let outcome = run(&rules, &left, &right);
    assert_eq!(outcome.breaks.len(), 6);
    assert!(outcome.breaks.iter().all(|left_over| left_over.nearest.as_ref().unwrap().cause.is_none()));
    let case = Case::new(&rules, &left, &right);
    agrees(&case, &outcome).unwrap();
    // Three pairs by their entries, and still one by what is in them.
    let mut breaks = outcome.breaks;
    for (at, left_over) in breaks.iter_mut().enumerate() {
        left_over.nearest.as_mut().unwrap().entry = u32::try_from(at % 3).unwrap();
    }
    assert!(case.checker().reasons(&[], &breaks).unwrap().iter().all(|reason| reason.cause.is_none()));
}

#[test]
fn what_does_not_exist_is_named_and_a_stop_is_heard() {
    struct No;
    impl Progress for No {
        fn advance(&self, _: recon_engine::Phase, _: u64, _: u64) -> bool {
            false
        }
    }
    let (case, outcome) = fees();
    let mut checker = case.checker();
    let no_entry = |side| RecountError::NoSuchEntry { side, entry: 99 };
    assert_eq!(checker.failed(1, [0, 0]), Err(RecountError::NoSuchPass { pass: 1 }));
    assert_eq!(checker.failed(0, [99, 0]), Err(no_entry(Side::Left)));
    assert_eq!(checker.failed(0, [0, 99]), Err(no_entry(Side::Right)));
    assert_eq!(checker.near(Side::Right, 99, 0), Err(no_entry(Side::Right)));
    assert_eq!(checker.near(Side::Right, 0, 99), Err(no_entry(Side::Left)));
    let mut told = |change: &dyn Fn(&mut Outcome)| {
        let mut outcome = outcome.clone();
        change(&mut outcome);
        checker.reasons(&outcome.matches, &outcome.breaks).unwrap_err()
    };
    assert_eq!(told(&|outcome| outcome.matches[0].right[0] = 99), no_entry(Side::Right));
    assert_eq!(told(&|outcome| outcome.breaks[0].entry = 99), no_entry(Side::Left));
    assert_eq!(told(&|outcome| named(outcome).entry = 99), no_entry(Side::Right));
    assert_eq!(told(&|outcome| named(outcome).pass = 1), RecountError::NoSuchPass { pass: 1 });
    let [left, right] = &case.tables;
    assert!(Checker::new(&case.rules, [left, right], &case.texts, &No).is_err());
}

fn named(outcome: &mut Outcome) -> &mut Nearest {
    outcome.breaks[0].nearest.as_mut().unwrap()
}

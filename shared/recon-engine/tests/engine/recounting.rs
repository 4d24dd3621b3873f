//! A result that is counted again amounts to what its run said.

use proptest::prelude::*;
use recon_domain::{Limits, RuleSet, Side, Summary};
use recon_engine::{
    Break, Entries, Interner, Match, Outcome, Progress, Quiet, RecountError, recount, status, variance,
};

use crate::case::{Row, pass, row, rules, run, table};
use crate::strategies::{any_rules, rows};

fn again(
    rules: &RuleSet,
    (left, right): (&[Row], &[Row]),
    outcome: &Outcome,
    progress: &dyn Progress,
) -> Result<Summary, RecountError> {
    let mut texts = Interner::new();
    let (left, right) = (table(left, &mut texts), table(right, &mut texts));
    let found = (outcome.matches.as_slice(), outcome.breaks.as_slice());
    recount(rules, [&left, &right], &texts, found, outcome.summary.limits, progress)
}

proptest! {
    #[test]
    fn what_a_run_found_amounts_to_its_summary(rules in any_rules(), left in rows(9), right in rows(9)) {
        let outcome = run(&rules, &left, &right);
        let counted = again(&rules, (&left, &right), &outcome, &Quiet);
        prop_assert_eq!(counted.as_ref(), Ok(&outcome.summary));
        let mut texts = Interner::new();
        let (left, right) = (table(&left, &mut texts), table(&right, &mut texts));
        for found in &outcome.matches {
            let entries = [found.left[0], found.right[0]];
            prop_assert_eq!(variance(&rules, [&left, &right], &texts, entries), Ok(found.variance));
            prop_assert_eq!(status(&rules, found.pass, found.ambiguity), Ok(found.status));
        }
    }
}

#[test]
fn what_does_not_exist_is_named_and_a_stop_is_heard() {
    struct No;
    impl Progress for No {
        fn advance(&self, _: recon_engine::Phase, _: u64, _: u64) -> bool {
            false
        }
    }
    let rules = rules(vec![pass(&[crate::case::REFERENCE], &[], &[])]);
    let rows = [row(100, 20_000, "a")];
    let outcome = run(&rules, &rows, &rows);
    assert_eq!((outcome.matches.len(), outcome.summary.limits), (1, Limits::default()));
    let told = |change: &dyn Fn(&mut Outcome)| {
        let mut outcome = outcome.clone();
        change(&mut outcome);
        again(&rules, (&rows, &rows), &outcome, &Quiet).unwrap_err()
    };
    let no_entry = |side| RecountError::NoSuchEntry { side, entry: 1 };
    let entries = || Entries::from_slice(&[1]);
    assert_eq!(told(&|outcome| outcome.matches[0].left = entries()), no_entry(Side::Left));
    assert_eq!(told(&|outcome| outcome.matches[0].right = entries()), no_entry(Side::Right));
    let left_over = Break {
        side: Side::Right,
        entry: 1,
        kind: recon_domain::BreakKind::MissingLeft,
        nearest: None,
        twin: None,
    };
    assert_eq!(told(&|outcome| outcome.breaks.push(left_over.clone())), no_entry(Side::Right));
    let other_pass = |found: &mut Match| found.pass = 1;
    assert_eq!(told(&|outcome| other_pass(&mut outcome.matches[0])), RecountError::NoSuchPass { pass: 1 });
    assert_eq!(status(&rules, 1, 0), Err(RecountError::NoSuchPass { pass: 1 }));
    let stopped = again(&rules, (&rows, &rows), &outcome, &No).unwrap_err();
    assert!(matches!(stopped, RecountError::Cancelled(_)), "{stopped}");
}

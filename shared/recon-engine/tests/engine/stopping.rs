//! A run that is told to stop.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use recon_engine::{Cancelled, Interner, Outcome, Phase, Progress, Table, reconcile};

use crate::case::{AMOUNT, DATE, DESCRIPTION, REFERENCE, Row, alike, cents, days, pass, row, rules, table};

/// Says yes to so many questions, then no to all.
struct Yes {
    times: usize,
    asked: AtomicUsize,
}

impl Progress for Yes {
    fn advance(&self, _: Phase, done: u64, total: u64) -> bool {
        assert!(done <= total);
        self.asked.fetch_add(1, Ordering::Relaxed) < self.times
    }
}

/// The run, and how often it asked.
fn run_for(
    times: usize,
    sides: &[Table; 2],
    texts: &Interner,
    threads: usize,
) -> (Result<Outcome, Cancelled>, usize) {
    let rules = rules(vec![
        pass(&[REFERENCE, AMOUNT], &[], &[]),
        pass(&[], &[cents(30), days(1, 2)], &[alike(DESCRIPTION, 6_000)]),
        pass(&[DATE], &[cents(500)], &[]),
    ]);
    let yes = Yes { times, asked: AtomicUsize::new(0) };
    let threads = NonZeroUsize::new(threads).unwrap();
    let result = reconcile(&rules, &sides[0], &sides[1], texts, threads, &yes);
    (result, yes.asked.into_inner())
}

#[test]
fn a_run_stops_at_whatever_question_it_is_told_to() {
    let mut texts = Interner::new();
    let sides = [(3, "red card"), (4, "cards red")].map(|(step, description)| {
        let rows = (0..150).map(|n| row(n * step % 800, 20_000 + (n % 5) as i32, "").described(description));
        table(&rows.collect::<Vec<Row>>(), &mut texts)
    });
    let (whole, questions) = run_for(usize::MAX, &sides, &texts, 1);
    assert!(questions > 30, "{questions}");
    for times in 0..questions {
        // Nothing is asked after the first no.
        assert_eq!(run_for(times, &sides, &texts, 1), (Err(Cancelled), times + 1));
        let (result, _) = run_for(times / 2, &sides, &texts, 3);
        assert_eq!(result, Err(Cancelled), "{times}");
    }
    assert_eq!(run_for(questions, &sides, &texts, 1), (whole, questions));
}

//! How good a result is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::results::{Results, SIDES};
use crate::truth::{Done, Expected, Line};

/// The most wrong outcomes that are shown.
const EXAMPLES_MAX: usize = 10;

/// What becomes of a row. Copies go by the number of the row that they repeat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Confirmed(u32),
    Suggested(u32),
    Break(String),
}

/// A row's side and number, and what became of it.
type Fate = (usize, u32, Outcome);

/// How the rows of one sort fared.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    rows: usize,
    as_expected: usize,
}

/// What a run made of the truth.
#[derive(Debug, Default)]
pub(super) struct Score {
    true_pairs: usize,
    confirmed: usize,
    confirmed_true: usize,
    suggested: usize,
    suggested_true: usize,
    by_done: BTreeMap<Done, Tally>,
    examples: Vec<String>,
    disorder: Vec<String>,
}

impl Score {
    /// Compares a result with the truth.
    pub(super) fn of(truth: &[Line], results: &Results) -> Self {
        let originals = originals(truth);
        let original = |side: usize, row: u32| originals[side].get(&row).copied().unwrap_or(row);
        let mut score = Self { disorder: disorder(results), ..Self::default() };

        let mut pairs = HashSet::new();
        let mut expected: Vec<(Fate, Done)> = Vec::with_capacity(2 * truth.len());
        for line in truth {
            if let (Some(left), Some(right), Expected::Match) = (line.left, line.right, line.done.expected())
            {
                pairs.insert((left, right));
            }
            for (side, row, other) in [(0, line.left, line.right), (1, line.right, line.left)] {
                let Some(row) = row else { continue };
                let outcome = match line.done.expected() {
                    Expected::Match => Outcome::Confirmed(other.unwrap_or(0)),
                    Expected::Break(kind) => Outcome::Break(kind.to_owned()),
                };
                expected.push(((side, original(side, row), outcome), line.done));
            }
        }
        score.true_pairs = pairs.len();

        let mut actual: Vec<Fate> = Vec::with_capacity(expected.len());
        for found in &results.matches {
            let [left, right] =
                [0, 1].map(|side| found.rows[side].iter().map(move |row| original(side, *row)));
            for (left, right) in left.flat_map(|left| right.clone().map(move |right| (left, right))) {
                score.count(found.confirmed, pairs.contains(&(left, right)));
                let outcome = if found.confirmed { Outcome::Confirmed } else { Outcome::Suggested };
                actual.push((0, left, outcome(right)));
                actual.push((1, right, outcome(left)));
            }
        }
        let broken = |row: &super::results::Break| {
            (row.side, original(row.side, row.row), Outcome::Break(row.kind.clone()))
        };
        actual.extend(results.breaks.iter().map(broken));
        score.compare(expected, actual);
        score
    }

    fn count(&mut self, confirmed: bool, is_true: bool) {
        let (all, good) = if confirmed {
            (&mut self.confirmed, &mut self.confirmed_true)
        } else {
            (&mut self.suggested, &mut self.suggested_true)
        };
        *all += 1;
        *good += usize::from(is_true);
    }

    /// Both lists sorted, each expected fate takes an equal one from the actual list.
    fn compare(&mut self, mut expected: Vec<(Fate, Done)>, mut actual: Vec<Fate>) {
        expected.sort_unstable();
        actual.sort_unstable();
        let mut rest = actual.iter().peekable();
        for (fate, done) in &expected {
            while rest.next_if(|other| *other < fate).is_some() {}
            let as_expected = rest.next_if_eq(&fate).is_some();
            let tally = self.by_done.entry(*done).or_default();
            tally.rows += 1;
            tally.as_expected += usize::from(as_expected);
            if !as_expected && self.examples.len() < EXAMPLES_MAX {
                let (side, row, _) = fate;
                let is = actual.iter().filter(|(s, r, _)| (s, r) == (side, row));
                let is: Vec<String> = is.map(|(_, _, outcome)| outcome.to_string()).collect();
                let side = SIDES[*side];
                self.examples.push(format!(
                    "{side} row {row} ({}): expected {}, is {}",
                    done.as_str(),
                    fate.2,
                    if is.is_empty() { "nowhere".to_owned() } else { is.join(" and ") }
                ));
            }
        }
    }

    fn recall(&self, found: usize) -> f64 {
        share(found, self.true_pairs)
    }

    fn precision(&self) -> f64 {
        share(self.confirmed_true, self.confirmed)
    }

    /// What falls short, in words.
    pub(super) fn below(&self, recall: f64, precision: f64, exact: bool) -> Vec<String> {
        let mut failures = self.disorder.clone();
        let found = self.recall(self.confirmed_true + self.suggested_true);
        if found < recall {
            failures.push(format!("recall with suggestions {found:.4} is below {recall:.4}"));
        }
        let right = self.precision();
        if right < precision {
            failures.push(format!("precision of the confirmed {right:.4} is below {precision:.4}"));
        }
        let rows: usize = self.by_done.values().map(|tally| tally.rows).sum();
        let good: usize = self.by_done.values().map(|tally| tally.as_expected).sum();
        if exact && good < rows {
            failures.push(format!("{} of {rows} rows have another outcome than the truth", rows - good));
            failures.extend(self.examples.iter().cloned());
        }
        failures
    }
}

/// For each side, the row that a copy repeats.
fn originals(truth: &[Line]) -> [HashMap<u32, u32>; 2] {
    [|line: &Line| line.left, |line: &Line| line.right].map(|row| {
        let copies = truth.iter().filter_map(|line| Some((row(line)?, line.twin?)));
        copies.collect()
    })
}

/// Rows that have more than one outcome.
fn disorder(results: &Results) -> Vec<String> {
    let mut seen = [HashSet::new(), HashSet::new()];
    let matched = results.matches.iter().flat_map(|found| {
        [0, 1].into_iter().flat_map(|side| found.rows[side].iter().map(move |row| (side, *row)))
    });
    let broken = results.breaks.iter().map(|row| (row.side, row.row));
    let twice = matched.chain(broken).filter(|(side, row)| !seen[*side].insert(*row));
    let twice = twice.map(|(side, row)| format!("{} row {row} has two outcomes", SIDES[side]));
    twice.take(EXAMPLES_MAX).collect()
}

/// A share; all of nothing is 1.
fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 { 1.0 } else { number(part) / number(whole) }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confirmed(other) => write!(f, "matched with {other}"),
            Self::Suggested(other) => write!(f, "suggested with {other}"),
            Self::Break(kind) => write!(f, "{kind}"),
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:>10} {:>12}", "done", "rows", "as expected")?;
        for (done, tally) in &self.by_done {
            writeln!(f, "{:<18} {:>10} {:>12}", done.as_str(), tally.rows, tally.as_expected)?;
        }
        let found = self.confirmed_true + self.suggested_true;
        writeln!(f)?;
        writeln!(f, "true pairs                {:>10}", self.true_pairs)?;
        writeln!(f, "confirmed, of them true   {:>10} {:>10}", self.confirmed, self.confirmed_true)?;
        writeln!(f, "suggested, of them true   {:>10} {:>10}", self.suggested, self.suggested_true)?;
        writeln!(f, "recall of the confirmed   {:>10.4}", self.recall(self.confirmed_true))?;
        writeln!(f, "recall with suggestions   {:>10.4}", self.recall(found))?;
        write!(f, "precision of the confirmed{:>10.4}", self.precision())
    }
}

//! A matcher that is slow and obviously right: all pairs, one after the other, straight from the
//! specification and the README of the crate. It shares no code with the engine.

mod nearest;
pub mod pair;

use std::collections::{BTreeMap, BTreeSet};

use recon_domain::{Ambiguous, BreakKind, MatchStatus, RuleSet, Side};
use recon_engine::Outcome;

use crate::case::Row;
use pair::{CellOrder, Cost, cost, failures, written};

/// A result in words, without anything that names a row by its number.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    pub matches: Vec<String>,
    pub breaks: Vec<String>,
}

struct Run<'a> {
    rules: &'a RuleSet,
    /// In content order.
    sides: [Vec<Row>; 2],
    matched: [Vec<bool>; 2],
    /// Candidates of passes that forbid.
    forbidden: Vec<[usize; 2]>,
    account: Account,
}

/// What the specification says the result is.
pub fn reconcile(rules: &RuleSet, left: &[Row], right: &[Row]) -> Account {
    let sides = [left, right].map(|rows| {
        let mut rows = rows.to_vec();
        // The place in the file comes last: the sort is stable.
        rows.sort_by_cached_key(|row| (CellOrder::of(row), row.content));
        rows
    });
    let matched = [vec![false; left.len()], vec![false; right.len()]];
    let account = Account { matches: Vec::new(), breaks: Vec::new() };
    let mut run = Run { rules, sides, matched, forbidden: Vec::new(), account };
    for number in 0..rules.passes.len() {
        run.pass(number);
    }
    run.breaks();
    run.account.matches.sort();
    run.account.breaks.sort();
    run.account
}

impl Run<'_> {
    fn pass(&mut self, number: usize) {
        let pass = &self.rules.passes[number];
        let [left, right] = &self.sides;
        let mut candidates = Vec::new();
        for i in (0..left.len()).filter(|i| !self.matched[0][*i]) {
            for j in (0..right.len()).filter(|j| !self.matched[1][*j]) {
                if failures(self.rules, pass, &left[i], &right[j]).is_empty() {
                    candidates.push((cost(pass, &left[i], &right[j]), i, j));
                }
            }
        }
        candidates.sort();
        let mut taken: [BTreeMap<usize, (Cost, usize)>; 2] = [BTreeMap::new(), BTreeMap::new()];
        for (cost, i, j) in &candidates {
            if !taken[0].contains_key(i) && !taken[1].contains_key(j) {
                taken[0].insert(*i, (*cost, *j));
                taken[1].insert(*j, (*cost, *i));
            }
        }
        let same = |side: usize, a: usize, b: usize| {
            CellOrder::of(&self.sides[side][a]) == CellOrder::of(&self.sides[side][b])
        };
        let mut kept = Vec::new();
        // Entries that were taken, but might as well have been left to others; cheaper takings come first.
        let mut shaky = [BTreeSet::new(), BTreeSet::new()];
        let mut by_cost: Vec<(&Cost, &usize, &usize)> =
            taken[0].iter().map(|(i, (cost, j))| (cost, i, j)).collect();
        by_cost.sort();
        for (cost, i, j) in by_cost {
            let takes_place = |side: usize, own: usize, other: usize, candidate: usize| {
                if same(1 - side, candidate, other) {
                    return false;
                }
                match taken[1 - side].get(&candidate) {
                    Some((less, _)) if less < cost => shaky[1 - side].contains(&candidate),
                    Some((same_cost, holder)) if same_cost == cost => !same(side, *holder, own),
                    _ => true,
                }
            };
            let at_cost = || candidates.iter().filter(|candidate| candidate.0 == *cost);
            let left = at_cost().filter(|(_, a, b)| a == i && takes_place(0, *i, *j, *b)).count();
            let right = at_cost().filter(|(_, a, b)| b == j && takes_place(1, *j, *i, *a)).count();
            let ambiguity = left + right;
            if ambiguity > 0 {
                shaky[0].insert(*i);
                shaky[1].insert(*j);
            }
            let status = match pass.ambiguous {
                _ if ambiguity == 0 => pass.outcome,
                Ambiguous::Allow => pass.outcome,
                Ambiguous::Suggest => MatchStatus::Suggested,
                Ambiguous::Forbid => continue,
            };
            kept.push((*i, *j, ambiguity, status));
        }
        if pass.ambiguous == Ambiguous::Forbid {
            self.forbidden.extend(candidates.iter().map(|(_, i, j)| [*i, *j]));
        }
        for (i, j, ambiguity, status) in kept {
            (self.matched[0][i], self.matched[1][j]) = (true, true);
            let (left, right) = (&self.sides[0][i], &self.sides[1][j]);
            let amount = right.amount.unwrap_or(0) - left.amount.unwrap_or(0);
            let days = right.day.zip(left.day).map(|(right, left)| right - left);
            self.account.matches.push(format!(
                "{number} {status} {ambiguity} {amount} {days:?} {} = {}",
                written(left),
                written(right)
            ));
        }
    }
}

/// The engine's outcome in the same words.
pub fn account(rules: &RuleSet, left: &[Row], right: &[Row], outcome: &Outcome) -> Account {
    let sides = [left, right];
    let at = |side: usize, entry: u32| &sides[side][entry as usize];
    let mut matches: Vec<String> = outcome
        .matches
        .iter()
        .map(|matched| {
            assert_eq!((matched.left.len(), matched.right.len()), (1, 1));
            format!(
                "{} {} {} {} {:?} {} = {}",
                matched.pass,
                matched.status,
                matched.ambiguity,
                matched.variance.amount.unwrap(),
                matched.variance.days,
                written(at(0, matched.left[0])),
                written(at(1, matched.right[0]))
            )
        })
        .collect();
    let mut breaks: Vec<String> = outcome
        .breaks
        .iter()
        .map(|left_over| {
            let side = usize::from(left_over.side == Side::Right);
            let row = at(side, left_over.entry);
            if let Some(twin) = left_over.twin {
                assert_eq!(written(at(side, twin)), written(row));
            }
            assert_eq!(left_over.twin.is_some(), left_over.kind == BreakKind::Duplicate);
            let shown = left_over.nearest.as_ref().map(|nearest| {
                let failed: Vec<_> =
                    nearest.failed.iter().map(|failed| (failed.condition, failed.by)).collect();
                assert!(usize::from(nearest.pass) < rules.passes.len());
                format!(
                    "{} {failed:?} {:?} {}",
                    nearest.pass,
                    nearest.cause,
                    written(at(1 - side, nearest.entry))
                )
            });
            format!("{side} {} {} nearest {shown:?}", left_over.kind, written(row))
        })
        .collect();
    matches.sort();
    breaks.sort();
    Account { matches, breaks }
}

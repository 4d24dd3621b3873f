//! Which conditions of a pass a pair fails, and what a pair costs.

use recon_domain::{Condition, Measure, Similar};
use smallvec::SmallVec;

use crate::input::{Input, LEFT, RIGHT};
use crate::number::index;
use crate::plan::Plan;
use crate::text::{self, SCORE_MAX, Scratch, Words};
use crate::{Deviation, Failed, TextId};

/// A pass over its tables: answers for any pair of classes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) input: &'a Input<'a>,
    pub(crate) plan: &'a Plan<'a>,
    /// The words of all texts that the pass compares by words.
    pub(crate) words: &'a Words,
}

/// A left and a right class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) left: u32,
    pub(crate) right: u32,
}

/// How much of a pass is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything.
    All,
    /// The pair is of one block, so it passes the filters and agrees in all that must be equal. The bits
    /// say which tolerances are known to hold as well.
    Block { proven: u16 },
}

/// What a pair fails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Verdict {
    /// In the order of currency, `equal`, `within`, `similar`, `where`.
    pub(crate) failed: SmallVec<[Failed; 2]>,
    /// What the texts lack to be the same, added up over `similar`.
    pub(crate) dissimilarity: u32,
}

/// What a pair costs; less is better, the first difference decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Cost {
    /// How far the amounts are apart.
    pub(crate) amount: u128,
    /// How many days the dates are apart.
    pub(crate) days: u64,
    /// See [`Verdict::dissimilarity`].
    pub(crate) dissimilarity: u32,
    /// How many of the other columns say something different.
    pub(crate) disagreements: u32,
}

impl Judge<'_> {
    /// The conditions that the pair fails, if they are at most `at_most`.
    pub(crate) fn evaluate(
        &self,
        pair: Pair,
        scope: Scope,
        at_most: usize,
        scratch: &mut Scratch,
    ) -> Option<Verdict> {
        let mut verdict = Verdict::default();
        let entries = [index(pair.left), index(pair.right)];
        if scope == Scope::All {
            self.equal(pair, entries, at_most, &mut verdict)?;
        }
        self.within(entries, scope, at_most, &mut verdict)?;
        let filters = self.plan.failed_filters(LEFT, pair.left) | self.plan.failed_filters(RIGHT, pair.right);
        if verdict.failed.len() + index(filters.count_ones()) > at_most {
            return None;
        }
        self.similar(entries, at_most, &mut verdict, scratch)?;
        for filter in (0..16_u8).filter(|bit| filters >> bit & 1 == 1) {
            verdict.fail(Condition::Filter(filter), || Deviation::Other, at_most)?;
        }
        Some(verdict)
    }

    fn equal(
        &self,
        pair: Pair,
        [left, right]: [usize; 2],
        at_most: usize,
        verdict: &mut Verdict,
    ) -> Option<()> {
        if self.input.currency(LEFT, pair.left) != self.input.currency(RIGHT, pair.right) {
            verdict.fail(Condition::Currency, || Deviation::Other, at_most)?;
        }
        for &(number, role) in &self.plan.equal {
            let (a, b) = (self.input.column(LEFT, role), self.input.column(RIGHT, role));
            if a.same(left, b, right) {
                continue;
            }
            let by = || match (a.number(left).zip(b.number(right)), a.day(left).zip(b.day(right))) {
                (Some((a, b)), _) => Deviation::Number(b.saturating_sub(a)),
                (None, Some((a, b))) => Deviation::Days(b.saturating_sub(a)),
                (None, None) => Deviation::Other,
            };
            verdict.fail(Condition::Equal(number), by, at_most)?;
        }
        Some(())
    }

    fn within(&self, entries: [usize; 2], scope: Scope, at_most: usize, verdict: &mut Verdict) -> Option<()> {
        let proven = match scope {
            Scope::All => 0,
            Scope::Block { proven } => proven,
        };
        for (number, window) in (0_u8..).zip(&self.plan.windows).filter(|(bit, _)| proven >> bit & 1 == 0) {
            if window.holds(self.input, entries) {
                continue;
            }
            let by = || {
                let values = [LEFT, RIGHT].map(|side| window.value(self.input, side, entries[side]));
                match values {
                    [Some(left), Some(right)] => window.deviation(left, right),
                    _ => Deviation::Other,
                }
            };
            verdict.fail(Condition::Within(number), by, at_most)?;
        }
        Some(())
    }

    fn similar(
        &self,
        entries: [usize; 2],
        at_most: usize,
        verdict: &mut Verdict,
        scratch: &mut Scratch,
    ) -> Option<()> {
        for (number, similar) in (0_u8..).zip(&self.plan.pass.similar) {
            let role = similar.role.index();
            let ids = [LEFT, RIGHT].map(|side| self.input.column(side, role).text_id(entries[side]));
            if ids.contains(&TextId::EMPTY) {
                verdict.dissimilarity += u32::from(SCORE_MAX);
                verdict.fail(Condition::Similar(number), || Deviation::Other, at_most)?;
                continue;
            }
            // A score below the least one need not be known where no failure is left.
            let needed = if verdict.failed.len() == at_most { similar.at_least } else { 0 };
            let score = self.score(similar, ids, needed, scratch)?;
            verdict.dissimilarity += u32::from(SCORE_MAX - score);
            if score < similar.at_least {
                verdict.fail(Condition::Similar(number), || Deviation::Score(score), at_most)?;
            }
        }
        Some(())
    }

    fn score(
        &self,
        similar: &Similar,
        [a, b]: [TextId; 2],
        needed: u16,
        scratch: &mut Scratch,
    ) -> Option<u16> {
        match similar.measure {
            Measure::TokenSet => self.words.reaches(a, b, needed, scratch),
            Measure::Edit | Measure::JaroWinkler => {
                text::reaches(similar.measure, self.input.texts.get(a)?, self.input.texts.get(b)?, needed)
            }
        }
    }

    /// Whether anything speaks for the pair: a condition beside the currency and the filters that it
    /// satisfies, or any mapped column in which it agrees.
    pub(crate) fn agrees_in_anything(&self, pair: Pair, verdict: &Verdict) -> bool {
        let conditions = self.plan.equal.len() + self.plan.windows.len() + self.plan.pass.similar.len();
        let about_values = |failed: &&Failed| match failed.condition {
            Condition::Equal(_) | Condition::Within(_) | Condition::Similar(_) => true,
            Condition::Currency | Condition::Filter(_) => false,
        };
        if verdict.failed.iter().filter(about_values).count() < conditions {
            return true;
        }
        let (left, right) = (index(pair.left), index(pair.right));
        let agrees = |role| self.input.column(LEFT, role).same(left, self.input.column(RIGHT, role), right);
        self.input.roles().any(agrees)
    }

    /// What the pair costs under this pass, whatever it fails.
    pub(crate) fn cost(&self, pair: Pair, dissimilarity: u32) -> Cost {
        let (left, right) = (index(pair.left), index(pair.right));
        let columns = |role: usize| (self.input.column(LEFT, role), self.input.column(RIGHT, role));
        let mut cost = Cost { dissimilarity, ..self.distance(pair) };
        for (a, b) in self.plan.cost_others.iter().map(|role| columns(*role)) {
            let differ = a.code(left).zip(b.code(right)).is_some_and(|(a, b)| a != b);
            cost.disagreements += u32::from(differ);
        }
        cost
    }

    /// The first two elements of the cost, the others zero: no text is looked at.
    pub(crate) fn distance(&self, pair: Pair) -> Cost {
        let (left, right) = (index(pair.left), index(pair.right));
        let columns = |role: usize| (self.input.column(LEFT, role), self.input.column(RIGHT, role));
        let mut cost = Cost::default();
        for (a, b) in self.plan.cost_numbers.iter().map(|role| columns(*role)) {
            let apart = match (a.number(left), b.number(right)) {
                (Some(a), Some(b)) => a.abs_diff(b),
                (None, None) => 0,
                _ => u128::MAX,
            };
            cost.amount = cost.amount.saturating_add(apart);
        }
        for (a, b) in self.plan.cost_dates.iter().map(|role| columns(*role)) {
            let apart = match (a.day(left), b.day(right)) {
                (Some(a), Some(b)) => u64::from(a.abs_diff(b)),
                (None, None) => 0,
                _ => u64::MAX,
            };
            cost.days = cost.days.saturating_add(apart);
        }
        cost
    }
}

impl Verdict {
    /// Notes a failure; `None` when it is one too many.
    fn fail(&mut self, condition: Condition, by: impl Fn() -> Deviation, at_most: usize) -> Option<()> {
        if self.failed.len() == at_most {
            return None;
        }
        self.failed.push(Failed { condition, by: by() });
        Some(())
    }
}

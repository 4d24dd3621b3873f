//! Which conditions of a pass a pair fails, and what a pair costs.

use recon_domain::{Condition, Measure, Similar};
use smallvec::SmallVec;

use crate::input::{Input, LEFT, RIGHT};
use crate::number::index;
use crate::plan::Plan;
use crate::progress::Watch;
use crate::text::{self, SCORE_MAX, Scratch, Words};
use crate::{Cancelled, Deviation, Failed, TextId};

/// A pass over its tables: answers for any pair of classes.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) input: &'a Input<'a>,
    pub(crate) plan: &'a Plan<'a>,
    /// The words of all texts that the pass compares by words.
    pub(crate) words: &'a Words,
    pub(crate) watch: &'a Watch<'a>,
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
    /// The pair is of one block, so it passes the filters, agrees in all that must be equal, and its texts can be
    /// compared. The bits say which tolerances are known to hold as well.
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
    /// Asks whether to go on, once enough pairs were evaluated since it was asked last.
    #[inline]
    pub(crate) fn go_on(&self, scratch: &mut Scratch) -> Result<(), Cancelled> {
        self.watch.after(&mut scratch.work, 0)
    }

    /// The conditions that the pair fails, if they are at most `at_most`.
    pub(crate) fn evaluate(
        &self,
        pair: Pair,
        scope: Scope,
        at_most: usize,
        scratch: &mut Scratch,
    ) -> Option<Verdict> {
        scratch.work += 1;
        #[cfg(test)]
        tests::EVALUATED.set(tests::EVALUATED.get() + 1);
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
        self.similar(entries, scope, at_most, &mut verdict, scratch)?;
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
        scope: Scope,
        at_most: usize,
        verdict: &mut Verdict,
        scratch: &mut Scratch,
    ) -> Option<()> {
        for (number, similar) in (0_u8..).zip(&self.plan.pass.similar) {
            let role = similar.role.index();
            let ids = [LEFT, RIGHT].map(|side| self.input.column(side, role).text_id(entries[side]));
            // Of a block this is known: see `Plan::takes`.
            let is_comparable = |id: &TextId| text::is_comparable(self.input.texts, *id);
            if scope == Scope::All && !ids.iter().all(is_comparable) {
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
                let (a, b) = (self.input.texts.get(a)?, self.input.texts.get(b)?);
                scratch.work += text::work([a.len(), b.len()]);
                text::reaches(similar.measure, a, b, needed)
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::num::NonZeroUsize;
    use std::sync::atomic::{AtomicU64, Ordering};

    use recon_domain::{
        AMOUNT, Allowance, Ambiguous, Cardinality, Combine, Currency, Decimal, MatchStatus, Pass, Role,
        RoleId, RoleType, RuleSet, Source, Tolerance, Within,
    };

    use super::*;
    use crate::progress::WORK_PER_QUESTION;
    use crate::{Column, Interner, Phase, Progress, Table, reconcile};

    thread_local! {
        /// How many pairs this thread evaluated since a test looked.
        pub(super) static EVALUATED: Cell<u64> = const { Cell::new(0) };
    }

    /// The most pairs between two questions, and all of them.
    #[derive(Default)]
    struct Pairs {
        most: AtomicU64,
        all: AtomicU64,
    }

    impl Progress for Pairs {
        fn advance(&self, _: Phase, _: u64, _: u64) -> bool {
            let pairs = EVALUATED.take();
            self.most.fetch_max(pairs, Ordering::Relaxed);
            self.all.fetch_add(pairs, Ordering::Relaxed);
            true
        }
    }

    fn role(name: &str, kind: RoleType) -> Role {
        Role {
            name: name.into(),
            kind,
            sources: [Source::Absent, Source::Absent],
            negate: [false; 2],
            formats: [None, None],
            extract: None,
            values: Vec::new(),
            normalize: Vec::new(),
        }
    }

    /// A text of a hundred words that no other number's text has.
    fn long_text(number: u32) -> String {
        let words: Vec<String> = (0..100).map(|word| format!("{number:04}x{word:02}")).collect();
        words.join(" ")
    }

    /// One block of so many entries a side, every one a candidate of every other: by amount, and by text if asked to.
    fn dense(entries: u32, measure: Option<Measure>) -> Pairs {
        let tolerance =
            Allowance { absolute: Decimal::new(1_000_000, 0).unwrap(), percent: Decimal::default() };
        let tolerance = Tolerance::Amount { below: tolerance, above: tolerance };
        let similar = measure.map(|measure| Similar { role: RoleId(1), at_least: 0, measure });
        let pass = Pass {
            name: "all".into(),
            cardinality: Cardinality::OneToOne,
            combine: Combine::Key,
            search_items_max: 0,
            filters: Vec::new(),
            equal: Vec::new(),
            within: vec![Within { role: RoleId(0), tolerance }],
            similar: similar.into_iter().collect(),
            ambiguous: Ambiguous::Forbid,
            outcome: MatchStatus::Confirmed,
        };
        let rules = RuleSet {
            default_currency: None,
            options: Default::default(),
            roles: vec![role(AMOUNT, RoleType::Decimal), role("text", RoleType::Text)],
            calendars: Vec::new(),
            passes: vec![pass],
        };
        let mut texts = Interner::new();
        let [left, right] = [0, 1].map(|side: u32| {
            let amounts = (0..entries).map(|entry| i128::from(2 * entry + side));
            let text = |entry: u32| long_text(2 * entry + side);
            Table {
                columns: vec![
                    Column::Number { units: amounts.collect(), scale: 0 },
                    Column::Text {
                        ids: (0..entries).map(|entry| texts.intern(&text(entry))).collect(),
                        shown: None,
                    },
                ],
                currencies: vec![Currency::NONE; index(entries)],
                rows: (1..=entries).collect(),
                contents: vec![0; index(entries)],
                rejected: 0,
            }
        });
        let pairs = Pairs::default();
        // One thread works and asks, so what it evaluated is what passed since its last question.
        reconcile(&rules, &left, &right, &texts, NonZeroUsize::MIN, &pairs).unwrap();
        pairs
    }

    #[test]
    fn no_more_than_a_questions_work_passes_between_two_questions() {
        let pairs = dense(700, None);
        assert!(pairs.all.into_inner() >= 2 * 700 * 700);
        // Loops count for themselves, so what one had not asked for yet comes before what the next one does.
        let most = 2 * WORK_PER_QUESTION;
        assert!((1..=most).contains(&pairs.most.into_inner()));
        // A comparison of long texts is as much work as thousands of pairs.
        let most = most / text::work([long_text(0).len(); 2]);
        for measure in Measure::ALL {
            let pairs = dense(30, Some(*measure));
            assert!(pairs.all.into_inner() >= 2 * 30 * 30, "{measure}");
            let longest = pairs.most.into_inner();
            assert!((1..=most).contains(&longest), "{measure}: {longest} of at most {most}");
        }
    }
}

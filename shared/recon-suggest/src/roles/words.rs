//! Names and descriptions: texts that are alike where rows belong together, and not where they don't.

use recon_domain::Measure;
use recon_engine::text::likeness;

use super::{Amount, Reference, Words, named, names_text};
use crate::agreement::{LINKS_MIN, mixed};
use crate::columns::{Column, Columns};
use crate::evidence::Findings;
use crate::names::{self, Meaning};
use crate::overlap::Link;
use crate::read::{AS_WORDS, Preparer};
use crate::score::{SCORE_MAX, Score, percent, share_of};

/// Likenesses that a pass may ask for, those first that leave room for what the sample does not show.
const AT_LEAST: [Score; 7] = [7_000, 7_500, 8_000, 8_500, 9_000, 6_500, 6_000];
/// The share of pairs that must be alike.
const PAIRS_ALIKE_MIN: Score = 5_000;
/// The share of pairs and of rows put together at random with which a likeness is good enough.
const PAIRS_ENOUGH: Score = 8_000;
const CHANCE_ENOUGH: Score = 300;
/// The same for numbers that say whose a row is, such as a customer's: they are equal or they are not.
const NUMBERS_SAME_MIN: Score = 9_000;
const NUMBERS_CHANCE_MAX: Score = 2_000;
/// How far pairs must be ahead of rows put together at random.
const LIFT_MIN: Score = 4_000;
/// The most pairs that are looked at.
const PAIRS_MAX: usize = 300;
/// The most pairs of columns that are looked at.
const COLUMNS_MAX: usize = 60;

/// A pair of columns of texts.
struct Candidate<'c> {
    columns: [&'c Column; 2],
    at_least: Score,
    alike: Score,
    chance: Score,
}

impl Candidate<'_> {
    /// How much better pairs are told from others than by chance.
    fn lift(&self) -> Score {
        self.alike.saturating_sub(self.chance)
    }

    fn tells_texts(&self) -> bool {
        self.alike >= PAIRS_ALIKE_MIN && self.lift() >= LIFT_MIN
    }

    fn tells_numbers(&self) -> bool {
        self.alike >= NUMBERS_SAME_MIN && self.chance <= NUMBERS_CHANCE_MAX
    }
}

pub(super) fn find(
    columns: &Columns<'_>,
    anchors: &[Link],
    amount: Option<&Amount>,
    reference: Option<&Reference>,
    findings: &mut Findings,
) -> Option<Words> {
    if anchors.len() < LINKS_MIN {
        return None;
    }
    // What is equal as a whole by the reference has nothing to add.
    let spent = |place: usize, side: usize| {
        reference.is_some_and(|role| role.extract.is_none() && role.places[side] == place)
    };
    let counted = |place: usize, side: usize| {
        amount.is_some_and(|amount| amount.sources[side].places().contains(&place))
    };
    let free = |is_kind: fn(&Column) -> bool, side: usize| {
        let is_free = move |column: &&Column| {
            is_kind(column) && !spent(column.place, side) && !counted(column.place, side)
        };
        columns.sides[side].iter().filter(is_free)
    };
    let best_of = |is_kind: fn(&Column) -> bool, levels: &[Score], is_enough: fn(&Candidate<'_>) -> bool| {
        let pairs = free(is_kind, 0).flat_map(|a| free(is_kind, 1).map(move |b| (a, b)));
        let judged = pairs.take(COLUMNS_MAX).filter_map(|(a, b)| judge(columns, anchors, (a, b), levels));
        let better = |other: &Candidate<'_>, best: &Candidate<'_>| other.lift() > best.lift();
        judged.filter(is_enough).reduce(|best, other| if better(&other, &best) { other } else { best })
    };
    let best = best_of(Column::is_text, &AT_LEAST, |found| found.tells_texts())
        .or_else(|| best_of(Column::is_key_number, &[SCORE_MAX], |found| found.tells_numbers()))?;
    let [left, right] = best.columns;
    let (name, named) = name(left, right);
    let text = format!(
        "`{}` and `{}`: {}; a likeness of {} is reached by {} of the pairs with the same amount or reference, and by {} of rows put together at random",
        left.name,
        right.name,
        names_text(named),
        best.at_least,
        percent(best.alike),
        percent(best.chance)
    );
    findings.tell(format!("/columns/{name}"), text, best.lift());
    Some(Words { name, places: [left.place, right.place], at_least: best.at_least })
}

/// The likeness that tells pairs from others best, if one does.
fn judge<'c>(
    columns: &Columns<'_>,
    anchors: &[Link],
    (left, right): (&'c Column, &'c Column),
    levels: &[Score],
) -> Option<Candidate<'c>> {
    let step = anchors.len().div_ceil(PAIRS_MAX).max(1);
    let preparer = Preparer::new(None, AS_WORDS);
    let texts: Vec<(String, String)> = anchors
        .iter()
        .step_by(step)
        .map(|(a, b)| {
            (preparer.prepared(columns.cell(0, left, *a)), preparer.prepared(columns.cell(1, right, *b)))
        })
        .collect();
    let score = |a: &str, b: &str| {
        if a.is_empty() || b.is_empty() { 0 } else { likeness(Measure::TokenSet, a, b) }
    };
    let pairs: Vec<Score> = texts.iter().map(|(a, b)| score(a, b)).collect();
    let others: Vec<Score> =
        mixed(texts.len()).zip(&texts).map(|(other, (a, _))| score(a, &texts[other].1)).collect();
    let reached = |scores: &[Score], at_least: Score| {
        share_of(scores.iter().filter(|score| **score >= at_least).count(), scores.len())
    };
    let levels: Vec<Candidate<'c>> = levels
        .iter()
        .map(|at_least| Candidate {
            columns: [left, right],
            at_least: *at_least,
            alike: reached(&pairs, *at_least),
            chance: reached(&others, *at_least),
        })
        .collect();
    let enough = |level: &Candidate<'_>| level.alike >= PAIRS_ENOUGH && level.chance <= CHANCE_ENOUGH;
    match levels.iter().position(enough) {
        Some(place) => levels.into_iter().nth(place),
        None => {
            levels.into_iter().reduce(|best, other| if other.lift() > best.lift() { other } else { best })
        }
    }
}

/// What the role is called, and how clearly the names of its columns say so.
fn name(left: &Column, right: &Column) -> (&'static str, Score) {
    let score = |meaning| named(names::score(meaning, &left.name), names::score(meaning, &right.name));
    let choices = [
        ("counterparty", score(Meaning::Counterparty)),
        ("description", score(Meaning::Description)),
        ("account", score(Meaning::Account)),
    ];
    let best = choices.into_iter().reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.filter(|(_, score)| *score > 0).unwrap_or(("description", 0))
}

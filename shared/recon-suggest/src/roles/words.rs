//! Names and descriptions: texts that are alike where rows belong together, and not where they don't.

use recon_domain::Measure;
use recon_engine::text::likeness;

use super::{Reference, Words, named, names_text};
use crate::agreement::{LINKS_MIN, mixed};
use crate::columns::{Column, Columns};
use crate::evidence::Findings;
use crate::names::{self, Meaning};
use crate::overlap::Link;
use crate::read::{AS_WORDS, Preparer};
use crate::score::{Score, percent, share_of};

/// Likenesses that a pass may ask for, those first that leave room for what the sample does not show.
const AT_LEAST: [Score; 7] = [7_000, 7_500, 8_000, 8_500, 9_000, 6_500, 6_000];
/// The share of pairs that must be alike.
const PAIRS_ALIKE_MIN: Score = 5_000;
/// The share of pairs and of rows put together at random with which a likeness is good enough.
const PAIRS_ENOUGH: Score = 8_000;
const CHANCE_ENOUGH: Score = 300;
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
}

pub(super) fn find(
    columns: &Columns<'_>,
    anchors: &[Link],
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
    let free = |side: usize| {
        columns.sides[side].iter().filter(move |column| column.is_text() && !spent(column.place, side))
    };
    let pairs = free(0).flat_map(|a| free(1).map(move |b| (a, b)));
    let judged = pairs.take(COLUMNS_MAX).filter_map(|(a, b)| judge(columns, anchors, a, b));
    let better = |other: &Candidate<'_>, best: &Candidate<'_>| other.lift() > best.lift();
    let best = judged.reduce(|best, other| if better(&other, &best) { other } else { best })?;
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
    left: &'c Column,
    right: &'c Column,
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
    let levels = AT_LEAST.map(|at_least| Candidate {
        columns: [left, right],
        at_least,
        alike: reached(&pairs, at_least),
        chance: reached(&others, at_least),
    });
    let enough = |level: &Candidate<'_>| level.alike >= PAIRS_ENOUGH && level.chance <= CHANCE_ENOUGH;
    let place = levels.iter().position(enough);
    let best = match place {
        Some(place) => levels.into_iter().nth(place),
        None => {
            levels.into_iter().reduce(|best, other| if other.lift() > best.lift() { other } else { best })
        }
    };
    best.filter(|level| level.alike >= PAIRS_ALIKE_MIN && level.lift() >= LIFT_MIN)
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

//! References: the same in two columns, or inside the text of one.

use regex::Regex;

use recon_domain::Normalize;
use recon_engine::TextId;

use super::{Amount, REFUTED_MAX, Reference, Values, named, names_text};
use crate::columns::{Column, Columns};
use crate::evidence::{Choice, Findings, choose};
use crate::names::{self, Meaning};
use crate::overlap::{Counted, Overlap};
use crate::read::{AS_NUMBER, AS_REFERENCE, Preparer};
use crate::score::{SCORE_MAX, Score, both, share_of, times};
use crate::shape;

const SUBJECT: &str = "/columns/reference";
/// What names count for, and what values do. Names alone are not enough: a reference has to be found.
const NAMES: Score = 4_000;
const VALUES: Score = 9_500;
/// The fewest values that must be shared.
const SHARED_MIN: usize = 3;
/// The share of values that must be shared.
const SHARE_MIN: Score = 500;
/// The share of values that must hold a digit, where there are amounts to go by as well.
const DIGITS_MIN: Score = 6_000;
/// The most patterns that are tried.
const PATTERNS_MAX: usize = 12;
/// The most columns of a side in which a pattern is looked for.
const HOLDERS_MAX: usize = 8;
/// The rows that tell whether a pattern is worth trying on all, and how many of them it must be found in.
const TRIED_ROWS: usize = 500;
const TRIED_MIN: Score = 400;

struct Candidate {
    places: [usize; 2],
    labels: [String; 2],
    extract: Option<String>,
    normalize: &'static [Normalize],
    named: Score,
    values: Values,
    covered: Score,
    score: Score,
}

/// What makes a candidate.
struct Found<'c> {
    columns: [&'c Column; 2],
    extract: Option<&'c str>,
    normalize: &'static [Normalize],
    overlap: Overlap,
}

pub(super) fn find(
    columns: &Columns<'_>,
    amount: Option<&Amount>,
    findings: &mut Findings,
) -> Option<Reference> {
    let taken = |side: usize| amount.map_or_else(Vec::new, |amount| amount.sources[side].places());
    let taken = [taken(0), taken(1)];
    let free = |side: usize| -> Vec<&Column> {
        let is_free = |column: &&Column| !column.keys.is_empty() && !taken[side].contains(&column.place);
        columns.sides[side].iter().filter(is_free).collect()
    };
    let sides = [free(0), free(1)];
    let mut candidates = whole(columns, &sides, amount.is_some());
    candidates.extend(inside(columns, &sides));
    let is_same = |a: &Candidate, b: &Candidate| a.values.overlap.agrees_with(&b.values.overlap);
    match choose(candidates, |candidate| candidate.score, is_same) {
        Choice::Clear(best) => Some(settle(best, findings)),
        Choice::Open(open) => {
            let worth = open.iter().any(|candidate| candidate.score > REFUTED_MAX);
            if worth {
                let option = |candidate: &Candidate| {
                    format!("left `{}` and right `{}`", candidate.labels[0], candidate.labels[1])
                };
                let text = "which columns hold a reference that both sides share? What speaks for these is too little, or too close";
                findings.ask(SUBJECT, text, open.iter().map(option).collect());
            }
            None
        }
        Choice::Nothing => None,
    }
}

fn settle(best: Candidate, findings: &mut Findings) -> Reference {
    let pattern =
        best.extract.as_ref().map_or_else(String::new, |pattern| format!(", where it matches `{pattern}`"));
    let text = format!(
        "`{}` and `{}`{pattern}: {}; {}",
        best.labels[0],
        best.labels[1],
        names_text(best.named),
        best.values.text("references")
    );
    findings.tell(SUBJECT, text, best.score);
    Reference {
        places: best.places,
        extract: best.extract,
        normalize: best.normalize,
        links: best.values.overlap.links,
        covered: best.covered,
    }
}

/// Pairs of columns whose cells are the same.
fn whole(columns: &Columns<'_>, sides: &[Vec<&Column>; 2], has_amounts: bool) -> Vec<Candidate> {
    let counted = |side: &[&Column]| -> Vec<Counted<TextId>> {
        side.iter().map(|column| Counted::of(column.keys.iter().copied())).collect()
    };
    let [left, right] = [counted(&sides[0]), counted(&sides[1])];
    let mut candidates = Vec::new();
    for (a, left_counted) in sides[0].iter().zip(&left) {
        for (b, right_counted) in sides[1].iter().zip(&right) {
            let plain = Overlap::of(left_counted, right_counted);
            let stripped = || {
                Overlap::of(
                    &extracted(columns, 0, a, None, AS_NUMBER),
                    &extracted(columns, 1, b, None, AS_NUMBER),
                )
            };
            // Zeros at the start are lost where a spreadsheet took a text for a number.
            let may_be_padded = has_zeros(columns, 0, a) != has_zeros(columns, 1, b);
            let padded = may_be_padded && plain.share() < SCORE_MAX / 2;
            let (overlap, normalize) = match padded.then(stripped).filter(|other| other.shared > plain.shared)
            {
                Some(stripped) => (stripped, AS_NUMBER),
                None => (plain, AS_REFERENCE),
            };
            if has_amounts && !have_digits(columns, a, &overlap) {
                continue;
            }
            let are_row_numbers = counts_rows(columns, 0, a) && counts_rows(columns, 1, b);
            let found = Found { columns: [a, b], extract: None, normalize, overlap };
            candidates.extend(candidate(columns, found, are_row_numbers));
        }
    }
    candidates
}

/// Pairs of columns of which at least one holds references among other words.
fn inside(columns: &Columns<'_>, sides: &[Vec<&Column>; 2]) -> Vec<Candidate> {
    let mut patterns: Vec<String> = Vec::new();
    for (side, free) in sides.iter().enumerate() {
        for column in free.iter().filter(|column| column.is_text()) {
            for pattern in shape::patterns(columns.samples[side].cells(column.place).iter()) {
                if patterns.len() < PATTERNS_MAX && !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
            }
        }
    }
    let mut candidates = Vec::new();
    for pattern in &patterns {
        let Ok(regex) = Regex::new(pattern) else { continue };
        let holders = |side: usize| -> Vec<(&Column, Counted<String>)> {
            let worth = sides[side].iter().filter(|column| is_worth(columns, side, column, &regex));
            worth
                .take(HOLDERS_MAX)
                .map(|column| (*column, extracted(columns, side, column, Some(&regex), AS_REFERENCE)))
                .collect()
        };
        let (left, right) = (holders(0), holders(1));
        for (a, left_counted) in &left {
            for (b, right_counted) in &right {
                let overlap = Overlap::of(left_counted, right_counted);
                let found =
                    Found { columns: [a, b], extract: Some(pattern), normalize: AS_REFERENCE, overlap };
                candidates.extend(candidate(columns, found, false));
            }
        }
    }
    candidates
}

fn candidate(columns: &Columns<'_>, found: Found<'_>, are_row_numbers: bool) -> Option<Candidate> {
    let Found { columns: [left, right], extract, normalize, overlap } = found;
    if overlap.shared < SHARED_MIN || overlap.share() < SHARE_MIN {
        return None;
    }
    let rows = columns.samples[0].len().min(columns.samples[1].len());
    let covered = share_of(overlap.shared, rows);
    let values = Values::of(columns, overlap, [&[left.place], &[right.place]]);
    if are_row_numbers && values.witness.is_none() {
        return None;
    }
    let name = |column: &Column| names::score(Meaning::Reference, &column.name);
    let named = named(name(left), name(right));
    // Of two that are as sure, the one that more rows have is the better one.
    let useful = times(values.score(), SCORE_MAX / 10 * 7 + covered / 10 * 3);
    let score = both(times(named, NAMES), times(useful, VALUES));
    Some(Candidate {
        places: [left.place, right.place],
        labels: [left.name.clone(), right.name.clone()],
        extract: extract.map(str::to_owned),
        normalize,
        named,
        covered,
        score: if values.is_refuted() { score.min(REFUTED_MAX) } else { score },
        values,
    })
}

fn extracted(
    columns: &Columns<'_>,
    side: usize,
    column: &Column,
    extract: Option<&Regex>,
    normalize: &[Normalize],
) -> Counted<String> {
    let preparer = Preparer::new(extract.cloned(), normalize);
    let prepared = |cell: &str| Some(preparer.prepared(cell)).filter(|text| !text.is_empty());
    Counted::of(columns.samples[side].cells(column.place).iter().map(prepared))
}

/// Whether one of the first cells is a number with a zero before it.
fn has_zeros(columns: &Columns<'_>, side: usize, column: &Column) -> bool {
    let cells = columns.samples[side].cells(column.place).iter().take(TRIED_ROWS);
    cells
        .into_iter()
        .any(|cell| cell.len() > 1 && cell.starts_with('0') && cell.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether enough of the first cells hold a match.
fn is_worth(columns: &Columns<'_>, side: usize, column: &Column, pattern: &Regex) -> bool {
    let cells =
        || columns.samples[side].cells(column.place).iter().filter(|cell| !cell.is_empty()).take(TRIED_ROWS);
    let found = cells().filter(|cell| pattern.is_match(cell)).count();
    share_of(found, cells().count()) >= TRIED_MIN && found > 1
}

/// Whether most values of the links have a digit.
fn have_digits(columns: &Columns<'_>, left: &Column, overlap: &Overlap) -> bool {
    let digits = |row: usize| columns.cell(0, left, row).bytes().any(|byte| byte.is_ascii_digit());
    let found = overlap.links.iter().filter(|(row, _)| digits(*row)).count();
    share_of(found, overlap.links.len()) >= DIGITS_MIN
}

/// Whether a column only counts the rows: each number one more than the one before it.
fn counts_rows(columns: &Columns<'_>, side: usize, column: &Column) -> bool {
    let numbers =
        columns.samples[side].cells(column.place).iter().map(|cell| cell.trim().parse::<i64>().ok());
    let numbers: Option<Vec<i64>> = numbers.collect();
    numbers.is_some_and(|numbers| {
        numbers.windows(2).all(|pair| pair[1].checked_sub(1) == Some(pair[0])) && !numbers.is_empty()
    })
}

//! The amounts, from one column or from debits and credits, and their signs.

use super::{Amount, REFUTED_MAX, Source, Values, named, names_text};
use crate::columns::{Column, Columns};
use crate::evidence::{Choice, Findings, choose};
use crate::names::{self, Meaning};
use crate::overlap::{Counted, Link, Overlap};
use crate::score::{SCORE_MAX, Score, both, percent, share_of, times};

const SUBJECT: &str = "/columns/amount";
/// What names count for, and what values do.
const NAMES: Score = 6_500;
const VALUES: Score = 9_000;
/// From this share of pairs on, signs are opposite, or the same.
const SIGNS_CLEAR_MIN: Score = 8_000;
/// The share of rows in which exactly one of two columns has a number, for them to be debits and credits.
const ONE_OF_TWO_MIN: Score = 9_500;
/// The share of rows in which each of the two must have one.
const EACH_MIN: Score = 300;
/// What is left of a column of whole numbers whose name says nothing.
const WHOLE: Score = 8_000;
/// A name counts as one of debits or credits from here on.
const DEBIT_NAMED_MIN: Score = 7_000;

/// Numbers of one side that may be the amounts.
struct Numbers {
    source: Source,
    /// Columns of debits or credits whose numbers are all zero or less.
    negative: Vec<usize>,
    label: String,
    named: Score,
    fits: Score,
    units: Vec<Option<i128>>,
    counted: Counted<u128>,
}

/// A left and a right source.
struct Candidate {
    sources: [Source; 2],
    negative: [Vec<usize>; 2],
    labels: [String; 2],
    named: Score,
    values: Values,
    score: Score,
    /// Pairs of the same, and of opposite signs.
    signs: [usize; 2],
}

pub(super) fn find(columns: &Columns<'_>, findings: &mut Findings) -> Option<Amount> {
    let [left, right] = [0, 1].map(|side| sources(&columns.sides[side]));
    let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
    let candidates: Vec<Candidate> = pairs.map(|(a, b)| candidate(columns, a, b)).collect();
    let is_same = |a: &Candidate, b: &Candidate| a.values.overlap.agrees_with(&b.values.overlap);
    match choose(candidates, |candidate| candidate.score, is_same) {
        Choice::Clear(best) => Some(settle(best, findings)),
        Choice::Open(open) => {
            let text = if open.iter().any(|candidate| candidate.values.is_refuted()) {
                "which columns hold the amounts? Rows whose amounts are the same have nothing else in common"
                    .to_owned()
            } else {
                "which columns hold the amounts? What speaks for these is too little, or too close".to_owned()
            };
            let option = |candidate: &Candidate| {
                format!("left {} and right {}", candidate.labels[0], candidate.labels[1])
            };
            findings.ask(SUBJECT, text, open.iter().map(option).collect());
            None
        }
        Choice::Nothing => None,
    }
}

fn settle(best: Candidate, findings: &mut Findings) -> Amount {
    let text = format!(
        "{} on the left, {} on the right: {}; {}",
        best.labels[0],
        best.labels[1],
        names_text(best.named),
        best.values.text("amounts")
    );
    findings.tell(SUBJECT, text, best.score);
    let [same, opposite] = best.signs;
    let is_opposite = share_of(opposite, same + opposite);
    let negate = same + opposite > 0 && is_opposite >= SIGNS_CLEAR_MIN;
    if negate {
        let text = format!("{} of the pairs with the same amount have opposite signs", percent(is_opposite));
        findings.tell(format!("{SUBJECT}/negate"), text, is_opposite);
    } else if same + opposite > 0 && SCORE_MAX - is_opposite < SIGNS_CLEAR_MIN {
        let text = format!(
            "does the right side book with the opposite sign? {same} pairs with the same amount have the same sign, {opposite} opposite ones; taken as they are"
        );
        findings.ask(format!("{SUBJECT}/negate"), text, vec!["right".to_owned(), "none".to_owned()]);
    }
    let witnessed = best.values.witness.is_some();
    let Candidate { sources, negative, .. } = best;
    Amount { sources, negative, negate, links: best.values.overlap.links, witnessed }
}

fn candidate(columns: &Columns<'_>, left: &Numbers, right: &Numbers) -> Candidate {
    let overlap = Overlap::of(&left.counted, &right.counted);
    let signs = signs(&overlap.links, &left.units, &right.units);
    let (taken_left, taken_right) = (left.source.places(), right.source.places());
    let values = Values::of(columns, overlap, [&taken_left, &taken_right]);
    let named = named(left.named, right.named);
    let found = both(times(named, NAMES), times(values.score(), VALUES));
    let score = times(found, left.fits.min(right.fits));
    Candidate {
        sources: [left.source, right.source],
        negative: [left.negative.clone(), right.negative.clone()],
        labels: [left.label.clone(), right.label.clone()],
        named,
        score: if values.is_refuted() { score.min(REFUTED_MAX) } else { score },
        values,
        signs,
    }
}

fn signs(links: &[Link], left: &[Option<i128>], right: &[Option<i128>]) -> [usize; 2] {
    let same = links.iter().filter(|(a, b)| left[*a] == right[*b]).count();
    [same, links.len() - same]
}

/// What may be the amounts of a side: each column of numbers, and pairs that are debits and credits.
fn sources(columns: &[Column]) -> Vec<Numbers> {
    let numbers: Vec<&Column> = columns.iter().filter(|column| column.is_number()).collect();
    let single = |column: &&Column| {
        let is_part = [Meaning::Debit, Meaning::Credit]
            .iter()
            .any(|meaning| names::score(*meaning, &column.name) >= DEBIT_NAMED_MIN);
        let named = if is_part { 0 } else { names::score(Meaning::Amount, &column.name) };
        let fits = times(column.is.fits, column.is.filled.max(SCORE_MAX / 2));
        // Whole numbers without a name may be anything that is counted or numbered.
        let fits = if column.is.is_whole && named == 0 { times(fits, WHOLE) } else { fits };
        let (source, label) = (Source::Column(column.place), format!("`{}`", column.name));
        Numbers::new(source, Vec::new(), label, named, fits, column.numbers.clone())
    };
    let mut sources: Vec<Numbers> = numbers.iter().map(single).collect();
    for (place, first) in numbers.iter().enumerate() {
        sources.extend(numbers[place + 1..].iter().filter_map(|second| debit_credit(first, second)));
    }
    sources
}

fn debit_credit(first: &Column, second: &Column) -> Option<Numbers> {
    let name = |meaning, column: &Column| names::score(meaning, &column.name);
    let pair_named = |debit: &Column, credit: &Column| {
        let (debit, credit) = (name(Meaning::Debit, debit), name(Meaning::Credit, credit));
        if debit.min(credit) >= DEBIT_NAMED_MIN { named(debit, credit) } else { 0 }
    };
    if !are_complementary(first, second) {
        return None;
    }
    let (forward, backward) = (pair_named(first, second), pair_named(second, first));
    // Where the names do not say which is which, the signs of the pairs will.
    let (debit, credit) = if backward > forward { (second, first) } else { (first, second) };
    let are_negative = [debit, credit].map(is_negative);
    let size = |number: &Option<i128>, is_negative: bool| {
        let units = number.unwrap_or(0);
        if is_negative { units.saturating_neg() } else { units }
    };
    let units = debit.numbers.iter().zip(&credit.numbers).map(|(debit, credit)| {
        let difference = || size(credit, are_negative[1]).saturating_sub(size(debit, are_negative[0]));
        (debit.is_some() || credit.is_some()).then(difference)
    });
    let negative = [debit, credit].into_iter().filter(|column| is_negative(column));
    let negative = negative.map(|column| column.place).collect();
    let label = format!("`{}` (debit) and `{}` (credit)", debit.name, credit.name);
    let source = Source::DebitCredit(debit.place, credit.place);
    let fits = debit.is.fits.min(credit.is.fits);
    Some(Numbers::new(source, negative, label, forward.max(backward), fits, units.collect()))
}

/// Whether none of a column's numbers is above zero, and some are below: banks write what was paid so, beside what was
/// received.
fn is_negative(column: &Column) -> bool {
    let units = || column.numbers.iter().flatten();
    units().all(|units| *units <= 0) && units().any(|units| *units < 0)
}

/// Whether nearly every row has a number in exactly one of the two.
fn are_complementary(first: &Column, second: &Column) -> bool {
    let has = |number: &Option<i128>| number.is_some_and(|units| units != 0);
    let (mut one, mut each) = (0, [0; 2]);
    for (a, b) in first.numbers.iter().zip(&second.numbers).map(|(a, b)| (has(a), has(b))) {
        one += usize::from(a != b);
        each[0] += usize::from(a);
        each[1] += usize::from(b);
    }
    let rows = first.numbers.len();
    share_of(one, rows) >= ONE_OF_TWO_MIN && each.iter().all(|count| share_of(*count, rows) >= EACH_MIN)
}

impl Numbers {
    fn new(
        source: Source,
        negative: Vec<usize>,
        label: String,
        named: Score,
        fits: Score,
        units: Vec<Option<i128>>,
    ) -> Self {
        let sizes = units.iter().map(|units| units.map(i128::unsigned_abs).filter(|size| *size > 0));
        let counted = Counted::of(sizes);
        Self { source, negative, label, named, fits, units, counted }
    }
}

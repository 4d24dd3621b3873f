//! The currency: of columns of codes, or of codes and signs beside the amounts, on both sides, or on one of which the
//! other has to be the same.

use recon_domain::Currency;
use recon_formats::cell::number;

use super::{Amount, CurrencyRole, named, names_text};
use crate::columns::{Column, Columns};
use crate::evidence::Findings;
use crate::names::{self, Meaning};
use crate::overlap::Link;
use crate::score::{SCORE_MAX, Score, percent, share_of};

const SUBJECT: &str = "/columns/currency";
const DEFAULT: &str = "/default_currency";
/// The share of pairs that must have the same currency.
const SAME_MIN: Score = 5_000;
/// What is worth a currency that one side says of itself alone.
const ONE_SIDED: Score = 7_000;
const SIDES: [&str; 2] = ["left", "right"];

/// What is known of the currencies.
pub(super) enum Told {
    /// They are compared, or one is taken for all.
    Role(CurrencyRole),
    /// One side says its own, the other one's has to be asked for; this much of the role is known.
    Open(CurrencyRole),
    /// Neither side says one, or each row has its own beside the amount.
    Nothing,
}

/// Where one side says its currencies.
struct Said {
    side: usize,
    /// The column, or the amounts themselves.
    place: Option<usize>,
    label: String,
    /// All that are said, each once.
    codes: Vec<Currency>,
}

pub(super) fn find(
    columns: &Columns<'_>,
    amount: &Amount,
    anchors: &[Link],
    findings: &mut Findings,
) -> Told {
    let [left, right] = [0, 1].map(|side| columns.sides[side].iter().filter(|column| column.is_currency()));
    let (left, right): (Vec<&Column>, Vec<&Column>) = (left.collect(), right.collect());
    if !left.is_empty() && !right.is_empty() {
        return two_sided(columns, anchors, (&left, &right), findings).map_or(Told::Nothing, Told::Role);
    }
    let said = |side: usize, of: &[&Column]| {
        in_column(columns, side, of).or_else(|| beside_amounts(columns, side, amount))
    };
    match (said(0, &left), said(1, &right)) {
        (None, None) => told_of_one(columns, findings),
        (Some(one), None) | (None, Some(one)) => one_sided(columns, one, findings),
        (Some(left), Some(right)) => {
            let places = [left.place, right.place];
            if places == [None, None] {
                return Told::Nothing;
            }
            let text = format!("{} on the left and {} on the right say it", left.label, right.label);
            findings.tell(SUBJECT, text, ONE_SIDED);
            Told::Role(CurrencyRole { places, default: None })
        }
    }
}

fn two_sided(
    columns: &Columns<'_>,
    anchors: &[Link],
    (left, right): (&[&Column], &[&Column]),
    findings: &mut Findings,
) -> Option<CurrencyRole> {
    let same = |a: &Column, b: &Column| {
        let equal = |(l, r): &&Link| {
            code(columns.cell(0, a, *l)).is_some_and(|code_a| Some(code_a) == code(columns.cell(1, b, *r)))
        };
        match anchors.is_empty() {
            true => SCORE_MAX,
            false => share_of(anchors.iter().filter(equal).count(), anchors.len()),
        }
    };
    let name = |column: &Column| names::score(Meaning::Currency, &column.name);
    let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b)));
    let scored = pairs.map(|(a, b)| (a, b, same(a, b), named(name(a), name(b))));
    let better = |other: &(&Column, &Column, Score, Score), best: &(&Column, &Column, Score, Score)| {
        (other.2 / 100, other.3) > (best.2 / 100, best.3)
    };
    let (a, b, same, named) =
        scored.reduce(|best, other| if better(&other, &best) { other } else { best })?;
    if same < SAME_MIN {
        let text = format!(
            "which columns hold the currency of the amounts? In `{}` and `{}` only {} of the pairs with the same amount agree",
            a.name,
            b.name,
            percent(same)
        );
        findings.ask(
            SUBJECT,
            text,
            vec![format!("left `{}` and right `{}`", a.name, b.name), "none".to_owned()],
        );
        return None;
    }
    let text = format!(
        "`{}` and `{}` hold codes of currencies: {}; {} of the pairs with the same amount or reference agree",
        a.name,
        b.name,
        names_text(named),
        percent(same)
    );
    findings.tell(SUBJECT, text, same);
    Some(CurrencyRole { places: [Some(a.place), Some(b.place)], default: None })
}

/// The column of a side that names currencies, if there is one: the one whose name says so best.
fn in_column(columns: &Columns<'_>, side: usize, several: &[&Column]) -> Option<Said> {
    let name = |column: &&&Column| names::score(Meaning::Currency, &column.name);
    let best = several.iter().rev().max_by_key(name)?;
    let cells = columns.samples[side].cells(best.place).iter();
    let (place, label) = (Some(best.place), format!("`{}`", best.name));
    Some(Said { side, place, label, codes: each_once(cells.filter_map(code)) })
}

/// The codes and signs beside the amounts of a side, if there are any.
fn beside_amounts(columns: &Columns<'_>, side: usize, amount: &Amount) -> Option<Said> {
    let places = amount.sources[side].places();
    let amounts = || columns.sides[side].iter().filter(|column| places.contains(&column.place));
    let codes = amounts().flat_map(|column| {
        let cells = columns.samples[side].cells(column.place).iter();
        cells.filter_map(|cell| Some(number::parse(cell, column.is.marks).ok()?.said?.currency))
    });
    let codes = each_once(codes);
    let names: Vec<String> = amounts().map(|column| format!("`{}`", column.name)).collect();
    let label = format!("what stands beside the amounts in {}", names.join(" and "));
    (!codes.is_empty()).then_some(Said { side, place: None, label, codes })
}

/// Neither file says anything: where only one was told a currency, it is assumed of the other too.
fn told_of_one(columns: &Columns<'_>, findings: &mut Findings) -> Told {
    let told = [0, 1].map(|side: usize| columns.samples[side].options.currency);
    let ([Some(only), None] | [None, Some(only)]) = told else { return Told::Nothing };
    let text =
        format!("one file is told to be in {only}; the other says nothing and is assumed to be the same");
    findings.tell(DEFAULT, text, ONE_SIDED);
    Told::Role(CurrencyRole { places: [None; 2], default: Some(only) })
}

/// The other side says nothing: it is taken to be the same where that is one, and asked for where it is not.
fn one_sided(columns: &Columns<'_>, said: Said, findings: &mut Findings) -> Told {
    let Said { side, place, label, codes } = said;
    let (this, other) = (SIDES[side], SIDES[1 - side]);
    let told = columns.samples[1 - side].options.currency;
    let mut places = [None; 2];
    places[side] = place;
    match (codes.as_slice(), told) {
        (_, Some(told)) => {
            let text = format!("{label} on the {this}; the {other} file is told to be in {told}");
            findings.tell(SUBJECT, text, ONE_SIDED);
            Told::Role(CurrencyRole { places, default: None })
        }
        ([only], None) => {
            let rows = if columns.samples[side].complete { "all rows" } else { "all rows looked at" };
            let text = format!(
                "{label} on the {this}: {only} in {rows} that say one; the {other} side says nothing and is assumed to be the same"
            );
            findings.tell(if place.is_some() { SUBJECT } else { DEFAULT }, text, ONE_SIDED);
            Told::Role(CurrencyRole { places, default: Some(*only) })
        }
        (_, None) => {
            let text = format!(
                "which currency are the amounts on the {other} in? {label} on the {this} has {} of them, and nothing on the {other} says one, so equal amounts may be different money. \
                 Answer by `currency` in [{other}] if it is one for all, or by `{other}` in [columns.currency] if a column says it",
                codes.len()
            );
            findings.require(SUBJECT, text, codes.iter().map(ToString::to_string).collect());
            Told::Open(CurrencyRole { places, default: None })
        }
    }
}

fn each_once(codes: impl Iterator<Item = Currency>) -> Vec<Currency> {
    let mut found: Vec<Currency> = Vec::new();
    for code in codes {
        if !found.contains(&code) {
            found.push(code);
        }
    }
    found.sort_unstable_by_key(|code| code.as_str().to_owned());
    found
}

fn code(cell: &str) -> Option<Currency> {
    cell.parse().ok()
}

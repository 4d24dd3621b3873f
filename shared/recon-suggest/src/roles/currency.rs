//! The currency: a column of codes on both sides, or on one of which the other has to be the same.

use recon_domain::Currency;

use super::{CurrencyRole, named, names_text};
use crate::columns::{Column, Columns};
use crate::evidence::Findings;
use crate::names::{self, Meaning};
use crate::overlap::Link;
use crate::score::{SCORE_MAX, Score, percent, share_of};

const SUBJECT: &str = "/columns/currency";
/// The share of pairs that must have the same currency.
const SAME_MIN: Score = 5_000;
/// What is worth a currency that one side says of itself alone.
const ONE_SIDED: Score = 7_000;

pub(super) fn find(columns: &Columns<'_>, anchors: &[Link], findings: &mut Findings) -> Option<CurrencyRole> {
    let [left, right] = [0, 1].map(|side| columns.sides[side].iter().filter(|column| column.is_currency()));
    let (left, right): (Vec<&Column>, Vec<&Column>) = (left.collect(), right.collect());
    match (left.as_slice(), right.as_slice()) {
        ([], []) => None,
        ([], several) => one_sided(columns, 1, several, findings),
        (several, []) => one_sided(columns, 0, several, findings),
        (_, _) => two_sided(columns, anchors, (&left, &right), findings),
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

fn one_sided(
    columns: &Columns<'_>,
    side: usize,
    several: &[&Column],
    findings: &mut Findings,
) -> Option<CurrencyRole> {
    let name = |column: &&&Column| names::score(Meaning::Currency, &column.name);
    let best = several.iter().rev().max_by_key(name)?;
    let rows = columns.samples[side].len();
    let mut codes: Vec<Currency> = (0..rows).filter_map(|row| code(columns.cell(side, best, row))).collect();
    codes.sort_unstable_by_key(|code| code.as_str().to_owned());
    codes.dedup();
    let (this, other) = if side == 0 { ("left", "right") } else { ("right", "left") };
    let told = columns.samples[1 - side].options.currency;
    let mut places = [None; 2];
    places[side] = Some(best.place);
    match (codes.as_slice(), told) {
        (_, Some(told)) => {
            let text = format!("`{}` on the {this}; the {other} file is told to be in {told}", best.name);
            findings.tell(SUBJECT, text, ONE_SIDED);
            Some(CurrencyRole { places, default: None })
        }
        ([only], None) => {
            let text = format!(
                "`{}` on the {this} says {only} throughout; the {other} side says nothing and is taken to be the same",
                best.name
            );
            findings.tell(SUBJECT, text, ONE_SIDED);
            Some(CurrencyRole { places, default: Some(*only) })
        }
        (_, None) => {
            let text = format!(
                "which currency are the amounts on the {other} in? `{}` on the {this} has several, and they are compared without it",
                best.name
            );
            findings.ask(SUBJECT, text, codes.iter().map(ToString::to_string).collect());
            None
        }
    }
}

fn code(cell: &str) -> Option<Currency> {
    cell.parse().ok()
}

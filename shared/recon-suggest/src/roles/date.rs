//! The dates: those of rows that belong together lie near one another.

use recon_domain::DateOrder;

use super::{Date, named, names_text};
use crate::agreement::{Agreement, LINKS_MIN, are_near, median_lag};
use crate::columns::{Column, Columns};
use crate::evidence::{Choice, Findings, choose};
use crate::names::{self, Meaning};
use crate::overlap::Link;
use crate::score::{SCORE_MAX, Score, both, percent, share_of, times};

const SUBJECT: &str = "/columns/date";
/// What names count for, and what values do.
const NAMES: Score = 6_500;
const VALUES: Score = 8_500;
/// What it counts for to be the only column of dates on each side.
const ONLY: Score = 5_500;
/// What an order of dates must be ahead of the others.
const ORDER_LEAD_MIN: Score = 2_000;
/// The share of rows in which two columns of a side must say about the same to be as good as one.
const SAME_MIN: Score = 9_000;
/// Days that two columns of a side may be apart then.
const SAME_DAYS_MAX: u32 = 4;

struct Candidate<'c> {
    columns: [&'c Column; 2],
    /// For each pair of orders: how well it fits.
    readings: Vec<([usize; 2], Agreement)>,
    named: Score,
    score: Score,
}

pub(super) fn find(columns: &Columns<'_>, anchors: &[Link], findings: &mut Findings) -> Option<Date> {
    let [left, right] = &columns.sides;
    let days = |side: &'_ [Column]| side.iter().filter(|column| column.is_day()).count();
    let are_only = days(left) == 1 && days(right) == 1;
    let pairs = left
        .iter()
        .filter(|column| column.is_day())
        .flat_map(|a| right.iter().filter(|column| column.is_day()).map(move |b| (a, b)));
    let candidates: Vec<Candidate<'_>> = pairs.map(|(a, b)| candidate(a, b, anchors, are_only)).collect();
    let is_same = |a: &Candidate<'_>, b: &Candidate<'_>| {
        say_the_same(a.columns[0], b.columns[0]) && say_the_same(a.columns[1], b.columns[1])
    };
    match choose(candidates, |candidate| candidate.score, is_same) {
        Choice::Clear(best) => settle(&best, anchors.len(), findings),
        Choice::Open(open) => {
            let option = |candidate: &Candidate<'_>| {
                format!("left `{}` and right `{}`", candidate.columns[0].name, candidate.columns[1].name)
            };
            let text =
                "which columns hold the dates to compare? What speaks for these is too little, or too close";
            findings.ask(SUBJECT, text, open.iter().map(option).collect());
            None
        }
        Choice::Nothing => None,
    }
}

fn candidate<'c>(left: &'c Column, right: &'c Column, anchors: &[Link], are_only: bool) -> Candidate<'c> {
    let orders = (0..left.days.len()).flat_map(|a| (0..right.days.len()).map(move |b| [a, b]));
    let readings: Vec<_> = orders
        .map(|[a, b]| {
            let (left, right) = (&left.days[a], &right.days[b]);
            let lag = median_lag(anchors, left, right);
            let agreement = Agreement::of(anchors, |l, r| are_near(left[l], right[r], lag));
            ([a, b], agreement)
        })
        .collect();
    let name = |column: &Column| names::score(Meaning::Date, &column.name);
    let named = named(name(left), name(right));
    let lift = readings.iter().filter_map(|(_, agreement)| agreement.lift()).max();
    let value = if anchors.len() < LINKS_MIN { None } else { lift };
    let only = if are_only { ONLY } else { 0 };
    let told = both(times(named, NAMES), only);
    let found = both(told, times(value.unwrap_or(0), VALUES));
    Candidate {
        columns: [left, right],
        readings,
        named,
        score: times(found, left.is.fits.min(right.is.fits)),
    }
}

fn settle(best: &Candidate<'_>, anchors: usize, findings: &mut Findings) -> Option<Date> {
    let [left, right] = best.columns;
    let mut readings: Vec<_> = best.readings.iter().collect();
    readings.sort_by_key(|(_, agreement)| std::cmp::Reverse(agreement.observed));
    let ([a, b], agreement) = readings.first()?;
    let is_open =
        readings.get(1).is_some_and(|(_, second)| second.observed + ORDER_LEAD_MIN > agreement.observed);
    if is_open {
        for (side, column) in
            [("left", left), ("right", right)].into_iter().filter(|(_, column)| column.days.len() > 1)
        {
            let orders = column.is.orders.iter().map(DateOrder::to_string).collect();
            let text =
                format!("in which order are the dates in `{}` written? All of them fit several", column.name);
            findings.ask(format!("/{side}/date_order"), text, orders);
        }
        return None;
    }
    let mut text = format!("`{}` and `{}`: {}", left.name, right.name, names_text(best.named));
    if best.named < 5_000 && agreement.lift().is_none() {
        text.push_str("; they are the only columns of dates");
    }
    if anchors >= LINKS_MIN {
        text.push_str(&format!(
            "; in {} of {anchors} pairs with the same amount or reference the days lie within ten of what is usual, {} would by chance",
            percent(agreement.observed), percent(agreement.chance)
        ));
    }
    findings.tell(SUBJECT, text, best.score);
    let mut orders = [None; 2];
    for (side, column, order) in [(0, left, *a), (1, right, *b)] {
        let order = column.is.orders.get(order).copied().filter(|_| column.days.len() > 1);
        if let Some(order) = order {
            let text =
                format!("read as {order}, the dates in `{}` lie near those of the other side", column.name);
            findings.tell(format!("/{}/date_order", ["left", "right"][side]), text, agreement.observed);
        }
        orders[side] = order;
    }
    Some(Date { places: [left.place, right.place], orders })
}

/// Whether two columns of a side have about the same days in nearly every row.
fn say_the_same(a: &Column, b: &Column) -> bool {
    if a.place == b.place {
        return true;
    }
    let (Some(a), Some(b)) = (a.days.first(), b.days.first()) else { return false };
    let near = |(a, b): &(&Option<i32>, &Option<i32>)| {
        a.zip(**b).is_some_and(|(a, b)| a.abs_diff(b) <= SAME_DAYS_MAX)
    };
    share_of(a.iter().zip(b).filter(near).count(), a.len()) >= SAME_MIN.min(SCORE_MAX)
}

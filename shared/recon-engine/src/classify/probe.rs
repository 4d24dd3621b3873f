//! Where to look for what comes nearest: blocks of fewer columns, in the order of amounts, dates or texts.

use rayon::prelude::*;
use recon_domain::Tolerance;

use crate::evaluate::Judge;
use crate::input::{LEFT, RIGHT};
use crate::number::{index, narrow};
use crate::plan::Window;
use crate::{Cancelled, Column, TextId};

/// How many pairs of blocking columns of a pass are left out, at most.
pub(crate) const OMITTED_PAIRS_MAX: usize = 24;

/// At how many days of a tolerance a search along dates looks, at most; the nearest first.
pub(crate) const DAYS_PROBED_MAX: usize = 8;

/// What a pass is blocked by: its currency (where there are several), and the roles that must be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocking {
    Currency,
    Role(usize),
}

/// An order inside a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// The first counts most.
    axes: [Axis; 3],
    /// At which distances along the first axis to look, right minus left.
    pub(super) offsets: Vec<i32>,
}

/// What classes are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Number,
    Date,
    Text,
}

/// The sets of blocking columns that are left when up to `omitted` of them are left out.
pub(super) fn kept_columns(
    judge: &Judge<'_>,
    several_currencies: bool,
    omitted: usize,
) -> Vec<Vec<Blocking>> {
    let currency = several_currencies.then_some(Blocking::Currency);
    let roles = judge.plan.equal.iter().map(|(_, role)| Blocking::Role(*role));
    let blocking: Vec<Blocking> = currency.into_iter().chain(roles).collect();
    let without = |left_out: &[usize]| {
        let kept = blocking.iter().enumerate().filter(|(number, _)| !left_out.contains(number));
        kept.map(|(_, column)| *column).collect::<Vec<_>>()
    };
    let numbers = 0..blocking.len();
    let mut kept = vec![without(&[])];
    kept.extend(numbers.clone().map(|number| without(&[number])));
    if omitted > 1 {
        let pairs = numbers.clone().flat_map(|a| (a + 1..numbers.end).map(move |b| [a, b]));
        kept.extend(pairs.take(OMITTED_PAIRS_MAX).map(|pair| without(&pair)));
    }
    kept
}

/// One order for each axis that the pass has.
pub(super) fn orders(judge: &Judge<'_>) -> Vec<Order> {
    let roles = Roles::of(judge);
    let order = |axes, offsets| Order { axes, offsets };
    let number = order([Axis::Number, Axis::Date, Axis::Text], vec![0]);
    let date = order([Axis::Date, Axis::Number, Axis::Text], offsets(judge));
    let text = order([Axis::Text, Axis::Number, Axis::Date], vec![0]);
    let wanted = [(roles.number, number.clone()), (roles.date, date), (roles.text, text)];
    let mut orders: Vec<Order> =
        wanted.into_iter().filter(|(role, _)| role.is_some()).map(|(_, order)| order).collect();
    if orders.is_empty() {
        orders.push(number);
    }
    orders
}

/// The days of the first tolerance in days, the nearest first, later before earlier.
fn offsets(judge: &Judge<'_>) -> Vec<i32> {
    let Some((before, after)) = judge.plan.windows.iter().find_map(Window::days) else {
        return vec![0];
    };
    let near = i32::try_from(DAYS_PROBED_MAX).unwrap_or(i32::MAX);
    let mut days: Vec<i32> = (-before.min(near)..=after.min(near)).collect();
    days.sort_by_key(|day| (day.abs(), -day));
    days.truncate(DAYS_PROBED_MAX);
    days
}

/// The roles behind the axes of a pass.
#[derive(Debug, Clone, Copy)]
struct Roles {
    number: Option<usize>,
    date: Option<usize>,
    text: Option<usize>,
}

impl Roles {
    /// The first role with a tolerance of its kind, else the reserved one; for texts the first that is
    /// compared by likeness, else, where there is no other axis, the first that must be equal.
    fn of(judge: &Judge<'_>) -> Self {
        let (pass, reserved) = (judge.plan.pass, judge.input.reserved);
        let within = |amount: bool| {
            let mut roles = pass
                .within
                .iter()
                .filter(move |within| matches!(within.tolerance, Tolerance::Amount { .. }) == amount);
            roles.next().map(|within| within.role.index())
        };
        let (number, date) = (within(true).or(reserved.amount), within(false).or(reserved.date));
        let is_text = |role: &usize| matches!(judge.input.column(LEFT, *role), Column::Text { .. });
        let similar = pass.similar.first().map(|similar| similar.role.index());
        let equal = || judge.plan.equal.iter().map(|(_, role)| *role).find(is_text);
        let text = similar.or_else(|| if number.is_none() && date.is_none() { equal() } else { None });
        Self { number, date, text }
    }
}

/// Where every class lies on the axes of a pass, by side and class. Numbers and texts by their rank
/// among both sides, dates by their day; empty cells come first.
#[derive(Debug)]
pub(super) struct Places {
    sides: [Vec<[u32; 3]>; 2],
}

/// A place on the axes of an order, the first two in one number.
type Place = (u64, u32);

impl Places {
    pub(super) fn of(judge: &Judge<'_>) -> Result<Self, Cancelled> {
        let input = judge.input;
        judge.watch.ask()?;
        let roles = Roles::of(judge);
        let values = |side: usize, role: Option<usize>| {
            let column = role.map(|role| input.column(side, role));
            (0..input.len(side)).map(move |class| (class, column))
        };
        let numbers = ranks([LEFT, RIGHT].map(|side| {
            let cells = values(side, roles.number);
            cells.map(|(entry, column)| column.and_then(|column| column.number(entry))).collect()
        }));
        judge.watch.ask()?;
        let texts = ranks([LEFT, RIGHT].map(|side| {
            let cells = values(side, roles.text);
            let ids =
                cells.map(|(entry, column)| column.map_or(TextId::EMPTY, |column| column.text_id(entry)));
            ids.map(|id| input.texts.get(id)).collect()
        }));
        judge.watch.ask()?;
        let sides = [LEFT, RIGHT].map(|side| {
            let dates = values(side, roles.date);
            let dates = dates.map(|(entry, column)| day_rank(column.and_then(|column| column.day(entry))));
            let ranks = numbers[side].iter().zip(&texts[side]);
            dates.zip(ranks).map(|(date, (number, text))| [*number, date, *text]).collect()
        });
        Ok(Self { sides })
    }

    pub(super) fn of_class(&self, order: &Order, side: usize, class: u32) -> Place {
        let [first, second, third] = order.axes.map(|axis| {
            let [number, date, text] = self.sides[side][index(class)];
            match axis {
                Axis::Number => number,
                Axis::Date => date,
                Axis::Text => text,
            }
        });
        (u64::from(first) << 32 | u64::from(second), third)
    }

    /// A place further along the first axis; `None` where the cell is empty or the axis ends.
    pub(super) fn moved(&self, (high, low): Place, offset: i32) -> Option<Place> {
        if offset == 0 {
            return Some((high, low));
        }
        let first = u32::try_from(high >> 32).ok().filter(|first| *first > 0)?;
        let first = first.checked_add_signed(offset).filter(|first| *first > 0)?;
        Some((u64::from(first) << 32 | high & u64::from(u32::MAX), low))
    }
}

/// Days in order as numbers from one on; zero is the empty cell.
fn day_rank(day: Option<i32>) -> u32 {
    day.map_or(0, |day| i32::MIN.abs_diff(day))
}

/// The rank of each value among those of both sides, from one on; zero is the empty cell.
fn ranks<T: Ord + Copy + Send + Sync>(sides: [Vec<Option<T>>; 2]) -> [Vec<u32>; 2] {
    let mut known: Vec<T> = sides.iter().flatten().flatten().copied().collect();
    known.par_sort_unstable();
    known.dedup();
    sides.map(|values| {
        let rank = |value: &Option<T>| match value {
            Some(value) => narrow(known.partition_point(|other| other < value)).saturating_add(1),
            None => 0,
        };
        values.par_iter().map(rank).collect()
    })
}

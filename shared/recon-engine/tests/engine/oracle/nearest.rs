//! Breaks, their nearest candidates and causes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use recon_domain::{BreakKind, Cause, Condition, Currency, Pass, Tolerance};
use recon_engine::Deviation;

use super::Run;
use super::pair::{Cell, CellOrder, Failures, cell, cost, failures, written};
use crate::case::{AMOUNT, DATE, Row};

const NEIGHBOURS: usize = 8;

/// The other row, the pass and what fails.
type Near = (usize, usize, Failures);

/// What is known of a break.
struct Found {
    side: usize,
    own: usize,
    is_duplicate: bool,
    is_ambiguous: bool,
    nearest: Option<Near>,
}

impl Run<'_> {
    pub fn breaks(&mut self) {
        let open: [Vec<usize>; 2] =
            [0, 1].map(|side| (0..self.sides[side].len()).filter(|row| !self.matched[side][*row]).collect());
        let mut found = Vec::new();
        for side in [0, 1] {
            for own in &open[side] {
                let same = |other: &usize| {
                    CellOrder::of(&self.sides[side][*other]) == CellOrder::of(&self.sides[side][*own])
                };
                let is_duplicate =
                    (0..self.sides[side].len()).any(|row| self.matched[side][row] && same(&row));
                let nearest = if is_duplicate { None } else { self.nearest(side, *own, &open[1 - side]) };
                let is_ambiguous = self
                    .forbidden
                    .iter()
                    .any(|pair| pair[side] == *own && !self.matched[1 - side][pair[1 - side]]);
                found.push(Found { side, own: *own, is_duplicate, is_ambiguous, nearest });
            }
        }
        let constants = self.constants(&found);
        for Found { side, own, is_duplicate, is_ambiguous, nearest } in &found {
            let missing = [BreakKind::MissingRight, BreakKind::MissingLeft][*side];
            let kind = match nearest {
                _ if *is_duplicate => BreakKind::Duplicate,
                _ if *is_ambiguous => BreakKind::Ambiguous,
                Some((_, pass, failed)) if failed.len() == 1 => {
                    self.kind(*pass, failed[0].0).unwrap_or(missing)
                }
                _ => missing,
            };
            let shown = nearest.as_ref().map(|(other, pass, failed)| {
                let pair = if *side == 0 { [*own, *other] } else { [*other, *own] };
                let cause =
                    failed.iter().find_map(|(condition, _)| self.cause(pair, *pass, *condition, &constants));
                format!("{pass} {failed:?} {cause:?} {}", written(&self.sides[1 - side][*other]))
            });
            let row = written(&self.sides[*side][*own]);
            self.account.breaks.push(format!("{side} {kind} {row} nearest {shown:?}"));
        }
    }

    fn kind(&self, pass: usize, condition: Condition) -> Option<BreakKind> {
        let pass = &self.rules.passes[pass];
        Some(match condition {
            Condition::Currency => BreakKind::CurrencyDiffers,
            Condition::Equal(number) => match pass.equal[usize::from(number)] {
                AMOUNT => BreakKind::AmountOutOfTolerance,
                DATE => BreakKind::DateOutOfTolerance,
                _ => BreakKind::ReferenceDiffers,
            },
            Condition::Within(number) => match pass.within[usize::from(number)].tolerance {
                Tolerance::Amount { .. } => BreakKind::AmountOutOfTolerance,
                Tolerance::Days { .. } => BreakKind::DateOutOfTolerance,
            },
            Condition::Similar(_) => BreakKind::ReferenceDiffers,
            Condition::Filter(_) => return None,
        })
    }

    fn nearest(&self, side: usize, own: usize, open: &[usize]) -> Option<Near> {
        // Interchangeable entries count once.
        let mut others: Vec<usize> = Vec::new();
        for row in open {
            if others.last().is_none_or(|last| {
                CellOrder::of(&self.sides[1 - side][*last]) != CellOrder::of(&self.sides[1 - side][*row])
            }) {
                others.push(*row);
            }
        }
        let mut seen = Vec::new();
        for failed_max in [1, 2] {
            for (number, pass) in self.rules.passes.iter().enumerate() {
                for other in self.neighbours(side, own, &others, pass, failed_max) {
                    let pair = if side == 0 { [own, other] } else { [other, own] };
                    let (left, right) = (&self.sides[0][pair[0]], &self.sides[1][pair[1]]);
                    let failed = failures(self.rules, pass, left, right);
                    if failed.len() <= failed_max && speaks_for_it(pass, left, right, &failed) {
                        seen.push((failed.len(), cost(pass, left, right), other, number, failed));
                    }
                }
            }
            if !seen.is_empty() {
                break;
            }
        }
        seen.sort_by_key(|(count, cost, other, number, _)| (*count, *cost, *other, *number));
        seen.into_iter().next().map(|(_, _, other, number, failed)| (other, number, failed))
    }

    fn neighbours(
        &self,
        side: usize,
        own: usize,
        others: &[usize],
        pass: &Pass,
        omitted_max: usize,
    ) -> Vec<usize> {
        let row = &self.sides[side][own];
        let blocking: Vec<Option<usize>> =
            std::iter::once(None).chain(pass.equal.iter().map(|role| Some(role.index()))).collect();
        let mut looked_at = Vec::new();
        for left_out in 0_u32..1 << blocking.len() {
            if usize::try_from(left_out.count_ones()).unwrap() > omitted_max {
                continue;
            }
            let agrees = |other: &Row| {
                blocking.iter().enumerate().filter(|(bit, _)| left_out >> bit & 1 == 0).all(|(_, column)| {
                    match column {
                        None => row.currency == other.currency,
                        Some(role) => {
                            cell(row, *role) != Cell::Empty && cell(row, *role) == cell(other, *role)
                        }
                    }
                })
            };
            let block: Vec<usize> =
                others.iter().copied().filter(|other| agrees(&self.sides[1 - side][*other])).collect();
            for (axes, offsets) in orders(pass) {
                for offset in offsets {
                    let Some(own) = place(row, &axes, if side == 0 { offset } else { -offset }) else {
                        continue;
                    };
                    let mut block = block.clone();
                    let key = |other: &usize| place(&self.sides[1 - side][*other], &axes, 0);
                    block.sort_by_key(|other| (key(other), *other));
                    let at = block.iter().filter(|other| key(other).as_ref() < Some(&own)).count();
                    let shown = at.saturating_sub(NEIGHBOURS)..block.len().min(at + NEIGHBOURS);
                    looked_at.extend_from_slice(&block[shown]);
                }
            }
        }
        looked_at
    }

    /// How many pairs that fail an amount alone differ by so much, by currency.
    fn constants(&self, found: &[Found]) -> BTreeMap<(Currency, i128), usize> {
        let mut pairs = Vec::new();
        for Found { side, own, nearest, .. } in found {
            let Some((other, pass, failed)) = nearest else { continue };
            let pair = if *side == 0 { [*own, *other] } else { [*other, *own] };
            if let ([(condition, _)], Some((left, right))) = (
                failed.as_slice(),
                failed.first().and_then(|(condition, _)| self.amounts(pair, *pass, *condition)),
            ) {
                let _ = condition;
                let (a, b) = (&self.sides[0][pair[0]], &self.sides[1][pair[1]]);
                pairs.push(((a.currency, right - left), (CellOrder::of(a), CellOrder::of(b))));
            }
        }
        pairs.sort();
        pairs.dedup();
        let mut counts = BTreeMap::new();
        for (difference, _) in pairs {
            *counts.entry(difference).or_default() += 1;
        }
        counts
    }

    fn amounts(&self, pair: [usize; 2], pass: usize, condition: Condition) -> Option<(i128, i128)> {
        let pass = &self.rules.passes[pass];
        let role = match condition {
            Condition::Equal(number) => pass.equal[usize::from(number)],
            Condition::Within(number) => pass.within[usize::from(number)].role,
            _ => return None,
        };
        let (left, right) = (&self.sides[0][pair[0]], &self.sides[1][pair[1]]);
        match (cell(left, role.index()), cell(right, role.index())) {
            (Cell::Number(a), Cell::Number(b)) if left.currency == right.currency => Some((a, b)),
            _ => None,
        }
    }

    fn cause(
        &self,
        pair: [usize; 2],
        pass: usize,
        condition: Condition,
        constants: &BTreeMap<(Currency, i128), usize>,
    ) -> Option<Cause> {
        let (left, right) = (&self.sides[0][pair[0]], &self.sides[1][pair[1]]);
        if let Some((a, b)) = self.amounts(pair, pass, condition) {
            let digits = |number: i128| number.abs().to_string().chars().collect::<Vec<char>>();
            let transposed = (0..digits(a).len().saturating_sub(1)).any(|at| {
                let mut swapped = digits(a);
                swapped.swap(at, at + 1);
                swapped != digits(a) && swapped == digits(b)
            });
            let shifted = [10, 100, 1000].iter().any(|power| a * power == b || b * power == a);
            let shared = constants.get(&(left.currency, b - a)).copied().unwrap_or(0);
            return match (b - a).abs() {
                0 => None,
                _ if a == -b => Some(Cause::SignFlipped),
                _ if a.signum() == b.signum() && transposed => Some(Cause::DigitsTransposed),
                _ if shifted => Some(Cause::DecimalShifted),
                difference if difference > 1 && shared >= 3 => Some(Cause::ConstantDifference),
                difference if difference <= 1 + a.abs() / 20_000 => Some(Cause::FxRounding),
                _ => None,
            };
        }
        let is_date = match condition {
            Condition::Equal(number) => self.rules.passes[pass].equal[usize::from(number)] == DATE,
            Condition::Within(number) => self.rules.passes[pass].within[usize::from(number)].role == DATE,
            _ => false,
        };
        let (a, b) = left.day.zip(right.day).filter(|_| is_date)?;
        let month = |day: i32| recon_domain::Day::from_number(day).to_string()[..7].to_owned();
        (a.abs_diff(b) <= 10 && month(a) != month(b)).then_some(Cause::CutOff)
    }
}

fn speaks_for_it(pass: &Pass, left: &Row, right: &Row, failed: &[(Condition, Deviation)]) -> bool {
    let about_values = failed.iter().filter(|(condition, _)| {
        matches!(condition, Condition::Equal(_) | Condition::Within(_) | Condition::Similar(_))
    });
    let conditions = pass.equal.len() + pass.within.len() + pass.similar.len();
    let agrees = (0..5).any(|role| cell(left, role) != Cell::Empty && cell(left, role) == cell(right, role));
    about_values.count() < conditions || agrees
}

/// The orders of a pass: roles in their order, and the days at which to look.
fn orders(pass: &Pass) -> Vec<(Vec<usize>, Vec<i32>)> {
    let within = |amounts: bool| {
        let mut all = pass.within.iter();
        all.find(|within| matches!(within.tolerance, Tolerance::Amount { .. }) == amounts)
    };
    let number = within(true).map_or(AMOUNT, |within| within.role).index();
    let date = within(false).map_or(DATE, |within| within.role).index();
    let text = pass.similar.first().map(|similar| similar.role.index());
    let mut offsets = vec![0];
    if let Some(Tolerance::Days { before, after, .. }) = within(false).map(|within| &within.tolerance) {
        offsets = (-i32::from(*before)..=i32::from(*after)).collect();
        offsets.sort_by_key(|day| (day.abs(), Reverse(*day)));
        offsets.truncate(8);
    }
    let mut orders = vec![
        ([number, date].into_iter().chain(text).collect(), vec![0]),
        ([date, number].into_iter().chain(text).collect(), offsets),
    ];
    if let Some(text) = text {
        orders.push((vec![text, number, date], vec![0]));
    }
    orders
}

/// Where a row lies in an order.
fn place(row: &Row, axes: &[usize], offset: i32) -> Option<Vec<(bool, i128, String)>> {
    let mut place: Vec<(bool, i128, String)> = axes
        .iter()
        .map(|role| match cell(row, *role) {
            Cell::Empty => (false, 0, String::new()),
            Cell::Number(units) => (true, units, String::new()),
            Cell::Day(day) => (true, day.into(), String::new()),
            Cell::Text(text) => (true, 0, text),
        })
        .collect();
    if offset != 0 {
        if !place[0].0 {
            return None;
        }
        place[0].1 += i128::from(offset);
    }
    Some(place)
}

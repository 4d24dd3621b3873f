//! Counts and control totals of a result.

use std::collections::BTreeMap;

use rayon::prelude::*;
use recon_domain::{
    BreakKind, ControlTotals, Currency, Limits, MatchStatus, PassCount, SideAmounts, SideCounts, Summary,
};

use crate::input::{Input, LEFT, RIGHT, SIDES};
use crate::number::{count, index};
use crate::{Break, Column, Match};

/// Of how many matches the amounts are fetched at a time.
const CHUNK_MATCHES: usize = 1_024;

/// Sums up a result; the digest is put in by the caller.
pub(crate) fn summary(input: &Input<'_>, matches: &[Match], breaks: &[Break], limits: Limits) -> Summary {
    let mut sides = [LEFT, RIGHT].map(|side| SideCounts {
        rows: count(input.tables[side].len()),
        rejected: input.tables[side].rejected,
        ..SideCounts::default()
    });
    let passes = input.rules.passes.iter();
    let mut by_pass: Vec<PassCount> =
        passes.map(|pass| PassCount { pass: pass.name.clone(), confirmed: 0, suggested: 0 }).collect();
    for matched in matches {
        let pass = &mut by_pass[usize::from(matched.pass)];
        let entries = [&matched.left, &matched.right].map(|entries| count(entries.len()));
        match matched.status {
            MatchStatus::Confirmed => {
                pass.confirmed += 1;
                sides.iter_mut().zip(entries).for_each(|(side, entries)| side.matched += entries);
            }
            MatchStatus::Suggested => {
                pass.suggested += 1;
                sides.iter_mut().zip(entries).for_each(|(side, entries)| side.suggested += entries);
            }
        }
    }
    let mut kinds = BTreeMap::new();
    for left_over in breaks {
        sides[usize::from(left_over.side != SIDES[LEFT])].broken += 1;
        *kinds.entry(left_over.kind).or_insert(0) += 1;
    }
    let breaks_by_kind =
        BreakKind::ALL.iter().filter_map(|kind| kinds.get(kind).map(|rows| (*kind, *rows))).collect();
    let (control_totals, amount_scale) = control_totals(input, matches, breaks);
    Summary {
        sides,
        by_pass,
        breaks: breaks_by_kind,
        control_totals,
        amount_scale,
        limits,
        digest: String::new(),
    }
}

/// Sums by currency, and the scale of their units; nothing where no amount is mapped.
fn control_totals(input: &Input<'_>, matches: &[Match], breaks: &[Break]) -> (Vec<ControlTotals>, u8) {
    let Some(role) = input.reserved.amount else { return (Vec::new(), 0) };
    let totals = || Totals { input, role, by_currency: Vec::new() };
    let rows = [LEFT, RIGHT].map(|side| {
        let entries = (0..input.len(side)).into_par_iter();
        entries.fold(totals, move |totals, entry| totals.and(side, entry, |amounts| &mut amounts.input))
    });
    let matched = matches.par_chunks(CHUNK_MATCHES).fold(totals, Totals::and_matches);
    let broken = breaks.par_iter().fold(totals, |totals, left_over| {
        let side = usize::from(left_over.side != SIDES[LEFT]);
        totals.and(side, index(left_over.entry), |amounts| &mut amounts.broken)
    });
    let [left, right] = rows;
    let parts = left.chain(right).chain(matched).chain(broken);
    let mut totals = parts.reduce(totals, Totals::plus).by_currency;
    totals.sort_unstable_by_key(|(currency, _)| *currency);
    let scale = match input.column(LEFT, role) {
        Column::Number { scale, .. } => *scale,
        Column::Day(_) | Column::Instant(_) | Column::Text { .. } => 0,
    };
    let totals = totals.into_iter();
    (totals.map(|(currency, sides)| ControlTotals { currency, sides }).collect(), scale)
}

/// Sums by currency, of which there are few; the last one seen comes first.
struct Totals<'a> {
    input: &'a Input<'a>,
    role: usize,
    by_currency: Vec<(Currency, [SideAmounts; 2])>,
}

impl Totals<'_> {
    /// With the amount of one more entry; an empty one is zero.
    fn and(mut self, side: usize, entry: usize, part: impl Fn(&mut SideAmounts) -> &mut i128) -> Self {
        let amount = self.input.column(side, self.role).number(entry).unwrap_or(0);
        self.plus_amount(side, self.input.tables[side].currencies[entry], amount, part);
        self
    }

    /// Fetches the amounts of many matches at once, so that waiting for one does not hold up the others.
    fn and_matches(mut self, matches: &[Match]) -> Self {
        for side in [LEFT, RIGHT] {
            let of =
                |matched: &Match| if side == LEFT { matched.left.clone() } else { matched.right.clone() };
            let entries: Vec<(u32, MatchStatus)> = matches
                .iter()
                .flat_map(|matched| of(matched).into_iter().map(|entry| (entry, matched.status)))
                .collect();
            let column = self.input.column(side, self.role);
            let amounts: Vec<i128> =
                entries.iter().map(|(entry, _)| column.number(index(*entry)).unwrap_or(0)).collect();
            let currencies: Vec<Currency> =
                entries.iter().map(|(entry, _)| self.input.currency(side, *entry)).collect();
            for (((_, status), amount), currency) in entries.iter().zip(amounts).zip(currencies) {
                self.plus_amount(side, currency, amount, |amounts| match status {
                    MatchStatus::Confirmed => &mut amounts.matched,
                    MatchStatus::Suggested => &mut amounts.suggested,
                });
            }
        }
        self
    }

    fn plus_amount(
        &mut self,
        side: usize,
        currency: Currency,
        amount: i128,
        part: impl Fn(&mut SideAmounts) -> &mut i128,
    ) {
        let sum = part(&mut self.of(currency)[side]);
        *sum = sum.saturating_add(amount);
    }

    fn of(&mut self, currency: Currency) -> &mut [SideAmounts; 2] {
        match self.by_currency.iter().position(|(known, _)| *known == currency) {
            Some(0) => {}
            Some(place) => self.by_currency.swap(0, place),
            None => self.by_currency.insert(0, (currency, Default::default())),
        }
        &mut self.by_currency[0].1
    }

    fn plus(mut self, other: Self) -> Self {
        for (currency, sides) in other.by_currency {
            for (sum, more) in self.of(currency).iter_mut().zip(sides) {
                sum.input = sum.input.saturating_add(more.input);
                sum.matched = sum.matched.saturating_add(more.matched);
                sum.suggested = sum.suggested.saturating_add(more.suggested);
                sum.broken = sum.broken.saturating_add(more.broken);
            }
        }
        self
    }
}

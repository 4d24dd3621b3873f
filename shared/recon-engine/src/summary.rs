//! Counts and control totals of a result.

use std::collections::BTreeMap;

use recon_domain::{
    BreakKind, ControlTotals, Currency, Limits, MatchStatus, PassCount, SideAmounts, SideCounts, Summary,
};

use crate::input::{Input, LEFT, RIGHT, SIDES};
use crate::number::{count, index};
use crate::{Break, Column, Match};

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
    let mut totals = Totals { input, role, by_currency: BTreeMap::new() };
    for side in [LEFT, RIGHT] {
        for entry in 0..input.tables[side].len() {
            totals.add(side, entry, |amounts| &mut amounts.input);
        }
    }
    for matched in matches {
        for (side, entries) in [(LEFT, &matched.left), (RIGHT, &matched.right)] {
            for entry in entries {
                totals.add(side, index(*entry), |amounts| match matched.status {
                    MatchStatus::Confirmed => &mut amounts.matched,
                    MatchStatus::Suggested => &mut amounts.suggested,
                });
            }
        }
    }
    for left_over in breaks {
        let side = usize::from(left_over.side != SIDES[LEFT]);
        totals.add(side, index(left_over.entry), |amounts| &mut amounts.broken);
    }
    let scale = match input.column(LEFT, role) {
        Column::Number { scale, .. } => *scale,
        Column::Day(_) | Column::Instant(_) | Column::Text { .. } => 0,
    };
    let totals = totals.by_currency.into_iter();
    (totals.map(|(currency, sides)| ControlTotals { currency, sides }).collect(), scale)
}

struct Totals<'a> {
    input: &'a Input<'a>,
    role: usize,
    by_currency: BTreeMap<Currency, [SideAmounts; 2]>,
}

impl Totals<'_> {
    /// Adds the amount of an entry; an empty one is zero.
    fn add(&mut self, side: usize, entry: usize, part: impl Fn(&mut SideAmounts) -> &mut i128) {
        let currency = self.input.tables[side].currencies[entry];
        let amount = self.input.column(side, self.role).number(entry).unwrap_or(0);
        let sum = part(&mut self.by_currency.entry(currency).or_default()[side]);
        *sum = sum.saturating_add(amount);
    }
}

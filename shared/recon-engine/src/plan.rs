//! A pass made ready for its tables.

mod filter;
mod window;

use recon_domain::{Pass, RoleId, Tolerance};

use crate::Cancelled;
use crate::input::{Input, LEFT, RIGHT};
use crate::number::index;
use crate::progress::Watch;
use crate::text;

pub(crate) use window::Window;

/// A pass with everything that does not change from pair to pair.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) pass: &'a Pass,
    /// The index of the pass.
    pub(crate) number: u16,
    /// Roles that must be equal beside the currency, each with its index in `equal`.
    pub(crate) equal: Vec<(u8, usize)>,
    /// The tolerances, in the order of `within`.
    pub(crate) windows: Vec<Window<'a>>,
    /// Roles whose differences are added up as the first element of the cost.
    pub(crate) cost_numbers: Vec<usize>,
    /// Roles whose days apart are added up as the second element.
    pub(crate) cost_dates: Vec<usize>,
    /// Roles whose disagreement is counted as the fourth element.
    pub(crate) cost_others: Vec<usize>,
    /// By side and class: one bit for each filter that it fails. Empty where the pass has no filters.
    failures: [Vec<u16>; 2],
}

impl<'a> Plan<'a> {
    pub(crate) fn new(input: &Input<'a>, number: usize, watch: &Watch<'_>) -> Result<Self, Cancelled> {
        let pass = &input.rules.passes[number];
        let is_currency = |role: usize| Some(role) == input.reserved.currency;
        let equal: Vec<(u8, usize)> = (0..)
            .zip(pass.equal.iter().map(|role| role.index()))
            .filter(|(_, role)| !is_currency(*role))
            .collect();
        let windows = pass.within.iter().map(|within| Window::new(input, within)).collect();
        let cost_numbers =
            measured(input.reserved.amount, pass, |tolerance| matches!(tolerance, Tolerance::Amount { .. }));
        let cost_dates =
            measured(input.reserved.date, pass, |tolerance| matches!(tolerance, Tolerance::Days { .. }));
        let similar = || pass.similar.iter().map(|similar| similar.role.index());
        let cost_others = (0..input.rules.roles.len())
            .filter(|role| !is_currency(*role) && !equal.iter().any(|(_, equal)| equal == role))
            .filter(|role| !cost_numbers.contains(role) && !cost_dates.contains(role))
            .filter(|role| similar().all(|similar| similar != *role))
            .collect();
        let failures = |side| filter::failures(input, pass, side, watch);
        let failures = [failures(LEFT)?, failures(RIGHT)?];
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        Ok(Self { pass, number, equal, windows, cost_numbers, cost_dates, cost_others, failures })
    }

    /// One bit for each filter of the pass that the class fails.
    pub(crate) fn failed_filters(&self, side: usize, class: u32) -> u16 {
        self.failures[side].get(index(class)).copied().unwrap_or(0)
    }

    /// Whether the class may be in any candidate of this pass: it passes the filters, no cell that a condition looks
    /// at is empty, and no text is too long to be compared.
    pub(crate) fn takes(&self, input: &Input<'_>, side: usize, class: u32) -> bool {
        if self.failed_filters(side, class) != 0 {
            return false;
        }
        let entry = index(class);
        let within = self.windows.iter().map(|window| window.role);
        let mut similar = self.pass.similar.iter().map(|similar| similar.role.index());
        let mut roles = self.equal.iter().map(|(_, role)| *role).chain(within);
        roles.all(|role| input.column(side, role).code(entry).is_some())
            && similar.all(|role| text::is_comparable(input.texts, input.column(side, role).text_id(entry)))
    }
}

/// The reserved role, if it is mapped, then the other roles of tolerances of this kind.
fn measured(reserved: Option<usize>, pass: &Pass, kind: impl Fn(&Tolerance) -> bool) -> Vec<usize> {
    let within = pass.within.iter().filter(|within| kind(&within.tolerance));
    let mut roles: Vec<usize> = reserved.into_iter().collect();
    for role in within.map(|within| RoleId::index(within.role)) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

//! What follows from a match's entries and its ambiguity, whoever found it.

use recon_domain::{Ambiguous, MatchStatus, Pass, Variance};

use crate::input::{Input, LEFT, RIGHT};
use crate::number::index;

/// The difference of a pair: right minus left.
pub(crate) fn variance(given: &Input<'_>, entries: [u32; 2]) -> Variance {
    let cells = |role: usize| [LEFT, RIGHT].map(|side| (given.column(side, role), index(entries[side])));
    let amount = given.reserved.amount.map(|role| {
        let [left, right] = cells(role).map(|(column, entry)| column.number(entry).unwrap_or(0));
        right.saturating_sub(left)
    });
    let days = given.reserved.date.and_then(|role| {
        let [left, right] = cells(role).map(|(column, entry)| column.day(entry));
        Some(right?.saturating_sub(left?))
    });
    Variance { amount, days }
}

/// Whether a match of this pass stands by itself.
pub(crate) fn status(pass: &Pass, ambiguity: u32) -> MatchStatus {
    match (ambiguity, pass.ambiguous) {
        (0, _) | (_, Ambiguous::Allow) => pass.outcome,
        (_, Ambiguous::Suggest | Ambiguous::Forbid) => MatchStatus::Suggested,
    }
}

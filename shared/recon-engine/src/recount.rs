//! What matches and breaks that were found before amount to: for those who check a result without matching again.

use recon_domain::{Limits, MatchStatus, RuleSet, Side, Summary, Variance};

use crate::digest::digest;
use crate::input::{Input, LEFT, RIGHT, SIDES};
use crate::measure;
use crate::number::{count, index};
use crate::progress::Watch;
use crate::summary::summary;
use crate::{Break, Cancelled, Interner, Match, Phase, Progress, Table};

/// Why matches and breaks cannot be summed up or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecountError {
    /// One names an entry that its table does not have.
    #[error("the {side} table has no entry {entry}")]
    NoSuchEntry {
        /// The side.
        side: Side,
        /// The entry.
        entry: u32,
    },
    /// One names a pass that the rules do not have.
    #[error("the rules have no pass {pass}")]
    NoSuchPass {
        /// The index of the pass.
        pass: u16,
    },
    /// It was told to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Counts, control totals and the digest of these matches and breaks, as [`reconcile`](crate::reconcile) makes them of
/// those that it finds. `limits` are what that run said of itself: nothing here can tell them.
///
/// Whether each entry stands in one match or break is for the caller to see; here one that stands twice counts twice.
///
/// # Errors
/// [`RecountError`].
pub fn recount(
    rules: &RuleSet,
    [left, right]: [&Table; 2],
    texts: &Interner,
    (matches, breaks): (&[Match], &[Break]),
    limits: Limits,
    progress: &dyn Progress,
) -> Result<Summary, RecountError> {
    let input = Input::new(rules, [left, right], texts);
    for matched in matches {
        if usize::from(matched.pass) >= rules.passes.len() {
            return Err(RecountError::NoSuchPass { pass: matched.pass });
        }
        for (side, entries) in [(LEFT, &matched.left), (RIGHT, &matched.right)] {
            entries.iter().try_for_each(|entry| known(&input, side, *entry))?;
        }
    }
    for left_over in breaks {
        known(&input, if left_over.side == SIDES[LEFT] { LEFT } else { RIGHT }, left_over.entry)?;
    }
    let mut counted = summary(&input, matches, breaks, limits);
    let lines = count(matches.len() + breaks.len());
    counted.digest = digest(&input, matches, breaks, &Watch::new(progress, Phase::Classifying, lines))?;
    Ok(counted)
}

/// The variance of a pair as a run measures it: right minus left.
///
/// # Errors
/// [`RecountError::NoSuchEntry`].
pub fn variance(
    rules: &RuleSet,
    tables: [&Table; 2],
    texts: &Interner,
    entries: [u32; 2],
) -> Result<Variance, RecountError> {
    let input = Input::new(rules, tables, texts);
    known(&input, LEFT, entries[LEFT])?;
    known(&input, RIGHT, entries[RIGHT])?;
    Ok(measure::variance(&input, entries))
}

/// The status that a match of this pass has, by how many others could have taken its place.
///
/// # Errors
/// [`RecountError::NoSuchPass`].
pub fn status(rules: &RuleSet, pass: u16, ambiguity: u32) -> Result<MatchStatus, RecountError> {
    let known = rules.passes.get(usize::from(pass)).ok_or(RecountError::NoSuchPass { pass })?;
    Ok(measure::status(known, ambiguity))
}

/// Whether there is such an entry.
pub(crate) fn known(input: &Input<'_>, side: usize, entry: u32) -> Result<(), RecountError> {
    match index(entry) < input.len(side) {
        true => Ok(()),
        false => Err(RecountError::NoSuchEntry { side: SIDES[side], entry }),
    }
}

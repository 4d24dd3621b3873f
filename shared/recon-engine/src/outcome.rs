//! What the engine answers with. Entries are named by their index in the table of their side.

use recon_domain::{BreakKind, Cause, Condition, MatchStatus, Side, Summary, Variance};
use smallvec::SmallVec;

/// Entries of one side of a match, in content order.
pub type Entries = SmallVec<[u32; 2]>;

/// Entries that a pass took together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The index of the pass.
    pub pass: u16,
    /// Whether a person must judge it.
    pub status: MatchStatus,
    /// How many other candidates of its entries could have taken its place equally well.
    pub ambiguity: u32,
    /// Left entries; at least one.
    pub left: Entries,
    /// Right entries; at least one.
    pub right: Entries,
    /// Right minus left.
    pub variance: Variance,
}

/// An entry that is left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Its side.
    pub side: Side,
    /// The entry.
    pub entry: u32,
    /// Why it is left over.
    pub kind: BreakKind,
    /// The open entry of the other side that comes nearest.
    pub nearest: Option<Nearest>,
    /// For a duplicate: the interchangeable entry of its own side that was matched.
    pub twin: Option<u32>,
}

/// The nearest candidate of a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// The entry of the other side.
    pub entry: u32,
    /// The pass whose conditions it comes nearest to.
    pub pass: u16,
    /// The conditions of that pass that fail: one or two, or none where a block was left open or ambiguity
    /// was forbidden.
    pub failed: SmallVec<[Failed; 1]>,
    /// What explains the difference, if it is recognised.
    pub cause: Option<Cause>,
}

/// A condition that fails, and by how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The condition of the pass.
    pub condition: Condition,
    /// The measured difference.
    pub by: Deviation,
}

/// A measured difference of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviation {
    /// The values are not the same; there is nothing to measure, or one is empty or a text that is too long.
    Other,
    /// Right minus left, in units at the role's scale.
    Number(i128),
    /// Right minus left, in days (business days where the tolerance says so).
    Days(i32),
    /// The score that was reached.
    Score(u16),
}

/// The result of a run, in canonical order: matches by the rows they hold, breaks left before right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Matches, by pass, then in the order of their left entries in the file.
    pub matches: Vec<Match>,
    /// Breaks, left before right, each in file order.
    pub breaks: Vec<Break>,
    /// Counts, totals and digest.
    pub summary: Summary,
}

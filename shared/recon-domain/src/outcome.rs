//! What becomes of an entry, in words.

use crate::spelling::spelling;

/// One of the two sets of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The first set, for example the bank statement.
    Left,
    /// The second set, for example the ledger.
    Right,
}
spelling!("side", Side { Left => "left", Right => "right" });

impl Side {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// Whether a match stands by itself or waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchStatus {
    /// The rules decide it.
    Confirmed,
    /// A proposal that a person must judge.
    Suggested,
}
spelling!("match status", MatchStatus { Confirmed => "confirmed", Suggested => "suggested" });

/// Why an entry is left over. The first kind that holds is the break's, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakKind {
    /// An interchangeable entry of its own side was matched; this one is surplus.
    Duplicate,
    /// A pass found candidates for it that are still open and was told to forbid ambiguity.
    Ambiguous,
    /// The nearest candidate differs in the currency only.
    CurrencyDiffers,
    /// The nearest candidate differs in the amount only, by more than is allowed.
    AmountOutOfTolerance,
    /// The nearest candidate differs in a date only, by more than is allowed.
    DateOutOfTolerance,
    /// The nearest candidate differs in one other column only.
    ReferenceDiffers,
    /// A left entry with no counterpart on the right.
    MissingRight,
    /// A right entry with no counterpart on the left.
    MissingLeft,
}
spelling!("break kind", BreakKind {
    Duplicate => "duplicate",
    Ambiguous => "ambiguous",
    CurrencyDiffers => "currency_differs",
    AmountOutOfTolerance => "amount_out_of_tolerance",
    DateOutOfTolerance => "date_out_of_tolerance",
    ReferenceDiffers => "reference_differs",
    MissingRight => "missing_right",
    MissingLeft => "missing_left",
});

/// Where people stand with a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakStatus {
    /// Nobody has judged it.
    Open,
    /// Understood; no correction needed.
    Explained,
    /// Corrected.
    Resolved,
    /// Accepted as a loss or gain by an approver.
    WrittenOff,
}
spelling!("break status", BreakStatus {
    Open => "open", Explained => "explained", Resolved => "resolved", WrittenOff => "written_off",
});

/// A recognised reason for the difference between an entry and its nearest candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The amounts are each other's negative.
    SignFlipped,
    /// Two neighbouring digits of the amount changed places.
    DigitsTransposed,
    /// The decimal mark moved.
    DecimalShifted,
    /// The same difference stands between many other pairs: a fee, for example.
    ConstantDifference,
    /// The amounts differ by what rounding a converted amount gives.
    FxRounding,
    /// The dates lie on the two sides of a month's end.
    CutOff,
}
spelling!("cause", Cause {
    SignFlipped => "sign_flipped",
    DigitsTransposed => "digits_transposed",
    DecimalShifted => "decimal_shifted",
    ConstantDifference => "constant_difference",
    FxRounding => "fx_rounding",
    CutOff => "cut_off",
});

/// What a user or API key may do. Each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Writes datasets and reconciliations, works breaks.
    Preparer,
    /// Also writes off and deletes.
    Approver,
    /// Also users, keys, jobs, audit.
    Admin,
}
spelling!("role", Role {
    Viewer => "viewer", Preparer => "preparer", Approver => "approver", Admin => "admin",
});

/// The measured difference of a match: right minus left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Variance {
    /// Units at the run's amount scale; `None` where no amount is mapped.
    pub amount: Option<i128>,
    /// Calendar days; `None` where no date is mapped or one is empty.
    pub days: Option<i32>,
}

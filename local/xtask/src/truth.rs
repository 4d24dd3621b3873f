//! The truth beside a generated pair of files: what was done to each row, and what must come of it.
//!
//! `truth.csv` has one line a pair, and one for each row that stands alone:
//! `left,right,done,twin`. Rows are data rows counted from 1; an empty cell is no row. `twin` is set on a copy:
//! the row of its own side that it repeats. Which of the two is taken is nobody's to say, so the check
//! treats them as one.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// The header of `truth.csv`.
pub(crate) const HEADER: &str = "left,right,done,twin";

/// What the generator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Done {
    /// Nothing: both rows say the same.
    Exact,
    /// The amount drifted by a few cents, within the rules.
    AmountDrift,
    /// The right row was posted later, within the rules.
    Late,
    /// The words of the description changed.
    WordNoise,
    /// Amount, date and words changed together.
    DriftLateNoise,
    /// The amount is wrong.
    AmountWrong,
    /// The right row was posted too late.
    TooLate,
    /// The currency is wrong.
    CurrencyWrong,
    /// The reference is cut short.
    ReferenceWrong,
    /// The right row is missing.
    MissingRight,
    /// The left row is missing.
    MissingLeft,
    /// A second copy of a left row.
    DuplicateLeft,
    /// A second copy of a right row.
    DuplicateRight,
}

/// What must come of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The two rows are a match.
    Match,
    /// Each row is a break of this kind.
    Break(&'static str),
}

impl Done {
    /// All of them.
    pub(crate) const ALL: [Self; 13] = [
        Self::Exact,
        Self::AmountDrift,
        Self::Late,
        Self::WordNoise,
        Self::DriftLateNoise,
        Self::AmountWrong,
        Self::TooLate,
        Self::CurrencyWrong,
        Self::ReferenceWrong,
        Self::MissingRight,
        Self::MissingLeft,
        Self::DuplicateLeft,
        Self::DuplicateRight,
    ];

    /// Its spelling in `truth.csv`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::AmountDrift => "amount_drift",
            Self::Late => "late",
            Self::WordNoise => "word_noise",
            Self::DriftLateNoise => "drift_late_noise",
            Self::AmountWrong => "amount_wrong",
            Self::TooLate => "too_late",
            Self::CurrencyWrong => "currency_wrong",
            Self::ReferenceWrong => "reference_wrong",
            Self::MissingRight => "missing_right",
            Self::MissingLeft => "missing_left",
            Self::DuplicateLeft => "duplicate_left",
            Self::DuplicateRight => "duplicate_right",
        }
    }

    /// What must come of it.
    pub(crate) const fn expected(self) -> Expected {
        match self {
            Self::Exact | Self::AmountDrift | Self::Late | Self::WordNoise | Self::DriftLateNoise => {
                Expected::Match
            }
            Self::AmountWrong => Expected::Break("amount_out_of_tolerance"),
            Self::TooLate => Expected::Break("date_out_of_tolerance"),
            Self::CurrencyWrong => Expected::Break("currency_differs"),
            Self::ReferenceWrong => Expected::Break("reference_differs"),
            Self::MissingRight => Expected::Break("missing_right"),
            Self::MissingLeft => Expected::Break("missing_left"),
            Self::DuplicateLeft | Self::DuplicateRight => Expected::Break("duplicate"),
        }
    }
}

/// One line of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// The left row.
    pub(crate) left: Option<u32>,
    /// The right row.
    pub(crate) right: Option<u32>,
    /// What was done.
    pub(crate) done: Done,
    /// The row of the same side that this one repeats.
    pub(crate) twin: Option<u32>,
}

/// Reads `truth.csv`.
pub(crate) fn read(path: &Path) -> Result<Vec<Line>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("open {}", path.display()))?;
    let header = reader.headers()?.iter().collect::<Vec<_>>().join(",");
    if header != HEADER {
        bail!("{}: the header is {header}, not {HEADER}", path.display());
    }
    let mut lines = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let place = || format!("{}, line {}", path.display(), lines.len() + 2);
        lines.push(line(&record).with_context(place)?);
    }
    Ok(lines)
}

fn line(record: &csv::StringRecord) -> Result<Line> {
    let cell = |index: usize| record.get(index).unwrap_or_default();
    let done = Done::ALL
        .into_iter()
        .find(|done| done.as_str() == cell(2))
        .with_context(|| format!("unknown word {:?}", cell(2)))?;
    Ok(Line { left: row(cell(0))?, right: row(cell(1))?, done, twin: row(cell(3))? })
}

fn row(cell: &str) -> Result<Option<u32>> {
    if cell.is_empty() {
        return Ok(None);
    }
    let row: u32 = cell.parse().with_context(|| format!("{cell:?} is no row number"))?;
    if row == 0 {
        bail!("rows count from 1");
    }
    Ok(Some(row))
}

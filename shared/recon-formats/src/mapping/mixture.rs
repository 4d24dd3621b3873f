//! Columns that mix readings.

use recon_domain::DateOrder;

use crate::cell::date;
use crate::cell::number::Fit;

/// A cell that shows a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The cell.
    pub cell: String,
    /// Its line, counted from 1.
    pub line: u64,
    /// What it fits: `dmy`, `mdy`, `ymd`, or the decimal mark `.` or `,`.
    pub reading: &'static str,
}

impl Witness {
    pub(super) fn new(cell: &str, line: u64, reading: &'static str) -> Self {
        Self { cell: cell.chars().take(64).collect(), line, reading }
    }
}

/// A column of which more than one cell in a hundred fits only another reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mixture {
    pub(super) column: String,
    pub(super) most: &'static str,
    pub(super) is_date: bool,
}

impl Mixture {
    pub(super) const fn what(&self) -> &'static str {
        if self.is_date { "date orders" } else { "decimal marks" }
    }

    pub(super) const fn advice(&self) -> &'static str {
        if self.is_date {
            "say `date_order` in the file's options, or a format in the rules"
        } else {
            "say `decimal_mark` in the file's options"
        }
    }

    /// The reading that a cell shows against the others: the one of most cells, or another that is the
    /// only one it fits.
    pub(super) fn judge(&self, cell: &str) -> Option<&'static str> {
        let fitting: Vec<&'static str> = if self.is_date {
            let orders = date::orders(cell);
            DateOrder::ALL
                .iter()
                .filter(|order| orders.contains(**order))
                .map(|order| order.as_str())
                .collect()
        } else {
            let fit = Fit::of(cell);
            fit.point.map(|_| ".").into_iter().chain(fit.comma.map(|_| ",")).collect()
        };
        match fitting.as_slice() {
            [only] if *only == self.most => Some(only),
            all if all.contains(&self.most) => None,
            [first, ..] => Some(first),
            [] => None,
        }
    }
}

//! Which row of the sample names the columns.

use super::attempt::{Attempt, Kind, Sampled};
use crate::COLUMNS_MAX;

/// Rows in which a column's cells are judged.
const VALUE_ROWS_MAX: usize = 200;
/// Rows of texts that are tried as the header.
const HEADERS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Header {
    None,
    /// Some of its cells are empty.
    Gaps(usize),
    Full(usize),
}

impl Header {
    /// Its place among the rows.
    pub(super) const fn index(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Gaps(index) | Self::Full(index) => Some(index),
        }
    }
}

impl Attempt<'_> {
    /// The first row that looks like names, before any that looks like the data; or a later one, where lines as wide as
    /// the table stand before it.
    pub(super) fn find_header(&self) -> Header {
        let values = self.value_columns();
        let is_trailing = self.is_trailing();
        let (mut full_rows, mut gaps) = (Vec::new(), Header::None);
        for (index, row) in self.rows.iter().enumerate().filter(|(_, row)| self.is_wide(row)) {
            let names = row.kinds.len() - usize::from(row.kinds.len() == self.width && is_trailing);
            let names = &row.kinds[..names];
            let full = names.iter().filter(|kind| **kind != Kind::Empty).count();
            if !names.contains(&Kind::Value) {
                if full == names.len() {
                    full_rows.push(index);
                } else if gaps == Header::None && full * 2 >= names.len() {
                    gaps = Header::Gaps(index);
                }
            }
            let likely = values.iter().filter(|column| is_value(row, **column)).count();
            if likely * 2 > values.len() || full_rows.len() >= HEADERS_MAX {
                break;
            }
        }
        let Some(first) = full_rows.first() else { return gaps };
        let has_values = self.bulk(first + 1).any(|row| row.kinds.contains(&Kind::Value));
        if !has_values || self.typed_columns(first + 1) > 0 {
            return Header::Full(*first);
        }
        let later = full_rows.iter().skip(1).find(|index| self.divides(*first, **index));
        Header::Full(*later.unwrap_or(first))
    }

    /// Whether a row of names divides lines of texts from data: some column has no value before it, in several lines,
    /// and nothing but values after it, in several rows.
    fn divides(&self, first: usize, header: usize) -> bool {
        let before = || self.bulk(first).take_while(|row| row.start < self.rows[header].start);
        let after = || self.bulk(header + 1);
        let is_divided = |column: &usize| {
            let (_, values_before) = counts(before(), *column);
            let (cells, values) = counts(after(), *column);
            values_before == 0 && values == cells && values > 1
        };
        before().count() > 1 && (0..self.width.min(COLUMNS_MAX)).any(|column| is_divided(&column))
    }

    /// The columns whose cells are numbers and dates, at least four in five. The second half of the rows is
    /// looked at, since what stands before the data comes first.
    fn value_columns(&self) -> Vec<usize> {
        let half = self.bulk(0).count() / 2;
        let is_values = |column: &usize| {
            let (cells, values) = counts(self.bulk(0).skip(half), *column);
            // The header itself may be one of the cells.
            values > 0 && values * 5 >= (cells - 1) * 4
        };
        (0..self.width.min(COLUMNS_MAX)).filter(is_values).collect()
    }

    /// How many columns are numbers and dates from a row on, at least four cells in five.
    pub(super) fn typed_columns(&self, from: usize) -> usize {
        let is_typed = |column: &usize| {
            let (cells, values) = counts(self.bulk(from), *column);
            values > 0 && values * 5 >= cells * 4
        };
        (0..self.width.min(COLUMNS_MAX)).filter(is_typed).count()
    }

    /// The rows of the table's width from a row on.
    fn bulk(&self, from: usize) -> impl Iterator<Item = &Sampled> {
        let rows = self.rows.get(from..).unwrap_or(&[]);
        rows.iter().filter(|row| row.fields.len() == self.width)
    }
}

fn is_value(row: &Sampled, column: usize) -> bool {
    row.kinds.get(column) == Some(&Kind::Value)
}

/// How many cells of a column are not empty, and how many of them are values.
fn counts<'a>(rows: impl Iterator<Item = &'a Sampled>, column: usize) -> (usize, usize) {
    let (mut cells, mut values) = (0, 0);
    for row in rows.take(VALUE_ROWS_MAX) {
        cells += usize::from(row.kinds.get(column).is_some_and(|kind| *kind != Kind::Empty));
        values += usize::from(is_value(row, column));
    }
    (cells, values)
}

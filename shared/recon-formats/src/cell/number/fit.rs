//! A cell under both decimal marks.

use super::body::body;
use super::plain::plain;
use super::{Marks, Number};

/// How a cell reads under both decimal marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// With `.` before the fraction.
    pub point: Option<Number>,
    /// With `,` before the fraction.
    pub comma: Option<Number>,
}

impl Fit {
    /// Reads a cell under both marks.
    #[must_use]
    pub fn of(cell: &str) -> Self {
        let fit = Self::of_plain(cell);
        if fit.is_number() {
            return fit;
        }
        match body(cell) {
            Some(body) => Self { point: body.read(Marks::POINT).ok(), comma: body.read(Marks::COMMA).ok() },
            None => fit,
        }
    }

    /// Reads a cell under both marks, if it has the common form.
    pub(crate) fn of_plain(cell: &str) -> Self {
        let bytes = cell.as_bytes();
        match plain(bytes) {
            Some((number, None)) => Self { point: Some(number), comma: Some(number) },
            Some((number, Some(b'.'))) => Self { point: Some(number), comma: grouped_once(bytes, number) },
            Some((number, Some(_))) => Self { point: grouped_once(bytes, number), comma: Some(number) },
            None => Self { point: None, comma: None },
        }
    }

    /// Whether it is a number under at least one mark.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        self.point.is_some() || self.comma.is_some()
    }

    /// Whether it is a whole number under at least one mark.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.point.is_some_and(|number| number.places() == 0)
            || self.comma.is_some_and(|number| number.places() == 0)
    }
}

/// A plain number with one mark, read with that mark between thousands: `1.234` is also 1234.
fn grouped_once(bytes: &[u8], number: Number) -> Option<Number> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let groups = number.scale == 3 && (5..=7).contains(&digits.len()) && digits.first() != Some(&b'0');
    groups.then_some(Number { scale: 0, ..number })
}

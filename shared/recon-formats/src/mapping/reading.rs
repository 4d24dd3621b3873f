//! One cell after the other, as its column is read.

use jiff::fmt::strtime::BrokenDownTime;
use recon_domain::{Currency, DateOrder, Day, Decimal, Instant};

use super::decide::DatePlan;
use crate::cell::number::{self, Marks, Said};
use crate::cell::{date, timestamp};

/// Shows a cell in a reason.
fn quoted(cell: &str) -> String {
    match cell.char_indices().nth(60) {
        Some((end, _)) => format!("`{}…`", &cell[..end]),
        None => format!("`{cell}`"),
    }
}

/// What to do about a cell that cannot be read, where that is known.
fn advice(cell: &str) -> &'static str {
    if cell.starts_with(' ') && cell.trim_start().starts_with(['"', '\'']) {
        "; a blank stands before the quote, which makes the quote part of the cell: remove the blank"
    } else {
        ""
    }
}

/// Reads numbers of one role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) marks: Marks,
    pub(super) scale: u8,
}

impl Numbers {
    /// The units of a cell that is not empty, and the currency beside them.
    #[inline]
    pub(super) fn read(self, cell: &str) -> Result<(i128, Option<Said>), String> {
        let number = number::parse(cell, self.marks).map_err(|error| self.reason(cell, error))?;
        let units = number.at_scale(self.scale).map_err(|error| self.reason(cell, error))?;
        Ok((units, number.said))
    }

    /// Credit minus debit stays within what a number may be.
    pub(super) fn difference(credit: i128, debit: i128) -> Result<i128, String> {
        let units = credit - debit;
        // Both are below 10^27, so the difference is in range of the type, if not of a decimal.
        Decimal::new(units, 0).map(|_| units).map_err(|error| format!("credit minus debit: {error}"))
    }

    #[cold]
    fn reason(self, cell: &str, error: number::Error) -> String {
        let cell_shown = quoted(cell);
        let other = if self.marks.decimal == ',' { Marks::POINT } else { Marks::COMMA };
        match error {
            number::Error::Form if number::parse(cell, other).is_ok() => format!(
                "{cell_shown} is a number only with the decimal mark `{}`, the column's is `{}`",
                other.decimal, self.marks.decimal
            ),
            number::Error::Form => format!("{cell_shown} is not a number{}", advice(cell)),
            number::Error::Fraction => format!("{cell_shown} is not a whole number"),
            number::Error::TooLong | number::Error::TooFine(_) => format!("{cell_shown} has {error}"),
        }
    }
}

/// Reads dates of one role, remembering the last: neighbouring rows often have the same.
#[derive(Debug)]
pub(super) struct Days {
    plan: DatePlan,
    last: (String, i32),
}

impl Days {
    pub(super) fn new(plan: DatePlan) -> Self {
        Self { plan, last: (String::new(), 0) }
    }

    /// The day number of a cell that is not empty.
    #[inline]
    pub(super) fn read(&mut self, cell: &str) -> Result<i32, String> {
        if self.last.0 == cell && !cell.is_empty() {
            return Ok(self.last.1);
        }
        let day = match &self.plan {
            DatePlan::Order(order) => ordered(cell, *order)?,
            DatePlan::Format(format) => formatted(cell, format)?,
        };
        self.last.0.clear();
        self.last.0.push_str(cell);
        self.last.1 = day.number();
        Ok(day.number())
    }
}

fn ordered(cell: &str, order: DateOrder) -> Result<Day, String> {
    date::parse(cell, order).map_err(|error| match error {
        date::Error::Form => format!("{} is not a date{}", quoted(cell), advice(cell)),
        date::Error::Order(order) => {
            format!("{} is not a date in the order {order}, in which the column is read", quoted(cell))
        }
    })
}

fn formatted(cell: &str, format: &str) -> Result<Day, String> {
    let date = BrokenDownTime::parse(format, cell.trim()).and_then(|parts| parts.to_date());
    date.map(Day::from).map_err(|_| format!("{} does not fit the format `{format}`", quoted(cell)))
}

/// The instant of a cell that is not empty.
pub(super) fn instant(cell: &str, plan: &DatePlan) -> Result<i64, String> {
    let format = match plan {
        DatePlan::Format(format) => format,
        DatePlan::Order(order) => {
            return match timestamp::parse_in(cell, *order) {
                Ok(instant) => Ok(instant.micros()),
                Err(error) => Err(format!("{} is {error}{}", quoted(cell), advice(cell))),
            };
        }
    };
    let parts = BrokenDownTime::parse(format, cell.trim());
    // Without an offset in the format the time is UTC.
    let instant = parts.and_then(|parts| match parts.offset() {
        Some(_) => parts.to_timestamp(),
        None => parts.to_datetime().and_then(|time| jiff::tz::Offset::UTC.to_timestamp(time)),
    });
    match instant {
        Ok(instant) => Ok(Instant::from_micros(instant.as_microsecond()).micros()),
        Err(_) => Err(format!("{} does not fit the format `{format}`", quoted(cell))),
    }
}

/// The currency that a prepared text names.
pub(super) fn currency(text: &str) -> Result<Currency, String> {
    text.parse().map_err(|error| format!("{} is {error}", quoted(text)))
}

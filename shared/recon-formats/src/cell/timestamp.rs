//! Points in time.

use jiff::civil::Date;
use recon_domain::{DateOrder, Day, Instant};

use super::date::{self, Form};
use super::time::{Time, number};

/// Why a cell is not a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is none in any form.
    #[error("not a point in time such as 2026-03-31T17:05:00Z")]
    Form,
    /// Its date is one in another order only.
    #[error("not a point in time in the order {0}, in which the column's dates are read")]
    Order(DateOrder),
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads RFC 3339, and `YYYY-MM-DD HH:MM[:SS[.fraction]]` as UTC. Digits beyond the microsecond are left
/// out.
///
/// # Errors
/// [`Error::Form`] for anything else.
pub fn parse(cell: &str) -> Result<Instant, Error> {
    iso(cell).ok_or(Error::Form)
}

/// Reads what [`parse`] reads, and a time of day after a date of any form, which is read in a given order.
///
/// # Errors
/// [`Error::Form`] and [`Error::Order`].
pub fn parse_in(cell: &str, order: DateOrder) -> Result<Instant, Error> {
    if let Some(instant) = iso(cell) {
        return Ok(instant);
    }
    let Some((form, Some(time))) = Form::of(cell) else { return Err(Error::Form) };
    match form.in_order(order) {
        Ok(date) => Ok(instant(date, time)),
        Err(date::Error::Order(order)) => Err(Error::Order(order)),
        Err(date::Error::Form) => Err(Error::Form),
    }
}

fn iso(cell: &str) -> Option<Instant> {
    let bytes = cell.trim_matches(super::is_blank).as_bytes();
    let (date, rest) = bytes.split_at_checked(10)?;
    let [a, b, c, d, b'-', e, f, b'-', g, h] = date else { return None };
    let [b'T' | b't' | b' ', time @ ..] = rest else { return None };
    let year = i16::try_from(number(&[*a, *b, *c, *d])?).ok()?;
    let small = |digits: [u8; 2]| number(&digits).and_then(|value| i8::try_from(value).ok());
    let date = Date::new(year, small([*e, *f])?, small([*g, *h])?).ok()?;
    Some(instant(date, Time::of(time)?))
}

fn instant(date: Date, time: Time) -> Instant {
    let seconds = i64::from(Day::from(date).number()) * SECONDS_PER_DAY + time.seconds - time.offset_seconds;
    Instant::from_micros(seconds * MICROS_PER_SECOND + time.micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_read_with_their_offset() {
        for (cell, expected) in [
            ("2026-03-02T10:30:00Z", "2026-03-02T10:30:00Z"),
            ("2026-03-02T10:30:00.25+02:00", "2026-03-02T08:30:00.25Z"),
            ("2026-03-02t10:30:00-0530", "2026-03-02T16:00:00Z"),
            ("2026-03-02 10:30", "2026-03-02T10:30:00Z"),
            ("2026-03-02 10:30:59.123456789", "2026-03-02T10:30:59.123456Z"),
            ("2026-12-31 23:59:60", "2026-12-31T23:59:59Z"),
            ("1969-12-31 23:59:59", "1969-12-31T23:59:59Z"),
            (" 2026-03-02 10:30 ", "2026-03-02T10:30:00Z"),
            ("2026-03-02 2:05 PM", "2026-03-02T14:05:00Z"),
            ("2026-03-02 12:00:00 AM", "2026-03-02T00:00:00Z"),
        ] {
            assert_eq!(parse(cell).map(|instant| instant.to_string()), Ok(expected.to_owned()), "{cell}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for cell in [
            "",
            "2026-03-02",
            "2026-03-02T",
            "2026-03-02 25:00",
            "2026-03-02 10:60",
            "2026-03-02 10:30:61",
            "2026-13-02 10:30",
            "02.03.2026 10:30",
            "2026-03-02 10:30:00.",
            "2026-03-02 10:30 +2",
            "2026-03-02 10:30 CET",
            "2026-03-02x10:30",
            "é2026-03-02 10:30",
        ] {
            assert_eq!(parse(cell), Err(Error::Form), "{cell}");
        }
    }

    #[test]
    fn any_date_with_a_time_is_a_point_in_the_column_s_order() {
        let read = |cell: &str, order| parse_in(cell, order).map(|instant| instant.to_string());
        for (cell, mdy) in [
            ("3/14/2026 2:05 pm", "2026-03-14T14:05:00Z"),
            ("3/14/2026 12:00:00 AM", "2026-03-14T00:00:00Z"),
            ("3/14/2026 2:05:00 PM +01:00", "2026-03-14T13:05:00Z"),
            ("Mar 14, 2026 14:05", "2026-03-14T14:05:00Z"),
            ("2026-03-14T14:05:00Z", "2026-03-14T14:05:00Z"),
        ] {
            assert_eq!(read(cell, DateOrder::Mdy), Ok(mdy.to_owned()), "{cell}");
        }
        assert_eq!(read("3/14/2026 2:05 pm", DateOrder::Dmy), Err(Error::Order(DateOrder::Dmy)));
        assert_eq!(read("14.03.2026 10:30", DateOrder::Dmy), Ok("2026-03-14T10:30:00Z".to_owned()));
        for cell in ["3/14/2026", "3/14/2026 25:00", "3/40/2026 2:05 pm", "2:05 pm"] {
            assert_eq!(read(cell, DateOrder::Mdy), Err(Error::Form), "{cell}");
        }
    }
}

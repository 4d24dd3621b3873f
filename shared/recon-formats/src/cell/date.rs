//! Calendar dates as people and banks write them.

use jiff::civil::Date;
use recon_domain::{DateOrder, Day};

use super::timestamp;

/// The orders under which a cell is a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orders(u8);

impl Orders {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it is a date in this order.
    #[must_use]
    pub const fn contains(self, order: DateOrder) -> bool {
        self.0 & bit(order) != 0
    }
}

const fn bit(order: DateOrder) -> u8 {
    match order {
        DateOrder::Dmy => 1,
        DateOrder::Mdy => 2,
        DateOrder::Ymd => 4,
    }
}

/// Why a cell is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no date in any order.
    #[error("not a date")]
    Form,
    /// It is a date in another order only.
    #[error("not a date in the order {0}, in which the column's dates are read")]
    Order(DateOrder),
}

/// Reads a date in a given order. A time of day after it is left out.
///
/// Forms: numbers with `/`, `.`, `-` or a space between them, two-digit years (00 to 68 are 2000 to 2068),
/// eight digits, and English names of months, which fit `dmy` and `mdy` alike when the year comes last.
///
/// # Errors
/// [`Error::Form`] and [`Error::Order`].
pub fn parse(cell: &str, order: DateOrder) -> Result<Day, Error> {
    let Some(form) = Form::of(cell) else { return Err(Error::Form) };
    match form.date(order) {
        Some(date) => Ok(Day::from(date)),
        None if DateOrder::ALL.iter().any(|other| form.date(*other).is_some()) => Err(Error::Order(order)),
        None => Err(Error::Form),
    }
}

/// The orders under which a cell is a date.
#[must_use]
pub fn orders(cell: &str) -> Orders {
    let Some(form) = Form::of(cell) else { return Orders::default() };
    Orders(
        DateOrder::ALL
            .iter()
            .filter(|order| form.date(**order).is_some())
            .fold(0, |bits, order| bits | bit(*order)),
    )
}

/// The parts of a date, before it is known which is which.
#[derive(Debug, Clone, Copy)]
enum Form {
    Numbers([Part; 3]),
    Compact([u8; 8]),
    /// The number before the name, if there is one; the month; the numbers after it.
    Named {
        before: Option<Part>,
        month: i8,
        after: [Option<Part>; 2],
    },
}

/// A number and with how many digits it is written.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    value: i16,
    digits: usize,
}

impl Part {
    /// The digits at the start of the bytes: at most four.
    fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 4 {
            return None;
        }
        let value = bytes[..digits].iter().fold(0, |value, byte| value * 10 + i16::from(byte - b'0'));
        Some((Self { value, digits }, &bytes[digits..]))
    }

    fn year(self) -> Option<i16> {
        match (self.digits, self.value) {
            (4, year) => Some(year),
            (2, year @ 0..=68) => Some(2_000 + year),
            (2, year) => Some(1_900 + year),
            (_, _) => None,
        }
    }

    /// As a day or month.
    fn small(self) -> Option<i8> {
        if self.digits <= 2 { i8::try_from(self.value).ok() } else { None }
    }
}

impl Form {
    fn of(cell: &str) -> Option<Self> {
        if let Ok(bytes) = cell.as_bytes().try_into()
            && let Some(form) = Self::ten(bytes)
        {
            return Some(form);
        }
        let bytes = cell.trim_matches(super::is_blank).as_bytes();
        // The longest form is a name of nine letters and a time with nanoseconds and offset.
        if bytes.len() < 6 || bytes.len() > 64 {
            return None;
        }
        match bytes[0] {
            b'0'..=b'9' => {}
            byte if byte.is_ascii_alphabetic() => return Self::name_first(bytes),
            _ => return None,
        }
        if bytes.len() >= 8 && bytes[..8].iter().all(u8::is_ascii_digit) {
            let digits = bytes.first_chunk::<8>()?.map(|byte| byte - b'0');
            return ends(&bytes[8..]).then_some(Self::Compact(digits));
        }
        let (first, rest) = Part::take(bytes)?;
        let (separator, after) = rest.split_first()?;
        if separator.is_ascii_alphabetic() {
            return Self::name_second(first, rest);
        }
        if !matches!(separator, b'/' | b'.' | b'-' | b' ') {
            return None;
        }
        if after.first()?.is_ascii_alphabetic() || after.starts_with(b" ") {
            return Self::name_second(first, after.strip_prefix(b" ").unwrap_or(after));
        }
        let (second, rest) = Part::take(after)?;
        let (third, rest) = Part::take(rest.strip_prefix(&[*separator])?)?;
        ends(rest).then_some(Self::Numbers([first, second, third]))
    }

    /// The common forms `2026-03-02` and `02.03.2026`.
    #[inline]
    fn ten(bytes: &[u8; 10]) -> Option<Self> {
        let number = |digits: &[u8]| {
            let value = digits.iter().try_fold(0, |value, byte| {
                byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0'))
            });
            value.map(|value| Part { value, digits: digits.len() })
        };
        let separator = |byte: u8| matches!(byte, b'/' | b'.' | b'-' | b' ');
        if bytes[4] == bytes[7] && separator(bytes[4]) {
            Some(Self::Numbers([number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..])?]))
        } else if bytes[2] == bytes[5] && separator(bytes[2]) {
            Some(Self::Numbers([number(&bytes[..2])?, number(&bytes[3..5])?, number(&bytes[6..])?]))
        } else {
            None
        }
    }

    /// `Mar 2, 2026`.
    fn name_first(bytes: &[u8]) -> Option<Self> {
        let (month, rest) = month(bytes)?;
        let (day, rest) = Part::take(skip(rest))?;
        let (year, rest) = Part::take(skip(rest))?;
        ends(rest).then_some(Self::Named { before: None, month, after: [Some(day), Some(year)] })
    }

    /// `2 Mar 2026`, `02-Mar-26`, `02MAR2026`, `2026 Mar 2`.
    fn name_second(first: Part, bytes: &[u8]) -> Option<Self> {
        let (month, rest) = month(bytes)?;
        let (last, rest) = Part::take(skip(rest))?;
        ends(rest).then_some(Self::Named { before: Some(first), month, after: [Some(last), None] })
    }

    fn date(self, order: DateOrder) -> Option<Date> {
        let (year, month, day) = match (self, order) {
            (Self::Numbers([first, second, third]), DateOrder::Dmy) => {
                (third.year()?, second.small()?, first.small()?)
            }
            (Self::Numbers([first, second, third]), DateOrder::Mdy) => {
                (third.year()?, first.small()?, second.small()?)
            }
            (Self::Numbers([first, second, third]), DateOrder::Ymd) => {
                (first.year()?, second.small()?, third.small()?)
            }
            (Self::Compact(digits), order) => compact(digits, order)?,
            (Self::Named { before: Some(first), month, after: [Some(last), _] }, DateOrder::Ymd) => {
                (first.year()?, month, last.small()?)
            }
            (
                Self::Named { before: Some(first), month, after: [Some(last), _] },
                DateOrder::Dmy | DateOrder::Mdy,
            ) => (last.year()?, month, first.small()?),
            (
                Self::Named { before: None, month, after: [Some(day), Some(year)] },
                DateOrder::Dmy | DateOrder::Mdy,
            ) => (year.year()?, month, day.small()?),
            (Self::Named { .. }, _) => return None,
        };
        Date::new(year, month, day).ok()
    }
}

/// Eight digits; only years that papers in use may have, since account numbers have eight digits too.
fn compact(digits: [u8; 8], order: DateOrder) -> Option<(i16, i8, i8)> {
    let two = |at: usize| i8::try_from(digits[at] * 10 + digits[at + 1]).ok();
    let four = |at: usize| digits[at..at + 4].iter().fold(0, |year, digit| year * 10 + i16::from(*digit));
    let (year, month, day) = match order {
        DateOrder::Ymd => (four(0), two(4)?, two(6)?),
        DateOrder::Dmy => (four(4), two(2)?, two(0)?),
        DateOrder::Mdy => (four(4), two(0)?, two(2)?),
    };
    (1900..2200).contains(&year).then_some((year, month, day))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The month whose name, or its first three letters (four of September), starts the bytes.
fn month(bytes: &[u8]) -> Option<(i8, &[u8])> {
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, rest) = bytes.split_at(letters);
    let fits = |name: &&str| {
        let short = name.as_bytes().get(..letters).is_some_and(|start| start.eq_ignore_ascii_case(word));
        short && (letters == 3 || letters == name.len() || (letters == 4 && name.starts_with("sept")))
    };
    let index = MONTHS.iter().position(fits)?;
    Some((i8::try_from(index + 1).ok()?, rest))
}

/// Leaves out what may stand between a name and a number.
fn skip(bytes: &[u8]) -> &[u8] {
    let marks = bytes.iter().take_while(|byte| matches!(byte, b' ' | b',' | b'.' | b'-' | b'/')).count();
    &bytes[marks.min(2)..]
}

/// Whether a date ends here: with the cell, or before a time of day.
fn ends(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b' ' | b'T' | b't', time @ ..] => timestamp::is_time(time),
        [..] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &str, order: DateOrder) -> String {
        match parse(cell, order) {
            Ok(day) => day.to_string(),
            Err(Error::Form) => "no date".to_owned(),
            Err(Error::Order(_)) => "other order".to_owned(),
        }
    }

    #[test]
    fn dates_are_read_in_each_order() {
        let (date, none, other) = ("2026-03-02", "no date", "other order");
        for (cell, dmy, mdy, ymd) in [
            ("02.03.2026", date, "2026-02-03", other),
            ("2/3/26", date, "2026-02-03", other),
            ("02-03-26", date, "2026-02-03", "2002-03-26"),
            ("02 03 2026", date, "2026-02-03", other),
            ("2026-03-02", other, other, date),
            ("2026/3/2", other, other, date),
            ("26-03-02", "2002-03-26", other, date),
            ("20260302", other, other, date),
            ("02032026", date, "2026-02-03", other),
            ("2 Mar 2026", date, date, other),
            ("02-MAR-26", date, date, "2002-03-26"),
            ("2 march 2026", date, date, other),
            ("02MAR2026", date, date, other),
            ("Mar 2, 2026", date, date, other),
            ("2026 Mar 2", other, other, date),
            ("2026-03-02T10:30:00Z", other, other, date),
            ("2026-03-02 10:30", other, other, date),
            ("02.03.2026 23:59:59", date, "2026-02-03", other),
            (" 02.03.2026 ", date, "2026-02-03", other),
            ("29.02.2024", "2024-02-29", other, other),
            ("29.02.2026", none, none, none),
            ("31/12/1969", "1969-12-31", other, other),
            ("31/12/69", "1969-12-31", other, other),
            ("31/12/68", "2068-12-31", other, other),
            ("02.03-2026", none, none, none),
            ("02.03.226", none, none, none),
            ("00.03.2026", none, none, none),
            ("2 Mai 2026", none, none, none),
            ("12345678", none, none, none),
            ("02.03.2026x", none, none, none),
            ("02.03.2026 25:00", none, none, none),
            ("1.234", none, none, none),
            ("", none, none, none),
            ("٠٢.٠٣.٢٠٢٦", none, none, none),
        ] {
            let found = DateOrder::ALL.iter().map(|order| read(cell, *order)).collect::<Vec<_>>();
            assert_eq!(found, [dmy, mdy, ymd], "{cell:?}");
            for (order, expected) in DateOrder::ALL.iter().zip([dmy, mdy, ymd]) {
                assert_eq!(
                    orders(cell).contains(*order),
                    expected.starts_with(['1', '2']),
                    "{cell:?} {order}"
                );
            }
        }
    }
}

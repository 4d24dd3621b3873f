//! The parts of a date, before it is known which is which.

use jiff::civil::Date;
use recon_domain::DateOrder;

use super::Error;
use crate::cell::is_blank;
use crate::cell::time::Time;

/// The parts of a date, before it is known which is which.
#[derive(Debug, Clone, Copy)]
pub(in crate::cell) enum Form {
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
pub(in crate::cell) struct Part {
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
    /// The form of a cell, and the time of day after it.
    pub(in crate::cell) fn of(cell: &str) -> Option<(Self, Option<Time>)> {
        if let Ok(bytes) = cell.as_bytes().try_into()
            && let Some(form) = Self::ten(bytes)
        {
            return Some((form, None));
        }
        let bytes = cell.trim_matches(is_blank).as_bytes();
        // The longest form is a name of nine letters and a time with nanoseconds and offset.
        if bytes.len() < 6 || bytes.len() > 64 {
            return None;
        }
        let (form, rest) = match bytes[0] {
            b'0'..=b'9' => Self::number_first(bytes)?,
            byte if byte.is_ascii_alphabetic() => Self::name_first(bytes)?,
            _ => return None,
        };
        let time = match rest {
            [] => None,
            [b' ', b' ', time @ ..] | [b',', b' ', time @ ..] | [b' ' | b'T' | b't', time @ ..] => {
                Some(Time::of(time)?)
            }
            [..] => return None,
        };
        Some((form, time))
    }

    fn number_first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        if bytes.len() >= 8 && bytes[..8].iter().all(u8::is_ascii_digit) {
            let digits = bytes.first_chunk::<8>()?.map(|byte| byte - b'0');
            return Some((Self::Compact(digits), &bytes[8..]));
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
        Some((Self::Numbers([first, second, third]), rest))
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
    fn name_first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (month, rest) = month(bytes)?;
        let (day, rest) = Part::take(skip(rest))?;
        let (year, rest) = Part::take(skip(rest))?;
        Some((Self::Named { before: None, month, after: [Some(day), Some(year)] }, rest))
    }

    /// `2 Mar 2026`, `02-Mar-26`, `02MAR2026`, `2026 Mar 2`.
    fn name_second(first: Part, bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (month, rest) = month(bytes)?;
        let (last, rest) = Part::take(skip(rest))?;
        Some((Self::Named { before: Some(first), month, after: [Some(last), None] }, rest))
    }

    /// The date in this order, or whether it is one in another.
    pub(in crate::cell) fn in_order(self, order: DateOrder) -> Result<Date, Error> {
        match self.date(order) {
            Some(date) => Ok(date),
            None if DateOrder::ALL.iter().any(|other| self.date(*other).is_some()) => {
                Err(Error::Order(order))
            }
            None => Err(Error::Form),
        }
    }

    pub(super) fn date(self, order: DateOrder) -> Option<Date> {
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

//! From columns to the types of records and back.

use std::str::FromStr;

use recon_domain::Instant;

use crate::Error;

/// The most characters of an unreadable value that an error repeats.
const SHOWN_CHARS_MAX: usize = 64;

/// A word of a closed set.
pub(crate) fn word<T: FromStr>(column: &'static str, word: &str) -> Result<T, Error> {
    word.parse().map_err(|_| unreadable(column, word))
}

/// A number that is never negative.
pub(crate) fn count<T: TryFrom<i64>>(column: &'static str, number: i64) -> Result<T, Error> {
    T::try_from(number).map_err(|_| unreadable(column, &number.to_string()))
}

/// A number as the database holds it.
pub(crate) fn integer(column: &'static str, number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::TooLarge { column })
}

/// A column that must be there, because another one says so.
pub(crate) fn present<T>(column: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| unreadable(column, "null"))
}

pub(crate) fn instant(micros: i64) -> Instant {
    Instant::from_micros(micros)
}

/// An error that repeats what was found, shortened.
pub(crate) fn unreadable(column: &'static str, found: &str) -> Error {
    Error::Unreadable { column, found: found.chars().take(SHOWN_CHARS_MAX).collect() }
}

//! Points in time.

use jiff::civil::Date;
use recon_domain::{Day, Instant};

/// A cell that is not a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a point in time such as 2026-03-31T17:05:00Z")]
pub struct Error;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads RFC 3339, and `YYYY-MM-DD HH:MM[:SS[.fraction]]` as UTC. Digits beyond the microsecond are left
/// out.
///
/// # Errors
/// [`Error`] for anything else.
pub fn parse(cell: &str) -> Result<Instant, Error> {
    let bytes = cell.trim_matches(super::is_blank).as_bytes();
    let (date, rest) = bytes.split_at_checked(10).ok_or(Error)?;
    let [a, b, c, d, b'-', e, f, b'-', g, h] = date else { return Err(Error) };
    let [b'T' | b't' | b' ', time @ ..] = rest else { return Err(Error) };
    let year = i16::try_from(number(&[*a, *b, *c, *d]).ok_or(Error)?).map_err(|_| Error)?;
    let small = |digits: [u8; 2]| number(&digits).and_then(|value| i8::try_from(value).ok()).ok_or(Error);
    let date = Date::new(year, small([*e, *f])?, small([*g, *h])?).map_err(|_| Error)?;
    let time = Time::of(time).ok_or(Error)?;
    let seconds = i64::from(Day::from(date).number()) * SECONDS_PER_DAY + time.seconds - time.offset_seconds;
    Ok(Instant::from_micros(seconds * MICROS_PER_SECOND + time.micros))
}

/// Whether the bytes are a time of day, with or without an offset.
pub(super) fn is_time(bytes: &[u8]) -> bool {
    Time::of(bytes).is_some()
}

struct Time {
    seconds: i64,
    micros: i64,
    offset_seconds: i64,
}

impl Time {
    /// `HH:MM[:SS[.fraction]][Z|±HH:MM|±HHMM]`.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (clock, mut rest) = hours_minutes(bytes, b":")?;
        let (mut seconds, mut micros) = (clock, 0);
        if let [b':', tens, ones, after @ ..] = rest {
            // A leap second is the last of its minute.
            let second = number(&[*tens, *ones]).filter(|second| *second <= 60)?.min(59);
            (seconds, rest) = (seconds + second, after);
        }
        if let [b'.' | b',', after @ ..] = rest {
            let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return None;
            }
            micros = (0..6).fold(0, |value, at| {
                value * 10 + after[..digits].get(at).map_or(0, |byte| i64::from(byte - b'0'))
            });
            rest = &after[digits..];
        }
        let offset_seconds = match rest.strip_prefix(b" ").unwrap_or(rest) {
            [] | b"Z" | b"z" => 0,
            [sign @ (b'+' | b'-'), after @ ..] => {
                let mark: &[u8] = if after.len() == 5 { b":" } else { b"" };
                let (offset, []) = hours_minutes(after, mark)? else { return None };
                if *sign == b'-' { -offset } else { offset }
            }
            [..] => return None,
        };
        Some(Self { seconds, micros, offset_seconds })
    }
}

/// Seconds of `HH:MM`, and what follows.
fn hours_minutes<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(i64, &'a [u8])> {
    let (hours, rest) = bytes.split_at_checked(2)?;
    let (minutes, rest) = rest.strip_prefix(mark)?.split_at_checked(2)?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some((hours * 3_600 + minutes * 60, rest))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
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
            assert_eq!(parse(cell), Err(Error), "{cell}");
        }
    }
}

//! Times of day.

/// A time of day, and the offset that stands after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) seconds: i64,
    pub(super) micros: i64,
    /// Zero where none is said.
    pub(super) offset_seconds: i64,
}

impl Time {
    /// `H:MM[:SS[.fraction]][ AM| PM][Z|±HH:MM|±HHMM]`. Digits beyond the microsecond are left out.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let (hours, rest) = match bytes {
            [hours, b':', rest @ ..] => (number(&[*hours])?, rest),
            [tens, ones, b':', rest @ ..] => (number(&[*tens, *ones])?, rest),
            [..] => return None,
        };
        let (minutes, mut rest) = rest.split_at_checked(2)?;
        let minutes = number(minutes).filter(|minutes| *minutes < 60)?;
        let (mut seconds, mut micros) = (0, 0);
        if let [b':', tens, ones, after @ ..] = rest {
            // A leap second is the last of its minute.
            (seconds, rest) = (number(&[*tens, *ones]).filter(|second| *second <= 60)?.min(59), after);
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
        let (half, rest) = half_of_day(rest);
        let hours = of_day(hours, half)?;
        let offset_seconds = offset(rest)?;
        Some(Self { seconds: hours * 3_600 + minutes * 60 + seconds, micros, offset_seconds })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

/// `AM`, `p.m.` and the like, after a blank or none, and what follows.
fn half_of_day(bytes: &[u8]) -> (Option<Half>, &[u8]) {
    let blanks: [&[u8]; 3] = [b" ", "\u{202F}".as_bytes(), "\u{A0}".as_bytes()];
    let word = blanks.iter().find_map(|blank| bytes.strip_prefix(*blank)).unwrap_or(bytes);
    let ([letter, b'M' | b'm', rest @ ..] | [letter, b'.', b'M' | b'm', b'.', rest @ ..]) = word else {
        return (None, bytes);
    };
    match letter {
        b'A' | b'a' => (Some(Half::Morning), rest),
        b'P' | b'p' => (Some(Half::Afternoon), rest),
        _ => (None, bytes),
    }
}

/// The hour of the day, from 0. Some programs write `00:30 AM` and `14:30 PM`, which are as clear.
fn of_day(hours: i64, half: Option<Half>) -> Option<i64> {
    match (half, hours) {
        (None, 0..=23) => Some(hours),
        (Some(Half::Morning), 12) => Some(0),
        (Some(Half::Morning), 0..=11) => Some(hours),
        (Some(Half::Afternoon), 1..=11) => Some(hours + 12),
        (Some(Half::Afternoon), 12..=23) => Some(hours),
        (None | Some(Half::Morning | Half::Afternoon), _) => None,
    }
}

/// Seconds east of UTC; nothing else may follow.
fn offset(bytes: &[u8]) -> Option<i64> {
    match bytes.strip_prefix(b" ").unwrap_or(bytes) {
        [] | b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), a, b, b':', c, d] | [sign @ (b'+' | b'-'), a, b, c, d] => {
            let (hours, minutes) = (number(&[*a, *b])?, number(&[*c, *d])?);
            let offset = (hours < 24 && minutes < 60).then_some(hours * 3_600 + minutes * 60)?;
            Some(if *sign == b'-' { -offset } else { offset })
        }
        [..] => None,
    }
}

/// The number that these digits are.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_are_read() {
        for (text, expected) in [
            ("00:00", Some(0)),
            ("9:05", Some(545)),
            ("23:59", Some(1_439)),
            ("24:00", None),
            ("12:00:00 AM", Some(0)),
            ("12:30 am", Some(30)),
            ("12:30 PM", Some(750)),
            ("2:05 pm", Some(845)),
            ("2:05pm", Some(845)),
            ("02:05 p.m.", Some(845)),
            ("2:05\u{202F}PM", Some(845)),
            ("2:05\u{A0}PM +00:00", Some(845)),
            ("00:30 AM", Some(30)),
            ("14:05 PM", Some(845)),
            ("13:05 AM", None),
            ("0:05 PM", None),
            ("2:5 PM", None),
            ("2:05 PMX", None),
            ("2:05 P", None),
            ("2 PM", None),
            (":05", None),
            ("123:05", None),
        ] {
            let found = Time::of(text.as_bytes()).map(|time| time.seconds / 60);
            assert_eq!(found, expected, "{text}");
        }
    }
}

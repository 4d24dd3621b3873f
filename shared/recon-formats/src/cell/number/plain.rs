//! The common form, without a look at anything else.

use super::Number;

/// The common form: an optional minus, up to 18 digits, at most one `.` or `,` between them, which is returned.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> Option<(Number, Option<u8>)> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let (first, last) = (digits.first()?, digits.last()?);
    if digits.len() > 18 || !first.is_ascii_digit() || !last.is_ascii_digit() {
        return None;
    }
    // 18 digits fit.
    let (mut units, mut scale, mut mark) = (0_i64, 0_u8, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + i64::from(byte - b'0');
                scale += u8::from(mark.is_some());
            }
            b'.' | b',' if mark.is_none() => mark = Some(*byte),
            _ => return None,
        }
    }
    let units = i128::from(if negative { -units } else { units });
    Some((Number { units, scale, said: None }, mark))
}

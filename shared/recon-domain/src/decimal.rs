//! Decimal numbers as scaled integers.

use std::fmt;
use std::str::FromStr;

/// A decimal number: `units` times ten to the power of minus `scale`.
///
/// `12.50` is 1250 units at scale 2. Two decimals are equal only at the same scale; compare numbers after
/// [`Decimal::rescaled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    units: i128,
    scale: u8,
}

/// Why a text is not a [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one decimal point.
    #[error("not a decimal number such as 1234.50")]
    Form,
    /// More digits than an amount may have.
    #[error("more than {} digits", Decimal::DIGITS_MAX)]
    TooLong,
    /// Bringing it to the scale would lose digits, or leave the range.
    #[error("does not fit the scale")]
    Scale,
}

impl Decimal {
    /// The most significant digits a decimal may have. Leaves room in an `i128` for a thousand million
    /// rows' sum and for a percentage of an amount.
    pub const DIGITS_MAX: usize = 27;
    /// The most digits after the decimal point.
    pub const SCALE_MAX: u8 = 18;

    /// A decimal from its parts.
    ///
    /// # Errors
    /// [`DecimalError::TooLong`] when the scale or the number of digits is over its limit.
    pub fn new(units: i128, scale: u8) -> Result<Self, DecimalError> {
        if scale > Self::SCALE_MAX || units.unsigned_abs() >= 10_u128.pow(27) {
            return Err(DecimalError::TooLong);
        }
        Ok(Self { units, scale })
    }

    /// The integer of units of the last place.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.units
    }

    /// How many digits stand after the decimal point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// The units of this number at another scale.
    ///
    /// # Errors
    /// [`DecimalError::Scale`] when digits would be lost, or the result is out of range.
    pub fn rescaled(self, scale: u8) -> Result<i128, DecimalError> {
        if scale >= self.scale {
            let factor = 10_i128.checked_pow(u32::from(scale - self.scale)).ok_or(DecimalError::Scale)?;
            self.units.checked_mul(factor).ok_or(DecimalError::Scale)
        } else {
            let factor = 10_i128.checked_pow(u32::from(self.scale - scale)).ok_or(DecimalError::Scale)?;
            if self.units % factor == 0 { Ok(self.units / factor) } else { Err(DecimalError::Scale) }
        }
    }

    /// Writes `units` at `scale` the way amounts are written everywhere: `-1234.50`, no grouping.
    ///
    /// # Errors
    /// Only those of the writer.
    pub fn write_units(out: &mut dyn fmt::Write, units: i128, scale: u8) -> fmt::Result {
        if units < 0 {
            out.write_char('-')?;
        }
        let magnitude = units.unsigned_abs();
        if scale == 0 {
            return write!(out, "{magnitude}");
        }
        let unit = 10_u128.pow(u32::from(scale));
        write!(out, "{}.{:0width$}", magnitude / unit, magnitude % unit, width = usize::from(scale))
    }

    /// `units` at `scale` as text; see [`Decimal::write_units`].
    #[must_use]
    pub fn units_text(units: i128, scale: u8) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = Self::write_units(&mut text, units, scale);
        text
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::write_units(f, self.units, self.scale)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `-1234.50`: an optional sign, digits, at most one point with digits on both sides.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            all => (false, all),
        };
        let (mut units, mut seen, mut scale) = (0_i128, 0_usize, None);
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    if seen > 0 || byte != b'0' {
                        seen += 1;
                    }
                    if seen > Self::DIGITS_MAX {
                        return Err(DecimalError::TooLong);
                    }
                    units = units * 10 + i128::from(byte - b'0');
                    scale = scale.map(|places: u8| places.saturating_add(1));
                }
                b'.' if scale.is_none() => scale = Some(0),
                _ => return Err(DecimalError::Form),
            }
        }
        let starts = digits.first().is_some_and(u8::is_ascii_digit);
        let ends = digits.last().is_some_and(u8::is_ascii_digit);
        if !(starts && ends) {
            return Err(DecimalError::Form);
        }
        Self::new(if negative { -units } else { units }, scale.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_agree_both_ways() {
        for (text, units, scale) in
            [("0", 0, 0), ("-0.05", -5, 2), ("1234.50", 123_450, 2), ("1.000", 1000, 3), ("007", 7, 0)]
        {
            let value: Decimal = text.parse().unwrap();
            assert_eq!((value.units(), value.scale()), (units, scale), "{text}");
            assert_eq!(value.to_string().parse::<Decimal>().unwrap(), value);
        }
    }

    #[test]
    fn what_is_not_a_decimal_says_why() {
        for text in ["", "-", ".", "1.", ".5", "1,5", "1.2.3", "1e5", " 1", "٣"] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::Form), "{text:?}");
        }
        assert_eq!("1".repeat(28).parse::<Decimal>(), Err(DecimalError::TooLong));
        assert_eq!(format!("0.{}", "0".repeat(19)).parse::<Decimal>(), Err(DecimalError::TooLong));
    }

    #[test]
    fn rescaling_never_loses_digits() {
        let value: Decimal = "1.50".parse().unwrap();
        assert_eq!(value.rescaled(3), Ok(1500));
        assert_eq!(value.rescaled(1), Ok(15));
        assert_eq!(value.rescaled(0), Err(DecimalError::Scale));
    }
}

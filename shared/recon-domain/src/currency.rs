//! Currency codes and their minor units.

use std::fmt;
use std::str::FromStr;

/// A currency: three capital letters, as in ISO 4217.
///
/// Any three letters are taken, since ledgers also carry units that the standard does not list; the
/// exponent is the standard's where it lists the code, else 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text that is not a currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a currency code of three letters such as EUR")]
pub struct CurrencyError;

/// ISO 4217 codes whose minor unit is not a hundredth, with their exponents.
const EXPONENTS: &[(&[u8; 3], u8)] = &[
    (b"BHD", 3),
    (b"BIF", 0),
    (b"CLF", 4),
    (b"CLP", 0),
    (b"DJF", 0),
    (b"GNF", 0),
    (b"IQD", 3),
    (b"ISK", 0),
    (b"JOD", 3),
    (b"JPY", 0),
    (b"KMF", 0),
    (b"KRW", 0),
    (b"KWD", 3),
    (b"LYD", 3),
    (b"OMR", 3),
    (b"PYG", 0),
    (b"RWF", 0),
    (b"TND", 3),
    (b"UGX", 0),
    (b"UYI", 0),
    (b"UYW", 4),
    (b"VND", 0),
    (b"VUV", 0),
    (b"XAF", 0),
    (b"XOF", 0),
    (b"XPF", 0),
];

impl Currency {
    /// What ISO 4217 calls "no currency": used where neither data nor rules name one.
    pub const NONE: Self = Self(*b"XXX");

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many decimal places the minor unit has.
    #[must_use]
    pub fn exponent(self) -> u8 {
        EXPONENTS.iter().find(|(code, _)| **code == self.0).map_or(2, |(_, exponent)| *exponent)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    /// Reads a code in either case, with white space around it.
    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        match text.trim().as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self([a, b, c].map(|letter| letter.to_ascii_uppercase())))
            }
            _ => Err(CurrencyError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_the_standard() {
        for (code, exponent) in [("EUR", 2), ("jpy", 0), (" BHD ", 3), ("CLF", 4), ("BTC", 2)] {
            assert_eq!(code.parse::<Currency>().unwrap().exponent(), exponent, "{code}");
        }
        for text in ["", "EU", "EURO", "E1R", "€"] {
            assert_eq!(text.parse::<Currency>(), Err(CurrencyError), "{text:?}");
        }
    }
}

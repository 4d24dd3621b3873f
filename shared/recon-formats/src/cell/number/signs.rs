//! Currency signs that stand beside numbers, and whose they are.

use std::fmt;

use recon_domain::Currency;

/// What stands beside a number: the code of a currency, or a sign that one or more currencies have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The currency; of a sign that several have, the one that is traded most.
    pub currency: Currency,
    sign: Option<char>,
}

/// A sign and the codes of the currencies that have it, the one that is traded most first.
#[derive(Debug)]
struct Sign {
    character: char,
    codes: &'static [&'static str],
}

impl Said {
    pub(super) const fn code(currency: Currency) -> Self {
        Self { currency, sign: None }
    }

    /// The currency of a sign; `None` where no currency of ISO 4217 has it.
    pub(crate) fn sign(character: char) -> Option<Self> {
        let currency = codes(character).first()?.parse().ok()?;
        Some(Self { currency, sign: Some(character) })
    }

    /// A code beside the same number, which must be one of the sign's.
    pub(super) fn with_code(self, code: Currency) -> Option<Self> {
        (self.sign.is_some() && self.fits(code)).then_some(Self::code(code))
    }

    /// Whether it can mean the currency.
    #[must_use]
    pub fn fits(self, currency: Currency) -> bool {
        self.currency == currency || self.sign.is_some_and(|sign| codes(sign).contains(&currency.as_str()))
    }

    /// The sign, where several currencies have it, so that [`currency`](Self::currency) is an assumption.
    #[must_use]
    pub fn assumed(self) -> Option<char> {
        self.sign.filter(|sign| codes(*sign).len() > 1)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sign {
            Some(sign) => write!(formatter, "{sign}"),
            None => write!(formatter, "{}", self.currency),
        }
    }
}

fn codes(sign: char) -> &'static [&'static str] {
    SIGNS.iter().find(|known| known.character == sign).map_or(&[], |known| known.codes)
}

/// Signs by Unicode (block "Currency Symbols" and those of Latin-1) and the currencies that are written with them.
#[rustfmt::skip]
static SIGNS: [Sign; 25] = [
    Sign { character: '$', codes: &[
        "USD", "AUD", "CAD", "SGD", "HKD", "NZD", "MXN", "TWD", "BRL", "ARS", "BBD", "BMD", "BND", "BOB", "BSD", "BZD",
        "CLP", "COP", "CUP", "CVE", "DOP", "FJD", "GYD", "JMD", "KYD", "LRD", "MOP", "NAD", "NIO", "SBD", "SRD", "TOP",
        "TTD", "UYU", "WST", "XCD", "ZWG",
    ] },
    Sign { character: '£', codes: &["GBP", "EGP", "FKP", "GIP", "LBP", "SDG", "SHP", "SSP", "SYP"] },
    Sign { character: '¥', codes: &["JPY", "CNY", "CNH"] },
    Sign { character: '฿', codes: &["THB"] },
    Sign { character: '₡', codes: &["CRC"] },
    Sign { character: '₤', codes: &["GBP", "EGP", "FKP", "GIP", "LBP", "SDG", "SHP", "SSP", "SYP", "TRY"] },
    Sign { character: '₦', codes: &["NGN"] },
    Sign { character: '₨', codes: &["INR", "PKR", "LKR", "NPR", "MUR", "SCR"] },
    Sign { character: '₩', codes: &["KRW", "KPW"] },
    Sign { character: '₪', codes: &["ILS"] },
    Sign { character: '₫', codes: &["VND"] },
    Sign { character: '€', codes: &["EUR"] },
    Sign { character: '₭', codes: &["LAK"] },
    Sign { character: '₮', codes: &["MNT"] },
    Sign { character: '₱', codes: &["PHP", "CUP"] },
    Sign { character: '₲', codes: &["PYG"] },
    Sign { character: '₴', codes: &["UAH"] },
    Sign { character: '₵', codes: &["GHS"] },
    Sign { character: '₸', codes: &["KZT"] },
    Sign { character: '₹', codes: &["INR"] },
    Sign { character: '₺', codes: &["TRY"] },
    Sign { character: '₼', codes: &["AZN"] },
    Sign { character: '₽', codes: &["RUB"] },
    Sign { character: '₾', codes: &["GEL"] },
    Sign { character: '\u{20C0}', codes: &["KGS"] },
];

#[cfg(test)]
mod tests {
    use super::super::codes::is_code;
    use super::*;

    #[test]
    fn each_sign_names_currencies_in_use() {
        for sign in &SIGNS {
            assert!(Said::sign(sign.character).is_some(), "{}", sign.character);
            assert!(sign.codes.iter().all(|code| is_code(code)), "{sign:?}");
        }
    }

    #[test]
    fn a_sign_of_many_currencies_is_an_assumption_that_fits_each() {
        let dollar = Said::sign('$').unwrap();
        assert_eq!((dollar.currency.as_str(), dollar.assumed()), ("USD", Some('$')));
        assert!(dollar.fits("CAD".parse().unwrap()) && !dollar.fits("EUR".parse().unwrap()));
        let euro = Said::sign('€').unwrap();
        assert_eq!((euro.currency.as_str(), euro.assumed()), ("EUR", None));
        assert_eq!(Said::sign('₠'), None);
    }
}

//! Numbers as people and banks write them.

mod body;
mod codes;
mod fit;
mod plain;
mod signs;

use recon_domain::Decimal;

use body::body;
pub use fit::Fit;
use plain::plain;
pub use signs::Said;

/// The marks of a column's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Marks {
    /// The mark before the fraction.
    pub decimal: char,
    /// The mark between thousands; `None` takes any of the usual ones that is not the decimal mark, the same
    /// throughout one number.
    pub thousands: Option<char>,
}

impl Marks {
    /// `1,234.50`.
    pub const POINT: Self = Self { decimal: '.', thousands: None };
    /// `1.234,50`.
    pub const COMMA: Self = Self { decimal: ',', thousands: None };
}

/// A number as written: `units` times ten to the power of minus `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// All digits as one integer, at most 38 of them.
    pub units: i128,
    /// Digits after the decimal mark, zeros at the end included.
    pub scale: u8,
    /// The code or sign of a currency beside it.
    pub said: Option<Said>,
}

/// Why a cell is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It has some other form, or other marks.
    #[error("not a number")]
    Form,
    /// It has more digits than are read.
    #[error("more than {} digits", Decimal::DIGITS_MAX)]
    TooLong,
    /// It has more digits after the decimal mark than the run's scale.
    #[error("more than {0} digits after the decimal mark")]
    TooFine(u8),
    /// It is no whole number.
    #[error("not a whole number")]
    Fraction,
}

const POWERS: [i128; 39] = {
    let mut powers = [1_i128; 39];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

impl Number {
    /// The units of this number at the scale of a column.
    ///
    /// # Errors
    /// [`Error::TooFine`] when digits would be lost, [`Error::TooLong`] when it is out of range.
    pub fn at_scale(self, scale: u8) -> Result<i128, Error> {
        let units = if scale == self.scale {
            self.units
        } else if scale > self.scale {
            let power = POWERS.get(usize::from(scale - self.scale)).copied();
            power.and_then(|power| self.units.checked_mul(power)).ok_or(Error::TooLong)?
        } else {
            let power = POWERS.get(usize::from(self.scale - scale)).copied().ok_or(Error::TooFine(scale))?;
            if self.units % power != 0 {
                return Err(if scale == 0 { Error::Fraction } else { Error::TooFine(scale) });
            }
            self.units / power
        };
        if units.unsigned_abs() < POWERS[Decimal::DIGITS_MAX].unsigned_abs() {
            Ok(units)
        } else {
            Err(Error::TooLong)
        }
    }

    /// Digits after the decimal mark without zeros at the end.
    #[must_use]
    pub fn places(self) -> u8 {
        match i64::try_from(self.units) {
            Ok(units) => places(units, self.scale, |units| (units % 10 == 0).then_some(units / 10)),
            Err(_) => places(self.units, self.scale, |units| (units % 10 == 0).then_some(units / 10)),
        }
    }

    /// Digits before the decimal mark; a fraction has one, the zero.
    #[must_use]
    pub fn whole_digits(self) -> u8 {
        let units = self.units.unsigned_abs();
        let digits = match u64::try_from(units) {
            Ok(units) => units.checked_ilog10(),
            Err(_) => units.checked_ilog10(),
        };
        let digits = digits.and_then(|power| u8::try_from(power + 1).ok()).unwrap_or(1);
        digits.saturating_sub(self.scale).max(1)
    }
}

fn places<T: Copy>(mut units: T, scale: u8, tenth: impl Fn(T) -> Option<T>) -> u8 {
    let mut places = scale;
    while places > 0
        && let Some(less) = tenth(units)
    {
        (units, places) = (less, places - 1);
    }
    places
}

/// Reads a number.
///
/// Beside digits and marks it may have one sign (`-` or `+` on either side, `(…)`, or `CR`/`DR` after it,
/// where `DR` is negative) and one currency (a code of three capital letters, a sign, or both where they agree) on
/// either side.
///
/// # Errors
/// [`Error::Form`] and [`Error::TooLong`].
#[inline]
pub fn parse(cell: &str, marks: Marks) -> Result<Number, Error> {
    match plain(cell.as_bytes()) {
        Some((number, None)) => Ok(number),
        Some((number, Some(mark))) if char::from(mark) == marks.decimal => Ok(number),
        Some(_) | None => body(cell).ok_or(Error::Form)?.read(marks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cell: &str, marks: Marks, expected: Result<&str, Error>) {
        let found = parse(cell, marks).map(|number| Decimal::units_text(number.units, number.scale));
        assert_eq!(found, expected.map(str::to_owned), "{cell:?} with {marks:?}");
    }

    #[test]
    fn numbers_are_read_in_every_form_that_banks_write() {
        for (cell, value) in [
            ("0", "0"),
            ("1234.50", "1234.50"),
            ("-12.5", "-12.5"),
            ("+12.5", "12.5"),
            ("007", "7"),
            (".50", "0.50"),
            ("-.5", "-0.5"),
            ("1,234.50", "1234.50"),
            ("1,234,567", "1234567"),
            ("1,23,456.00", "123456.00"),
            ("-12,34,567", "-1234567"),
            ("1,23,45,678.5", "12345678.5"),
            ("1'234.50", "1234.50"),
            ("1\u{2019}234.50", "1234.50"),
            ("1 234.50", "1234.50"),
            ("1\u{A0}234.50", "1234.50"),
            ("1\u{202F}234.50", "1234.50"),
            ("1\u{2009}234\u{2009}567.8", "1234567.8"),
            ("(12.50)", "-12.50"),
            ("12.50-", "-12.50"),
            ("12.50+", "12.50"),
            ("\u{2212}12.50", "-12.50"),
            ("12.50 CR", "12.50"),
            ("12.50DR", "-12.50"),
            ("$1,234.50", "1234.50"),
            ("-$12.00", "-12.00"),
            ("$-12.00", "-12.00"),
            ("($12.00)", "-12.00"),
            ("EUR 12.00", "12.00"),
            ("EUR12.00-", "-12.00"),
            ("12.00 USD", "12.00"),
            ("12.00€", "12.00"),
            ("$12.00 CAD", "12.00"),
            (" 12.00 ", "12.00"),
            ("12345678901234567890.12", "12345678901234567890.12"),
        ] {
            check(cell, Marks::POINT, Ok(value));
        }
        for (cell, value) in [
            ("1.234,56", "1234.56"),
            ("1 234,56", "1234.56"),
            ("1'234,5", "1234.5"),
            ("-0,05", "-0.05"),
            ("1.234", "1234"),
        ] {
            check(cell, Marks::COMMA, Ok(value));
        }
    }

    #[test]
    fn what_is_not_clean_is_no_number() {
        for cell in [
            "",
            "-",
            ".",
            "abc",
            "1.2.3",
            "1,23.50",
            "12,34",
            "1,2345",
            "0,123",
            ",123",
            "1,,234",
            "123,45,678",
            "1,23,45",
            "1,23,4567",
            "1,234,56,789",
            "12,345,67,890",
            "0,12,345",
            "1 23 456",
            "1'23'456",
            "12.",
            "1e5",
            "1,234.5,6",
            "--1",
            "-1-",
            "(-1)",
            "(1",
            "1)",
            "$1€",
            "EUR 1 USD",
            "$1 EUR",
            "₠1",
            "XQZ 1",
            "INV-1234",
            "1 234'567",
            "12.50 DR-",
            "1/2",
            "٣",
            "EUR",
            "12 34",
            "1234 567",
            "1.5 .5",
        ] {
            check(cell, Marks::POINT, Err(Error::Form));
        }
        check(&"9".repeat(39), Marks::POINT, Err(Error::TooLong));
    }

    #[test]
    fn a_told_thousands_mark_is_the_only_one() {
        let marks = Marks { decimal: ',', thousands: Some('.') };
        check("1.234,5", marks, Ok("1234.5"));
        check("1 234,5", marks, Err(Error::Form));
        let blank = Marks { decimal: ',', thousands: Some(' ') };
        check("1\u{A0}234,5", blank, Ok("1234.5"));
    }

    #[test]
    fn both_marks_read_what_each_reads_alone() {
        for cell in [
            "1.234", "0.234", "12.34", "1234.567", "-1.234", "1,234", "12,5", "1.234,5", "1,234.5", "5", "x",
            "12.345", "123.456",
        ] {
            let fit = Fit::of(cell);
            assert_eq!(fit.point, parse(cell, Marks::POINT).ok(), "{cell} with a point");
            assert_eq!(fit.comma, parse(cell, Marks::COMMA).ok(), "{cell} with a comma");
        }
    }

    #[test]
    fn scales_lose_no_digits() {
        let number = |cell: &str| parse(cell, Marks::POINT).unwrap();
        assert_eq!(number("12.50").at_scale(2), Ok(1250));
        assert_eq!(number("12.50").at_scale(1), Ok(125));
        assert_eq!(number("12.50").at_scale(0), Err(Error::Fraction));
        assert_eq!(number("12.55").at_scale(1), Err(Error::TooFine(1)));
        assert_eq!(number(&"9".repeat(27)).at_scale(1), Err(Error::TooLong));
        assert_eq!((number("12.50").places(), number("100").places(), number("0.00").places()), (1, 0, 0));
        let currency = |cell: &str| number(cell).said.map(|said| said.currency.as_str().to_owned());
        assert_eq!(currency("EUR 1").as_deref(), Some("EUR"));
        assert_eq!(currency("1 €").as_deref(), Some("EUR"));
        assert_eq!(currency("$1 CAD").as_deref(), Some("CAD"));
        assert_eq!(currency("1"), None);
    }
}

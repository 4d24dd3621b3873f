//! The bank's export: Windows-1252, semicolons, decimal commas, days before months, words above and below the table.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use jiff::civil::Date;

/// The account's balance on the evening before the first day, in cents.
const OPENING_CENTS: i64 = 18_240_619;

const HEADER: &str = "\"Buchungstag\";\"Valuta\";\"Buchungstext\";\"Auftraggeber / Empfänger\";\"Verwendungszweck\";\
    \"Betrag\";\"Währung\"";

/// A line of the statement.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) day: Date,
    /// How the bank sorts it: `SEPA-Gutschrift`, `Lastschrift`, …
    pub(super) kind: &'static str,
    pub(super) partner: String,
    pub(super) purpose: String,
    /// Money in is positive, money out negative.
    pub(super) cents: i64,
    pub(super) currency: &'static str,
    /// Text in place of the amount or the day, or a field too many.
    pub(super) fault: Option<Fault>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A day that no calendar has.
    Day,
    /// Words where the amount belongs.
    Amount,
    /// A semicolon that nobody quoted.
    Field,
}

/// The whole file.
pub(super) fn file(mut rows: Vec<Row>) -> Result<Vec<u8>> {
    rows.sort_by_key(|row| row.day);
    let mut text = String::new();
    let preamble = [
        "\"Hansebank Trave AG\";\"Umsatzübersicht\"",
        "\"Kontoinhaber\";\"Bergmann Gerätebau GmbH\"",
        "\"Konto\";\"DE** **** **** **** **** 47\"",
        "\"Zeitraum\";\"01.03.2026 - 31.05.2026\"",
        "",
        HEADER,
    ];
    for line in preamble {
        let _ = write!(text, "{line}\r\n");
    }
    for row in &rows {
        let _ = write!(text, "{}\r\n", line(row));
    }
    let in_euros = rows.iter().filter(|row| row.currency == "EUR" && row.fault.is_none());
    let closing = OPENING_CENTS + in_euros.map(|row| row.cents).sum::<i64>();
    let _ = write!(text, "\"Endsaldo\";\"31.05.2026\";{};\"EUR\"\r\n", amount(closing));
    encode(&text)
}

fn line(row: &Row) -> String {
    let day = german(row.day);
    let (booked, sum, extra) = match row.fault {
        None => (day.clone(), amount(row.cents), ""),
        Some(Fault::Day) => ("31.04.2026".to_owned(), amount(row.cents), ""),
        Some(Fault::Amount) => (day.clone(), "\"siehe Anlage\"".to_owned(), ""),
        Some(Fault::Field) => (day.clone(), amount(row.cents), ";Nachtrag"),
    };
    let (kind, partner, purpose) = (quoted(row.kind), quoted(&row.partner), quoted(&row.purpose));
    let currency = quoted(row.currency);
    format!("{booked};{day};{kind};{partner};{purpose};{sum};{currency}{extra}")
}

fn german(day: Date) -> String {
    format!("{:02}.{:02}.{}", day.day(), day.month(), day.year())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Cents with a decimal comma and dots between thousands.
fn amount(cents: i64) -> String {
    let size = cents.unsigned_abs();
    let digits = (size / 100).to_string();
    let mut whole = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            whole.push('.');
        }
        whole.push(digit);
    }
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{whole},{:02}", size % 100)
}

/// Windows-1252. Only what these texts hold: Latin-1 and a few of the characters that Windows put in its gap.
fn encode(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        let byte = match letter {
            '€' => 0x80,
            '–' => 0x96,
            '’' => 0x92,
            '\u{80}'..='\u{9f}' => bail!("Windows-1252 has another character at {letter:?}"),
            latin => match u8::try_from(latin) {
                Ok(byte) => byte,
                Err(_) => bail!("Windows-1252 has no {letter:?}"),
            },
        };
        bytes.push(byte);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_in_germany() {
        for (cents, text) in
            [(5, "0,05"), (-100_000, "-1.000,00"), (123_456_789, "1.234.567,89"), (99_999, "999,99")]
        {
            assert_eq!(amount(cents), text);
        }
    }

    #[test]
    fn a_character_that_the_encoding_lacks_is_an_error() {
        assert_eq!(encode("Gebühr 2,50 €").unwrap(), b"Geb\xFChr 2,50 \x80");
        assert!(encode("ł").is_err());
        assert!(encode("\u{85}").is_err());
    }
}

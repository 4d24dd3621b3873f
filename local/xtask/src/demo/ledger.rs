//! The ledger's export: UTF-8, commas, decimal points, years first.

use std::fmt::Write as _;

use jiff::civil::Date;

/// An entry of the ledger's bank account.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) day: Date,
    pub(super) partner: String,
    pub(super) memo: String,
    /// The document it belongs to; empty where there is none.
    pub(super) reference: String,
    /// Money in is positive, money out negative: the account is an asset.
    pub(super) cents: i64,
    pub(super) currency: &'static str,
    /// What is wrong with it.
    pub(super) fault: Option<Fault>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A day that no calendar has.
    Day,
    /// Words where the amount belongs.
    Amount,
    /// The currency and its comma are missing.
    Field,
}

/// The whole file. Entry numbers are given in the order of posting, so a second copy of an entry has its own.
pub(super) fn file(mut rows: Vec<Row>) -> Vec<u8> {
    rows.sort_by_key(|row| row.day);
    let mut text = "entry,posting_date,partner,memo,reference,amount,currency\n".to_owned();
    for (row, number) in rows.iter().zip(260_301..) {
        let _ = writeln!(text, "{number},{}", line(row));
    }
    text.into_bytes()
}

fn line(row: &Row) -> String {
    let sign = if row.cents < 0 { "-" } else { "" };
    let size = row.cents.unsigned_abs();
    let sum = format!("{sign}{}.{:02}", size / 100, size % 100);
    let (day, sum, currency) = match row.fault {
        None => (row.day.to_string(), sum, format!(",{}", row.currency)),
        Some(Fault::Day) => ("2026-02-30".to_owned(), sum, format!(",{}", row.currency)),
        Some(Fault::Amount) => (row.day.to_string(), "n/a".to_owned(), format!(",{}", row.currency)),
        Some(Fault::Field) => (row.day.to_string(), sum, String::new()),
    };
    let (partner, memo) = (quoted(&row.partner), quoted(&row.memo));
    format!("{day},{partner},{memo},{},{sum}{currency}", row.reference)
}

/// A text, in quotes where it needs them.
fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

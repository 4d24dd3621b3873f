//! What the cells of a column are, by what fits most of them.

use recon_contract::ColumnProfile;
use recon_domain::{DateOrder, ReadOptions};
use recon_formats::Profile;
use recon_formats::cell::number::Marks;

use crate::score::{Score, share};

/// The share of a column's cells that must fit a kind, in ten-thousandths.
pub(crate) const FIT_MIN: Score = 9_000;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Day,
    Currency,
    Text,
    /// There are no cells.
    Empty,
}

/// Currencies that are likely to be meant by three letters.
const CURRENCIES: [&str; 46] = [
    "AED", "ARS", "AUD", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK", "EGP",
    "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD", "MAD", "MXN", "MYR",
    "NGN", "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "SAR", "SEK", "SGD", "THB", "TRY",
    "USD",
];
/// The same, in a second list to keep the lines short.
const CURRENCIES_MORE: [&str; 8] = ["TWD", "UAH", "UYU", "VND", "XAF", "XOF", "ZAR", "TND"];

/// A column's kind, how many of its cells fit it, and how they are read.
#[derive(Debug, Clone)]
pub(crate) struct KindOf {
    pub(crate) kind: Kind,
    /// The share of cells that fit.
    pub(crate) fits: Score,
    /// The share of rows that have a cell.
    pub(crate) filled: Score,
    /// Whether its numbers are whole.
    pub(crate) is_whole: bool,
    pub(crate) marks: Marks,
    /// For dates, the orders that fit most cells, equally well.
    pub(crate) orders: Vec<DateOrder>,
}

impl KindOf {
    pub(crate) fn of(column: &ColumnProfile, profile: &Profile, options: &ReadOptions) -> Self {
        let fit = |key: &str| column.fits.get(key).copied().unwrap_or(0);
        let cells = profile.rows.saturating_sub(fit("empty"));
        let part = |key: &str| share(fit(key), cells);
        let known = |sample: &String| {
            let code = sample.trim().to_ascii_uppercase();
            CURRENCIES.contains(&code.as_str()) || CURRENCIES_MORE.contains(&code.as_str())
        };
        let kinds = [
            (Kind::Day, part("date")),
            (Kind::Number, part("decimal")),
            (Kind::Currency, if column.samples.iter().all(known) { part("currency") } else { 0 }),
        ];
        let (kind, fits) = match kinds.into_iter().find(|(_, share)| *share >= FIT_MIN) {
            _ if cells == 0 => (Kind::Empty, 0),
            Some(found) => found,
            None => (Kind::Text, 10_000),
        };
        Self {
            kind,
            fits,
            filled: share(cells, profile.rows),
            is_whole: fit("decimal") > 0 && fit("integer") * 100 >= fit("decimal") * 99,
            marks: marks(&fit, profile, options),
            orders: orders(&fit, options),
        }
    }
}

/// The marks of a column's numbers, as a run will decide them.
fn marks(fit: &dyn Fn(&str) -> u64, profile: &Profile, options: &ReadOptions) -> Marks {
    let told = options.decimal_mark.or(match options.thousands_mark {
        Some('.') => Some(','),
        Some(',') => Some('.'),
        _ => None,
    });
    let is_comma = match told {
        Some(mark) => mark == ',',
        None if fit("decimal.") != fit("decimal,") => fit("decimal,") > fit("decimal."),
        None => fit("decimal:either") > 0 && profile.dialect.delimiter == ";",
    };
    let decimal = if is_comma { ',' } else { '.' };
    Marks { decimal, thousands: options.thousands_mark }
}

fn orders(fit: &dyn Fn(&str) -> u64, options: &ReadOptions) -> Vec<DateOrder> {
    if let Some(order) = options.date_order {
        return vec![order];
    }
    let count = |order: &DateOrder| fit(&format!("date:{order}"));
    let most = DateOrder::ALL.iter().map(count).max().unwrap_or(0);
    DateOrder::ALL.iter().copied().filter(|order| count(order) == most && most > 0).collect()
}

//! Which types and formats fit the cells of a column, counted over all rows.

use recon_contract::{ColumnProfile, Fits};
use recon_domain::{Currency, DateOrder};

use crate::TextColumn;
use crate::cell::number::Fit;
use crate::cell::{date, is_blank, timestamp};

/// Cells that are shown of each column.
const SAMPLES_MAX: usize = 5;
/// Characters of a cell that are shown.
const SAMPLE_CHARS_MAX: usize = 80;
/// No number, date or point in time is written with more bytes than this.
const VALUE_BYTES_MAX: usize = 96;

/// The keys of [`Fits`].
pub(crate) mod key {
    pub(crate) const EMPTY: &str = "empty";
    pub(crate) const DECIMAL: &str = "decimal";
    pub(crate) const POINT: &str = "decimal.";
    pub(crate) const COMMA: &str = "decimal,";
    pub(crate) const EITHER: &str = "decimal:either";
    pub(crate) const PLACES_POINT: &str = "places.";
    pub(crate) const PLACES_COMMA: &str = "places,";
    pub(crate) const INTEGER: &str = "integer";
    pub(crate) const DATE: &str = "date";
    pub(crate) const TIMESTAMP: &str = "timestamp";
    pub(crate) const CURRENCY: &str = "currency";
    pub(crate) const EXPONENT: &str = "exponent";
}

/// The key that counts the dates of an order.
pub(crate) const fn order_key(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Dmy => "date:dmy",
        DateOrder::Mdy => "date:mdy",
        DateOrder::Ymd => "date:ymd",
    }
}

/// Whether a cell means nothing: blanks only, or one of the texts that were said to mean that.
pub(crate) fn is_empty(cell: &str, null_values: &[String]) -> bool {
    cell.is_empty()
        || cell.starts_with(is_blank) && cell.chars().all(is_blank)
        || null_values.iter().any(|null| null == cell)
}

/// Counts of one column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    empty: u64,
    decimal: u64,
    point: u64,
    comma: u64,
    either: u64,
    places_point: u8,
    places_comma: u8,
    integer: u64,
    date: u64,
    orders: [u64; 3],
    timestamp: u64,
    currency: u64,
    exponent: u8,
    samples: Vec<String>,
}

impl Counts {
    /// Looks at more cells.
    pub(crate) fn add(&mut self, column: &TextColumn, null_values: &[String]) {
        for cell in column.iter() {
            if is_empty(cell, null_values) {
                self.empty += 1;
                continue;
            }
            if self.samples.len() < SAMPLES_MAX {
                self.sample(cell);
            }
            if cell.len() <= VALUE_BYTES_MAX {
                self.count(cell);
            }
        }
    }

    fn sample(&mut self, cell: &str) {
        let cut: String = cell.chars().take(SAMPLE_CHARS_MAX).collect();
        if !self.samples.contains(&cut) {
            self.samples.push(cut);
        }
    }

    fn count(&mut self, cell: &str) {
        if !cell.bytes().any(|byte| byte.is_ascii_digit()) {
            if let Some(currency) = currency(cell) {
                self.currency += 1;
                self.exponent = self.exponent.max(currency.exponent());
            }
            return;
        }
        self.count_number(Fit::of(cell));
        let orders = date::orders(cell);
        if !orders.is_empty() {
            self.date += 1;
            for (count, order) in self.orders.iter_mut().zip(DateOrder::ALL) {
                *count += u64::from(orders.contains(*order));
            }
            self.timestamp += u64::from(cell.len() >= 16 && timestamp::parse(cell).is_ok());
        }
    }

    fn count_number(&mut self, fit: Fit) {
        if !fit.is_number() {
            return;
        }
        self.decimal += 1;
        self.integer += u64::from(fit.is_integer());
        if let Some(number) = fit.point {
            self.point += 1;
            self.places_point = self.places_point.max(number.places());
        }
        if let Some(number) = fit.comma {
            self.comma += 1;
            self.places_comma = self.places_comma.max(number.places());
        }
        let differs = |(point, comma): (crate::cell::number::Number, crate::cell::number::Number)| {
            (point.units, point.scale) != (comma.units, comma.scale)
        };
        self.either += u64::from(fit.point.zip(fit.comma).is_some_and(differs));
    }

    /// The counts under their keys; what is zero is left out.
    pub(crate) fn profile(&self, name: &str) -> ColumnProfile {
        let mut fits = Fits::new();
        let counts = [
            (key::EMPTY, self.empty),
            (key::DECIMAL, self.decimal),
            (key::POINT, self.point),
            (key::COMMA, self.comma),
            (key::EITHER, self.either),
            (key::PLACES_POINT, u64::from(self.places_point)),
            (key::PLACES_COMMA, u64::from(self.places_comma)),
            (key::INTEGER, self.integer),
            (key::DATE, self.date),
            (key::TIMESTAMP, self.timestamp),
            (key::CURRENCY, self.currency),
            (key::EXPONENT, u64::from(self.exponent)),
        ];
        let orders = DateOrder::ALL.iter().map(|order| order_key(*order)).zip(self.orders);
        for (key, count) in counts.into_iter().chain(orders).filter(|(_, count)| *count > 0) {
            fits.insert(key.to_owned(), count);
        }
        ColumnProfile { name: name.to_owned(), fits, samples: self.samples.clone() }
    }
}

fn currency(cell: &str) -> Option<Currency> {
    if cell.len() > 8 { None } else { cell.parse().ok() }
}

//! Which types and formats fit the cells of a column, counted over all rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use recon_contract::{ColumnProfile, Fits};
use recon_domain::{Currency, DateOrder, ReadOptions};

use crate::TextColumn;
use crate::cell::number::{Fit, Number};
use crate::cell::{date, is_blank};

/// Cells that are shown of each column.
const SAMPLES_MAX: usize = 5;
/// Characters of a cell that are shown.
const SAMPLE_CHARS_MAX: usize = 80;
/// No number, date or point in time is written with more bytes than this.
const VALUE_BYTES_MAX: usize = 96;

/// Numbers with up to so many digits before the decimal mark must have room at any scale of a run: the amounts of
/// the largest ledgers in the smallest currencies. A few finer numbers do not push them out.
pub(crate) const WHOLE_DIGITS_KEPT: u8 = 15;

/// The keys of [`Fits`].
pub(crate) mod key {
    pub(crate) const EMPTY: &str = "empty";
    pub(crate) const DECIMAL: &str = "decimal";
    pub(crate) const POINT: &str = "decimal.";
    pub(crate) const COMMA: &str = "decimal,";
    pub(crate) const EITHER: &str = "decimal:either";
    pub(crate) const PLACES_POINT: &str = "places.";
    pub(crate) const PLACES_COMMA: &str = "places,";
    pub(crate) const WHOLE_POINT: &str = "whole.";
    pub(crate) const WHOLE_COMMA: &str = "whole,";
    pub(crate) const ABOVE: &str = "decimal:above";
    pub(crate) const BELOW: &str = "decimal:below";
    pub(crate) const CODED: &str = "decimal:coded";
    /// Before a sign that several currencies have.
    pub(crate) const SIGN: &str = "decimal:sign:";
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
#[inline]
pub(crate) fn is_empty(cell: &str, null_values: &[String]) -> bool {
    match cell.as_bytes() {
        [] => true,
        // Most cells start with a visible ASCII character.
        [b'!'..=b'~', ..] => null_values.iter().any(|null| null == cell),
        [..] => cell.chars().all(is_blank) || null_values.iter().any(|null| null == cell),
    }
}

/// How much room numbers take.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    /// The most digits after the decimal mark.
    places: u8,
    /// The most digits before it, of the numbers that have at most [`WHOLE_DIGITS_KEPT`].
    whole: u8,
}

impl Extent {
    fn add(&mut self, number: Number) {
        self.places = self.places.max(number.places());
        let whole = number.whole_digits();
        if whole <= WHOLE_DIGITS_KEPT {
            self.whole = self.whole.max(whole);
        }
    }
}

/// Counts of one column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Cells that are not empty.
    cells: u64,
    empty: u64,
    decimal: u64,
    point: u64,
    comma: u64,
    either: u64,
    /// Numbers above zero, and below it, whatever their marks.
    above: u64,
    below: u64,
    /// Those with the code or the sign of a currency beside them.
    coded: u64,
    /// Those with a sign that several currencies have, by sign.
    assumed: BTreeMap<char, u64>,
    extent_point: Extent,
    extent_comma: Extent,
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
            self.cells += 1;
            if self.samples.len() < SAMPLES_MAX && self.samples.last().is_none_or(|last| last != cell) {
                self.sample(cell);
            }
            if cell.len() <= VALUE_BYTES_MAX {
                self.count(cell);
            }
        }
    }

    fn sample(&mut self, cell: &str) {
        let cut = cell.char_indices().nth(SAMPLE_CHARS_MAX).map_or(cell, |(end, _)| &cell[..end]);
        if !self.samples.iter().any(|sample| sample == cut) {
            self.samples.push(cut.to_owned());
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
        let orders = date::orders(cell);
        if orders.is_empty() {
            return self.count_number(Fit::of(cell));
        }
        // Of dates only eight digits can be a number too.
        self.count_number(Fit::of_plain(cell));
        self.date += 1;
        for (count, order) in self.orders.iter_mut().zip(DateOrder::ALL) {
            *count += u64::from(orders.contains(*order));
        }
        self.timestamp += u64::from(orders.has_time());
    }

    fn count_number(&mut self, fit: Fit) {
        if !fit.is_number() {
            return;
        }
        self.decimal += 1;
        self.integer += u64::from(fit.is_integer());
        if let Some(number) = fit.point {
            self.point += 1;
            self.extent_point.add(number);
        }
        if let Some(number) = fit.comma {
            self.comma += 1;
            self.extent_comma.add(number);
        }
        if let Some(number) = fit.point.or(fit.comma) {
            self.above += u64::from(number.units > 0);
            self.below += u64::from(number.units < 0);
        }
        if let Some(said) = fit.point.or(fit.comma).and_then(|number| number.said) {
            self.coded += 1;
            self.exponent = self.exponent.max(said.currency.exponent());
            if let Some(sign) = said.assumed() {
                *self.assumed.entry(sign).or_default() += 1;
            }
        }
        let differs =
            |(point, comma): (Number, Number)| (point.units, point.scale) != (comma.units, comma.scale);
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
            (key::ABOVE, self.above),
            (key::BELOW, self.below),
            (key::CODED, self.coded),
            (key::PLACES_POINT, u64::from(self.extent_point.places)),
            (key::PLACES_COMMA, u64::from(self.extent_comma.places)),
            (key::WHOLE_POINT, u64::from(self.extent_point.whole)),
            (key::WHOLE_COMMA, u64::from(self.extent_comma.whole)),
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
        for (sign, count) in &self.assumed {
            fits.insert(format!("{}{sign}", key::SIGN), *count);
        }
        ColumnProfile { name: name.to_owned(), fits, samples: self.samples.clone() }
    }

    /// How a column of dates or numbers reads, in words; what is told needs no evidence.
    pub(crate) fn evidence(&self, name: &str, options: &ReadOptions) -> Option<String> {
        let [cells, dates, numbers] = [self.cells, self.date, self.decimal];
        if dates > 0 && dates * 10 >= cells * 9 && options.date_order.is_none() {
            let most = self.orders.iter().copied().max().unwrap_or(0);
            let fitting = DateOrder::ALL.iter().zip(self.orders).filter(|(_, count)| *count == most);
            let orders = fitting.map(|(order, _)| order.as_str()).collect::<Vec<_>>().join(" and ");
            return Some(format!("column `{name}`: {most} of {dates} dates fit the order {orders}"));
        }
        if numbers == 0 || numbers * 10 < cells * 9 || options.decimal_mark.is_some() {
            return None;
        }
        let fit = |mark: char, count: u64| {
            Some(format!("column `{name}`: {count} of {numbers} numbers fit the decimal mark `{mark}`"))
        };
        match self.point.cmp(&self.comma) {
            Ordering::Greater => fit('.', self.point),
            Ordering::Less => fit(',', self.comma),
            Ordering::Equal if self.either > 0 => Some(format!(
                "column `{name}`: all {numbers} numbers fit the decimal marks `.` and `,` alike"
            )),
            Ordering::Equal => None,
        }
    }
}

fn currency(cell: &str) -> Option<Currency> {
    if cell.len() > 8 { None } else { cell.parse().ok() }
}

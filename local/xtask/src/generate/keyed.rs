//! Pairs with a unique reference, amount, currency and date.
//!
//! Every outcome is decidable. What stays open could resemble another open row by chance: the same amount within
//! the tolerance on a near date would make it `reference_differs`. So the amounts of rows that stay open end,
//! modulo [`STEP`] cents, in residues of their own that are further apart than the tolerance, and where
//! both sides need the same amount, no two records share one.

use std::io::{self, Write};

use super::layout::{Layout, Record};
use super::{Recipe, Side, days, write_amount};
use crate::random::Random;
use crate::truth::Done;

const DAYS: u64 = 365;
const LATE_DAYS_MAX: i64 = 3;
const TOO_LATE_DAYS_MAX: i64 = 20;
const DRIFT_CENTS_MAX: i64 = 2;
const STEP: u64 = 64;
const CENTS_MAX: u64 = 2_000_000;
const CURRENCIES: [&str; 3] = ["EUR", "USD", "CHF"];

/// A reference is a number of eight digits; numbers of records are spread over them by a factor that has
/// no divisor in common with their count, so each record has its own.
const REFERENCES: u64 = 100_000_000;
const REFERENCE_FACTOR: u64 = 61_803_399;

const SHARES: [(Done, u64); 6] = [
    (Done::AmountDrift, 500),
    (Done::Late, 500),
    (Done::AmountWrong, 50),
    (Done::TooLate, 30),
    (Done::CurrencyWrong, 20),
    (Done::ReferenceWrong, 30),
];
const COPIES: u64 = 50;
const MISSING: u64 = 100;

pub(super) struct Keyed {
    seed: u64,
    days: Vec<String>,
}

/// What one row says.
#[derive(Debug, Clone)]
struct Row {
    reference: String,
    cents: i64,
    currency: usize,
    day: i64,
}

impl Keyed {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, days: days(DAYS.cast_signed() + TOO_LATE_DAYS_MAX) }
    }

    fn row(&self, side: Side, record: Record) -> Row {
        let mut random = Random::new(self.seed, record.number);
        let size = amount(record, &mut random).cast_signed();
        let sign = if random.chance(50) { -1 } else { 1 };
        let left = Row {
            reference: format!("INV-{:08}", record.number * REFERENCE_FACTOR % REFERENCES),
            cents: sign * size,
            currency: random.index(CURRENCIES.len()),
            day: random.below(DAYS).cast_signed(),
        };
        match side {
            Side::Left => left,
            Side::Right => drifted(left, record.done, &mut random),
        }
    }
}

/// The left amount in cents. Copies stay open too: their residues are like a lone row's.
fn amount(record: Record, random: &mut Random) -> u64 {
    let spread = STEP * (2 + random.below(CENTS_MAX / STEP - 2));
    let unique = STEP * (2 + record.ordinal);
    match (record.done, record.copied) {
        (_, Some(Side::Left)) => spread + 12,
        (_, Some(Side::Right)) => spread + 40,
        (Done::MissingRight, None) => spread,
        (Done::MissingLeft, None) => spread + 32,
        (Done::AmountWrong, None) => spread + 4,
        (Done::TooLate, None) => unique + 20,
        (Done::CurrencyWrong, None) => unique + 48,
        (Done::ReferenceWrong, None) => unique + 56,
        (_, None) => 100 + random.below(CENTS_MAX - 100),
    }
}

fn drifted(left: Row, done: Done, random: &mut Random) -> Row {
    let mut right = left;
    match done {
        Done::AmountDrift => {
            let drift = random.between(1, DRIFT_CENTS_MAX);
            right.cents += if random.chance(500) { drift } else { -drift };
        }
        Done::Late => right.day += random.between(1, LATE_DAYS_MAX),
        // Half a step moves the residue from 4 to 36: away from every residue of the left side.
        Done::AmountWrong => {
            let step = STEP.cast_signed();
            right.cents += right.cents.signum() * (step / 2 + step * random.between(0, 60));
        }
        Done::TooLate => right.day += random.between(10, TOO_LATE_DAYS_MAX),
        Done::CurrencyWrong => right.currency = (right.currency + 1) % CURRENCIES.len(),
        Done::ReferenceWrong => {
            right.reference.pop();
        }
        Done::Exact
        | Done::WordNoise
        | Done::DriftLateNoise
        | Done::MissingRight
        | Done::MissingLeft
        | Done::DuplicateLeft
        | Done::DuplicateRight => {}
    }
    right
}

impl Recipe for Keyed {
    fn layout(&self, rows: u64) -> Layout {
        Layout::new(rows, &SHARES, COPIES, MISSING)
    }

    fn headers(&self) -> [&'static str; 2] {
        ["reference,amount,currency,date", "posted_on,ref_no,ccy,amt"]
    }

    fn write_row(&self, side: Side, record: Record, out: &mut dyn Write) -> io::Result<()> {
        let row = self.row(side, record);
        let day = usize::try_from(row.day).ok().and_then(|day| self.days.get(day)).map_or("", String::as_str);
        let (reference, currency) = (&row.reference, CURRENCIES[row.currency]);
        match side {
            Side::Left => {
                write!(out, "{reference},")?;
                write_amount(row.cents, out)?;
                writeln!(out, ",{currency},{day}")
            }
            Side::Right => {
                write!(out, "{day},{reference},{currency},")?;
                write_amount(row.cents, out)?;
                writeln!(out)
            }
        }
    }

    fn rules(&self) -> &'static str {
        include_str!("keyed.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_records_share_a_reference() {
        let keyed = Keyed::new(1);
        let layout = keyed.layout(50_000);
        let mut references: Vec<String> = layout
            .order(Side::Left, 1)
            .into_iter()
            .filter(|slot| matches!(slot, super::super::layout::Slot::Row(_)))
            .map(|slot| keyed.row(Side::Left, layout.record(slot)).reference)
            .collect();
        let all = references.len();
        references.sort_unstable();
        references.dedup();
        assert_eq!(references.len(), all);
    }

    #[test]
    fn open_rows_resemble_no_open_row_but_their_own() {
        let keyed = Keyed::new(4);
        let layout = keyed.layout(40_000);
        let open = |side| -> Vec<(u64, Row)> {
            let records = layout.order(side, 4).into_iter().map(|slot| (slot, layout.record(slot)));
            let open = records.filter(|(slot, record)| {
                let copy = matches!(slot, super::super::layout::Slot::Copy(_));
                copy || matches!(record.done.expected(), crate::truth::Expected::Break(_))
            });
            open.map(|(_, record)| (record.number, keyed.row(side, record))).collect()
        };
        let (left, right) = (open(Side::Left), open(Side::Right));
        assert!(left.len() > 900 && right.len() > 900);
        for (number, row) in &left {
            for (other, near) in &right {
                let apart = (row.cents - near.cents).abs() > DRIFT_CENTS_MAX;
                assert!(number == other || apart, "{row:?} resembles {near:?}");
            }
        }
    }
}

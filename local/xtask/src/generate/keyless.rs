//! Pairs without a key: only amount, date and three words tell which rows belong together.

use std::io::{self, Write};

use super::layout::{Layout, Record};
use super::{Recipe, Side, days, vocabulary, write_amount};
use crate::random::Random;
use crate::truth::Done;

const DAYS: u64 = 300;
const LATE_DAYS_MAX: i64 = 3;
const DRIFT_CENTS_MAX: i64 = 3;
const CENTS_MIN: i64 = 100;
const CENTS_MAX: i64 = 2_000_000;
const WORDS: usize = 5000;

const SHARES: [(Done, u64); 4] =
    [(Done::AmountDrift, 1500), (Done::Late, 1500), (Done::WordNoise, 1000), (Done::DriftLateNoise, 500)];
const COPIES: u64 = 50;
const MISSING: u64 = 150;

pub(super) struct Keyless {
    seed: u64,
    days: Vec<String>,
    words: Vec<String>,
}

/// What one row says.
#[derive(Debug, Clone)]
struct Row {
    cents: i64,
    day: i64,
    description: String,
}

impl Keyless {
    pub(super) fn new(seed: u64) -> Self {
        let words = vocabulary::words(WORDS, &mut Random::new(seed, u64::MAX));
        Self { seed, days: days(DAYS.cast_signed() + LATE_DAYS_MAX), words }
    }

    fn row(&self, side: Side, record: Record) -> Row {
        let mut random = Random::new(self.seed, record.number);
        let words: [&str; 3] = std::array::from_fn(|_| random.pick(&self.words).as_str());
        let mut row = Row {
            cents: random.between(CENTS_MIN, CENTS_MAX),
            day: random.below(DAYS).cast_signed(),
            description: String::new(),
        };
        let (mut drift, mut late, mut noise) = (false, false, false);
        if side == Side::Right {
            drift = matches!(record.done, Done::AmountDrift | Done::DriftLateNoise);
            late = matches!(record.done, Done::Late | Done::DriftLateNoise);
            noise = matches!(record.done, Done::WordNoise | Done::DriftLateNoise);
        }
        if drift {
            let cents = random.between(1, DRIFT_CENTS_MAX);
            row.cents += if random.chance(500) { cents } else { -cents };
        }
        if late {
            row.day += random.between(1, LATE_DAYS_MAX);
        }
        row.description = if noise { noisy(words, &mut random) } else { words.join(" ") };
        row
    }
}

/// The words as somebody else wrote them: one is left out, misspelt or abbreviated, or they stand in another order.
fn noisy(words: [&str; 3], random: &mut Random) -> String {
    let [first, second, third] = words;
    match random.below(4) {
        0 => format!("{first} {third}"),
        1 => format!("{first} {} {third}", misspelt(second, random)),
        2 => format!("{third} {first} {second}"),
        _ => format!("{first} {second} {}.", &third[..third.len().min(3)]),
    }
}

/// A word with one letter replaced. The words are ASCII, so letters are bytes.
fn misspelt(word: &str, random: &mut Random) -> String {
    let place = random.index(word.len());
    let letter = random.pick(&["x", "y", "q"]);
    format!("{}{letter}{}", &word[..place], &word[place + 1..])
}

impl Recipe for Keyless {
    fn layout(&self, rows: u64) -> Layout {
        Layout::new(rows, &SHARES, COPIES, MISSING)
    }

    fn headers(&self) -> [&'static str; 2] {
        ["date,amount,description", "memo,posted_on,amt"]
    }

    fn write_row(&self, side: Side, record: Record, out: &mut dyn Write) -> io::Result<()> {
        let row = self.row(side, record);
        let day = usize::try_from(row.day).ok().and_then(|day| self.days.get(day)).map_or("", String::as_str);
        match side {
            Side::Left => {
                write!(out, "{day},")?;
                write_amount(row.cents, out)?;
                writeln!(out, ",{}", row.description)
            }
            Side::Right => {
                write!(out, "{},{day},", row.description)?;
                write_amount(row.cents, out)?;
                writeln!(out)
            }
        }
    }

    fn rules(&self) -> &'static str {
        include_str!("keyless.toml")
    }
}

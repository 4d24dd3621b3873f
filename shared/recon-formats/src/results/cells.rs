//! Values as people write them, made without allocation: result files have millions.

use recon_domain::{Day, Decimal, Instant};
use recon_engine::{Column, Interner};

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Datum<'a> {
    Empty,
    Number {
        units: i128,
        scale: u8,
    },
    Day(i32),
    /// Microseconds.
    Instant(i64),
    Text(&'a str),
}

impl<'a> Datum<'a> {
    /// The cell of an entry.
    pub(super) fn of(column: &Column, entry: usize, texts: &'a Interner) -> Self {
        match column {
            Column::Number { units, scale } => match units.get(entry) {
                Some(units) if *units != Column::EMPTY_NUMBER => {
                    Datum::Number { units: *units, scale: *scale }
                }
                Some(_) | None => Datum::Empty,
            },
            Column::Day(days) => match days.get(entry) {
                Some(day) if *day != Column::EMPTY_DAY => Datum::Day(*day),
                Some(_) | None => Datum::Empty,
            },
            Column::Instant(micros) => match micros.get(entry) {
                Some(micros) if *micros != Column::EMPTY_MICROS => Datum::Instant(*micros),
                Some(_) | None => Datum::Empty,
            },
            Column::Text { ids, shown } => {
                let id = shown.as_ref().unwrap_or(ids).get(entry);
                id.and_then(|id| texts.get(*id)).map_or(Datum::Empty, Datum::Text)
            }
        }
    }
}

/// A cell of a result as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Empty,
    /// A number, date or point in time.
    Plain(&'a str),
    /// A text from a file.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    pub(super) const fn as_str(self) -> Option<&'a str> {
        match self {
            Cell::Empty => None,
            Cell::Plain(text) | Cell::Text(text) => Some(text),
        }
    }
}

/// Dates that are remembered: results have few distinct ones, near each other.
const DAYS_REMEMBERED: usize = 2_048;

/// Where texts of values are made.
pub(super) struct Scratch {
    text: String,
    integer: itoa::Buffer,
    days: Vec<(i32, String)>,
}

impl Scratch {
    /// For many rows.
    pub(super) fn new() -> Self {
        Self::remembering(DAYS_REMEMBERED)
    }

    /// For a few rows.
    pub(super) fn small() -> Self {
        Self::remembering(1)
    }

    fn remembering(days: usize) -> Self {
        let days = vec![(Column::EMPTY_DAY, String::new()); days];
        Self { text: String::new(), integer: itoa::Buffer::new(), days }
    }

    /// The cell as [`Column::text`] has it.
    pub(super) fn cell<'s>(&'s mut self, datum: Datum<'s>) -> Cell<'s> {
        match datum {
            Datum::Empty => Cell::Empty,
            Datum::Number { units, scale } => Cell::Plain(self.units(units, scale)),
            Datum::Day(day) => Cell::Plain(self.day(day)),
            Datum::Instant(micros) => {
                self.text = Instant::from_micros(micros).to_string();
                Cell::Plain(&self.text)
            }
            Datum::Text(text) => Cell::Text(text),
        }
    }

    /// A number as [`Decimal::write_units`] writes it.
    pub(super) fn units(&mut self, units: i128, scale: u8) -> &str {
        let Ok(magnitude) = u64::try_from(units.unsigned_abs()) else {
            self.text = Decimal::units_text(units, scale);
            return &self.text;
        };
        let digits = self.integer.format(magnitude);
        self.text.clear();
        if units < 0 {
            self.text.push('-');
        }
        let scale = usize::from(scale);
        if scale == 0 {
            self.text.push_str(digits);
            return &self.text;
        }
        match digits
            .len()
            .checked_sub(scale)
            .filter(|whole| *whole > 0)
            .and_then(|whole| digits.split_at_checked(whole))
        {
            Some((whole, fraction)) => {
                self.text.push_str(whole);
                self.text.push('.');
                self.text.push_str(fraction);
            }
            None => {
                self.text.push_str("0.");
                self.text.extend(std::iter::repeat_n('0', scale - digits.len()));
                self.text.push_str(digits);
            }
        }
        &self.text
    }

    /// A whole number.
    pub(super) fn integer(&mut self, value: impl itoa::Integer) -> &str {
        self.integer.format(value)
    }

    fn day(&mut self, day: i32) -> &str {
        let slot = usize::try_from(day.unsigned_abs()).unwrap_or(0) % self.days.len();
        let (remembered, text) = &mut self.days[slot];
        if *remembered != day {
            *remembered = day;
            *text = Day::from_number(day).to_string();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_the_domain_writes_them() {
        let mut scratch = Scratch::new();
        for units in
            [0, 5, -5, 50, 99, 100, -100, 123_456, i128::from(u64::MAX), -(1 << 100), i128::from(i64::MIN)]
        {
            for scale in [0, 1, 2, 3, 9, 18] {
                assert_eq!(scratch.units(units, scale), Decimal::units_text(units, scale), "{units} {scale}");
            }
        }
        for day in [0, -1, 20_514, 20_514 + 2_048, 20_514, 2_932_896, i32::MAX] {
            assert_eq!(scratch.day(day), Day::from_number(day).to_string(), "{day}");
        }
    }
}

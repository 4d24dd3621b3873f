//! Calendar dates as people and banks write them.

mod form;

use recon_domain::{DateOrder, Day};

pub(super) use form::Form;

/// The orders under which a cell is a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orders(u8);

/// The bit of [`Orders`] that says that a time of day follows the date.
const TIME: u8 = 8;

impl Orders {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it is a date in this order.
    #[must_use]
    pub const fn contains(self, order: DateOrder) -> bool {
        self.0 & bit(order) != 0
    }

    /// Whether it is a date with a time of day, so a point in time.
    #[must_use]
    pub const fn has_time(self) -> bool {
        self.0 & TIME != 0
    }
}

const fn bit(order: DateOrder) -> u8 {
    match order {
        DateOrder::Dmy => 1,
        DateOrder::Mdy => 2,
        DateOrder::Ymd => 4,
    }
}

/// Why a cell is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no date in any order.
    #[error("not a date")]
    Form,
    /// It is a date in another order only.
    #[error("not a date in the order {0}, in which the column's dates are read")]
    Order(DateOrder),
}

/// Reads a date in a given order. A time of day after it is left out.
///
/// Forms: numbers with `/`, `.`, `-` or a space between them, two-digit years (00 to 68 are 2000 to 2068),
/// eight digits, and English names of months, which fit `dmy` and `mdy` alike when the year comes last.
///
/// # Errors
/// [`Error::Form`] and [`Error::Order`].
pub fn parse(cell: &str, order: DateOrder) -> Result<Day, Error> {
    let Some((form, _)) = Form::of(cell) else { return Err(Error::Form) };
    form.in_order(order).map(Day::from)
}

/// The orders under which a cell is a date.
#[must_use]
pub fn orders(cell: &str) -> Orders {
    let Some((form, time)) = Form::of(cell) else { return Orders::default() };
    let fitting = DateOrder::ALL.iter().filter(|order| form.date(**order).is_some());
    match fitting.fold(0, |bits, order| bits | bit(*order)) {
        0 => Orders::default(),
        bits => Orders(if time.is_some() { bits | TIME } else { bits }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &str, order: DateOrder) -> String {
        match parse(cell, order) {
            Ok(day) => day.to_string(),
            Err(Error::Form) => "no date".to_owned(),
            Err(Error::Order(_)) => "other order".to_owned(),
        }
    }

    #[test]
    fn dates_are_read_in_each_order() {
        let (date, none, other) = ("2026-03-02", "no date", "other order");
        for (cell, dmy, mdy, ymd) in [
            ("02.03.2026", date, "2026-02-03", other),
            ("2/3/26", date, "2026-02-03", other),
            ("02-03-26", date, "2026-02-03", "2002-03-26"),
            ("02 03 2026", date, "2026-02-03", other),
            ("2026-03-02", other, other, date),
            ("2026/3/2", other, other, date),
            ("26-03-02", "2002-03-26", other, date),
            ("20260302", other, other, date),
            ("02032026", date, "2026-02-03", other),
            ("2 Mar 2026", date, date, other),
            ("02-MAR-26", date, date, "2002-03-26"),
            ("2 march 2026", date, date, other),
            ("02MAR2026", date, date, other),
            ("Mar 2, 2026", date, date, other),
            ("2026 Mar 2", other, other, date),
            ("2026-03-02T10:30:00Z", other, other, date),
            ("2026-03-02 10:30", other, other, date),
            ("02.03.2026 23:59:59", date, "2026-02-03", other),
            (" 02.03.2026 ", date, "2026-02-03", other),
            ("2/3/2026 12:00:00 AM", date, "2026-02-03", other),
            ("2/3/2026 2:05 pm", date, "2026-02-03", other),
            ("2/3/2026, 2:05:00\u{202F}PM", date, "2026-02-03", other),
            ("Mar  2 2026 12:00AM", date, date, other),
            ("Mar 2 2026  2:05AM", date, date, other),
            ("2/3/2026 0:00", date, "2026-02-03", other),
            ("2/3/2026 0:00 PM", none, none, none),
            ("2/3/2026 13:00 AM", none, none, none),
            ("2/3/2026 2:05 xm", none, none, none),
            ("29.02.2024", "2024-02-29", other, other),
            ("29.02.2026", none, none, none),
            ("31/12/1969", "1969-12-31", other, other),
            ("31/12/69", "1969-12-31", other, other),
            ("31/12/68", "2068-12-31", other, other),
            ("02.03-2026", none, none, none),
            ("02.03.226", none, none, none),
            ("00.03.2026", none, none, none),
            ("2 Mai 2026", none, none, none),
            ("12345678", none, none, none),
            ("02.03.2026x", none, none, none),
            ("02.03.2026 25:00", none, none, none),
            ("1.234", none, none, none),
            ("", none, none, none),
            ("٠٢.٠٣.٢٠٢٦", none, none, none),
        ] {
            let found = DateOrder::ALL.iter().map(|order| read(cell, *order)).collect::<Vec<_>>();
            assert_eq!(found, [dmy, mdy, ymd], "{cell:?}");
            for (order, expected) in DateOrder::ALL.iter().zip([dmy, mdy, ymd]) {
                assert_eq!(
                    orders(cell).contains(*order),
                    expected.starts_with(['1', '2']),
                    "{cell:?} {order}"
                );
            }
        }
    }
}

//! Breaks that come one by one, from the store, written as the file that a run writes at once.

use std::io::Write;

use recon_domain::{Day, Instant, Side};
use serde_json::Value;

use super::breaks_parquet::BreaksParquet;
use super::cells::{Datum, Scratch};
use super::columns::{Kind, ResultColumn, roles};
use super::csv::{break_line, breaks_header};
use super::json::JsonArray;
use super::view::{BreakView, failed_text};
use super::{BreakBody, Error, ResultFormat};

/// Writes breaks one by one.
pub struct BreaksWriter<W: Write + Send> {
    columns: Vec<ResultColumn>,
    form: Form<W>,
}

enum Form<W: Write + Send> {
    Csv { out: W, buffer: Vec<u8>, scratch: Scratch },
    Json(JsonArray<W>),
    Parquet(Box<BreaksParquet<W>>),
}

/// A break that was not written with these columns.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{column}` of the stored break of {side} row {row}")]
pub struct Unreadable {
    side: Side,
    row: u32,
    column: String,
}

impl<W: Write + Send> BreaksWriter<W> {
    /// Starts a file of breaks of which these columns are shown.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(columns: Vec<ResultColumn>, format: ResultFormat, out: W) -> Result<Self, Error> {
        let form = match format {
            ResultFormat::Csv => {
                let mut buffer = Vec::new();
                breaks_header(&mut buffer, &columns);
                Form::Csv { out, buffer, scratch: Scratch::new() }
            }
            ResultFormat::Json => Form::Json(JsonArray::new(out)),
            ResultFormat::Parquet => Form::Parquet(Box::new(BreaksParquet::new(&columns, out)?)),
        };
        Ok(Self { columns, form })
    }

    /// Appends a break; they come left before right, each side in file order.
    ///
    /// # Errors
    /// When writing fails, or the break was written with other columns.
    pub fn write(&mut self, body: &BreakBody) -> Result<(), Error> {
        let cells = Cells::of(body, &self.columns)?;
        let view = StoredBreak { body, cells };
        match &mut self.form {
            Form::Csv { out, buffer, scratch } => {
                break_line(&view, roles(&self.columns).count(), scratch, buffer);
                super::csv::flush(buffer, super::WRITE_BYTES, out)?;
            }
            Form::Json(array) => array.push(|buffer| super::json::break_object(body, buffer))?,
            Form::Parquet(file) => file.write(&view)?,
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<(), Error> {
        match self.form {
            Form::Csv { mut out, mut buffer, scratch: _ } => {
                super::csv::flush(&mut buffer, 1, &mut out)?;
                Ok(out.flush()?)
            }
            Form::Json(array) => Ok(array.finish()?),
            Form::Parquet(file) => Ok(file.finish()?),
        }
    }
}

/// A cell that was read back from its text.
enum OwnedDatum {
    Empty,
    Number { units: i128, scale: u8 },
    Day(i32),
    Instant(i64),
    Text(String),
}

/// The cells of a break, by column.
struct Cells(Vec<OwnedDatum>);

impl Cells {
    fn of(body: &BreakBody, columns: &[ResultColumn]) -> Result<Self, Unreadable> {
        let cell = |column: &ResultColumn| {
            let cell = match body.values.get(&column.name) {
                Some(Value::Null) => Some(OwnedDatum::Empty),
                Some(Value::String(text)) => read(text, column.kind),
                _ => None,
            };
            cell.ok_or_else(|| Unreadable { side: body.side, row: body.row, column: column.name.clone() })
        };
        columns.iter().map(cell).collect::<Result<_, _>>().map(Self)
    }
}

/// Reads a cell as it was written.
fn read(text: &str, kind: Kind) -> Option<OwnedDatum> {
    match kind {
        Kind::Number { scale } => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let fits =
                fraction.len() == usize::from(scale) && fraction.bytes().all(|byte| byte.is_ascii_digit());
            let units = format!("{whole}{fraction}").parse().ok().filter(|_| fits)?;
            Some(OwnedDatum::Number { units, scale })
        }
        Kind::Date => {
            let date: jiff::civil::Date = text.parse().ok()?;
            Some(OwnedDatum::Day(Day::from(date).number()))
        }
        Kind::Timestamp => {
            let instant: jiff::Timestamp = text.parse().ok()?;
            Some(OwnedDatum::Instant(Instant::from_micros(instant.as_microsecond()).micros()))
        }
        Kind::Text => Some(OwnedDatum::Text(text.to_owned())),
    }
}

struct StoredBreak<'a> {
    body: &'a BreakBody,
    cells: Cells,
}

impl BreakView for StoredBreak<'_> {
    fn side(&self) -> Side {
        self.body.side
    }

    fn kind(&self) -> &str {
        self.body.kind.as_str()
    }

    fn row(&self) -> u64 {
        self.body.row.into()
    }

    fn datum(&self, column: usize) -> Datum<'_> {
        match self.cells.0.get(column) {
            Some(OwnedDatum::Number { units, scale }) => Datum::Number { units: *units, scale: *scale },
            Some(OwnedDatum::Day(day)) => Datum::Day(*day),
            Some(OwnedDatum::Instant(micros)) => Datum::Instant(*micros),
            Some(OwnedDatum::Text(text)) => Datum::Text(text),
            Some(OwnedDatum::Empty) | None => Datum::Empty,
        }
    }

    fn nearest_row(&self) -> Option<u64> {
        self.body.nearest.as_ref().map(|nearest| nearest.row)
    }

    fn failed(&self) -> Option<String> {
        self.body.nearest.as_ref().map(|nearest| failed_text(&nearest.failed))
    }

    fn cause(&self) -> Option<&str> {
        self.body.nearest.as_ref()?.cause.map(|cause| cause.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_back_as_they_were_written() {
        let mut scratch = Scratch::new();
        let mut check = |text: &str, kind: Kind| {
            let view = StoredBreak {
                body: &BreakBody {
                    side: Side::Left,
                    kind: recon_domain::BreakKind::MissingRight,
                    row: 1,
                    values: recon_contract::Values::new(),
                    nearest: None,
                    twin: None,
                },
                cells: Cells(vec![read(text, kind).unwrap_or_else(|| panic!("{text}"))]),
            };
            assert_eq!(scratch.cell(view.datum(0)).as_str(), Some(text));
        };
        for text in ["0.00", "-0.05", "12.50", "-123456789012345678901234567890.12"] {
            check(text, Kind::Number { scale: 2 });
        }
        check("-7", Kind::Number { scale: 0 });
        ["1969-12-31", "2026-03-02", "9999-12-31", "0001-01-01"]
            .iter()
            .for_each(|day| check(day, Kind::Date));
        check("2026-03-02T10:00:00.5Z", Kind::Timestamp);
        check("'=x", Kind::Text);
    }

    #[test]
    fn what_was_not_written_so_is_refused() {
        for (text, kind) in [
            ("1.5", Kind::Number { scale: 2 }),
            ("1.+5", Kind::Number { scale: 2 }),
            ("x", Kind::Number { scale: 0 }),
            ("", Kind::Number { scale: 0 }),
            ("day 9", Kind::Date),
            ("yesterday", Kind::Timestamp),
        ] {
            assert!(read(text, kind).is_none(), "{text}");
        }
    }
}

//! Rejected rows as result files.

use std::fs::File;
use std::io::Write;

use super::csv::flush;
use super::json::{JsonArray, value};
use super::{Error, ResultFormat, WRITE_BYTES};
use crate::csv_line::Line;
use crate::rejections_parquet::{Reader, Rejected, Writer, values_json};

/// Writes rejected rows one by one: `side,row,line,column,reason,values,raw`. In CSV and Parquet the values, which are
/// the row's mapped cells, are a JSON object.
pub struct RejectedWriter<W: Write + Send>(Form<W>);

enum Form<W: Write + Send> {
    Csv { out: W, buffer: Vec<u8> },
    Json(JsonArray<W>),
    Parquet(Box<Writer<W>>),
}

impl<W: Write + Send> RejectedWriter<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(format: ResultFormat, out: W) -> Result<Self, Error> {
        Ok(Self(match format {
            ResultFormat::Csv => {
                Form::Csv { out, buffer: b"side,row,line,column,reason,values,raw\n".to_vec() }
            }
            ResultFormat::Json => Form::Json(JsonArray::new(out)),
            ResultFormat::Parquet => Form::Parquet(Box::new(Writer::new(out)?)),
        }))
    }

    /// Appends a row; they come left before right, each side in file order.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&mut self, rejected: &Rejected) -> Result<(), Error> {
        match &mut self.0 {
            Form::Csv { out, buffer } => {
                csv_line(rejected, buffer);
                flush(buffer, WRITE_BYTES, out)?;
            }
            Form::Json(array) => {
                let rejection = rejected.clone().into_wire()?;
                array.push(|buffer| value(buffer, &rejection))?;
            }
            Form::Parquet(file) => file.write(rejected)?,
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> Result<(), Error> {
        match self.0 {
            Form::Csv { mut out, mut buffer } => {
                flush(&mut buffer, 1, &mut out)?;
                Ok(out.flush()?)
            }
            Form::Json(array) => Ok(array.finish()?),
            Form::Parquet(file) => Ok(file.finish()?),
        }
    }
}

/// Writes stored rejections in a format, some rows at a time.
///
/// # Errors
/// When the file cannot be read, or writing fails.
pub fn write_stored_rejections(
    stored: File,
    format: ResultFormat,
    out: impl Write + Send,
) -> Result<(), Error> {
    let (reader, mut writer) = (Reader::open(stored)?, RejectedWriter::new(format, out)?);
    for row in reader.rows(0, None) {
        writer.write(&row?.1)?;
    }
    writer.finish()
}

fn csv_line(rejected: &Rejected, buffer: &mut Vec<u8>) {
    let mut line = Line::new(buffer);
    line.plain(rejected.side.map_or("", |side| side.as_str()));
    line.plain(&rejected.row.to_string()).plain(&rejected.line.to_string());
    line.text(rejected.column.as_deref().unwrap_or("")).text(&rejected.reason);
    line.text(&values_json(&rejected.values)).text(rejected.raw.as_deref().unwrap_or(""));
    line.end();
}

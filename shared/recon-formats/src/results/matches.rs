//! Matches from the store, written as the file that a run writes at once.

use std::fs::File;
use std::io::{self, Seek as _, Write};

use super::cells::Scratch;
use super::columns::roles;
use super::csv::{flush, match_lines, matches_header};
use super::json::{JsonArray, match_object};
use super::matches_parquet::Reader;
use super::{Error, ResultFormat, WRITE_BYTES};

/// Writes stored matches in a format, one row group at a time. Parquet is what is stored.
///
/// # Errors
/// When the file cannot be read, or writing fails.
pub fn write_stored_matches(
    mut stored: File,
    format: ResultFormat,
    mut out: impl Write + Send,
) -> Result<(), Error> {
    match format {
        ResultFormat::Csv => {
            let (reader, mut buffer, mut scratch) = (Reader::open(stored)?, Vec::new(), Scratch::new());
            let columns = reader.columns()?;
            matches_header(&mut buffer, columns);
            let roles = roles(columns).count();
            for index in 0..reader.groups() {
                for found in reader.group(index)?.matches() {
                    match_lines(&found, roles, &mut scratch, &mut buffer);
                    flush(&mut buffer, WRITE_BYTES, &mut out)?;
                }
            }
            flush(&mut buffer, 1, &mut out)?;
        }
        ResultFormat::Json => {
            let (reader, mut scratch) = (Reader::open(stored)?, Scratch::new());
            let columns = reader.columns()?;
            let mut array = JsonArray::new(&mut out);
            for index in 0..reader.groups() {
                for found in reader.group(index)?.matches() {
                    array.push(|buffer| match_object(&found, columns, &mut scratch, buffer))?;
                }
            }
            array.finish()?;
        }
        ResultFormat::Parquet => {
            Reader::open(stored.try_clone()?)?.columns()?;
            stored.rewind()?;
            io::copy(&mut stored, &mut out)?;
        }
    }
    Ok(out.flush()?)
}

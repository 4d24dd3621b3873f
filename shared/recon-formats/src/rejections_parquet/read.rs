//! Reading rejections, page by page.

use std::fs::File;

use bytes::Bytes;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use recon_domain::Side;
use serde_json::{Map, Value};

use super::{COLUMNS, Error, Rejected};
use crate::ReadAnywhere;
use crate::anywhere::Anywhere;
use crate::parquet_columns::{ColumnCursor, lines, owned};

/// How many rows are read at once. A row may be long, so that a page of long ones, which ends early, is not read to its
/// full number.
const ROWS_AT_ONCE: usize = 128;

/// Reads stored rejections.
pub struct Reader {
    file: Box<dyn FileReader>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn open(file: File) -> Result<Self, Error> {
        Self::new(file)
    }

    /// Opens a file that is read here and there.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn of(reader: impl ReadAnywhere) -> Result<Self, Error> {
        Self::new(Anywhere::new(reader)?)
    }

    /// Opens a file that is in memory.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Error> {
        Self::new(bytes)
    }

    fn new(from: impl ChunkReader + 'static) -> Result<Self, Error> {
        let file: Box<dyn FileReader> = Box::new(SerializedFileReader::new(from)?);
        let columns = file.metadata().file_metadata().schema_descr().columns();
        if !columns.iter().map(|column| column.name()).eq(COLUMNS) {
            return Err(Error::Missing("columns of rejections"));
        }
        Ok(Self { file })
    }

    /// Up to `limit` rows whose position is greater than `after`, each with its position, in the file's order; those of
    /// one side where one is named.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, after: u64, side: Option<Side>, limit: usize) -> Result<Vec<(u64, Rejected)>, Error> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let (mut page, mut before) = (Vec::new(), 0_usize);
        for index in 0..self.file.num_row_groups() {
            if page.len() >= limit {
                break;
            }
            let group = self.file.get_row_group(index)?;
            let here = lines(&*group);
            let skipped = after.saturating_sub(before).min(here);
            if skipped < here {
                let wanted = wanted(&*group, skipped, side, limit - page.len())?;
                read(&*group, &wanted, before, &mut page)?;
            }
            before = before.saturating_add(here);
        }
        Ok(page)
    }

    /// All rows whose position is greater than `after`, as [`Reader::page`] has them, read as they are asked for.
    pub fn rows(
        self,
        after: u64,
        side: Option<Side>,
    ) -> impl Iterator<Item = Result<(u64, Rejected), Error>> + 'static {
        Rows { reader: self, after, side, waiting: Vec::new().into_iter(), ended: false }
    }
}

/// Rows one after the other, with a few of them in memory.
struct Rows {
    reader: Reader,
    after: u64,
    side: Option<Side>,
    waiting: std::vec::IntoIter<(u64, Rejected)>,
    ended: bool,
}

impl Iterator for Rows {
    type Item = Result<(u64, Rejected), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.waiting.len() == 0 && !self.ended {
            match self.reader.page(self.after, self.side, ROWS_AT_ONCE) {
                Ok(page) => {
                    self.ended = page.len() < ROWS_AT_ONCE;
                    self.after = page.last().map_or(self.after, |(last, _)| *last);
                    self.waiting = page.into_iter();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.waiting.next().map(Ok)
    }
}

/// The lines of a row group that are asked for, by their index in it.
fn wanted(
    group: &dyn RowGroupReader,
    skipped: usize,
    side: Option<Side>,
    limit: usize,
) -> Result<Vec<usize>, Error> {
    let after = skipped..lines(group);
    let Some(side) = side else { return Ok(after.take(limit).collect()) };
    let mut sides = Vec::new();
    let mut column = ColumnCursor::<ByteArrayType>::open(group, 0)?;
    column.skip(skipped)?;
    column.take(after.len(), &mut sides)?;
    let is_asked =
        |cell: &Option<ByteArray>| cell.as_ref().is_some_and(|cell| cell.data() == side.as_str().as_bytes());
    Ok(after.zip(&sides).filter(|(_, cell)| is_asked(cell)).map(|(line, _)| line).take(limit).collect())
}

fn read(
    group: &dyn RowGroupReader,
    wanted: &[usize],
    before: usize,
    page: &mut Vec<(u64, Rejected)>,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let texts = |column| pick::<ByteArrayType>(group, column, wanted);
    let numbers = |column| pick::<Int64Type>(group, column, wanted);
    let (sides, rows, lines, columns) = (texts(0)?, numbers(1)?, numbers(2)?, texts(3)?);
    let (reasons, values, raws) = (texts(4)?, texts(5)?, texts(6)?);
    for (at, line) in wanted.iter().enumerate() {
        let side = sides[at].as_ref().map(|word| owned(word).parse());
        let rejected = Rejected {
            side: side.transpose().map_err(|_| Error::Missing("known side"))?,
            row: unsigned(rows[at])?,
            line: unsigned(lines[at])?,
            column: columns[at].as_ref().map(owned),
            reason: reasons[at].as_ref().map(owned).unwrap_or_default(),
            values: cells(values[at].as_ref())?,
            raw: raws[at].as_ref().map(owned),
        };
        let position = u64::try_from(before.saturating_add(*line)).unwrap_or(u64::MAX);
        page.push((position.saturating_add(1), rejected));
    }
    Ok(())
}

fn unsigned(value: Option<i64>) -> Result<u64, Error> {
    value.and_then(|value| u64::try_from(value).ok()).ok_or(Error::Missing("row or line"))
}

fn cells(json: Option<&ByteArray>) -> Result<Vec<(String, String)>, Error> {
    let cells: Option<Map<String, Value>> = json.and_then(|json| serde_json::from_slice(json.data()).ok());
    let cells = cells.ok_or(Error::Missing("readable values"))?.into_iter();
    let text = |(name, cell)| match cell {
        Value::String(cell) => Ok((name, cell)),
        _ => Err(Error::Missing("readable values")),
    };
    cells.map(text).collect()
}

/// The values of these lines, which are in order.
fn pick<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    wanted: &[usize],
) -> Result<Vec<Option<T::T>>, Error> {
    let mut column = ColumnCursor::<T>::open(group, column)?;
    let (mut at, mut picked) = (0, Vec::with_capacity(wanted.len()));
    for stretch in wanted.chunk_by(|line, next| line + 1 == *next) {
        let Some(start) = stretch.first() else { continue };
        column.skip(start - at)?;
        column.take(stretch.len(), &mut picked)?;
        at = start + stretch.len();
    }
    Ok(picked)
}

//! Reading rows of a dataset page by page.

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::reader::RowGroupReader;

use super::{Error, Reader, row_column};
use crate::parquet_columns::{ColumnCursor, lines, owned};

/// How many rows [`Reader::rows`] holds in memory.
const ROWS_AT_ONCE: usize = 100;

/// A row that can be read, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The row, counted from 1 after the header.
    pub row: u64,
    /// The line of the file on which it starts, counted from 1.
    pub line: u64,
    /// Its cells in the kept columns, as they stand in the file.
    pub cells: Vec<String>,
}

impl Reader {
    /// The rows that can be read and whose position is greater than `after`, each with its position: its place in the stored
    /// file, counted from 1. They are read as they are asked for, a few at a time, and of each page of the file once.
    pub fn rows(self, after: u64) -> impl Iterator<Item = Result<(u64, StoredRow), Error>> + 'static {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Rows { reader: self, after, index: 0, before: 0, group: None, waiting: Vec::new().into_iter() }
    }

    /// A row group after its first lines, `before` of which are in the groups before it.
    fn group(&self, index: usize, skipped: usize, before: usize) -> Result<Group, Error> {
        let group = self.file.get_row_group(index)?;
        let mut reasons = ColumnCursor::open(&*group, row_column::REJECTED)?;
        reasons.skip(skipped)?;
        Ok(Group { reasons, cells: None, left: lines(&*group) - skipped, index, skipped, before })
    }

    fn cells(&self, index: usize, skipped: usize) -> Result<Cells, Error> {
        let group = self.file.get_row_group(index)?;
        let columns = self.kept.iter().map(|column| cursor(&*group, self.row_columns + column, skipped));
        Ok(Cells {
            numbers: cursor(&*group, row_column::NUMBER, skipped)?,
            starts: cursor(&*group, row_column::LINE, skipped)?,
            columns: columns.collect::<Result<_, _>>()?,
        })
    }
}

/// A column of a row group, after its first lines.
fn cursor<T: parquet::data_type::DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    skipped: usize,
) -> Result<ColumnCursor<T>, Error> {
    let mut cursor = ColumnCursor::<T>::open(group, column)?;
    cursor.skip(skipped)?;
    Ok(cursor)
}

/// A place in a row group, in which rows that were rejected stand after the others.
struct Group {
    reasons: ColumnCursor<ByteArrayType>,
    /// Not open before the first row that can be read.
    cells: Option<Cells>,
    left: usize,
    index: usize,
    skipped: usize,
    before: usize,
}

/// The columns of rows that can be read.
struct Cells {
    numbers: ColumnCursor<Int32Type>,
    starts: ColumnCursor<Int64Type>,
    columns: Vec<ColumnCursor<ByteArrayType>>,
}

impl Group {
    /// The next rows that can be read; none after the last.
    fn next(&mut self, reader: &Reader) -> Result<Vec<(u64, StoredRow)>, Error> {
        let wanted = ROWS_AT_ONCE.min(self.left);
        let mut reasons = Vec::new();
        self.reasons.take(wanted, &mut reasons)?;
        let is_accepted =
            |reason: &&Option<ByteArray>| reason.as_ref().is_none_or(|reason| reason.data().is_empty());
        let count = reasons.iter().take_while(is_accepted).count();
        self.left = if count < wanted { 0 } else { self.left - wanted };
        if count == 0 {
            return Ok(Vec::new());
        }
        let cells = match &mut self.cells {
            Some(cells) => cells,
            closed => closed.insert(reader.cells(self.index, self.skipped)?),
        };
        let first = self.before.saturating_add(self.skipped);
        self.skipped += count;
        cells.take(first, count)
    }
}

impl Cells {
    /// So many rows, before the first of which there are so many lines.
    fn take(&mut self, before: usize, count: usize) -> Result<Vec<(u64, StoredRow)>, Error> {
        let (mut numbers, mut starts) = (Vec::new(), Vec::new());
        self.numbers.take(count, &mut numbers)?;
        self.starts.take(count, &mut starts)?;
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let mut cells = Vec::new();
            column.take(count, &mut cells)?;
            columns.push(cells);
        }
        let mut rows = Vec::with_capacity(count);
        for (at, (number, start)) in numbers.into_iter().zip(starts).enumerate() {
            let cell = |cells: &Vec<Option<ByteArray>>| cells[at].as_ref().map_or_else(String::new, owned);
            let position = u64::try_from(before.saturating_add(at)).unwrap_or(u64::MAX);
            let stored = StoredRow {
                row: number.and_then(|row| u64::try_from(row).ok()).ok_or(Error::Missing("row"))?,
                line: start.and_then(|line| u64::try_from(line).ok()).ok_or(Error::Missing("line"))?,
                cells: columns.iter().map(cell).collect(),
            };
            rows.push((position.saturating_add(1), stored));
        }
        Ok(rows)
    }
}

/// Rows one after the other, with a few of them in memory.
struct Rows {
    reader: Reader,
    after: usize,
    /// The next row group, and how many lines there are before it.
    index: usize,
    before: usize,
    group: Option<Group>,
    waiting: std::vec::IntoIter<(u64, StoredRow)>,
}

impl Rows {
    /// Reads on; `false` at the end.
    fn read(&mut self) -> Result<bool, Error> {
        while self.waiting.len() == 0 {
            if let Some(group) = self.group.as_mut().filter(|group| group.left > 0) {
                self.waiting = group.next(&self.reader)?.into_iter();
                continue;
            }
            if self.index == self.reader.file.num_row_groups() {
                return Ok(false);
            }
            let here = self.reader.file.metadata().row_group(self.index).num_rows();
            let here = usize::try_from(here).unwrap_or(0);
            let skipped = self.after.saturating_sub(self.before).min(here);
            self.group = if skipped < here {
                Some(self.reader.group(self.index, skipped, self.before)?)
            } else {
                None
            };
            self.before = self.before.saturating_add(here);
            self.index += 1;
        }
        Ok(true)
    }
}

impl Iterator for Rows {
    type Item = Result<(u64, StoredRow), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Ok(true) => self.waiting.next().map(Ok),
            Ok(false) => None,
            Err(error) => {
                (self.index, self.group) = (self.reader.file.num_row_groups(), None);
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Cursor;

    use bytes::Bytes;
    use recon_contract::{ColumnProfile, Dialect};

    use super::*;
    use crate::dataset_parquet::Writer;
    use crate::{Keep, Profile, RejectedRow, TextBatch, TextColumn};

    /// A file of batches of so many rows, of whose numbers each that ends with 3 is rejected.
    fn written(batches: &[u32]) -> (Bytes, Vec<StoredRow>) {
        let header = ["id".to_owned(), "text".to_owned()];
        let (mut bytes, mut accepted, mut number) = (Vec::new(), Vec::new(), 0_u32);
        let mut writer = Writer::new(&mut bytes, &header).unwrap();
        for rows in batches {
            let mut batch = TextBatch { columns: vec![TextColumn::default(); 2], ..TextBatch::default() };
            for _ in 0..*rows {
                number += 1;
                let line = u64::from(number) + 1;
                if number % 10 == 3 {
                    let (reason, raw) = ("ragged".to_owned(), Some("a;b".to_owned()));
                    batch.rejected.push(RejectedRow { row: number, line, reason, raw });
                    continue;
                }
                let cells = [number.to_string(), format!("t\u{e4}xt {number}")];
                batch.rows.push(number);
                batch.lines.push(line);
                batch.contents.push(u128::from(number));
                for (column, cell) in batch.columns.iter_mut().zip(&cells) {
                    column.push(cell);
                }
                accepted.push(StoredRow { row: number.into(), line, cells: cells.into() });
            }
            writer.write(batch).unwrap();
        }
        let profile = Profile {
            columns: header
                .map(|name| ColumnProfile { name, fits: BTreeMap::new(), samples: Vec::new() })
                .into(),
            dialect: Dialect {
                format: "csv".to_owned(),
                encoding: "utf-8".to_owned(),
                delimiter: ";".to_owned(),
                quote: "\"".to_owned(),
                header_row: 1,
                evidence: Vec::new(),
            },
            rows: u64::try_from(accepted.len()).unwrap(),
            rejected: 0,
        };
        writer.finish(&profile).unwrap();
        (bytes.into(), accepted)
    }

    #[test]
    fn pages_cover_every_accepted_row_once_in_order() {
        // The second batch holds one row, which is rejected.
        let (bytes, accepted) = written(&[2_002, 1, 500, 0, 77]);
        let rows = |after| Reader::from_bytes(bytes.clone(), &Keep::All).unwrap().rows(after);
        for limit in [7, 100, 101, 5_000] {
            let (mut found, mut after) = (Vec::new(), 0);
            loop {
                let page: Vec<_> = rows(after).take(limit).map(Result::unwrap).collect();
                let Some((last, _)) = page.last() else { break };
                assert!(*last > after && page.is_sorted_by_key(|(position, _)| *position));
                after = *last;
                found.extend(page.into_iter().map(|(_, row)| row));
            }
            assert_eq!(found, accepted, "{limit}");
        }
        assert_eq!(rows(u64::MAX).count(), 0);
        let here_and_there = Reader::of(Cursor::new(bytes.clone()), &Keep::All).unwrap().rows(0);
        assert!(here_and_there.map(|row| row.unwrap().1).eq(accepted));
        let mut cut_off = Reader::of(Cursor::new(bytes.slice(1..)), &Keep::All).unwrap().rows(0);
        assert!(cut_off.next().unwrap().is_err());
        assert!(cut_off.next().is_none());
    }

    #[test]
    fn only_the_kept_columns_are_read() {
        let (bytes, accepted) = written(&[12]);
        let keep = Keep::Columns(vec!["text".to_owned()]);
        let page = Reader::from_bytes(bytes, &keep).unwrap().rows(9);
        let cells: Vec<_> = page.map(|row| row.unwrap().1.cells).collect();
        assert_eq!(cells, [[accepted[9].cells[1].clone()], [accepted[10].cells[1].clone()]]);
    }
}

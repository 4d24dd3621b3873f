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
    /// Up to `limit` rows that can be read and whose position is greater than `after`, each with its position: its
    /// place in the stored file, counted from 1. Of the file only these rows' pages are read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, after: u64, limit: usize) -> Result<Vec<(u64, StoredRow)>, Error> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let (mut page, mut before) = (Vec::new(), 0_usize);
        for index in 0..self.file.num_row_groups() {
            if page.len() >= limit {
                break;
            }
            let here = usize::try_from(self.file.metadata().row_group(index).num_rows()).unwrap_or(0);
            let skipped = after.saturating_sub(before).min(here);
            if skipped < here {
                let group = self.file.get_row_group(index)?;
                self.read(&*group, skipped, limit - page.len(), before, &mut page)?;
            }
            before = before.saturating_add(here);
        }
        Ok(page)
    }

    /// All rows whose position is greater than `after`, as [`Reader::page`] has them, read as they are asked for.
    pub fn rows(self, after: u64) -> impl Iterator<Item = Result<(u64, StoredRow), Error>> + 'static {
        Rows { reader: self, after, waiting: Vec::new().into_iter(), ended: false }
    }

    /// Rows of one row group, in which those that were rejected stand after the others.
    fn read(
        &self,
        group: &dyn RowGroupReader,
        skipped: usize,
        limit: usize,
        before: usize,
        page: &mut Vec<(u64, StoredRow)>,
    ) -> Result<(), Error> {
        let wanted = limit.min(lines(group) - skipped);
        let mut reasons = Vec::new();
        cursor::<ByteArrayType>(group, row_column::REJECTED, skipped)?.take(wanted, &mut reasons)?;
        let is_accepted =
            |reason: &&Option<ByteArray>| reason.as_ref().is_none_or(|reason| reason.data().is_empty());
        let count = reasons.iter().take_while(is_accepted).count();
        if count == 0 {
            return Ok(());
        }
        let (mut numbers, mut starts) = (Vec::new(), Vec::new());
        cursor::<Int32Type>(group, row_column::NUMBER, skipped)?.take(count, &mut numbers)?;
        cursor::<Int64Type>(group, row_column::LINE, skipped)?.take(count, &mut starts)?;
        let mut columns = Vec::with_capacity(self.kept.len());
        for column in &self.kept {
            let mut cells = Vec::new();
            cursor::<ByteArrayType>(group, self.row_columns + column, skipped)?.take(count, &mut cells)?;
            columns.push(cells);
        }
        for (at, (number, start)) in numbers.into_iter().zip(starts).enumerate() {
            let cell = |cells: &Vec<Option<ByteArray>>| cells[at].as_ref().map_or_else(String::new, owned);
            let position = u64::try_from(before.saturating_add(skipped + at)).unwrap_or(u64::MAX);
            let stored = StoredRow {
                row: number.and_then(|row| u64::try_from(row).ok()).ok_or(Error::Missing("row"))?,
                line: start.and_then(|line| u64::try_from(line).ok()).ok_or(Error::Missing("line"))?,
                cells: columns.iter().map(cell).collect(),
            };
            page.push((position.saturating_add(1), stored));
        }
        Ok(())
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

/// Rows one after the other, with a few of them in memory.
struct Rows {
    reader: Reader,
    after: u64,
    waiting: std::vec::IntoIter<(u64, StoredRow)>,
    ended: bool,
}

impl Iterator for Rows {
    type Item = Result<(u64, StoredRow), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.waiting.len() == 0 && !self.ended {
            match self.reader.page(self.after, ROWS_AT_ONCE) {
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
        let reader = Reader::from_bytes(bytes.clone(), &Keep::All).unwrap();
        for limit in [1, 7, 100, 5_000] {
            let (mut found, mut after) = (Vec::new(), 0);
            loop {
                let page = reader.page(after, limit).unwrap();
                let Some((last, _)) = page.last() else { break };
                assert!(*last > after && page.is_sorted_by_key(|(position, _)| *position));
                after = *last;
                found.extend(page.into_iter().map(|(_, row)| row));
            }
            assert_eq!(found, accepted, "{limit}");
        }
        let rows = Reader::of(Cursor::new(bytes.clone()), &Keep::All).unwrap().rows(0);
        assert!(rows.map(|row| row.unwrap().1).eq(accepted));
        let cut_off = bytes.slice(1..);
        Reader::of(Cursor::new(cut_off), &Keep::All).unwrap().page(0, 10).unwrap_err();
        assert_eq!(reader.page(u64::MAX, 10).unwrap(), []);
        assert_eq!(reader.page(0, 0).unwrap(), []);
    }

    #[test]
    fn only_the_kept_columns_are_read() {
        let (bytes, accepted) = written(&[12]);
        let keep = Keep::Columns(vec!["text".to_owned()]);
        let page = Reader::from_bytes(bytes, &keep).unwrap().page(9, 10).unwrap();
        let cells: Vec<_> = page.into_iter().map(|(_, row)| row.cells).collect();
        assert_eq!(cells, [[accepted[9].cells[1].clone()], [accepted[10].cells[1].clone()]]);
    }
}

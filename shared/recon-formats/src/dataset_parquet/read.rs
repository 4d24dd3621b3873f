//! Reading a dataset.

use std::fs::File;

use bytes::Bytes;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use recon_contract::Dialect;

use super::{Error, PROFILE_KEY, ROW_GROUP, StoredProfile, row_column};
use crate::anywhere::Anywhere;
use crate::{BatchSource, Keep, Profile, ReadAnywhere, RejectedRow, SourceError, TextBatch, TextColumn};

/// Reads a dataset, batch by batch.
pub struct Reader {
    pub(super) file: Box<dyn FileReader>,
    header: Vec<String>,
    /// Columns before the cells.
    pub(super) row_columns: usize,
    profile: Profile,
    pub(super) kept: Vec<usize>,
    group: usize,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("header", &self.header)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, was not written by [`Writer`](super::Writer), or has no column that `keep` names.
    pub fn open(file: File, keep: &Keep) -> Result<Self, Error> {
        Self::new(file, keep)
    }

    /// Opens a file that is read here and there.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn of(reader: impl ReadAnywhere, keep: &Keep) -> Result<Self, Error> {
        Self::new(Anywhere::new(reader)?, keep)
    }

    /// Opens a file that is in memory.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_bytes(bytes: Bytes, keep: &Keep) -> Result<Self, Error> {
        Self::new(bytes, keep)
    }

    fn new(from: impl ChunkReader + 'static, keep: &Keep) -> Result<Self, Error> {
        let file: Box<dyn FileReader> = Box::new(SerializedFileReader::new(from)?);
        let metadata = file.metadata().file_metadata();
        let stored = metadata.key_value_metadata().into_iter().flatten().find(|pair| pair.key == PROFILE_KEY);
        let json = stored.and_then(|pair| pair.value.as_deref()).ok_or(Error::Missing("profile"))?;
        let stored: StoredProfile = serde_json::from_str(json).map_err(|_| Error::Missing("profile"))?;
        let columns = metadata.schema_descr().columns();
        let groups = columns.iter().map(|column| column.path().parts().first());
        let row_columns = groups.take_while(|group| group.is_some_and(|name| name == ROW_GROUP)).count();
        if row_columns <= row_column::REJECTED || row_columns == columns.len() {
            return Err(Error::Missing("cells"));
        }
        let header: Vec<String> =
            columns[row_columns..].iter().map(|column| column.name().to_owned()).collect();
        let profile = Profile {
            columns: stored.columns,
            dialect: stored.dialect,
            rows: stored.rows,
            rejected: stored.rejected,
        };
        let mut reader = Self { file, header, row_columns, profile, kept: Vec::new(), group: 0 };
        reader.restrict(keep)?;
        Ok(reader)
    }

    /// The names of all columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// What all rows show, in all columns.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Goes back to the first row, with other columns kept.
    ///
    /// # Errors
    /// When there is no column that `keep` names.
    pub fn restrict(&mut self, keep: &Keep) -> Result<(), Error> {
        self.kept = match keep {
            Keep::All => (0..self.header.len()).collect(),
            Keep::Columns(names) => {
                let find = |name: &String| {
                    let index = self.header.iter().position(|column| column == name);
                    index.ok_or_else(|| Error::NoColumn(name.clone()))
                };
                names.iter().map(find).collect::<Result<_, _>>()?
            }
        };
        self.group = 0;
        Ok(())
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<TextBatch>, Error> {
        if self.group >= self.file.num_row_groups() {
            return Ok(None);
        }
        let group = self.file.get_row_group(self.group)?;
        self.group += 1;
        let numbers = read_column::<Int32Type>(&*group, row_column::NUMBER)?;
        let lines = read_column::<Int64Type>(&*group, row_column::LINE)?;
        let contents = read_column::<FixedLenByteArrayType>(&*group, row_column::CONTENT)?;
        let reasons = read_column::<ByteArrayType>(&*group, row_column::REJECTED)?;
        let accepted = reasons.iter().take_while(|reason| reason.is_empty()).count();
        let number = |row: &i32| u32::try_from(*row).unwrap_or(0);
        let line = |line: &i64| u64::try_from(*line).unwrap_or(0);
        let content = |bytes: &FixedLenByteArray| bytes.data().try_into().map_or(0, u128::from_be_bytes);
        let mut batch = TextBatch {
            rows: numbers.iter().take(accepted).map(number).collect(),
            lines: lines.iter().take(accepted).map(line).collect(),
            contents: contents.iter().take(accepted).map(content).collect(),
            ..TextBatch::default()
        };
        let raws = if self.row_columns > row_column::RAW && accepted < reasons.len() {
            read_column::<ByteArrayType>(&*group, row_column::RAW)?
        } else {
            Vec::new()
        };
        let text = |bytes: &ByteArray| String::from_utf8_lossy(bytes.data()).into_owned();
        for (index, reason) in reasons.iter().enumerate().skip(accepted) {
            batch.rejected.push(RejectedRow {
                row: numbers.get(index).map_or(0, number),
                line: lines.get(index).map_or(0, line),
                reason: text(reason),
                raw: raws.get(index).map(text),
            });
        }
        for column in &self.kept {
            let cells = read_column::<ByteArrayType>(&*group, self.row_columns + column)?;
            batch.columns.push(text_column(&cells[..accepted.min(cells.len())]));
        }
        Ok(Some(batch))
    }
}

fn text_column(cells: &[ByteArray]) -> TextColumn {
    let bytes = cells.iter().map(ByteArray::len).sum();
    let mut column = TextColumn::with_capacity(cells.len(), bytes);
    for cell in cells {
        column.push(std::str::from_utf8(cell.data()).unwrap_or(""));
    }
    column
}

fn read_column<T: DataType>(group: &dyn RowGroupReader, index: usize) -> Result<Vec<T::T>, Error> {
    let mut reader: ColumnReaderImpl<T> = get_typed_column_reader(group.get_column_reader(index)?);
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let mut values = Vec::with_capacity(rows.min(crate::ROWS_PER_BATCH_MAX));
    while values.len() < rows {
        let (read, ..) = reader.read_records(rows - values.len(), None, None, &mut values)?;
        if read == 0 {
            return Err(Error::Missing("row that its metadata promises"));
        }
    }
    Ok(values)
}

impl BatchSource for Reader {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn dialect(&self) -> &Dialect {
        &self.profile.dialect
    }

    fn keep(&mut self, keep: &Keep) -> Result<(), SourceError> {
        Ok(self.restrict(keep)?)
    }

    fn profile(&mut self, _: &dyn Fn(u64, u64) -> bool) -> Result<Option<Profile>, SourceError> {
        self.group = 0;
        Ok(Some(self.profile.clone()))
    }

    fn next_batch(&mut self) -> Result<Option<TextBatch>, SourceError> {
        Ok(Self::next_batch(self)?)
    }

    fn position(&self) -> (u64, u64) {
        (self.group as u64, self.file.num_row_groups() as u64)
    }
}

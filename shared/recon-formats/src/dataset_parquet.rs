//! A dataset as it is stored: the rows of stage one in a Parquet file.
//!
//! One row group is one batch. The group `row` holds `number`, `line`, `content` (the hash, 16 bytes, big
//! endian) and `rejected` (the reason; empty for a row that can be read), the group `cells` one text column
//! for each column of the file, under its name. Rejected rows stand after the others of their batch, with
//! empty cells. The [`Profile`] is in the file's metadata.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as PhysicalType};
use parquet::column::reader::ColumnReaderImpl;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, PrimitiveTypeBuilder, Type, TypePtr};
use recon_contract::{ColumnProfile, Dialect};
use serde::{Deserialize, Serialize};

use crate::{BatchSource, Keep, Profile, RejectedRow, SourceError, TextBatch, TextColumn};

/// The metadata key of the profile.
const PROFILE_KEY: &str = "recon.profile";
/// Columns before the cells.
const ROW_COLUMNS: usize = 4;

/// Why a stored dataset cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is damaged, or reading or writing failed.
    #[error("cannot read or write the stored dataset")]
    Parquet(#[from] ParquetError),
    /// The file was not written by [`Writer`].
    #[error("the stored dataset has no {0}")]
    Missing(&'static str),
    /// A column that was asked for is not there.
    #[error("there is no column `{0}`")]
    NoColumn(String),
    /// A batch has not as many columns as the header.
    #[error("a batch of {found} columns does not fit a header of {expected}")]
    Columns {
        /// Columns of the batch.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredProfile {
    columns: Vec<ColumnProfile>,
    dialect: Dialect,
    rows: u64,
    rejected: u64,
}

/// Writes a dataset, batch by batch.
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: usize,
}

impl<W: Write + Send> Writer<W> {
    /// Starts a file for columns of these names.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(out: W, header: &[String]) -> Result<Self, Error> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_dictionary_enabled(path("number"), false)
            .set_column_dictionary_enabled(path("line"), false)
            .set_column_dictionary_enabled(path("content"), false)
            .build();
        let file = SerializedFileWriter::new(out, schema(header)?, Arc::new(properties))?;
        Ok(Self { file, columns: header.len() })
    }

    /// Appends a batch with all columns of the header.
    ///
    /// # Errors
    /// When writing fails, or the batch has another number of columns.
    pub fn write(&mut self, batch: TextBatch) -> Result<(), Error> {
        if batch.columns.len() != self.columns {
            return Err(Error::Columns { found: batch.columns.len(), expected: self.columns });
        }
        let rejected = batch.rejected.len();
        let signed = |row: u32| i32::try_from(row).unwrap_or(i32::MAX);
        let numbers: Vec<i32> =
            batch.rows.iter().copied().chain(batch.rejected.iter().map(|row| row.row)).map(signed).collect();
        let signed = |line: u64| i64::try_from(line).unwrap_or(i64::MAX);
        let lines: Vec<i64> = batch
            .lines
            .iter()
            .copied()
            .chain(batch.rejected.iter().map(|row| row.line))
            .map(signed)
            .collect();
        let contents = fixed(batch.contents.iter().copied().chain(std::iter::repeat_n(0, rejected)));
        let mut reasons = vec![ByteArray::from(""); batch.rows.len()];
        reasons.extend(batch.rejected.iter().map(|row| ByteArray::from(row.reason.as_str())));

        let mut group = self.file.next_row_group()?;
        write_column::<Int32Type, W>(&mut group, &numbers)?;
        write_column::<Int64Type, W>(&mut group, &lines)?;
        write_column::<FixedLenByteArrayType, W>(&mut group, &contents)?;
        write_column::<ByteArrayType, W>(&mut group, &reasons)?;
        for column in batch.columns {
            let mut cells = texts(column);
            cells.resize(cells.len() + rejected, ByteArray::from(""));
            write_column::<ByteArrayType, W>(&mut group, &cells)?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file. Without this call it cannot be read.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self, profile: &Profile) -> Result<(), Error> {
        let stored = StoredProfile {
            columns: profile.columns.clone(),
            dialect: profile.dialect.clone(),
            rows: profile.rows,
            rejected: profile.rejected,
        };
        let json = serde_json::to_string(&stored).map_err(|error| ParquetError::External(Box::new(error)))?;
        self.file.append_key_value_metadata(KeyValue::new(PROFILE_KEY.to_owned(), json));
        self.file.close()?;
        Ok(())
    }
}

fn path(name: &str) -> ColumnPath {
    ColumnPath::new(vec!["row".to_owned(), name.to_owned()])
}

fn schema(header: &[String]) -> Result<TypePtr, Error> {
    fn field(name: &str, kind: PhysicalType) -> PrimitiveTypeBuilder<'_> {
        Type::primitive_type_builder(name, kind).with_repetition(Repetition::REQUIRED)
    }
    let text =
        |name: &str| field(name, PhysicalType::BYTE_ARRAY).with_converted_type(ConvertedType::UTF8).build();
    let row = vec![
        Arc::new(field("number", PhysicalType::INT32).build()?),
        Arc::new(field("line", PhysicalType::INT64).build()?),
        Arc::new(field("content", PhysicalType::FIXED_LEN_BYTE_ARRAY).with_length(16).build()?),
        Arc::new(text("rejected")?),
    ];
    let cells = header.iter().map(|name| text(name).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    let group = |name: &str, fields| {
        Type::group_type_builder(name)
            .with_repetition(Repetition::REQUIRED)
            .with_fields(fields)
            .build()
            .map(Arc::new)
    };
    let root =
        Type::group_type_builder("dataset").with_fields(vec![group("row", row)?, group("cells", cells)?]);
    Ok(Arc::new(root.build()?))
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), Error> {
    let mut column = group.next_column()?.ok_or(Error::Missing("column to write"))?;
    column.typed::<T>().write_batch(values, None, None)?;
    Ok(column.close()?)
}

fn texts(column: TextColumn) -> Vec<ByteArray> {
    let (text, ends) = column.into_parts();
    let text = Bytes::from(text);
    let mut start = 0;
    let cell = |end| {
        let cell = ByteArray::from(text.slice(start..end));
        start = end;
        cell
    };
    ends.into_iter().map(cell).collect()
}

fn fixed(values: impl Iterator<Item = u128>) -> Vec<FixedLenByteArray> {
    let all = Bytes::from(values.flat_map(u128::to_be_bytes).collect::<Vec<u8>>());
    (0..all.len()).step_by(16).map(|at| ByteArray::from(all.slice(at..at + 16)).into()).collect()
}

/// Reads a dataset, batch by batch.
pub struct Reader {
    file: Box<dyn FileReader>,
    header: Vec<String>,
    profile: Profile,
    kept: Vec<usize>,
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
    /// When it cannot be read, was not written by [`Writer`], or has no column that `keep` names.
    pub fn open(file: File, keep: &Keep) -> Result<Self, Error> {
        Self::new(file, keep)
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
        if columns.len() < ROW_COLUMNS {
            return Err(Error::Missing("cells"));
        }
        let header: Vec<String> =
            columns[ROW_COLUMNS..].iter().map(|column| column.name().to_owned()).collect();
        let profile = Profile {
            columns: stored.columns,
            dialect: stored.dialect,
            rows: stored.rows,
            rejected: stored.rejected,
        };
        let mut reader = Self { file, header, profile, kept: Vec::new(), group: 0 };
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
        let numbers = read_column::<Int32Type>(&*group, 0)?;
        let lines = read_column::<Int64Type>(&*group, 1)?;
        let contents = read_column::<FixedLenByteArrayType>(&*group, 2)?;
        let reasons = read_column::<ByteArrayType>(&*group, 3)?;
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
        for ((row, at), reason) in numbers.iter().zip(&lines).zip(&reasons).skip(accepted) {
            let reason = String::from_utf8_lossy(reason.data()).into_owned();
            batch.rejected.push(RejectedRow { row: number(row), line: line(at), reason });
        }
        for column in &self.kept {
            let cells = read_column::<ByteArrayType>(&*group, ROW_COLUMNS + column)?;
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

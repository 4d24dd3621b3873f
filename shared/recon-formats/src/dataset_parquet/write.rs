//! Writing a dataset.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as PhysicalType};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, PrimitiveTypeBuilder, Type, TypePtr};

use super::{CELLS_GROUP, Error, PROFILE_KEY, ROW_GROUP, StoredProfile};
use crate::{Profile, TextBatch, TextColumn};

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

        let mut raws = vec![ByteArray::from(""); batch.rows.len()];
        raws.extend(batch.rejected.iter().map(|row| ByteArray::from(row.raw.as_deref().unwrap_or(""))));

        let mut group = self.file.next_row_group()?;
        write_column::<Int32Type, W>(&mut group, &numbers)?;
        write_column::<Int64Type, W>(&mut group, &lines)?;
        write_column::<FixedLenByteArrayType, W>(&mut group, &contents)?;
        write_column::<ByteArrayType, W>(&mut group, &reasons)?;
        write_column::<ByteArrayType, W>(&mut group, &raws)?;
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
    ColumnPath::new(vec![ROW_GROUP.to_owned(), name.to_owned()])
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
        Arc::new(text("raw")?),
    ];
    let cells = header.iter().map(|name| text(name).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    let group = |name: &str, fields| {
        Type::group_type_builder(name)
            .with_repetition(Repetition::REQUIRED)
            .with_fields(fields)
            .build()
            .map(Arc::new)
    };
    let root = Type::group_type_builder("dataset")
        .with_fields(vec![group(ROW_GROUP, row)?, group(CELLS_GROUP, cells)?]);
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

//! Columns of Parquet files, written and read one by one.

use bytes::Bytes;
use parquet::basic::{ConvertedType, Repetition, Type as PhysicalType};
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::RowGroupReader;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::{PrimitiveTypeBuilder, Type, TypePtr};

/// Texts of a column that may be absent: those there are, and which are (1) and are not (0).
#[derive(Default)]
pub(crate) struct OptionalTexts {
    text: Vec<u8>,
    ends: Vec<usize>,
    levels: Vec<i16>,
}

impl OptionalTexts {
    pub(crate) fn push(&mut self, text: Option<&str>) {
        self.levels.push(i16::from(text.is_some()));
        if let Some(text) = text {
            self.text.extend_from_slice(text.as_bytes());
            self.ends.push(self.text.len());
        }
    }

    pub(crate) fn take(&mut self) -> (Vec<ByteArray>, Vec<i16>) {
        let text = Bytes::from(std::mem::take(&mut self.text));
        let mut start = 0;
        let cell = |end| ByteArray::from(text.slice(std::mem::replace(&mut start, end)..end));
        (std::mem::take(&mut self.ends).into_iter().map(cell).collect(), std::mem::take(&mut self.levels))
    }
}

/// A column of a schema.
pub(crate) fn field(name: &str, kind: PhysicalType, repetition: Repetition) -> PrimitiveTypeBuilder<'_> {
    Type::primitive_type_builder(name, kind).with_repetition(repetition)
}

/// A column of numbers.
pub(crate) fn number(
    name: &str,
    kind: PhysicalType,
    repetition: Repetition,
) -> Result<TypePtr, ParquetError> {
    field(name, kind, repetition).build().map(TypePtr::new)
}

/// A column of texts.
pub(crate) fn text(name: &str, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let builder = field(name, PhysicalType::BYTE_ARRAY, repetition);
    builder.with_converted_type(ConvertedType::UTF8).build().map(TypePtr::new)
}

/// Writes the next column of a row group: its values, and where it may be absent, its levels.
pub(crate) fn put<T: DataType, W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let column = group.next_column()?;
    let mut column = column.ok_or_else(|| ParquetError::General("no column to write".to_owned()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// A place in a column of a row group.
pub(crate) struct ColumnCursor<T: DataType> {
    reader: ColumnReaderImpl<T>,
    optional: bool,
}

impl<T: DataType> ColumnCursor<T> {
    /// At its first line.
    pub(crate) fn open(group: &dyn RowGroupReader, column: usize) -> Result<Self, ParquetError> {
        let described = group.metadata().schema_descr().column(column);
        if described.physical_type() != T::get_physical_type() {
            return Err(ParquetError::General(format!("column `{}` has another type", described.name())));
        }
        let optional = described.max_def_level() > 0;
        Ok(Self { reader: get_typed_column_reader(group.get_column_reader(column)?), optional })
    }

    /// Passes over so many lines.
    pub(crate) fn skip(&mut self, mut lines: usize) -> Result<(), ParquetError> {
        while lines > 0 {
            match self.reader.skip_records(lines)? {
                0 => return Err(short()),
                skipped => lines -= skipped,
            }
        }
        Ok(())
    }

    /// Appends the values of so many lines.
    pub(crate) fn take(&mut self, lines: usize, into: &mut Vec<Option<T::T>>) -> Result<(), ParquetError> {
        let mut left = lines;
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        while left > 0 {
            levels.clear();
            let defined = self.optional.then_some(&mut levels);
            let (read, ..) = self.reader.read_records(left, defined, None, &mut values)?;
            if read == 0 {
                return Err(short());
            }
            left -= read;
            let mut values = values.drain(..);
            if self.optional {
                into.extend(levels.iter().map(|level| if *level > 0 { values.next() } else { None }));
            } else {
                into.extend(values.map(Some));
            }
        }
        Ok(())
    }
}

/// How many lines a row group has.
pub(crate) fn lines(group: &dyn RowGroupReader) -> usize {
    usize::try_from(group.metadata().num_rows()).unwrap_or(0)
}

/// The text of a cell.
pub(crate) fn owned(cell: &ByteArray) -> String {
    String::from_utf8_lossy(cell.data()).into_owned()
}

fn short() -> ParquetError {
    ParquetError::General("a line that the metadata promises is not there".to_owned())
}

//! Result files in Parquet: what matches and breaks have in common.
//!
//! Numbers are `DECIMAL(38, scale)`, dates `DATE`, points in time `TIMESTAMP` in UTC, everything else text. A column
//! bears the name of its role, with `_` after it where another column has that name already; the names themselves and
//! the kinds are in the file's metadata.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, KeyValue};
use parquet::file::reader::RowGroupReader;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::TypePtr;

use super::cells::Datum;
use super::columns::{Kind, ResultColumn};
use crate::parquet_columns::{ColumnCursor, OptionalTexts, field, put, text};

/// Lines after which a row group ends.
pub(super) const LINES_PER_GROUP: usize = 65_536;
/// Bytes of texts after which a row group ends, so that neither side holds many long cells in memory.
pub(super) const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// The metadata key of the columns.
const COLUMNS_KEY: &str = "recon.columns";
/// Digits of the decimals: more than any sum of amounts has.
const PRECISION: i32 = 38;
/// Bytes of the decimals.
const DECIMAL_BYTES: i32 = 16;

/// The cells of a column that are to be written.
pub(super) enum CellsToWrite {
    Number(Numbers),
    Date { values: Vec<i32>, levels: Vec<i16> },
    Timestamp { values: Vec<i64>, levels: Vec<i16> },
    Text(OptionalTexts),
}

/// Decimals, 16 bytes each, big endian.
#[derive(Default)]
pub(super) struct Numbers {
    bytes: Vec<u8>,
    levels: Vec<i16>,
}

/// The cells of a column as they were read.
pub(super) enum CellsRead {
    Number { scale: u8, cells: Vec<Option<FixedLenByteArray>> },
    Date(Vec<Option<i32>>),
    Timestamp(Vec<Option<i64>>),
    Text(Vec<Option<ByteArray>>),
}

impl CellsToWrite {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Number { .. } => Self::Number(Numbers::default()),
            Kind::Date => Self::Date { values: Vec::new(), levels: Vec::new() },
            Kind::Timestamp => Self::Timestamp { values: Vec::new(), levels: Vec::new() },
            Kind::Text => Self::Text(OptionalTexts::default()),
        }
    }

    /// Appends a cell, and returns how many bytes of text it takes.
    pub(super) fn push(&mut self, datum: Datum<'_>) -> usize {
        let level = i16::from(datum != Datum::Empty);
        match (self, datum) {
            (Self::Number(numbers), Datum::Number { units, .. }) => {
                numbers.bytes.extend_from_slice(&units.to_be_bytes());
                numbers.levels.push(level);
            }
            (Self::Date { values, levels }, Datum::Day(day)) => {
                values.push(day);
                levels.push(level);
            }
            (Self::Timestamp { values, levels }, Datum::Instant(micros)) => {
                values.push(micros);
                levels.push(level);
            }
            (Self::Text(texts), Datum::Text(text)) => {
                texts.push(Some(text));
                return text.len();
            }
            // A cell is of its column's kind or empty.
            (Self::Number(numbers), _) => numbers.levels.push(0),
            (Self::Date { levels, .. } | Self::Timestamp { levels, .. }, _) => levels.push(0),
            (Self::Text(texts), _) => texts.push(None),
        }
        0
    }

    /// Writes them as the next column of a row group, and forgets them.
    pub(super) fn write<W: std::io::Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Number(numbers) => {
                let Numbers { bytes, levels } = std::mem::take(numbers);
                let all = Bytes::from(bytes);
                let cell = |at: usize| ByteArray::from(all.slice(at..at + size_of::<i128>())).into();
                let cells: Vec<_> = (0..all.len()).step_by(size_of::<i128>()).map(cell).collect();
                put::<FixedLenByteArrayType, W>(group, &cells, Some(&levels))
            }
            Self::Date { values, levels } => {
                put::<Int32Type, W>(group, &std::mem::take(values), Some(&std::mem::take(levels)))
            }
            Self::Timestamp { values, levels } => {
                put::<Int64Type, W>(group, &std::mem::take(values), Some(&std::mem::take(levels)))
            }
            Self::Text(texts) => {
                let (cells, levels) = texts.take();
                put::<ByteArrayType, W>(group, &cells, Some(&levels))
            }
        }
    }
}

impl CellsRead {
    /// Reads these lines of a column.
    pub(super) fn read(
        group: &dyn RowGroupReader,
        column: usize,
        lines: &[Range<usize>],
    ) -> Result<Self, ParquetError> {
        let described = group.metadata().schema_descr().column(column);
        match described.physical_type() {
            PhysicalType::FIXED_LEN_BYTE_ARRAY if described.type_length() == DECIMAL_BYTES => {
                let scale = u8::try_from(described.type_scale()).unwrap_or(0);
                Ok(Self::Number { scale, cells: pick::<FixedLenByteArrayType>(group, column, lines)? })
            }
            PhysicalType::INT32 => Ok(Self::Date(pick::<Int32Type>(group, column, lines)?)),
            PhysicalType::INT64 => Ok(Self::Timestamp(pick::<Int64Type>(group, column, lines)?)),
            PhysicalType::BYTE_ARRAY => {
                let cells = pick::<ByteArrayType>(group, column, lines)?;
                if cells.iter().flatten().any(|cell| std::str::from_utf8(cell.data()).is_err()) {
                    return Err(ParquetError::General(format!("column `{}` is not text", described.name())));
                }
                Ok(Self::Text(cells))
            }
            _ => Err(ParquetError::General(format!("column `{}` has another type", described.name()))),
        }
    }

    pub(super) fn datum(&self, line: usize) -> Datum<'_> {
        match self {
            Self::Number { scale, cells } => {
                let units = cells.get(line).and_then(Option::as_ref).map(units);
                units.map_or(Datum::Empty, |units| Datum::Number { units, scale: *scale })
            }
            Self::Date(days) => days.get(line).copied().flatten().map_or(Datum::Empty, Datum::Day),
            Self::Timestamp(instants) => {
                instants.get(line).copied().flatten().map_or(Datum::Empty, Datum::Instant)
            }
            Self::Text(cells) => {
                let text = cells.get(line).and_then(Option::as_ref).map(ByteArray::data);
                text.and_then(|text| std::str::from_utf8(text).ok()).map_or(Datum::Empty, Datum::Text)
            }
        }
    }
}

fn units(cell: &FixedLenByteArray) -> i128 {
    cell.data().try_into().map_or(0, i128::from_be_bytes)
}

/// The values of these lines of a column, one after the other.
pub(super) fn pick<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    lines: &[Range<usize>],
) -> Result<Vec<Option<T::T>>, ParquetError> {
    let mut column = ColumnCursor::<T>::open(group, column)?;
    let (mut at, mut picked) = (0, Vec::with_capacity(lines.iter().map(ExactSizeIterator::len).sum()));
    for stretch in lines {
        column.skip(stretch.start - at)?;
        column.take(stretch.len(), &mut picked)?;
        at = stretch.end;
    }
    Ok(picked)
}

/// The values of these lines of a column in which none is absent.
pub(super) fn pick_all<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    lines: &[Range<usize>],
) -> Result<Vec<T::T>, ParquetError> {
    let picked = pick::<T>(group, column, lines)?;
    let missing = || ParquetError::General("a value that must be there is not".to_owned());
    picked.into_iter().map(|value| value.ok_or_else(missing)).collect()
}

/// The fields of a schema for these columns, whose names differ from each other and from `others`.
pub(super) fn fields(columns: &[ResultColumn], others: &[&str]) -> Result<Vec<TypePtr>, ParquetError> {
    names(columns, others).iter().zip(columns).map(|(name, column)| typed(name, column.kind)).collect()
}

/// The names of these columns in a schema.
pub(super) fn names(columns: &[ResultColumn], others: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for column in columns {
        let mut name = column.name.clone();
        while others.contains(&name.as_str()) || names.contains(&name) {
            name.push('_');
        }
        names.push(name);
    }
    names
}

/// A field for cells of this kind.
pub(super) fn typed(name: &str, kind: Kind) -> Result<TypePtr, ParquetError> {
    let optional = Repetition::OPTIONAL;
    let (physical, logical) = match kind {
        Kind::Text => return text(name, optional),
        Kind::Number { scale } => {
            let builder = field(name, PhysicalType::FIXED_LEN_BYTE_ARRAY, optional)
                .with_length(DECIMAL_BYTES)
                .with_precision(PRECISION)
                .with_scale(scale.into());
            let logical = LogicalType::decimal(scale.into(), PRECISION);
            return builder.with_logical_type(Some(logical)).build().map(TypePtr::new);
        }
        Kind::Date => (PhysicalType::INT32, LogicalType::Date),
        Kind::Timestamp => (PhysicalType::INT64, LogicalType::timestamp(true, TimeUnit::MICROS)),
    };
    field(name, physical, optional).with_logical_type(Some(logical)).build().map(TypePtr::new)
}

/// The metadata that tells the columns.
pub(super) fn metadata(columns: &[ResultColumn]) -> Result<KeyValue, ParquetError> {
    let json = serde_json::to_string(columns).map_err(|error| ParquetError::External(Box::new(error)))?;
    Ok(KeyValue::new(COLUMNS_KEY.to_owned(), json))
}

/// The columns that a file's metadata tells.
pub(super) fn columns(metadata: &FileMetaData) -> Option<Vec<ResultColumn>> {
    let stored = metadata.key_value_metadata().into_iter().flatten().find(|pair| pair.key == COLUMNS_KEY);
    serde_json::from_str(stored?.value.as_deref()?).ok()
}

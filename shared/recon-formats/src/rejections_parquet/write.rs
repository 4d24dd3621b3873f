//! Writing rejections.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Encoding, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use recon_domain::Side;
use serde_json::{Map, Value};

use super::{COLUMNS, Error, GROUP_BYTES, LINES_PER_GROUP, Rejected};
use crate::parquet_columns::{OptionalTexts, field, number, put, text};

/// Writes rejections one by one.
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    group: Group,
}

/// The lines of a row group, by columns.
#[derive(Default)]
struct Group {
    sides: OptionalTexts,
    rows: Vec<i64>,
    lines: Vec<i64>,
    columns: OptionalTexts,
    reasons: OptionalTexts,
    values: OptionalTexts,
    raws: OptionalTexts,
    bytes: usize,
}

impl<W: Write + Send> Writer<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(out: W) -> Result<Self, Error> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None);
        for name in ["row", "line"] {
            properties = properties
                .set_column_dictionary_enabled(ColumnPath::from(name), false)
                .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
        }
        let file = SerializedFileWriter::new(out, schema()?, Arc::new(properties.build()))?;
        Ok(Self { file, group: Group::default() })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&mut self, rejected: &Rejected) -> Result<(), Error> {
        self.group.push(rejected);
        if self.group.rows.len() >= LINES_PER_GROUP || self.group.bytes >= GROUP_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the file. Without this call it cannot be read.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> Result<(), Error> {
        if !self.group.rows.is_empty() {
            self.flush()?;
        }
        self.file.close()?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut group = std::mem::take(&mut self.group);
        let mut out = self.file.next_row_group()?;
        let (sides, levels) = group.sides.take();
        put::<ByteArrayType, W>(&mut out, &sides, Some(&levels))?;
        put::<Int64Type, W>(&mut out, &group.rows, None)?;
        put::<Int64Type, W>(&mut out, &group.lines, None)?;
        let (columns, levels) = group.columns.take();
        put::<ByteArrayType, W>(&mut out, &columns, Some(&levels))?;
        put::<ByteArrayType, W>(&mut out, &group.reasons.take().0, None)?;
        put::<ByteArrayType, W>(&mut out, &group.values.take().0, None)?;
        let (raws, levels) = group.raws.take();
        put::<ByteArrayType, W>(&mut out, &raws, Some(&levels))?;
        out.close()?;
        Ok(())
    }
}

impl Group {
    fn push(&mut self, rejected: &Rejected) {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let values = values_json(&rejected.values);
        self.bytes += rejected.reason.len() + values.len() + rejected.raw.as_ref().map_or(0, String::len);
        self.sides.push(rejected.side.map(Side::as_str));
        self.rows.push(signed(rejected.row));
        self.lines.push(signed(rejected.line));
        self.columns.push(rejected.column.as_deref());
        self.reasons.push(Some(&rejected.reason));
        self.values.push(Some(&values));
        self.raws.push(rejected.raw.as_deref());
    }
}

/// Cells by column as a JSON object.
pub(crate) fn values_json(values: &[(String, String)]) -> String {
    let values: Map<_, _> = values.iter().map(|(name, cell)| (name.clone(), cell.as_str().into())).collect();
    Value::Object(values).to_string()
}

fn schema() -> Result<TypePtr, ParquetError> {
    let (required, optional) = (Repetition::REQUIRED, Repetition::OPTIONAL);
    let [side, row, line, column, reason, values, raw] = COLUMNS;
    let json = field(values, PhysicalType::BYTE_ARRAY, required).with_converted_type(ConvertedType::JSON);
    let fields = vec![
        text(side, optional)?,
        number(row, PhysicalType::INT64, required)?,
        number(line, PhysicalType::INT64, required)?,
        text(column, optional)?,
        text(reason, required)?,
        Arc::new(json.build()?),
        text(raw, optional)?,
    ];
    Ok(Arc::new(Type::group_type_builder("rejections").with_fields(fields).build()?))
}

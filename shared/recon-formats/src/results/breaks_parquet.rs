//! Breaks in Parquet, in long form: `side`, `row`, `kind`, the shown columns, `nearest_row`, `failed`, `cause`.

mod read;

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use recon_domain::{CURRENCY, DATE};

use super::Results;
use super::columns::ResultColumn;
use super::csv::{BREAK_LEADING, BREAK_TRAILING};
use super::long_parquet::{self, CellsToWrite, GROUP_BYTES, LINES_PER_GROUP};
use super::view::{BreakView, TableBreak};
use crate::parquet_columns::{OptionalTexts, number, put, text};

pub(super) use read::Reader;

/// Writes breaks one by one.
pub(super) struct BreaksParquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    lines: Lines,
}

/// The lines of a row group, by columns.
struct Lines {
    sides: OptionalTexts,
    rows: Vec<i64>,
    kinds: OptionalTexts,
    cells: Vec<CellsToWrite>,
    nearest: (Vec<i64>, Vec<i16>),
    failed: OptionalTexts,
    causes: OptionalTexts,
    /// Of the texts among the cells.
    bytes: usize,
}

impl Results<'_> {
    /// Writes all breaks.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write_breaks_parquet(&self, out: impl Write + Send) -> Result<(), ParquetError> {
        let mut file = BreaksParquet::new(&self.columns(), out)?;
        for found in &self.outcome.breaks {
            file.write(&TableBreak { results: self, found })?;
        }
        file.finish()
    }
}

impl<W: Write + Send> BreaksParquet<W> {
    pub(super) fn new(columns: &[ResultColumn], out: W) -> Result<Self, ParquetError> {
        let mut file = SerializedFileWriter::new(out, schema(columns)?, Arc::new(properties(columns)))?;
        file.append_key_value_metadata(long_parquet::metadata(columns)?);
        let cells = columns.iter().map(|column| CellsToWrite::of(column.kind)).collect();
        let lines = Lines {
            sides: OptionalTexts::default(),
            rows: Vec::new(),
            kinds: OptionalTexts::default(),
            cells,
            nearest: (Vec::new(), Vec::new()),
            failed: OptionalTexts::default(),
            causes: OptionalTexts::default(),
            bytes: 0,
        };
        Ok(Self { file, lines })
    }

    pub(super) fn write(&mut self, found: &impl BreakView) -> Result<(), ParquetError> {
        self.lines.push(found);
        if self.lines.rows.len() >= LINES_PER_GROUP || self.lines.bytes >= GROUP_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), ParquetError> {
        if !self.lines.rows.is_empty() {
            self.flush()?;
        }
        self.file.close().map(|_| ())
    }

    /// Writes a row group, and forgets its lines.
    fn flush(&mut self) -> Result<(), ParquetError> {
        let lines = &mut self.lines;
        let mut group = self.file.next_row_group()?;
        put::<ByteArrayType, W>(&mut group, &lines.sides.take().0, None)?;
        put::<Int64Type, W>(&mut group, &std::mem::take(&mut lines.rows), None)?;
        put::<ByteArrayType, W>(&mut group, &lines.kinds.take().0, None)?;
        for cells in &mut lines.cells {
            cells.write(&mut group)?;
        }
        let (rows, levels) = std::mem::take(&mut lines.nearest);
        put::<Int64Type, W>(&mut group, &rows, Some(&levels))?;
        for texts in [&mut lines.failed, &mut lines.causes] {
            let (cells, levels) = texts.take();
            put::<ByteArrayType, W>(&mut group, &cells, Some(&levels))?;
        }
        lines.bytes = 0;
        group.close().map(|_| ())
    }
}

impl Lines {
    fn push(&mut self, found: &impl BreakView) {
        let signed = |row: u64| i64::try_from(row).unwrap_or(i64::MAX);
        self.sides.push(Some(found.side().as_str()));
        self.rows.push(signed(found.row()));
        self.kinds.push(Some(found.kind()));
        for (column, cells) in self.cells.iter_mut().enumerate() {
            self.bytes += cells.push(found.datum(column));
        }
        let nearest = found.nearest_row().map(signed);
        self.nearest.1.push(i16::from(nearest.is_some()));
        self.nearest.0.extend(nearest);
        self.failed.push(found.failed().as_deref());
        self.causes.push(found.cause());
    }
}

/// Words that repeat get dictionaries, counting numbers are stored as differences.
fn properties(columns: &[ResultColumn]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_dictionary_enabled(ColumnPath::from("row"), false)
        .set_column_encoding(ColumnPath::from("row"), Encoding::DELTA_BINARY_PACKED);
    for (name, column) in long_parquet::names(columns, &others()).into_iter().zip(columns) {
        if column.name != CURRENCY && column.name != DATE {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
        }
    }
    properties.build()
}

fn schema(columns: &[ResultColumn]) -> Result<TypePtr, ParquetError> {
    let (required, optional) = (Repetition::REQUIRED, Repetition::OPTIONAL);
    let [side, row, kind] = BREAK_LEADING;
    let [nearest, failed, cause] = BREAK_TRAILING;
    let mut fields =
        vec![text(side, required)?, number(row, PhysicalType::INT64, required)?, text(kind, required)?];
    fields.extend(long_parquet::fields(columns, &others())?);
    fields.push(number(nearest, PhysicalType::INT64, optional)?);
    fields.extend([text(failed, optional)?, text(cause, optional)?]);
    Ok(Arc::new(Type::group_type_builder("breaks").with_fields(fields).build()?))
}

/// The names of the columns that are not shown ones.
fn others() -> Vec<&'static str> {
    [BREAK_LEADING, BREAK_TRAILING].concat()
}

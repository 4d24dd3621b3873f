//! Writing matches.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use recon_domain::{CURRENCY, DATE, MatchStatus, Side};
use recon_engine::Match;

use super::super::Results;
use super::super::columns::{Kind, ResultColumn};
use super::super::long_parquet::{self, CellsToWrite, GROUP_BYTES, LINES_PER_GROUP};
use super::super::view::{MatchView as _, TableMatch};
use super::{Error, LEADING, TRAILING};
use crate::parquet_columns::{number, put, text};

/// The lines of a row group, by columns.
struct Lines {
    numbers: Vec<i64>,
    passes: Vec<ByteArray>,
    statuses: Vec<ByteArray>,
    ambiguities: Vec<i64>,
    sides: Vec<ByteArray>,
    rows: Vec<i64>,
    /// The shown columns, and after them the variance of amounts.
    cells: Vec<CellsToWrite>,
    days: (Vec<i32>, Vec<i16>),
    /// Of the texts among the cells.
    bytes: usize,
}

/// Each word once, so that a million lines share its bytes.
struct Words {
    passes: Vec<ByteArray>,
    statuses: [ByteArray; 2],
    sides: [ByteArray; 2],
}

impl Results<'_> {
    /// Writes all matches.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write_matches_parquet(&self, out: impl Write + Send) -> Result<(), Error> {
        let columns = self.columns();
        let schema = schema(&columns, self.amount_scale())?;
        let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties(&columns)))?;
        file.append_key_value_metadata(long_parquet::metadata(&columns)?);
        let word = |text: &str| ByteArray::from(text);
        let words = Words {
            passes: self.rules.passes.iter().map(|pass| word(&pass.name)).collect(),
            statuses: [MatchStatus::Confirmed, MatchStatus::Suggested].map(|status| word(status.as_str())),
            sides: [Side::Left, Side::Right].map(|side| word(side.as_str())),
        };
        let kinds: Vec<Kind> = columns.iter().map(|column| column.kind).collect();
        let variance = Kind::Number { scale: self.amount_scale() };
        let mut lines = Lines::new(kinds.iter().copied().chain([variance]));
        for (found, number) in self.outcome.matches.iter().zip(1_i64..) {
            self.lines_of(number, found, &words, &mut lines);
            if lines.numbers.len() >= LINES_PER_GROUP || lines.bytes >= GROUP_BYTES {
                lines.write(file.next_row_group()?)?;
            }
        }
        if !lines.numbers.is_empty() {
            lines.write(file.next_row_group()?)?;
        }
        file.close()?;
        Ok(())
    }

    fn lines_of(&self, number: i64, found: &Match, words: &Words, lines: &mut Lines) {
        let view = TableMatch { results: self, found, number: number.unsigned_abs() };
        for side in [Side::Left, Side::Right] {
            for at in 0..view.rows(side) {
                lines.numbers.push(number);
                let pass = words.passes.get(usize::from(found.pass));
                lines.passes.push(pass.cloned().unwrap_or_else(|| "".into()));
                lines.statuses.push(words.statuses[found.status as usize].clone());
                lines.ambiguities.push(i64::from(found.ambiguity));
                lines.sides.push(words.sides[side as usize].clone());
                lines.rows.push(i64::try_from(view.row(side, at)).unwrap_or(i64::MAX));
                let Some((amounts, cells)) = lines.cells.split_last_mut() else { return };
                for (column, cells) in cells.iter_mut().enumerate() {
                    lines.bytes += cells.push(view.datum(side, at, column));
                }
                amounts.push(view.amount_variance());
                lines.days.1.push(i16::from(found.variance.days.is_some()));
                lines.days.0.extend(found.variance.days);
            }
        }
    }
}

/// Words that repeat get dictionaries, counting numbers are stored as differences; only what pages are found
/// by has statistics.
fn properties(columns: &[ResultColumn]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_statistics_truncate_length(None);
    for name in ["match", "pass", "status"] {
        properties =
            properties.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Chunk);
    }
    for name in ["match", "row"] {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    let names = long_parquet::names(columns, &[&LEADING[..], &TRAILING[..]].concat());
    for (name, column) in names.into_iter().zip(columns) {
        if column.name != CURRENCY && column.name != DATE {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
        }
    }
    properties.build()
}

impl Lines {
    fn new(kinds: impl Iterator<Item = Kind>) -> Self {
        Self {
            numbers: Vec::new(),
            passes: Vec::new(),
            statuses: Vec::new(),
            ambiguities: Vec::new(),
            sides: Vec::new(),
            rows: Vec::new(),
            cells: kinds.map(CellsToWrite::of).collect(),
            days: (Vec::new(), Vec::new()),
            bytes: 0,
        }
    }

    /// Writes a row group, and forgets the lines.
    fn write<W: Write + Send>(&mut self, mut group: SerializedRowGroupWriter<'_, W>) -> Result<(), Error> {
        let columns = &mut group;
        let take = std::mem::take::<Vec<i64>>;
        let words = std::mem::take::<Vec<ByteArray>>;
        put::<Int64Type, W>(columns, &take(&mut self.numbers), None)?;
        put::<ByteArrayType, W>(columns, &words(&mut self.passes), None)?;
        put::<ByteArrayType, W>(columns, &words(&mut self.statuses), None)?;
        put::<Int64Type, W>(columns, &take(&mut self.ambiguities), None)?;
        put::<ByteArrayType, W>(columns, &words(&mut self.sides), None)?;
        put::<Int64Type, W>(columns, &take(&mut self.rows), None)?;
        for cells in &mut self.cells {
            cells.write(columns)?;
        }
        let (days, levels) = std::mem::take(&mut self.days);
        put::<Int32Type, W>(columns, &days, Some(&levels))?;
        group.close()?;
        self.bytes = 0;
        Ok(())
    }
}

fn schema(columns: &[ResultColumn], amount_scale: u8) -> Result<TypePtr, ParquetError> {
    let (required, optional) = (Repetition::REQUIRED, Repetition::OPTIONAL);
    let [number_, pass, status, ambiguity, side, row] = LEADING;
    let [amount, days] = TRAILING;
    let mut fields = vec![
        number(number_, PhysicalType::INT64, required)?,
        text(pass, required)?,
        text(status, required)?,
        number(ambiguity, PhysicalType::INT64, required)?,
        text(side, required)?,
        number(row, PhysicalType::INT64, required)?,
    ];
    fields.extend(long_parquet::fields(columns, &[&LEADING[..], &TRAILING[..]].concat())?);
    fields.push(long_parquet::typed(amount, Kind::Number { scale: amount_scale })?);
    fields.push(number(days, PhysicalType::INT32, optional)?);
    Ok(Arc::new(Type::group_type_builder("matches").with_fields(fields).build()?))
}

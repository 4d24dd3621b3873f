//! Writing matches.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ConvertedType, Encoding, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, PrimitiveTypeBuilder, Type, TypePtr};
use recon_domain::{CURRENCY, DATE, MatchStatus, Side};
use recon_engine::Match;

use super::super::cells::Scratch;
use super::super::{Results, Shown};
use super::{Error, LINES_PER_GROUP};

/// The lines of a row group, by columns.
struct Lines {
    numbers: Vec<i64>,
    passes: Vec<ByteArray>,
    statuses: Vec<ByteArray>,
    ambiguities: Vec<i64>,
    sides: Vec<ByteArray>,
    rows: Vec<i64>,
    values: Vec<OptionalTexts>,
    amounts: OptionalTexts,
    days: (Vec<i32>, Vec<i16>),
}

/// Texts that may be absent: those there are, and which are (1) and are not (0).
#[derive(Default)]
struct OptionalTexts {
    text: Vec<u8>,
    ends: Vec<usize>,
    levels: Vec<i16>,
}

impl OptionalTexts {
    fn push(&mut self, text: Option<&str>) {
        self.levels.push(i16::from(text.is_some()));
        if let Some(text) = text {
            self.text.extend_from_slice(text.as_bytes());
            self.ends.push(self.text.len());
        }
    }

    fn take(&mut self) -> (Vec<ByteArray>, Vec<i16>) {
        let text = Bytes::from(std::mem::take(&mut self.text));
        let mut start = 0;
        let cell = |end| ByteArray::from(text.slice(std::mem::replace(&mut start, end)..end));
        (std::mem::take(&mut self.ends).into_iter().map(cell).collect(), std::mem::take(&mut self.levels))
    }
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
        let shown = self.shown();
        let schema = schema(shown.iter().map(|(name, _)| *name))?;
        let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties(&shown)))?;
        let word = |text: &str| ByteArray::from(text);
        let words = Words {
            passes: self.rules.passes.iter().map(|pass| word(&pass.name)).collect(),
            statuses: [MatchStatus::Confirmed, MatchStatus::Suggested].map(|status| word(status.as_str())),
            sides: [Side::Left, Side::Right].map(|side| word(side.as_str())),
        };
        let (mut lines, mut scratch) = (Lines::new(shown.len()), Scratch::new());
        for (found, number) in self.outcome.matches.iter().zip(1_i64..) {
            self.lines_of(number, found, &shown, &words, &mut scratch, &mut lines);
            if lines.numbers.len() >= LINES_PER_GROUP {
                lines.write(file.next_row_group()?)?;
            }
        }
        if !lines.numbers.is_empty() {
            lines.write(file.next_row_group()?)?;
        }
        file.close()?;
        Ok(())
    }

    fn lines_of(
        &self,
        number: i64,
        found: &Match,
        shown: &[(&str, Shown)],
        words: &Words,
        scratch: &mut Scratch,
        lines: &mut Lines,
    ) {
        for (side, entries) in [(Side::Left, &found.left), (Side::Right, &found.right)] {
            for entry in entries {
                lines.numbers.push(number);
                lines
                    .passes
                    .push(words.passes.get(usize::from(found.pass)).cloned().unwrap_or_else(|| "".into()));
                lines.statuses.push(words.statuses[found.status as usize].clone());
                lines.ambiguities.push(i64::from(found.ambiguity));
                lines.sides.push(words.sides[side as usize].clone());
                lines.rows.push(i64::from(self.row(side, *entry)));
                for ((_, place), texts) in shown.iter().zip(&mut lines.values) {
                    texts.push(self.cell(side, *entry, *place, scratch).as_str());
                }
                let amount = found.variance.amount.map(|units| scratch.units(units, self.amount_scale()));
                lines.amounts.push(amount);
                lines.days.1.push(i16::from(found.variance.days.is_some()));
                lines.days.0.extend(found.variance.days);
            }
        }
    }
}

/// Words that repeat get dictionaries, counting numbers are stored as differences; only what pages are found
/// by has statistics.
fn properties(shown: &[(&str, Shown)]) -> WriterProperties {
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
    for (name, _) in shown.iter().filter(|(name, _)| *name != CURRENCY && *name != DATE) {
        let path = ColumnPath::new(vec!["values".to_owned(), (*name).to_owned()]);
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    properties.build()
}

impl Lines {
    fn new(shown: usize) -> Self {
        Self {
            numbers: Vec::new(),
            passes: Vec::new(),
            statuses: Vec::new(),
            ambiguities: Vec::new(),
            sides: Vec::new(),
            rows: Vec::new(),
            values: std::iter::repeat_with(OptionalTexts::default).take(shown).collect(),
            amounts: OptionalTexts::default(),
            days: (Vec::new(), Vec::new()),
        }
    }

    /// Writes a row group, and forgets the lines.
    fn write<W: Write + Send>(&mut self, mut group: SerializedRowGroupWriter<'_, W>) -> Result<(), Error> {
        let columns = &mut group;
        put::<Int64Type, W>(columns, &self.numbers, None)?;
        put::<ByteArrayType, W>(columns, &self.passes, None)?;
        put::<ByteArrayType, W>(columns, &self.statuses, None)?;
        put::<Int64Type, W>(columns, &self.ambiguities, None)?;
        put::<ByteArrayType, W>(columns, &self.sides, None)?;
        put::<Int64Type, W>(columns, &self.rows, None)?;
        for texts in self.values.iter_mut().chain([&mut self.amounts]) {
            let (cells, levels) = texts.take();
            put::<ByteArrayType, W>(columns, &cells, Some(&levels))?;
        }
        put::<Int32Type, W>(columns, &self.days.0, Some(&self.days.1))?;
        group.close()?;
        *self = Self::new(self.values.len());
        Ok(())
    }
}

fn put<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), Error> {
    let mut column = group.next_column()?.ok_or(Error::Missing("column to write"))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    Ok(column.close()?)
}

fn schema<'n>(values: impl Iterator<Item = &'n str>) -> Result<TypePtr, ParquetError> {
    fn field(name: &str, kind: PhysicalType, repetition: Repetition) -> PrimitiveTypeBuilder<'_> {
        Type::primitive_type_builder(name, kind).with_repetition(repetition)
    }
    let number = |name, kind, repetition| field(name, kind, repetition).build().map(Arc::new);
    fn text(name: &str, repetition: Repetition) -> Result<TypePtr, ParquetError> {
        let builder = field(name, PhysicalType::BYTE_ARRAY, repetition);
        builder.with_converted_type(ConvertedType::UTF8).build().map(Arc::new)
    }
    let (required, optional) = (Repetition::REQUIRED, Repetition::OPTIONAL);
    let values = values.map(|name| text(name, optional)).collect::<Result<Vec<_>, _>>()?;
    let values = Type::group_type_builder("values").with_repetition(required).with_fields(values).build()?;
    let fields = vec![
        number("match", PhysicalType::INT64, required)?,
        text("pass", required)?,
        text("status", required)?,
        number("ambiguity", PhysicalType::INT64, required)?,
        text("side", required)?,
        number("row", PhysicalType::INT64, required)?,
        Arc::new(values),
        text("variance_amount", optional)?,
        number("variance_days", PhysicalType::INT32, optional)?,
    ];
    Ok(Arc::new(Type::group_type_builder("matches").with_fields(fields).build()?))
}

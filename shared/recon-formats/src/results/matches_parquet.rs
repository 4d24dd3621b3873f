//! Matches as the store keeps them: long form in a Parquet file, read back page by page.
//!
//! One line is one row of a match: `match` (counted from 1), `pass`, `status`, `ambiguity`, `side`, `row`, the
//! group `values` with a text for each role (absent where the cell is empty), `variance_amount`,
//! `variance_days`. A match never spans two row groups.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ConvertedType, Encoding, Repetition, Type as PhysicalType};
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, PrimitiveTypeBuilder, Type, TypePtr};
use recon_contract::{RowValues, Values, Variance};
use recon_domain::{CURRENCY, DATE, MatchId, MatchStatus, ReconciliationId, Side};
use recon_engine::Match;
use serde_json::Value;

use super::cells::Scratch;
use super::{Results, Shown};

/// Lines after which a row group ends with the match it is at.
const LINES_PER_GROUP: usize = 65_536;
/// Columns before the values.
const LEADING: usize = 6;

/// Why stored matches cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is damaged, or reading or writing failed.
    #[error("cannot read or write the stored matches")]
    Parquet(#[from] ParquetError),
    /// The file was not written by [`Results::write_matches_parquet`].
    #[error("the stored matches have no {0}")]
    Missing(&'static str),
}

/// Which matches are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Those of the pass of this name.
    pub pass: Option<String>,
    /// Those of this status.
    pub status: Option<MatchStatus>,
}

/// A match as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMatch {
    /// Its number, counted from 1: the position that the next page goes on after.
    pub number: u64,
    /// The name of its pass.
    pub pass: String,
    /// Whether a person must judge it.
    pub status: MatchStatus,
    /// How many other candidates of its rows could have taken its place equally well.
    pub ambiguity: u64,
    /// Its left rows.
    pub left: Vec<RowValues>,
    /// Its right rows.
    pub right: Vec<RowValues>,
    /// Right minus left.
    pub variance: Variance,
}

impl StoredMatch {
    /// The match on the wire, as the run left it.
    #[must_use]
    pub fn into_wire(self, reconciliation: ReconciliationId) -> recon_contract::Match {
        let row = self.left.first().and_then(|row| u32::try_from(row.row).ok()).unwrap_or(0);
        recon_contract::Match {
            id: MatchId::derive(reconciliation, Side::Left, row),
            version: 1,
            pass: self.pass,
            status: self.status,
            ambiguity: self.ambiguity,
            left: self.left,
            right: self.right,
            variance: self.variance,
        }
    }
}

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

/// Reads stored matches.
pub struct Reader {
    file: Box<dyn FileReader>,
    /// The names of the values.
    names: Vec<String>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A run of lines of one row group that belong to one match.
struct Run {
    lines: Range<usize>,
    number: i64,
    pass: ByteArray,
    status: MatchStatus,
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn open(file: File) -> Result<Self, Error> {
        Self::new(file)
    }

    /// Opens a file that is in memory.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Error> {
        Self::new(bytes)
    }

    fn new(from: impl ChunkReader + 'static) -> Result<Self, Error> {
        let file: Box<dyn FileReader> = Box::new(SerializedFileReader::new(from)?);
        let columns = file.metadata().file_metadata().schema_descr().columns();
        let values = columns.len().checked_sub(LEADING + 2).ok_or(Error::Missing("values"))?;
        let names =
            columns[LEADING..LEADING + values].iter().map(|column| column.name().to_owned()).collect();
        Ok(Self { file, names })
    }

    /// Up to `limit` matches whose number is greater than `after`, by number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, after: u64, filter: &Filter, limit: usize) -> Result<Vec<StoredMatch>, Error> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let mut page = Vec::new();
        for index in 0..self.file.num_row_groups() {
            if page.len() >= limit {
                break;
            }
            let group = self.file.get_row_group(index)?;
            if may_hold(&*group, after, filter) {
                let runs = runs(&*group, after, filter, limit - page.len())?;
                self.read(&*group, runs, &mut page)?;
            }
        }
        Ok(page)
    }

    fn read(
        &self,
        group: &dyn RowGroupReader,
        runs: Vec<Run>,
        page: &mut Vec<StoredMatch>,
    ) -> Result<(), Error> {
        if runs.is_empty() {
            return Ok(());
        }
        let ambiguities = pick::<Int64Type>(group, 3, &runs)?;
        let sides = pick::<ByteArrayType>(group, 4, &runs)?;
        let rows = pick::<Int64Type>(group, 5, &runs)?;
        let columns = (0..self.names.len()).map(|at| pick::<ByteArrayType>(group, LEADING + at, &runs));
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;
        let amounts = pick::<ByteArrayType>(group, LEADING + self.names.len(), &runs)?;
        let days = pick::<Int32Type>(group, LEADING + self.names.len() + 1, &runs)?;
        let mut line = 0;
        for run in runs {
            let variance = Variance { amount: amounts[line].as_ref().map(text), days: days[line] };
            let mut found = StoredMatch {
                number: unsigned(run.number),
                pass: text(&run.pass),
                status: run.status,
                ambiguity: ambiguities[line].map_or(0, unsigned),
                left: Vec::new(),
                right: Vec::new(),
                variance,
            };
            for _ in run.lines {
                let value = |column: &Vec<Option<ByteArray>>| {
                    column[line].as_ref().map_or(Value::Null, |cell| text(cell).into())
                };
                let values: Values = self.names.iter().cloned().zip(columns.iter().map(value)).collect();
                let row = RowValues { row: rows[line].map_or(0, unsigned), values };
                let left =
                    sides[line].as_ref().is_some_and(|side| side.data() == Side::Left.as_str().as_bytes());
                if left {
                    found.left.push(row)
                } else {
                    found.right.push(row)
                }
                line += 1;
            }
            page.push(found);
        }
        Ok(())
    }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn text(cell: &ByteArray) -> String {
    String::from_utf8_lossy(cell.data()).into_owned()
}

/// Whether a row group can hold what is asked for, by its statistics.
fn may_hold(group: &dyn RowGroupReader, after: i64, filter: &Filter) -> bool {
    let statistics = |column: usize| group.metadata().column(column).statistics();
    let late = match statistics(0) {
        Some(Statistics::Int64(numbers)) => numbers.max_opt().is_none_or(|max| *max > after),
        _ => true,
    };
    let in_range = |column: usize, word: Option<&str>| match (statistics(column), word) {
        (Some(Statistics::ByteArray(words)), Some(word)) => {
            let (min, max) = (words.min_opt(), words.max_opt());
            min.is_none_or(|min| min.data() <= word.as_bytes())
                && max.is_none_or(|max| max.data() >= word.as_bytes())
        }
        (_, _) => true,
    };
    late && in_range(1, filter.pass.as_deref()) && in_range(2, filter.status.map(MatchStatus::as_str))
}

/// The first matches of a row group that are asked for.
fn runs(group: &dyn RowGroupReader, after: i64, filter: &Filter, limit: usize) -> Result<Vec<Run>, Error> {
    let numbers = all::<Int64Type>(group, 0)?;
    let passes = all::<ByteArrayType>(group, 1)?;
    let statuses = all::<ByteArrayType>(group, 2)?;
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    while start < numbers.len() && runs.len() < limit {
        let number = numbers[start];
        let length = numbers[start..].iter().take_while(|other| **other == number).count();
        let lines = start..start + length;
        start += length;
        let (Some(pass), Some(status)) = (passes.get(lines.start), statuses.get(lines.start)) else {
            return Err(Error::Missing("pass or status"));
        };
        let status = std::str::from_utf8(status.data()).ok().and_then(|word| word.parse().ok());
        let status: MatchStatus = status.ok_or(Error::Missing("known status"))?;
        let asked = filter.pass.as_ref().is_none_or(|name| name.as_bytes() == pass.data())
            && filter.status.is_none_or(|asked| asked == status);
        if number > after && asked {
            runs.push(Run { lines, number, pass: pass.clone(), status });
        }
    }
    Ok(runs)
}

fn reader<T: DataType>(group: &dyn RowGroupReader, column: usize) -> Result<ColumnReaderImpl<T>, Error> {
    Ok(get_typed_column_reader(group.get_column_reader(column)?))
}

/// Every value of a required column.
fn all<T: DataType>(group: &dyn RowGroupReader, column: usize) -> Result<Vec<T::T>, Error> {
    let mut reader = reader::<T>(group, column)?;
    let lines = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let mut values = Vec::new();
    while values.len() < lines {
        let (read, ..) = reader.read_records(lines - values.len(), None, None, &mut values)?;
        if read == 0 {
            return Err(Error::Missing("line that its metadata promises"));
        }
    }
    Ok(values)
}

/// The values of the runs' lines, one after the other.
fn pick<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    runs: &[Run],
) -> Result<Vec<Option<T::T>>, Error> {
    let mut reader = reader::<T>(group, column)?;
    let optional = group.metadata().schema_descr().column(column).max_def_level() > 0;
    let (mut at, mut picked) = (0, Vec::new());
    for run in runs {
        let mut skip = run.lines.start - at;
        while skip > 0 {
            match reader.skip_records(skip)? {
                0 => return Err(Error::Missing("line that its metadata promises")),
                skipped => skip -= skipped,
            }
        }
        at = run.lines.start;
        while at < run.lines.end {
            let (mut levels, mut values) = (Vec::new(), Vec::new());
            let defined = optional.then_some(&mut levels);
            let (read, ..) = reader.read_records(run.lines.end - at, defined, None, &mut values)?;
            if read == 0 {
                return Err(Error::Missing("line that its metadata promises"));
            }
            let mut values = values.into_iter();
            if optional {
                picked.extend(levels.iter().map(|level| if *level > 0 { values.next() } else { None }));
            } else {
                picked.extend(values.map(Some));
            }
            at += read;
        }
    }
    Ok(picked)
}

//! Reading matches, page by page.

use std::fs::File;
use std::ops::Range;

use bytes::Bytes;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use recon_contract::{RowValues, Values, Variance};
use recon_domain::{MatchStatus, Side};
use serde_json::Value;

use super::{Error, Filter, LEADING, StoredMatch};

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

//! Reading matches, page by page or one row group after the other.

use std::fs::File;
use std::ops::Range;

use bytes::Bytes;
use parquet::data_type::{ByteArrayType, Int64Type};
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use recon_domain::MatchStatus;

use super::super::cells::Scratch;
use super::super::columns::{Kind, ResultColumn};
use super::super::long_parquet::{self, pick_all};
use super::lines::{Lines, status};
use super::{Error, Filter, LEADING, StoredMatch, TRAILING};
use crate::ReadAnywhere;
use crate::anywhere::Anywhere;
use crate::parquet_columns;

/// Reads stored matches.
pub struct Reader {
    file: Box<dyn FileReader>,
    columns: Vec<ResultColumn>,
    is_typed: bool,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn open(file: File) -> Result<Self, Error> {
        Self::new(file)
    }

    /// Opens a file that is read here and there.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn of(reader: impl ReadAnywhere) -> Result<Self, Error> {
        Self::new(Anywhere::new(reader)?)
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
        let metadata = file.metadata().file_metadata();
        let stored = metadata.schema_descr().columns();
        let (Some(leading), Some(rest)) = (stored.get(..LEADING.len()), stored.get(LEADING.len()..)) else {
            return Err(Error::Missing("columns of matches"));
        };
        let between = rest.len().checked_sub(TRAILING.len()).ok_or(Error::Missing("variances"))?;
        let ours = leading.iter().zip(LEADING).chain(rest[between..].iter().zip(TRAILING));
        if ours.into_iter().any(|(column, name)| column.name() != name) {
            return Err(Error::Missing("columns of matches"));
        }
        let told = long_parquet::columns(metadata);
        let is_typed = told.is_some();
        // Before results had types, all shown cells were texts, and the metadata did not tell the columns.
        let text = |name: &str| ResultColumn { name: name.to_owned(), kind: Kind::Text, is_role: true };
        let columns =
            told.unwrap_or_else(|| rest[..between].iter().map(|column| text(column.name())).collect());
        if columns.len() != between {
            return Err(Error::Missing("columns that its metadata promises"));
        }
        Ok(Self { file, columns, is_typed })
    }

    /// What is shown of a row.
    ///
    /// # Errors
    /// When the file was written before results had types, so that nobody can tell a number from a text.
    pub fn columns(&self) -> Result<&[ResultColumn], Error> {
        if self.is_typed {
            Ok(&self.columns)
        } else {
            Err(Error::Missing("types, being of an older version"))
        }
    }

    /// Up to `limit` matches whose number is greater than `after`, by number.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, after: u64, filter: &Filter, limit: usize) -> Result<Vec<StoredMatch>, Error> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let (mut page, mut scratch) = (Vec::new(), Scratch::small());
        for index in 0..self.file.num_row_groups() {
            if page.len() >= limit {
                break;
            }
            let group = self.file.get_row_group(index)?;
            if may_hold(&*group, after, filter) {
                let runs = runs(&*group, after, filter, limit - page.len())?;
                let lines = Lines::read(&*group, self.columns.len(), &runs)?;
                page.extend(lines.matches().map(|found| found.stored(&self.columns, &mut scratch)));
            }
        }
        Ok(page)
    }

    /// How many row groups there are.
    pub(in crate::results) fn groups(&self) -> usize {
        self.file.num_row_groups()
    }

    /// All lines of a row group.
    pub(in crate::results) fn group(&self, index: usize) -> Result<Lines, Error> {
        let group = self.file.get_row_group(index)?;
        let all = 0..parquet_columns::lines(&*group);
        Lines::read(&*group, self.columns.len(), std::slice::from_ref(&all))
    }
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

/// The lines of the first matches of a row group that are asked for.
fn runs(
    group: &dyn RowGroupReader,
    after: i64,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Range<usize>>, Error> {
    let all = 0..parquet_columns::lines(group);
    let all = std::slice::from_ref(&all);
    let numbers = pick_all::<Int64Type>(group, 0, all)?;
    let passes = pick_all::<ByteArrayType>(group, 1, all)?;
    let statuses = pick_all::<ByteArrayType>(group, 2, all)?;
    let mut runs = Vec::new();
    let mut start = 0;
    for run in numbers.chunk_by(PartialEq::eq) {
        let lines = start..start + run.len();
        start = lines.end;
        let asked = filter.pass.as_ref().is_none_or(|name| name.as_bytes() == passes[lines.start].data());
        if runs.len() < limit && run.first().is_some_and(|number| *number > after) && asked {
            let status = status(&statuses[lines.start])?;
            if filter.status.is_none_or(|asked| asked == status) {
                runs.push(lines);
            }
        }
    }
    Ok(runs)
}

//! Result files back to lines: what a run wrote into its folder, in any of its formats.
//!
//! Lines come one by one; no more of a file is in memory than a row group or a line. Every fault names its file and its
//! place: the line of a text, the row of a Parquet table, both counted from 1.

mod csv;
mod json;
mod parquet;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recon_contract::{ResultFormat, ResultPart, Variance};
use recon_domain::{BreakKind, Cause, MatchStatus, Side};

use crate::csv_line::is_formula;
use crate::rejections_parquet::Rejected;

/// Why a result file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder holds no such file.
    #[error("{} holds no {stem}.csv, {stem}.json or {stem}.parquet", .folder.display())]
    Absent {
        /// The folder.
        folder: PathBuf,
        /// The name of the file without its ending.
        stem: &'static str,
    },
    /// The folder holds the same part of a result twice.
    #[error("{} holds both {stem}.{one} and {stem}.{other}: of which run is it?", .folder.display())]
    Several {
        /// The folder.
        folder: PathBuf,
        /// The name of the file without its ending.
        stem: &'static str,
        /// A format that is there.
        one: ResultFormat,
        /// Another.
        other: ResultFormat,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A place of the file is none that a run writes.
    #[error("{}, line {line}: {what}", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line of a text, or the row of a table, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}

/// The lines of a result file.
pub struct Lines<T> {
    file: PathBuf,
    format: ResultFormat,
    lines: Box<dyn Iterator<Item = Result<T, Error>>>,
}

/// One row of a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchLine {
    /// The number of its match, counted from 1.
    pub number: u64,
    /// The name of the pass that found it.
    pub pass: String,
    /// Whether a person must judge it.
    pub status: MatchStatus,
    /// How many other candidates of its rows could have taken its place equally well.
    pub ambiguity: u64,
    /// The row's side.
    pub side: Side,
    /// The row in its file, counted from 1 after the header.
    pub row: u64,
    /// The row's shown cells.
    pub cells: Cells,
    /// Of the whole match: right minus left.
    pub variance: Variance,
}

/// A row that was left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakLine {
    /// Its side.
    pub side: Side,
    /// Its row in its file, counted from 1 after the header.
    pub row: u64,
    /// Why it is left over.
    pub kind: BreakKind,
    /// Its shown cells.
    pub cells: Cells,
    /// The row of the other side that comes nearest.
    pub nearest_row: Option<u64>,
    /// What that one fails, in words.
    pub failed: Option<String>,
    /// What explains the difference.
    pub cause: Option<Cause>,
}

/// The shown cells of a row: those of the roles, in the order of the rules. JSON and Parquet also show the currency of an
/// amount that no role says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    names: Arc<[String]>,
    texts: Vec<Option<String>>,
}

/// Reads the matches that a run wrote into a folder.
///
/// # Errors
/// When there is no such file, or several, or it begins like none.
pub fn matches(folder: &Path) -> Result<Lines<MatchLine>, Error> {
    let found = Found::look(folder, ResultPart::Matches)?;
    let lines = match found.format {
        ResultFormat::Csv => csv::matches(&found)?,
        ResultFormat::Json => json::matches(&found)?,
        ResultFormat::Parquet => parquet::matches(&found)?,
    };
    Ok(found.lines(lines))
}

/// Reads the breaks that a run wrote into a folder.
///
/// # Errors
/// As [`matches`].
pub fn breaks(folder: &Path) -> Result<Lines<BreakLine>, Error> {
    let found = Found::look(folder, ResultPart::Breaks)?;
    let lines = match found.format {
        ResultFormat::Csv => csv::breaks(&found)?,
        ResultFormat::Json => json::breaks(&found)?,
        ResultFormat::Parquet => parquet::breaks(&found)?,
    };
    Ok(found.lines(lines))
}

/// Reads the rejected rows that a run wrote into a folder.
///
/// # Errors
/// As [`matches`].
pub fn rejected(folder: &Path) -> Result<Lines<Rejected>, Error> {
    let found = Found::look(folder, ResultPart::Rejections)?;
    let lines = match found.format {
        ResultFormat::Csv => csv::rejected(&found)?,
        ResultFormat::Json => json::rejected(&found)?,
        ResultFormat::Parquet => parquet::rejected(&found)?,
    };
    Ok(found.lines(lines))
}

/// How a text of a file stands in a result file of this format. CSV has an apostrophe before what spreadsheets would take
/// for a formula, which cannot be told from one that was there before: so compare texts as they are written.
#[must_use]
pub fn as_written(format: ResultFormat, text: &str) -> Cow<'_, str> {
    match format {
        ResultFormat::Csv if is_formula(text) => Cow::Owned(format!("'{text}")),
        ResultFormat::Csv | ResultFormat::Json | ResultFormat::Parquet => Cow::Borrowed(text),
    }
}

impl<T> Lines<T> {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its format.
    #[must_use]
    pub const fn format(&self) -> ResultFormat {
        self.format
    }
}

impl<T> Iterator for Lines<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lines.next()
    }
}

impl<T> fmt::Debug for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("file", &self.file)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Cells {
    pub(super) const fn new(names: Arc<[String]>, texts: Vec<Option<String>>) -> Self {
        Self { names, texts }
    }

    /// The names of the shown columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The cell of a column: `None` where there is no such column, `Some(None)` where the cell is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        let at = self.names.iter().position(|known| known == name)?;
        Some(self.texts.get(at)?.as_deref())
    }
}

/// A result file of a folder.
struct Found {
    path: PathBuf,
    format: ResultFormat,
}

type Boxed<T> = Box<dyn Iterator<Item = Result<T, Error>>>;

impl Found {
    fn look(folder: &Path, part: ResultPart) -> Result<Self, Error> {
        let stem = part.file_stem();
        let path = |format: ResultFormat| folder.join(format!("{stem}.{format}"));
        let mut there = ResultFormat::ALL.iter().copied().filter(|format| path(*format).is_file());
        let folder = || folder.to_owned();
        match (there.next(), there.next()) {
            (Some(one), Some(other)) => Err(Error::Several { folder: folder(), stem, one, other }),
            (Some(format), None) => Ok(Self { path: path(format), format }),
            (None, _) => Err(Error::Absent { folder: folder(), stem }),
        }
    }

    fn lines<T>(self, lines: Boxed<T>) -> Lines<T> {
        Lines { file: self.path, format: self.format, lines }
    }

    fn open(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Read { file: self.path.clone(), source: source.into() }
    }

    fn fault(&self, line: u64, what: impl Into<String>) -> Error {
        Error::Line { file: self.path.clone(), line, what: what.into() }
    }
}

/// A text that ended before it was whole, for the readers' errors.
fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends before its end")
}

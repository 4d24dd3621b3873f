//! Stage one: delimited text to rows of text.

mod rows;

use std::fs::File;
use std::io;
use std::path::Path;

use recon_contract::Dialect;
use recon_domain::ReadOptions;

use rows::Rows;

use crate::dialect;
pub use crate::dialect::Error as ShapeError;
pub use crate::encoding::Error as EncodingError;
use crate::encoding::{Feed, Input, name, sniff};
use crate::profile::Counts;
use crate::{BatchSource, Keep, Profile, ROWS_MAX, ROWS_PER_BATCH_MAX, SourceError, TextBatch};

/// Bytes of text from which the dialect is told.
const SAMPLE_BYTES: usize = 256 * 1024;

/// Why a file cannot be read as a table.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the file")]
    Read(#[from] io::Error),
    /// Its bytes are not text.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// Its text is not a table.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// An option cannot be.
    #[error("`{name}` must be an ASCII character other than a letter, a digit or a line end")]
    Option {
        /// The option.
        name: &'static str,
    },
    /// A column that was asked for is not there.
    #[error("there is no column `{0}`")]
    NoColumn(String),
    /// Too many rows.
    #[error("more than {ROWS_MAX} rows")]
    TooManyRows,
}

/// Reads delimited text, batch by batch. Memory does not grow with the file.
pub struct TextReader {
    feed: Feed,
    rows: Rows,
    /// Bytes of text before the first data row, and its line.
    data_start: (usize, u64),
    /// The file's size in bytes.
    total_bytes: u64,
    options: ReadOptions,
    /// One for each kept column, as far as the rows were read.
    counts: Vec<Counts>,
    profile: Option<Profile>,
    dialect: Dialect,
}

impl std::fmt::Debug for TextReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextReader").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl TextReader {
    /// Opens a file and settles its encoding (over all bytes), delimiter, quote and header.
    ///
    /// # Errors
    /// When the file cannot be read, is not a table, or has no column that `keep` names.
    pub fn open(path: &Path, options: &ReadOptions, keep: &Keep) -> Result<Self, Error> {
        Self::new(File::open(path)?, options, keep)
    }

    /// As [`TextReader::open`], from anything that can be read twice.
    ///
    /// # Errors
    /// As [`TextReader::open`].
    pub fn new(
        input: impl io::Read + io::Seek + Send + 'static,
        options: &ReadOptions,
        keep: &Keep,
    ) -> Result<Self, Error> {
        check(options)?;
        let mut input: Box<dyn Input> = Box::new(input);
        let sniffed = sniff(&mut *input, options.encoding.as_deref())?;
        let total_bytes = input.seek(io::SeekFrom::End(0))?;
        let mut feed = Feed::new(input, sniffed.encoding, sniffed.mark_bytes)?;
        let (before, lines_before) =
            skip_lines(&mut feed, options.header_row.unwrap_or(0).saturating_sub(1))?;
        while feed.text().len() < SAMPLE_BYTES && !feed.ended() {
            feed.fill()?;
        }
        let shape = match dialect::detect(feed.text(), feed.ended(), options) {
            Err(ShapeError::Blank) if lines_before > 0 => {
                return Err(ShapeError::NoHeader(options.header_row.unwrap_or(0)).into());
            }
            other => other?,
        };
        let header_line = if shape.header_line == 0 { 0 } else { shape.header_line + lines_before };
        let mut evidence = vec![sniffed.evidence];
        evidence.extend(shape.evidence.iter().cloned());
        let dialect = Dialect {
            format: "csv".to_owned(),
            encoding: name(sniffed.encoding),
            delimiter: char::from(shape.marks.delimiter).to_string(),
            quote: char::from(shape.marks.quote).to_string(),
            header_row: u32::try_from(header_line).unwrap_or(u32::MAX),
            evidence,
        };
        let data_start = (before + shape.data.0, lines_before + shape.data.1 + 1);
        let rows = Rows::new(shape, dialect.encoding.clone());
        let mut reader = Self {
            feed,
            rows,
            data_start,
            total_bytes,
            options: options.clone(),
            counts: Vec::new(),
            profile: None,
            dialect,
        };
        reader.restrict(keep)?;
        Ok(reader)
    }

    /// The names of all columns, each once.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.rows.shape.header
    }

    /// How the file is read, and why.
    #[must_use]
    pub const fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// What all rows show in the kept columns; `None` before [`TextReader::next_batch`] has come to the end.
    #[must_use]
    pub const fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// The next rows; `None` after the last. Counts what fits the kept columns; [`BatchSource::next_batch`] does
    /// not.
    ///
    /// # Errors
    /// When the file cannot be read, or has more than [`ROWS_MAX`] rows.
    pub fn next_batch(&mut self) -> Result<Option<TextBatch>, Error> {
        let Some(batch) = self.read_batch()? else {
            self.settle();
            return Ok(None);
        };
        if self.profile.is_none() {
            for (counts, column) in self.counts.iter_mut().zip(&batch.columns) {
                counts.add(column, &self.options.null_values);
            }
        }
        Ok(Some(batch))
    }

    fn read_batch(&mut self) -> Result<Option<TextBatch>, Error> {
        let mut batch = self.rows.batch();
        loop {
            let used =
                self.rows.read(self.feed.text(), self.feed.ended(), self.feed.damaged(), &mut batch)?;
            self.feed.consume(used);
            let is_last = self.feed.ended() && self.feed.text().is_empty();
            if is_last || batch.len() + batch.rejected.len() >= ROWS_PER_BATCH_MAX {
                break;
            }
            self.feed.fill()?;
        }
        self.rows.note(&batch);
        Ok(if batch.is_empty() { None } else { Some(batch) })
    }

    /// Goes back to the first row, with other columns kept.
    ///
    /// # Errors
    /// When the file cannot be read, or has no column that `keep` names.
    pub fn restrict(&mut self, keep: &Keep) -> Result<(), Error> {
        let header = &self.rows.shape.header;
        let kept = match keep {
            Keep::All => (0..header.len()).collect(),
            Keep::Columns(names) => {
                let find = |name: &String| {
                    header
                        .iter()
                        .position(|column| column == name)
                        .ok_or_else(|| Error::NoColumn(name.clone()))
                };
                names.iter().map(find).collect::<Result<Vec<_>, _>>()?
            }
        };
        if self.rows.kept != kept {
            self.profile = None;
        }
        self.rows.kept = kept;
        self.rewind()
    }

    fn rewind(&mut self) -> Result<(), Error> {
        self.feed.rewind()?;
        let (mut left, line) = self.data_start;
        while left > 0 {
            if self.feed.text().is_empty() {
                self.feed.fill()?;
            }
            let step = left.min(self.feed.text().len());
            if step == 0 {
                break;
            }
            self.feed.consume(step);
            left -= step;
        }
        self.counts = vec![Counts::default(); self.rows.kept.len()];
        self.rows.restart(line);
        Ok(())
    }

    fn settle(&mut self) {
        if self.profile.is_some() {
            return;
        }
        let mut dialect = self.dialect.clone();
        let name = |column: &usize| self.rows.shape.header[*column].as_str();
        let columns = || self.rows.kept.iter().map(name).zip(&self.counts);
        dialect.evidence.extend(columns().flat_map(|(name, counts)| counts.evidence(name, &self.options)));
        self.profile = Some(Profile {
            columns: columns().map(|(name, counts)| counts.profile(name)).collect(),
            dialect,
            rows: self.rows.accepted,
            rejected: self.rows.rejected,
        });
    }
}

impl BatchSource for TextReader {
    fn header(&self) -> &[String] {
        &self.rows.shape.header
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn keep(&mut self, keep: &Keep) -> Result<(), SourceError> {
        Ok(self.restrict(keep)?)
    }

    fn profile(&mut self, watch: &dyn Fn(u64, u64) -> bool) -> Result<Option<Profile>, SourceError> {
        self.rewind()?;
        while self.profile.is_none() {
            let _ = Self::next_batch(self)?;
            let (done, total) = self.position();
            if !watch(done, total) {
                return Ok(None);
            }
        }
        self.rewind()?;
        Ok(self.profile.clone())
    }

    fn next_batch(&mut self) -> Result<Option<TextBatch>, SourceError> {
        Ok(self.read_batch()?)
    }

    fn position(&self) -> (u64, u64) {
        (self.feed.read_bytes(), self.total_bytes)
    }
}

/// Reads over lines before a header that was asked for; returns their bytes and how many they are.
fn skip_lines(feed: &mut Feed, lines: u32) -> Result<(usize, u64), Error> {
    let (mut bytes, mut skipped) = (0, 0);
    while lines > 0 && feed.text().is_empty() && !feed.ended() {
        feed.fill()?;
    }
    let terminator = dialect::terminator(feed.text());
    while skipped < lines && !(feed.text().is_empty() && feed.ended()) {
        match memchr::memchr(terminator, feed.text()) {
            Some(end) => {
                feed.consume(end + 1);
                (bytes, skipped) = (bytes + end + 1, skipped + 1);
            }
            None => {
                let length = feed.text().len();
                feed.consume(length);
                bytes += length;
                feed.fill()?;
            }
        }
    }
    Ok((bytes, u64::from(skipped)))
}

fn check(options: &ReadOptions) -> Result<(), Error> {
    for (name, mark) in [("delimiter", options.delimiter), ("quote", options.quote)] {
        if mark.is_some_and(|mark| {
            !mark.is_ascii() || mark.is_ascii_alphanumeric() || matches!(mark, b'\r' | b'\n' | 0)
        }) {
            return Err(Error::Option { name });
        }
    }
    Ok(())
}

//! Which delimiter, quote and header a text has, from its first rows.

mod attempt;
mod evidence;
mod header;
mod names;

use recon_domain::ReadOptions;

use attempt::{Attempt, better};
use header::Header;
use names::unique;

use crate::COLUMNS_MAX;
use crate::split::Marks;

/// Delimiters that are tried, the likelier first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Why a text is not a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are only blank lines.
    #[error("not a table: the file has no text in it")]
    Blank,
    /// It is a document of another kind.
    #[error("not a table: it looks like {0}")]
    OtherFormat(&'static str),
    /// Nothing divides the lines into the same number of fields.
    #[error(
        "not a table: none of comma, semicolon, tab and bar divides the lines evenly; say `delimiter` if it is one, or any for a file of one column"
    )]
    NoDelimiter,
    /// One line that is data, or may be anything.
    #[error("not a table: there is only one line, and it does not look like a header")]
    OneLine,
    /// The header row that was asked for is not there.
    #[error("not a table: there is no header on line {0}")]
    NoHeader(u32),
    /// More columns than a file may have.
    #[error("not a table: {0} columns, at most {COLUMNS_MAX} are read")]
    TooManyColumns(usize),
}

/// How a text is cut into rows and named columns.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) marks: Marks,
    pub(crate) header: Vec<String>,
    /// Whether rows may end with one delimiter more.
    pub(crate) trailing: bool,
    /// The header's line within the sample, counted from 1; 0 where there is none.
    pub(crate) header_line: u64,
    /// Bytes and lines of the sample before the first data row.
    pub(crate) data: (usize, u64),
    pub(crate) evidence: Vec<String>,
}

/// Settles the shape of a text that starts with `sample` (and ends with it, if `last`).
pub(crate) fn detect(sample: &[u8], last: bool, options: &ReadOptions) -> Result<Shape, Error> {
    refuse_documents(sample)?;
    let told = sample_told(sample);
    let terminator = terminator(sample);
    let quote = options.quote.unwrap_or(b'"');
    let attempt = |delimiter, quote| Attempt::new(sample, last, Marks { delimiter, quote, terminator });
    let said = options.delimiter.or(told);
    let mut best = match said {
        Some(delimiter) => attempt(delimiter, quote),
        None => DELIMITERS
            .iter()
            .map(|delimiter| attempt(*delimiter, quote))
            .reduce(better)
            .ok_or(Error::Blank)?,
    };
    if options.quote.is_none() && best.quotes_with_apostrophes() {
        best = attempt(best.marks.delimiter, b'\'');
    }
    if best.rows.is_empty() {
        return Err(Error::Blank);
    }
    let one_column = said.is_some() || options.header_row.is_some();
    if !one_column && (best.columns() < 2 || best.agreeing * 2 < best.counted) {
        return Err(if best.rows.len() == 1 { Error::OneLine } else { Error::NoDelimiter });
    }
    best.shape(options, told.is_some() && options.delimiter.is_none())
}

/// The byte that ends lines: `\n`, or `\r` where there is no `\n` at all.
pub(crate) fn terminator(sample: &[u8]) -> u8 {
    let old = memchr::memchr(b'\n', sample).is_none() && memchr::memchr(b'\r', sample).is_some();
    if old { b'\r' } else { b'\n' }
}

fn refuse_documents(sample: &[u8]) -> Result<(), Error> {
    let text = sample.trim_ascii_start();
    match text {
        [] => Err(Error::Blank),
        [b'{', ..] | [b'[', b'{' | b'[' | b'\n' | b'\r', ..] => Err(Error::OtherFormat("JSON")),
        [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => Err(Error::OtherFormat("XML or HTML")),
        [..] => Ok(()),
    }
}

/// Excel's own first line, `sep=;`.
fn sample_told(sample: &[u8]) -> Option<u8> {
    match sample {
        [b's', b'e', b'p', b'=', delimiter, b'\r' | b'\n', ..] if delimiter.is_ascii() => Some(*delimiter),
        [..] => None,
    }
}

impl Attempt<'_> {
    fn shape(&self, options: &ReadOptions, told: bool) -> Result<Shape, Error> {
        let mut evidence = vec![self.delimiter_evidence(options, told)];
        let quote = char::from(self.marks.quote);
        if quote != '"' {
            let why = if options.quote.is_some() { "as told" } else { "cells start and end with it" };
            evidence.push(format!("quote `{quote}`: {why}"));
        }
        evidence.extend(self.late_quote_evidence());
        // A header row that was asked for is the first line of the sample.
        let header = match (options.header_row, self.header) {
            (Some(0), _) | (None, Header::None) => None,
            (Some(_), _) => self.rows.first(),
            (None, Header::Full(index) | Header::Gaps(index)) => self.rows.get(index),
        };
        if options.header_row.is_none() && header.is_none() && self.rows.len() == 1 {
            return Err(Error::OneLine);
        }
        let width = header.map_or(self.width, |row| row.fields.len());
        let trailing = self.is_trailing()
            && (width + 1 == self.width || width == self.width)
            && header.is_none_or(|row| width + 1 == self.width || self.cell(row, width - 1).is_empty());
        let columns = width - usize::from(trailing && width == self.width);
        if columns > COLUMNS_MAX {
            return Err(Error::TooManyColumns(columns));
        }
        let names = match header {
            Some(row) => (0..columns).map(|column| self.cell(row, column)).collect(),
            None => vec![String::new(); columns],
        };
        evidence.push(self.header_evidence(options, header));
        if trailing {
            evidence.push("every row ends with a delimiter; there is no column after it".to_owned());
        }
        let header_names = unique(names, if header.is_some() { Some(&mut evidence) } else { None });
        let data = header.map_or((0, 0), |row| (row.end, row.line - 1 + row.lines));
        let told_line =
            if told && header.is_none() { self.marks.line(self.text, true).unwrap_or(0) } else { 0 };
        Ok(Shape {
            marks: self.marks,
            header: header_names,
            trailing,
            header_line: header.map_or(0, |row| row.line),
            data: if told_line > 0 { (told_line, 1) } else { data },
            evidence,
        })
    }
}

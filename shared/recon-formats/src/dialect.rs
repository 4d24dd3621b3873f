//! Which delimiter, quote and header a text has, from its first rows.

mod evidence;
mod names;

use recon_domain::ReadOptions;

use names::unique;

use crate::COLUMNS_MAX;
use crate::cell;
use crate::split::{Field, Marks, Step, field_text};

/// Rows that are looked at.
const SAMPLE_ROWS_MAX: usize = 1_000;
/// Rows in which a column's cells are judged.
const VALUE_ROWS_MAX: usize = 200;
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
        "not a table: none of comma, semicolon, tab and bar divides the lines evenly; say `delimiter` if it is one"
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

/// One row of the sample.
struct Sampled {
    start: usize,
    end: usize,
    line: u64,
    lines: u64,
    fields: Vec<Field>,
}

/// The sample under one delimiter.
struct Attempt<'a> {
    text: &'a [u8],
    marks: Marks,
    rows: Vec<Sampled>,
    /// How many fields most rows have, and how many rows that are, of how many from the first of them on.
    width: usize,
    agreeing: usize,
    counted: usize,
    header: Header,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Header {
    None,
    /// Some of its cells are empty.
    Gaps(usize),
    Full(usize),
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

/// The attempt that explains the sample better; the first where both do equally.
fn better<'a>(one: Attempt<'a>, other: Attempt<'a>) -> Attempt<'a> {
    let rank = |attempt: &Attempt<'_>| {
        let even = attempt.agreeing * 10 >= attempt.counted * 9;
        let share = (attempt.agreeing * 1_000).checked_div(attempt.counted).unwrap_or(0);
        (attempt.columns() >= 2, attempt.header != Header::None, even, attempt.width, share)
    };
    if rank(&other) > rank(&one) { other } else { one }
}

impl<'a> Attempt<'a> {
    fn new(text: &'a [u8], last: bool, marks: Marks) -> Self {
        let mut attempt =
            Self { text, marks, rows: Vec::new(), width: 1, agreeing: 0, counted: 0, header: Header::None };
        attempt.split(last);
        let mut counts = std::collections::BTreeMap::new();
        for row in attempt.rows.iter().filter(|row| row.fields.len() >= 2) {
            *counts.entry(row.fields.len()).or_insert(0_usize) += 1;
        }
        if let Some((width, rows)) = counts.into_iter().max_by_key(|(width, rows)| (*rows, *width)) {
            (attempt.width, attempt.agreeing) = (width, rows);
        } else {
            attempt.agreeing = attempt.rows.len();
        }
        let first = attempt.rows.iter().position(|row| row.fields.len() == attempt.width).unwrap_or(0);
        attempt.counted = attempt.rows.len() - first;
        attempt.header = attempt.find_header();
        attempt
    }

    fn split(&mut self, last: bool) {
        let (mut start, mut line) = (0, 1);
        while start < self.text.len() && self.rows.len() < SAMPLE_ROWS_MAX {
            let mut fields = Vec::new();
            match self.marks.split(&self.text[start..], last, COLUMNS_MAX, &mut fields) {
                Step::Row { bytes, lines, .. } => {
                    self.rows.push(Sampled { start, end: start + bytes, line, lines, fields });
                    (start, line) = (start + bytes, line + lines);
                }
                Step::Blank { bytes } => (start, line) = (start + bytes, line + 1),
                Step::Fault { bytes, .. } => {
                    self.rows.push(Sampled { start, end: start + bytes, line, lines: 1, fields: Vec::new() });
                    (start, line) = (start + bytes, line + 1);
                }
                Step::More => return,
            }
        }
    }

    fn cell(&self, row: &Sampled, index: usize) -> String {
        let Some(field) = row.fields.get(index) else { return String::new() };
        let bytes = self.text.get(row.start + field.start..row.start + field.end).unwrap_or(&[]);
        let text = String::from_utf8_lossy(bytes);
        let whole = Field { start: 0, end: text.len(), doubled: field.doubled };
        field_text(&text, whole, self.marks.quote, &mut String::new()).trim().to_owned()
    }

    /// Whether a row is as wide as most, or lacks only the delimiter at its end.
    fn is_wide(&self, row: &Sampled) -> bool {
        row.fields.len() == self.width || (self.is_trailing() && row.fields.len() + 1 == self.width)
    }

    /// How many columns there are, without an empty one after the delimiter that ends each row.
    fn columns(&self) -> usize {
        self.width - usize::from(self.is_trailing())
    }

    /// Whether every row ends with a delimiter.
    fn is_trailing(&self) -> bool {
        let mut bulk = self.rows.iter().filter(|row| row.fields.len() == self.width);
        self.width >= 2 && bulk.all(|row| row.fields.last().is_some_and(|field| field.start >= field.end))
    }

    /// The first row that looks like names, before any that looks like the data.
    fn find_header(&self) -> Header {
        let values = self.value_columns();
        let mut gaps = Header::None;
        for (index, row) in self.rows.iter().enumerate().filter(|(_, row)| self.is_wide(row)) {
            let cells: Vec<String> = (0..row.fields.len()).map(|column| self.cell(row, column)).collect();
            let names = cells.len() - usize::from(cells.len() == self.width && self.is_trailing());
            let names = &cells[..names];
            let full = names.iter().filter(|cell| !cell.is_empty()).count();
            if !names.iter().any(|cell| is_value(cell)) {
                if full == names.len() {
                    return Header::Full(index);
                }
                if gaps == Header::None && full * 2 >= names.len() {
                    gaps = Header::Gaps(index);
                }
            }
            let likely =
                values.iter().filter(|column| cells.get(**column).is_some_and(|cell| is_value(cell))).count();
            if likely * 2 > values.len() {
                break;
            }
        }
        gaps
    }

    /// The columns whose cells are numbers and dates, at least four in five. The second half of the rows is
    /// looked at, since what stands before the data comes first.
    fn value_columns(&self) -> Vec<usize> {
        let bulk = || self.rows.iter().filter(|row| row.fields.len() == self.width);
        let half = bulk().count() / 2;
        let is_values = |column: &usize| {
            let (mut cells, mut values) = (0, 0);
            for row in bulk().skip(half).take(VALUE_ROWS_MAX) {
                let cell = self.cell(row, *column);
                cells += usize::from(!cell.is_empty());
                values += usize::from(is_value(&cell));
            }
            // The header itself may be one of the cells.
            values > 0 && values * 5 >= (cells - 1) * 4
        };
        (0..self.width.min(COLUMNS_MAX)).filter(is_values).collect()
    }

    fn quotes_with_apostrophes(&self) -> bool {
        if memchr::memchr(b'"', self.text).is_some() || memchr::memchr(b'\'', self.text).is_none() {
            return false;
        }
        let fields = || self.rows.iter().flat_map(|row| row.fields.iter().map(move |field| (row, field)));
        let quoted = fields().filter(|(row, field)| {
            let text = self.text.get(row.start + field.start..row.start + field.end);
            text.is_some_and(|text| text.len() >= 2 && text.starts_with(b"'") && text.ends_with(b"'"))
        });
        quoted.count() * 3 >= fields().count()
    }

    fn shape(&self, options: &ReadOptions, told: bool) -> Result<Shape, Error> {
        let mut evidence = vec![self.delimiter_evidence(options, told)];
        let quote = char::from(self.marks.quote);
        if quote != '"' {
            let why = if options.quote.is_some() { "as told" } else { "cells start and end with it" };
            evidence.push(format!("quote `{quote}`: {why}"));
        }
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

fn is_value(cell: &str) -> bool {
    cell::is_value(cell)
}

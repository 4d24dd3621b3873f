//! The sample under one delimiter: its rows, and which of them are the table.

use std::collections::BTreeMap;

use super::header::Header;
use crate::COLUMNS_MAX;
use crate::cell;
use crate::split::{Field, Marks, Step, field_text};

/// Rows that are looked at.
const SAMPLE_ROWS_MAX: usize = 1_000;
/// Numbers of fields that are tried as the table's width.
const WIDTHS_MAX: usize = 8;
/// How many times more a row counts in a table that has a header and a column of numbers or dates: lines of names and
/// values, as they stand before a table, hardly ever have both.
const TYPED_FACTOR: u64 = 16;

/// What a cell of the sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    /// A number, a date or a point in time.
    Value,
    Text,
}

/// One row of the sample.
pub(super) struct Sampled {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: u64,
    pub(super) lines: u64,
    pub(super) fields: Vec<Field>,
    pub(super) kinds: Vec<Kind>,
}

/// The sample under one delimiter.
pub(super) struct Attempt<'a> {
    pub(super) text: &'a [u8],
    pub(super) marks: Marks,
    pub(super) rows: Vec<Sampled>,
    /// How many fields the table's rows have, and how many rows that are, of how many from the first of them on.
    pub(super) width: usize,
    pub(super) agreeing: usize,
    pub(super) counted: usize,
    pub(super) header: Header,
    /// How many of its columns are numbers or dates.
    typed: usize,
}

/// The attempt that explains the sample better; the first where both do equally.
pub(super) fn better<'a>(one: Attempt<'a>, other: Attempt<'a>) -> Attempt<'a> {
    let rank = |attempt: &Attempt<'_>| {
        let even = attempt.agreeing * 10 >= attempt.counted * 9;
        let share = (attempt.agreeing * 1_000).checked_div(attempt.counted).unwrap_or(0);
        let has_header = attempt.header != Header::None;
        (attempt.columns() >= 2, has_header, even, attempt.typed > 0, attempt.width, attempt.typed, share)
    };
    if rank(&other) > rank(&one) { other } else { one }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(text: &'a [u8], last: bool, marks: Marks) -> Self {
        let (rows, header) = (Vec::new(), Header::None);
        let mut attempt = Self { text, marks, rows, width: 1, agreeing: 0, counted: 0, header, typed: 0 };
        attempt.split(last);
        attempt.choose_width();
        attempt
    }

    fn split(&mut self, last: bool) {
        let (mut start, mut line) = (0, 1);
        while start < self.text.len() && self.rows.len() < SAMPLE_ROWS_MAX {
            let mut fields = Vec::new();
            match self.marks.split(&self.text[start..], last, COLUMNS_MAX, &mut fields) {
                Step::Row { bytes, lines, .. } => {
                    self.push(Sampled { start, end: start + bytes, line, lines, fields, kinds: Vec::new() });
                    (start, line) = (start + bytes, line + lines);
                }
                Step::Blank { bytes } => (start, line) = (start + bytes, line + 1),
                Step::Fault { bytes, .. } => {
                    let (end, lines) = (start + bytes, 1);
                    self.push(Sampled { start, end, line, lines, fields: Vec::new(), kinds: Vec::new() });
                    (start, line) = (start + bytes, line + 1);
                }
                Step::More => return,
            }
        }
    }

    fn push(&mut self, mut row: Sampled) {
        let kind = |field: &Field| match self.bytes(&row, field).trim_ascii() {
            [] => Kind::Empty,
            cell if std::str::from_utf8(cell).is_ok_and(cell::is_value) => Kind::Value,
            [..] => Kind::Text,
        };
        row.kinds = row.fields.iter().map(kind).collect();
        self.rows.push(row);
    }

    /// Settles how wide the table is. Most rows tell, but where a few rows are the table and many lines stand before
    /// it, the table is known by its own header, its columns of numbers or dates, and by going on to the end.
    fn choose_width(&mut self) {
        let mut counts = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.fields.len() >= 2) {
            *counts.entry(row.fields.len()).or_insert(0_usize) += 1;
        }
        let mut widths: Vec<(usize, usize)> = counts.into_iter().collect();
        widths.sort_by_key(|(width, rows)| std::cmp::Reverse((*rows, *width)));
        let Some(((most, _), others)) = widths.split_first() else {
            self.agreeing = self.rows.len();
            return self.look(1);
        };
        self.look(*most);
        let (mut best, mut best_weight) = (*most, self.weight());
        for (width, _) in others.iter().take(WIDTHS_MAX) {
            self.look(*width);
            if self.is_whole_table() && self.weight() > best_weight {
                (best, best_weight) = (*width, self.weight());
            }
        }
        self.look(best);
    }

    /// Looks at the rows as a table of this width.
    fn look(&mut self, width: usize) {
        self.width = width;
        self.header = self.find_header();
        let first = self.rows.iter().position(|row| row.fields.len() == width).unwrap_or(0);
        let from = self.header.index().map_or(first, |header| header + 1);
        self.typed = self.typed_columns(from);
        if width > 1 {
            self.agreeing = self.rows.iter().filter(|row| row.fields.len() == width).count();
        }
        self.counted = self.rows.len() - first;
    }

    /// How much of the sample the table explains. Wide rows do not agree by chance, so the width counts most.
    fn weight(&self) -> u64 {
        let is_typed = self.typed > 0 && self.header != Header::None;
        let factor = if is_typed { TYPED_FACTOR } else { 1 };
        let (rows, width) = (self.agreeing as u64, self.width as u64);
        rows * width.pow(3) * factor
    }

    /// Whether there is a header with typed rows after it, which most rows from there on are.
    fn is_whole_table(&self) -> bool {
        let Some(header) = self.header.index() else { return false };
        let rows = &self.rows[header + 1..];
        let wide = rows.iter().filter(|row| self.is_wide(row)).count();
        self.typed > 0 && wide * 2 >= rows.len()
    }

    pub(super) fn bytes(&self, row: &Sampled, field: &Field) -> &'a [u8] {
        self.text.get(row.start + field.start..row.start + field.end).unwrap_or(&[])
    }

    pub(super) fn cell(&self, row: &Sampled, index: usize) -> String {
        let Some(field) = row.fields.get(index) else { return String::new() };
        let text = String::from_utf8_lossy(self.bytes(row, field));
        let whole = Field { start: 0, end: text.len(), doubled: field.doubled };
        field_text(&text, whole, self.marks.quote, &mut String::new()).trim().to_owned()
    }

    /// Whether a row is as wide as the table, or lacks only the delimiter at its end.
    pub(super) fn is_wide(&self, row: &Sampled) -> bool {
        row.fields.len() == self.width || (self.is_trailing() && row.fields.len() + 1 == self.width)
    }

    /// How many columns there are, without an empty one after the delimiter that ends each row.
    pub(super) fn columns(&self) -> usize {
        self.width - usize::from(self.is_trailing())
    }

    /// Whether every row ends with a delimiter.
    pub(super) fn is_trailing(&self) -> bool {
        let mut bulk = self.rows.iter().filter(|row| row.fields.len() == self.width);
        self.width >= 2 && bulk.all(|row| row.fields.last().is_some_and(|field| field.start >= field.end))
    }

    pub(super) fn quotes_with_apostrophes(&self) -> bool {
        if memchr::memchr(b'"', self.text).is_some() || memchr::memchr(b'\'', self.text).is_none() {
            return false;
        }
        let fields = || self.rows.iter().flat_map(|row| row.fields.iter().map(move |field| (row, field)));
        let quoted = fields().filter(|(row, field)| {
            let text = self.bytes(row, field);
            text.len() >= 2 && text.starts_with(b"'") && text.ends_with(b"'")
        });
        quoted.count() * 3 >= fields().count()
    }
}

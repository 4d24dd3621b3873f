//! One row after the other: structural faults, cells, content.

use twox_hash::XxHash3_128;

use super::Error;
use crate::dialect::Shape;
use crate::split::{Field, Step, field_text};
use crate::{
    CELL_BYTES_MAX, RAW_BYTES_MAX, ROWS_MAX, ROWS_PER_BATCH_MAX, RejectedRow, TextBatch, TextColumn,
};

/// Stands after each cell of a row in what is hashed, so that quoting and delimiter do not matter.
const CELL_END: u8 = 0x1F;

/// Turns text into rows; where it is, and what it found so far.
pub(super) struct Rows {
    pub(super) shape: Shape,
    encoding: String,
    /// For each kept column its index in the file.
    pub(super) kept: Vec<usize>,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    row: u32,
    line: u64,
    /// Whether the rest of an over-long line is still to be dropped.
    dropping: bool,
    fields: Vec<Field>,
    scratch: String,
    hashed: Vec<u8>,
    /// Bytes of each kept column in the batch before.
    bytes_before: Vec<usize>,
}

/// A row whose fields are known.
#[derive(Clone, Copy)]
struct Row<'a> {
    bytes: &'a [u8],
    /// `None` where the bytes are not UTF-8.
    text: Option<&'a str>,
    quoted: bool,
}

impl Rows {
    pub(super) fn new(shape: Shape, encoding: String) -> Self {
        Self {
            shape,
            encoding,
            kept: Vec::new(),
            accepted: 0,
            rejected: 0,
            row: 0,
            line: 1,
            dropping: false,
            fields: Vec::new(),
            scratch: String::new(),
            hashed: Vec::new(),
            bytes_before: Vec::new(),
        }
    }

    /// Starts again, at a line.
    pub(super) fn restart(&mut self, line: u64) {
        (self.row, self.line, self.accepted, self.rejected, self.dropping) = (0, line, 0, 0, false);
        self.bytes_before.clear();
    }

    /// An empty batch, with room for as much as there was in the one before.
    pub(super) fn batch(&self) -> TextBatch {
        let rows = if self.row == 0 { 0 } else { ROWS_PER_BATCH_MAX };
        let bytes = self.bytes_before.iter().copied().chain(std::iter::repeat(0));
        let column = |bytes: usize| TextColumn::with_capacity(rows, bytes + bytes / 8);
        TextBatch {
            rows: Vec::with_capacity(rows),
            lines: Vec::with_capacity(rows),
            contents: Vec::with_capacity(rows),
            columns: bytes.take(self.kept.len()).map(column).collect(),
            rejected: Vec::new(),
        }
    }

    /// Remembers how much there was in a batch.
    pub(super) fn note(&mut self, batch: &TextBatch) {
        self.bytes_before.clear();
        self.bytes_before.extend(batch.columns.iter().map(TextColumn::bytes));
    }

    /// Takes rows from the start of `bytes` until the batch is full or the next row is not all there. Returns
    /// how many bytes they are. `last` says that the file ends where `bytes` ends, `damaged` that bytes which
    /// mean nothing have become U+FFFD.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        last: bool,
        damaged: bool,
        batch: &mut TextBatch,
    ) -> Result<usize, Error> {
        let marks = self.shape.marks;
        let whole = if last {
            Some(bytes.len())
        } else {
            memchr::memrchr(marks.terminator, bytes).map(|end| end + 1)
        };
        let text = whole.and_then(|end| simdutf8::basic::from_utf8(&bytes[..end]).ok());
        let width = self.shape.header.len() + usize::from(self.shape.trailing);
        let mut at = self.drop_line(bytes);
        while at < bytes.len() && batch.len() + batch.rejected.len() < ROWS_PER_BATCH_MAX {
            let rest = &bytes[at..];
            match marks.split(rest, last, width, &mut self.fields) {
                Step::More => break,
                Step::Blank { bytes } => {
                    at += bytes;
                    self.line += 1;
                }
                Step::Fault { bytes, fault } => {
                    at +=
                        self.reject(&rest[..bytes], fault.to_string(), last && bytes == rest.len(), batch)?
                }
                Step::Row { bytes, lines, quoted } => {
                    let row = &rest[..bytes];
                    let text = match text {
                        Some(text) => text.get(at..at + bytes),
                        None => std::str::from_utf8(row).ok(),
                    };
                    at += self.take(Row { bytes: row, text, quoted }, lines, damaged, batch)?;
                }
            }
        }
        Ok(at)
    }

    /// Takes a row that is whole, if its cells are.
    fn take(
        &mut self,
        row: Row<'_>,
        lines: u64,
        damaged: bool,
        batch: &mut TextBatch,
    ) -> Result<usize, Error> {
        if let Some(reason) = self.fault(row, damaged) {
            // A quote that does not belong there may have tied lines together: only the first of them is lost.
            let first = self.shape.marks.line(row.bytes, true).unwrap_or(row.bytes.len());
            let lost = if lines == 1 { row.bytes } else { &row.bytes[..first] };
            return self.reject(lost, reason, true, batch);
        }
        let text = row.text.unwrap_or("");
        self.number_row()?;
        batch.rows.push(self.row);
        batch.lines.push(self.line);
        let quote = self.shape.marks.quote;
        for (column, index) in batch.columns.iter_mut().zip(&self.kept) {
            match self.fields.get(*index) {
                Some(field) => column.push(field_text(text, *field, quote, &mut self.scratch)),
                None => column.push(""),
            }
        }
        batch.contents.push(self.content(row, text));
        self.accepted += 1;
        self.line += lines;
        Ok(row.bytes.len())
    }

    /// A hash of all cells.
    fn content(&mut self, row: Row<'_>, text: &str) -> u128 {
        let fields = self.fields.get(..self.shape.header.len()).unwrap_or(&self.fields);
        self.hashed.clear();
        if row.quoted {
            for field in fields {
                let cell = field_text(text, *field, self.shape.marks.quote, &mut self.scratch);
                self.hashed.extend_from_slice(cell.as_bytes());
                self.hashed.push(CELL_END);
            }
        } else if let Some(last) = fields.last() {
            // Where each delimiter stands, the cell before it ends.
            self.hashed.extend_from_slice(&row.bytes[..last.end]);
            self.hashed.push(CELL_END);
            for field in fields {
                self.hashed[field.end] = CELL_END;
            }
        }
        XxHash3_128::oneshot(&self.hashed)
    }

    /// Gives up a line. Without a line end it goes on, unless it `ends` here.
    fn reject(
        &mut self,
        line: &[u8],
        reason: String,
        ends: bool,
        batch: &mut TextBatch,
    ) -> Result<usize, Error> {
        self.number_row()?;
        let raw = Some(raw(line, self.shape.marks.terminator));
        batch.rejected.push(RejectedRow { row: self.row, line: self.line, reason, raw });
        self.rejected += 1;
        let terminated = line.last() == Some(&self.shape.marks.terminator);
        self.line += u64::from(terminated);
        self.dropping = !terminated && !ends;
        Ok(line.len())
    }

    /// How many bytes still belong to a line that was given up.
    fn drop_line(&mut self, bytes: &[u8]) -> usize {
        if !self.dropping {
            return 0;
        }
        let Some(end) = memchr::memchr(self.shape.marks.terminator, bytes) else { return bytes.len() };
        self.dropping = false;
        self.line += 1;
        end + 1
    }

    fn number_row(&mut self) -> Result<(), Error> {
        if self.row >= ROWS_MAX {
            return Err(Error::TooManyRows);
        }
        self.row += 1;
        Ok(())
    }

    /// What is wrong with a row.
    fn fault(&self, row: Row<'_>, damaged: bool) -> Option<String> {
        let (fields, columns) = (self.fields.len(), self.shape.header.len());
        if fields != columns {
            let last_is_empty = self.fields.last().is_some_and(|field| field.start >= field.end);
            if !(self.shape.trailing && fields == columns + 1 && last_is_empty) {
                let plural = |count: usize| if count == 1 { "" } else { "s" };
                let (one, other) = (plural(fields), plural(columns));
                let hint = self.blank_before_quote(row);
                return Some(format!(
                    "the row has {fields} field{one}, the header has {columns} column{other}{hint}"
                ));
            }
        }
        let is_long = |field: &Field| field.end.saturating_sub(field.start) > CELL_BYTES_MAX;
        if row.bytes.len() > CELL_BYTES_MAX
            && let Some(index) = self.fields.iter().position(is_long)
        {
            let column = self.shape.header.get(index).map_or("", String::as_str);
            return Some(format!("the cell of `{column}` is longer than {CELL_BYTES_MAX} bytes"));
        }
        let Some(text) = row.text else { return Some("the row has bytes that are not UTF-8".to_owned()) };
        if damaged && text.contains('\u{FFFD}') {
            return Some(format!("the row has bytes that mean nothing in {}", self.encoding));
        }
        memchr::memchr(0, row.bytes).map(|_| "the row has a NUL character".to_owned())
    }

    /// What to do about a quote that does not start its field, which many people take for one that does.
    fn blank_before_quote(&self, row: Row<'_>) -> String {
        let quote = self.shape.marks.quote;
        let is_late = |field: &Field| {
            let bytes = row.bytes.get(field.start..field.end).unwrap_or(&[]);
            bytes.starts_with(b" ") && bytes.trim_ascii_start().first() == Some(&quote)
        };
        match self.fields.iter().position(is_late) {
            Some(index) => format!(
                "; a blank stands before the quote of field {}, which makes the quote part of the text: remove the blank",
                index + 1
            ),
            None => String::new(),
        }
    }
}

/// What is shown of a line that cannot be read: the line without its end, cut where it is long.
fn raw(line: &[u8], terminator: u8) -> String {
    let line = line.strip_suffix(&[terminator]).unwrap_or(line);
    let line = if terminator == b'\n' { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    let (kept, is_cut) = match line.get(..RAW_BYTES_MAX) {
        // Not within a character, if it is one.
        Some(start) if line.len() > RAW_BYTES_MAX => (whole_characters(start), true),
        _ => (line, false),
    };
    let mut shown = String::from_utf8_lossy(kept).replace('\0', "\u{FFFD}");
    if is_cut {
        shown.push('…');
    }
    shown
}

/// Without the start of a character at the end, of which the rest is cut off.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

//! Lines to fields: the grammar of delimited text.
//!
//! A field that starts with the quote goes to the next quote that is not doubled; any other field goes to
//! the next delimiter or line end, and quotes inside it are text. The common case, a line without quotes,
//! costs one search a field.

use memchr::{memchr, memchr2};

use crate::{ROW_BYTES_MAX, ROW_LINES_MAX};

/// The bytes that divide a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    /// `\n`, where a `\r` before it belongs to it; or `\r` alone.
    pub(crate) terminator: u8,
}

/// Where a field stands in the row's bytes, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether quotes in it are doubled.
    pub(crate) doubled: bool,
}

/// What stands at the start of the bytes. `bytes` counts what it takes, its line end included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A row, over so many lines. Where nothing is quoted, one byte stands between neighbouring fields.
    Row { bytes: usize, lines: u64, quoted: bool },
    /// A line without anything in it.
    Blank { bytes: usize },
    /// A line that starts no row that can be read.
    Fault { bytes: usize, fault: Fault },
    /// More bytes are needed to tell.
    More,
}

/// What is wrong with a row's structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the quote of field {0} is never closed")]
    Unclosed(usize),
    #[error("text follows the closing quote of field {0}")]
    AfterQuote(usize),
    #[error("a quote opens that makes one row of several lines, with too many fields")]
    Stray,
    #[error("the row is longer than {ROW_BYTES_MAX} bytes")]
    Long,
    #[error("the row stretches over more than {ROW_LINES_MAX} lines")]
    Lines,
}

enum Found {
    Field { field: Field, next: usize, ends_row: bool, lines: u64 },
    Fault(Fault),
    More,
}

impl Marks {
    /// Splits the row at the start of `bytes` into `fields`, which it clears first. `last` says that the
    /// text ends where `bytes` ends. A faulty row gives up its first line only, so that one stray quote
    /// does not swallow the rows after it; so does one over several lines with more than `width` fields,
    /// which also bounds how often a line is looked at.
    pub(crate) fn split(self, bytes: &[u8], last: bool, width: usize, fields: &mut Vec<Field>) -> Step {
        fields.clear();
        if let Some(step) = self.blank(bytes, last) {
            return step;
        }
        if let Some(step) = self.plain(bytes, last, fields) {
            return step;
        }
        let (mut position, mut lines, mut quoted) = (0, 1, false);
        loop {
            let found = if bytes.get(position) == Some(&self.quote) {
                quoted = true;
                self.quoted(bytes, position, last, fields.len() + 1)
            } else {
                self.bare(bytes, position, last)
            };
            match found {
                Found::Field { field, next, ends_row, lines: more } => {
                    fields.push(field);
                    (position, lines) = (next, lines + more);
                    if position > ROW_BYTES_MAX {
                        return self.fault(bytes, last, Fault::Long);
                    }
                    if lines > ROW_LINES_MAX {
                        return self.fault(bytes, last, Fault::Lines);
                    }
                    if lines > 1 && fields.len() > width {
                        return self.fault(bytes, last, Fault::Stray);
                    }
                    if ends_row {
                        return Step::Row { bytes: position, lines, quoted };
                    }
                }
                Found::Fault(fault) => return self.fault(bytes, last, fault),
                Found::More if bytes.len() > ROW_BYTES_MAX => return self.fault(bytes, last, Fault::Long),
                Found::More => return Step::More,
            }
        }
    }

    /// A row without quotes, the common case; `None` where it is not that.
    fn plain(self, bytes: &[u8], last: bool, fields: &mut Vec<Field>) -> Option<Step> {
        let (end, taken) = match memchr(self.terminator, bytes) {
            Some(end) => (end, end + 1),
            None if last => (bytes.len(), bytes.len()),
            None => return None,
        };
        let line = &bytes[..self.before_return(bytes, 0, end)];
        if taken > ROW_BYTES_MAX || memchr(self.quote, line).is_some() {
            return None;
        }
        let mut start = 0;
        each_position(self.delimiter, line, |end| {
            fields.push(Field { start, end, doubled: false });
            start = end + 1;
        });
        fields.push(Field { start, end: line.len(), doubled: false });
        Some(Step::Row { bytes: taken, lines: 1, quoted: false })
    }

    /// The bytes up to and with the first line end; `None` where there is none yet.
    pub(crate) fn line(self, bytes: &[u8], last: bool) -> Option<usize> {
        memchr(self.terminator, bytes).map(|end| end + 1).or(last.then_some(bytes.len()))
    }

    fn fault(self, bytes: &[u8], last: bool, fault: Fault) -> Step {
        // Without a line end in sight the caller goes on dropping bytes until there is one.
        Step::Fault { bytes: self.line(bytes, last).unwrap_or(bytes.len()), fault }
    }

    fn blank(self, bytes: &[u8], last: bool) -> Option<Step> {
        // 0x1A is the end mark of old DOS files.
        let space = |byte: &u8| {
            matches!(byte, b' ' | b'\r' | 0x1A) && *byte != self.delimiter && *byte != self.terminator
        };
        if !bytes.first().is_none_or(|byte| space(byte) || *byte == self.terminator) {
            return None;
        }
        match bytes.iter().position(|byte| !space(byte)) {
            Some(end) if bytes[end] == self.terminator => Some(Step::Blank { bytes: end + 1 }),
            Some(_) => None,
            None if last => Some(Step::Blank { bytes: bytes.len() }),
            None if bytes.len() > ROW_BYTES_MAX => None,
            None => Some(Step::More),
        }
    }

    #[inline]
    fn bare(self, bytes: &[u8], start: usize, last: bool) -> Found {
        let rest = bytes.get(start..).unwrap_or(&[]);
        let (end, next, ends_row) = match memchr2(self.delimiter, self.terminator, rest) {
            Some(length) if rest[length] == self.delimiter => (start + length, start + length + 1, false),
            Some(length) => (self.before_return(bytes, start, start + length), start + length + 1, true),
            None if last => (self.before_return(bytes, start, bytes.len()), bytes.len(), true),
            None => return Found::More,
        };
        Found::Field { field: Field { start, end, doubled: false }, next, ends_row, lines: 0 }
    }

    #[inline]
    fn before_return(self, bytes: &[u8], start: usize, end: usize) -> usize {
        let returns = self.terminator == b'\n' && end > start && bytes[end - 1] == b'\r';
        end - usize::from(returns)
    }

    fn quoted(self, bytes: &[u8], open: usize, last: bool, number: usize) -> Found {
        let (start, mut from, mut doubled) = (open + 1, open + 1, false);
        let end = loop {
            let Some(length) = memchr(self.quote, &bytes[from..]) else {
                return if last { Found::Fault(Fault::Unclosed(number)) } else { Found::More };
            };
            let quote = from + length;
            match bytes.get(quote + 1) {
                Some(next) if *next == self.quote => {
                    doubled = true;
                    from = quote + 2;
                }
                None if !last => return Found::More,
                Some(_) | None => break quote,
            }
        };
        let lines = memchr::memchr_iter(self.terminator, &bytes[start..end]).count() as u64;
        let field = Field { start, end, doubled };
        // Blanks between the quote and the delimiter mean nothing.
        let blank = |byte: &&u8| **byte == b' ' && self.delimiter != b' ';
        let after = end + 1 + bytes[end + 1..].iter().take_while(blank).count();
        match &bytes[after..] {
            [] if last => Found::Field { field, next: after, ends_row: true, lines },
            [b'\r'] if last => Found::Field { field, next: after + 1, ends_row: true, lines },
            [] => Found::More,
            [byte, ..] if *byte == self.delimiter => {
                Found::Field { field, next: after + 1, ends_row: false, lines }
            }
            [byte, ..] if *byte == self.terminator => {
                Found::Field { field, next: after + 1, ends_row: true, lines }
            }
            [b'\r', byte, ..] if *byte == self.terminator => {
                Found::Field { field, next: after + 2, ends_row: true, lines }
            }
            [b'\r'] => Found::More,
            [..] => Found::Fault(Fault::AfterQuote(number)),
        }
    }
}

/// Calls `found` with the place of each `needle`, eight bytes at a time: fields are too short for the set-up of
/// a vector search.
#[inline]
fn each_position(needle: u8, bytes: &[u8], mut found: impl FnMut(usize)) {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let pattern = u64::from_ne_bytes([needle; 8]);
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for chunk in chunks {
        let differs = u64::from_le_bytes(*chunk) ^ pattern;
        // The high bit of each byte that does not differ.
        let mut hits = !(((differs & LOW) + LOW) | differs | LOW);
        while hits != 0 {
            found(at + usize::try_from(hits.trailing_zeros() / 8).unwrap_or(0));
            hits &= hits - 1;
        }
        at += 8;
    }
    for (offset, byte) in rest.iter().enumerate() {
        if *byte == needle {
            found(at + offset);
        }
    }
}

/// The text of a field; `scratch` is used where quotes in it are doubled.
#[inline]
pub(crate) fn field_text<'a>(row: &'a str, field: Field, quote: u8, scratch: &'a mut String) -> &'a str {
    let text = row.get(field.start..field.end).unwrap_or("");
    if !field.doubled {
        return text;
    }
    undouble(text, quote, scratch);
    scratch
}

/// Makes each two quotes one.
fn undouble(text: &str, quote: u8, scratch: &mut String) {
    scratch.clear();
    let mut skip = false;
    for character in text.chars() {
        let quote = u32::from(character) == u32::from(quote);
        if !(quote && skip) {
            scratch.push(character);
        }
        skip = quote && !skip;
    }
}

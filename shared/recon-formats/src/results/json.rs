//! Matches and breaks as JSON arrays, one object a line.
//!
//! The objects are those of the wire without what only the platform knows (ids, versions, decisions); a
//! match has its number instead.

use std::io::{self, Write};

use recon_domain::Side;
use serde::Serialize;

use super::cells::Scratch;
use super::columns::ResultColumn;
use super::csv::flush;
use super::view::{MatchView, TableMatch};
use super::{BreakBody, Results, WRITE_BYTES};

/// An array that is written object by object.
pub(super) struct JsonArray<W> {
    out: W,
    buffer: Vec<u8>,
    is_empty: bool,
}

impl<W: Write> JsonArray<W> {
    pub(super) fn new(out: W) -> Self {
        let mut buffer = Vec::with_capacity(WRITE_BYTES + 4096);
        buffer.push(b'[');
        Self { out, buffer, is_empty: true }
    }

    /// Appends an object.
    pub(super) fn push(&mut self, object: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        raw(&mut self.buffer, if self.is_empty { "\n" } else { ",\n" });
        self.is_empty = false;
        object(&mut self.buffer)?;
        flush(&mut self.buffer, WRITE_BYTES, &mut self.out)
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        raw(&mut self.buffer, "\n]\n");
        flush(&mut self.buffer, 1, &mut self.out)?;
        self.out.flush()
    }
}

impl Results<'_> {
    /// An array of matches: `match`, `pass`, `status`, `ambiguity`, `left`, `right`, `variance`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_matches_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let (columns, mut scratch) = (self.columns(), Scratch::new());
        let mut array = JsonArray::new(out);
        for (found, number) in self.outcome.matches.iter().zip(1_u64..) {
            let view = TableMatch { results: self, found, number };
            array.push(|buffer| match_object(&view, &columns, &mut scratch, buffer))?;
        }
        array.finish()
    }

    /// An array of breaks: `side`, `kind`, `row`, `values`, `nearest`, `twin`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_breaks_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut array = JsonArray::new(out);
        for body in self.break_bodies() {
            array.push(|buffer| break_object(&body, buffer))?;
        }
        array.finish()
    }
}

pub(super) fn match_object(
    found: &impl MatchView,
    columns: &[ResultColumn],
    scratch: &mut Scratch,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    raw(buffer, "{\"match\":");
    raw(buffer, scratch.integer(found.number()));
    key(buffer, "pass");
    value(buffer, found.pass())?;
    key(buffer, "status");
    value(buffer, found.status())?;
    key(buffer, "ambiguity");
    raw(buffer, scratch.integer(found.ambiguity()));
    for side in [Side::Left, Side::Right] {
        key(buffer, side.as_str());
        rows(found, side, columns, scratch, buffer)?;
    }
    key(buffer, "variance");
    raw(buffer, "{\"amount\":");
    value(buffer, &scratch.cell(found.amount_variance()).as_str())?;
    key(buffer, "days");
    value(buffer, &found.days_variance())?;
    raw(buffer, "}}");
    Ok(())
}

pub(super) fn break_object(body: &BreakBody, buffer: &mut Vec<u8>) -> io::Result<()> {
    raw(buffer, "{\"side\":");
    value(buffer, body.side.as_str())?;
    key(buffer, "kind");
    value(buffer, body.kind.as_str())?;
    key(buffer, "row");
    value(buffer, &body.row)?;
    key(buffer, "values");
    value(buffer, &body.values)?;
    key(buffer, "nearest");
    value(buffer, &body.nearest)?;
    key(buffer, "twin");
    value(buffer, &body.twin)?;
    raw(buffer, "}");
    Ok(())
}

fn rows(
    found: &impl MatchView,
    side: Side,
    columns: &[ResultColumn],
    scratch: &mut Scratch,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    raw(buffer, "[");
    for at in 0..found.rows(side) {
        raw(buffer, if at == 0 { "{\"row\":" } else { ",{\"row\":" });
        raw(buffer, scratch.integer(found.row(side, at)));
        key(buffer, "values");
        raw(buffer, "{");
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                raw(buffer, ",");
            }
            value(buffer, &column.name)?;
            raw(buffer, ":");
            value(buffer, &scratch.cell(found.datum(side, at, index)).as_str())?;
        }
        raw(buffer, "}}");
    }
    raw(buffer, "]");
    Ok(())
}

fn raw(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend_from_slice(text.as_bytes());
}

/// The next member's name, one of ours.
pub(super) fn key(buffer: &mut Vec<u8>, name: &str) {
    raw(buffer, ",\"");
    raw(buffer, name);
    raw(buffer, "\":");
}

pub(super) fn value(buffer: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    Ok(serde_json::to_writer(buffer, value)?)
}

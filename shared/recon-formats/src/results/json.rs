//! Matches and breaks as JSON arrays, one object a line.
//!
//! The objects are those of the wire without what only the platform knows (ids, versions, decisions); a
//! match has its number instead.

use std::io::{self, Write};

use recon_domain::Side;
use serde::Serialize;

use super::cells::Scratch;
use super::csv::flush;
use super::{Results, Shown, WRITE_BYTES};

impl Results<'_> {
    /// An array of matches: `match`, `pass`, `status`, `ambiguity`, `left`, `right`, `variance`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_matches_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(WRITE_BYTES + 4096);
        let mut scratch = Scratch::new();
        let shown = self.shown();
        buffer.push(b'[');
        for (found, number) in self.outcome.matches.iter().zip(1_u64..) {
            buffer.extend_from_slice(if number == 1 { b"\n{\"match\":" } else { b",\n{\"match\":" });
            raw(&mut buffer, scratch.integer(number));
            key(&mut buffer, "pass");
            value(&mut buffer, self.pass_name(found.pass))?;
            key(&mut buffer, "status");
            value(&mut buffer, found.status.as_str())?;
            key(&mut buffer, "ambiguity");
            raw(&mut buffer, scratch.integer(found.ambiguity));
            for (side, entries) in [(Side::Left, &found.left), (Side::Right, &found.right)] {
                key(&mut buffer, side.as_str());
                self.rows(side, entries, &shown, &mut scratch, &mut buffer)?;
            }
            key(&mut buffer, "variance");
            raw(&mut buffer, "{\"amount\":");
            let amount =
                found.variance.amount.map(|units| scratch.units(units, self.amount_scale()).to_owned());
            value(&mut buffer, &amount)?;
            key(&mut buffer, "days");
            value(&mut buffer, &found.variance.days)?;
            raw(&mut buffer, "}}");
            flush(&mut buffer, WRITE_BYTES, out)?;
        }
        raw(&mut buffer, "\n]\n");
        flush(&mut buffer, 1, out)
    }

    /// An array of breaks: `side`, `kind`, `row`, `values`, `nearest`, `twin`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_breaks_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(WRITE_BYTES + 4096);
        buffer.push(b'[');
        for (number, body) in self.break_bodies().enumerate() {
            raw(&mut buffer, if number == 0 { "\n{\"side\":" } else { ",\n{\"side\":" });
            value(&mut buffer, body.side.as_str())?;
            key(&mut buffer, "kind");
            value(&mut buffer, body.kind.as_str())?;
            key(&mut buffer, "row");
            value(&mut buffer, &body.row)?;
            key(&mut buffer, "values");
            value(&mut buffer, &body.values)?;
            key(&mut buffer, "nearest");
            value(&mut buffer, &body.nearest)?;
            key(&mut buffer, "twin");
            value(&mut buffer, &body.twin)?;
            buffer.push(b'}');
            flush(&mut buffer, WRITE_BYTES, out)?;
        }
        raw(&mut buffer, "\n]\n");
        flush(&mut buffer, 1, out)
    }

    fn rows(
        &self,
        side: Side,
        entries: &[u32],
        shown: &[(&str, Shown)],
        scratch: &mut Scratch,
        buffer: &mut Vec<u8>,
    ) -> io::Result<()> {
        buffer.push(b'[');
        for (number, entry) in entries.iter().enumerate() {
            raw(buffer, if number == 0 { "{\"row\":" } else { ",{\"row\":" });
            raw(buffer, scratch.integer(self.row(side, *entry)));
            key(buffer, "values");
            buffer.push(b'{');
            for (at, (name, place)) in shown.iter().enumerate() {
                if at > 0 {
                    buffer.push(b',');
                }
                value(buffer, name)?;
                buffer.push(b':');
                value(buffer, &self.cell(side, *entry, *place, scratch).as_str())?;
            }
            raw(buffer, "}}");
        }
        buffer.push(b']');
        Ok(())
    }
}

fn raw(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend_from_slice(text.as_bytes());
}

/// The next member's name, one of ours.
fn key(buffer: &mut Vec<u8>, name: &str) {
    raw(buffer, ",\"");
    raw(buffer, name);
    raw(buffer, "\":");
}

fn value(buffer: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    Ok(serde_json::to_writer(buffer, value)?)
}

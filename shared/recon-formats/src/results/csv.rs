//! Matches and breaks as CSV in long form: one line a row.

use std::io::{self, Write};

use rayon::prelude::*;
use recon_domain::Side;
use recon_engine::Match;

use super::cells::{Cell, Datum, Scratch};
use super::columns::{ResultColumn, roles};
use super::matches_parquet::{LEADING, TRAILING};
use super::view::{BreakView, MatchView, TableBreak, TableMatch};
use super::{Results, WRITE_BYTES};
use crate::csv_line::Line;

/// Columns of breaks before the roles.
pub(super) const BREAK_LEADING: [&str; 3] = ["side", "row", "kind"];
/// Columns of breaks after the roles.
pub(super) const BREAK_TRAILING: [&str; 3] = ["nearest_row", "failed", "cause"];

/// How many matches one thread renders at a time.
const MATCHES_PER_CHUNK: usize = 16 * 1024;
/// Of how many matches the right cells are fetched at a time; they fit a core's own cache.
const MATCHES_PER_FETCH: usize = 512;
/// Room for the two lines of a match, so that the buffer seldom grows.
const LINE_BYTES_USUAL: usize = 192;

fn at(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl Results<'_> {
    /// `match,pass,status,ambiguity,side,row`, the roles, `variance_amount,variance_days`. Matches count
    /// from 1.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_matches_csv(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let mut buffer = Vec::new();
        matches_header(&mut buffer, &self.columns());
        // All threads of the pool render a wave while the one before it is written.
        let wave = MATCHES_PER_CHUNK * rayon::current_num_threads();
        let mut rendered = vec![buffer];
        for (matches, first) in self.outcome.matches.chunks(wave).zip((1_u64..).step_by(wave)) {
            let (next, written) = rayon::join(
                || self.wave(matches, first),
                || rendered.iter().try_for_each(|lines| out.write_all(lines)),
            );
            written?;
            rendered = next;
        }
        rendered.iter().try_for_each(|lines| out.write_all(lines))
    }

    /// The lines of these matches, chunk by chunk.
    fn wave(&self, matches: &[Match], first: u64) -> Vec<Vec<u8>> {
        let chunks = matches.par_chunks(MATCHES_PER_CHUNK).enumerate();
        chunks
            .map(|(number, chunk)| self.match_lines(chunk, first + at(number * MATCHES_PER_CHUNK)))
            .collect()
    }

    /// The lines of these matches, of which the first has this number.
    fn match_lines(&self, matches: &[Match], first: u64) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(matches.len() * LINE_BYTES_USUAL);
        let mut scratch = Scratch::new();
        let mut number = first;
        for group in matches.chunks(MATCHES_PER_FETCH) {
            self.fetch(Side::Right, group.iter().flat_map(|found| found.right.iter().copied()));
            for found in group {
                let view = TableMatch { results: self, found, number };
                match_lines(&view, self.rules.roles.len(), &mut scratch, &mut buffer);
                number += 1;
            }
        }
        buffer
    }

    /// `side,row,kind`, the roles, `nearest_row,failed,cause`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_breaks_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(WRITE_BYTES + 4096);
        breaks_header(&mut buffer, &self.columns());
        let mut scratch = Scratch::new();
        for found in &self.outcome.breaks {
            let view = TableBreak { results: self, found };
            break_line(&view, self.rules.roles.len(), &mut scratch, &mut buffer);
            flush(&mut buffer, WRITE_BYTES, out)?;
        }
        flush(&mut buffer, 1, out)
    }
}

pub(super) fn matches_header(buffer: &mut Vec<u8>, columns: &[ResultColumn]) {
    header(buffer, &LEADING, columns, &TRAILING);
}

pub(super) fn breaks_header(buffer: &mut Vec<u8>, columns: &[ResultColumn]) {
    header(buffer, &BREAK_LEADING, columns, &BREAK_TRAILING);
}

fn header(buffer: &mut Vec<u8>, before: &[&str], columns: &[ResultColumn], after: &[&str]) {
    let mut line = Line::new(buffer);
    for name in before {
        line.plain(name);
    }
    for name in roles(columns) {
        line.text(name);
    }
    for name in after {
        line.plain(name);
    }
    line.end();
}

/// The lines of a match, with its first columns, which are the roles.
pub(super) fn match_lines(found: &impl MatchView, roles: usize, scratch: &mut Scratch, buffer: &mut Vec<u8>) {
    for side in [Side::Left, Side::Right] {
        for at in 0..found.rows(side) {
            let mut line = Line::new(buffer);
            line.plain(scratch.integer(found.number()));
            line.text(found.pass()).plain(found.status());
            line.plain(scratch.integer(found.ambiguity()));
            line.plain(side.as_str()).plain(scratch.integer(found.row(side, at)));
            for column in 0..roles {
                field(&mut line, scratch, found.datum(side, at, column));
            }
            field(&mut line, scratch, found.amount_variance());
            match found.days_variance() {
                Some(days) => line.plain(scratch.integer(days)),
                None => line.plain(""),
            };
            line.end();
        }
    }
}

/// The line of a break, with its first columns, which are the roles.
pub(super) fn break_line(found: &impl BreakView, roles: usize, scratch: &mut Scratch, buffer: &mut Vec<u8>) {
    let mut line = Line::new(buffer);
    line.plain(found.side().as_str()).plain(scratch.integer(found.row())).plain(found.kind());
    for column in 0..roles {
        field(&mut line, scratch, found.datum(column));
    }
    match found.nearest_row() {
        Some(row) => line.plain(scratch.integer(row)),
        None => line.plain(""),
    };
    line.text(found.failed().as_deref().unwrap_or("")).plain(found.cause().unwrap_or(""));
    line.end();
}

#[inline]
fn field(line: &mut Line<'_>, scratch: &mut Scratch, datum: Datum<'_>) {
    match scratch.cell(datum) {
        Cell::Empty => line.plain(""),
        Cell::Plain(text) => line.plain(text),
        Cell::Text(text) => line.text(text),
    };
}

/// Writes what was gathered, if it is at least so many bytes.
pub(super) fn flush(buffer: &mut Vec<u8>, least: usize, out: &mut dyn Write) -> io::Result<()> {
    if buffer.len() >= least {
        out.write_all(buffer)?;
        buffer.clear();
    }
    Ok(())
}

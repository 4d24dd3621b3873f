//! Matches and breaks as CSV in long form: one line a row.

use std::io::{self, Write};

use rayon::prelude::*;
use recon_domain::Side;
use recon_engine::{Break, Match};

use super::cells::{Cell, Scratch};
use super::{Results, Shown, WRITE_BYTES};
use crate::csv_line::Line;

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
        self.header(
            &mut buffer,
            &["match", "pass", "status", "ambiguity", "side", "row"],
            &["variance_amount", "variance_days"],
        );
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
                for (side, entries) in [(Side::Left, &found.left), (Side::Right, &found.right)] {
                    for entry in entries {
                        self.match_line(number, found, side, *entry, &mut scratch, &mut buffer);
                    }
                }
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
        self.header(&mut buffer, &["side", "row", "kind"], &["nearest_row", "failed", "cause"]);
        let mut scratch = Scratch::new();
        for found in &self.outcome.breaks {
            self.break_line(found, &mut scratch, &mut buffer);
            flush(&mut buffer, WRITE_BYTES, out)?;
        }
        flush(&mut buffer, 1, out)
    }

    fn header(&self, buffer: &mut Vec<u8>, before: &[&str], after: &[&str]) {
        let mut line = Line::new(buffer);
        for name in before {
            line.plain(name);
        }
        for role in &self.rules.roles {
            line.text(&role.name);
        }
        for name in after {
            line.plain(name);
        }
        line.end();
    }

    fn match_line(
        &self,
        number: u64,
        found: &Match,
        side: Side,
        entry: u32,
        scratch: &mut Scratch,
        buffer: &mut Vec<u8>,
    ) {
        let mut line = Line::new(buffer);
        line.plain(scratch.integer(number));
        line.text(self.pass_name(found.pass)).plain(found.status.as_str());
        line.plain(scratch.integer(found.ambiguity));
        line.plain(side.as_str()).plain(scratch.integer(self.row(side, entry)));
        self.role_fields(side, entry, scratch, &mut line);
        match found.variance.amount {
            Some(units) => line.plain(scratch.units(units, self.amount_scale())),
            None => line.plain(""),
        };
        match found.variance.days {
            Some(days) => line.plain(scratch.integer(days)),
            None => line.plain(""),
        };
        line.end();
    }

    fn break_line(&self, found: &Break, scratch: &mut Scratch, buffer: &mut Vec<u8>) {
        let mut line = Line::new(buffer);
        line.plain(found.side.as_str()).plain(scratch.integer(self.row(found.side, found.entry)));
        line.plain(found.kind.as_str());
        self.role_fields(found.side, found.entry, scratch, &mut line);
        match &found.nearest {
            Some(nearest) => {
                line.plain(scratch.integer(self.row(found.side.other(), nearest.entry)));
                let failed = self.failed(found, nearest).into_iter().map(|failed| match failed.by {
                    Some(by) => format!("{} by {by}", failed.condition),
                    None => failed.condition,
                });
                line.text(&failed.collect::<Vec<_>>().join("; "));
                line.plain(nearest.cause.map_or("", |cause| cause.as_str()));
            }
            None => {
                line.plain("").plain("").plain("");
            }
        }
        line.end();
    }

    fn role_fields(&self, side: Side, entry: u32, scratch: &mut Scratch, line: &mut Line<'_>) {
        for role in 0..self.rules.roles.len() {
            match self.cell(side, entry, Shown::Role(role), scratch) {
                Cell::Empty => line.plain(""),
                Cell::Plain(text) => line.plain(text),
                Cell::Text(text) => line.text(text),
            };
        }
    }
}

/// Writes what was gathered, if it is at least so many bytes.
pub(super) fn flush(buffer: &mut Vec<u8>, least: usize, out: &mut dyn Write) -> io::Result<()> {
    if buffer.len() >= least {
        out.write_all(buffer)?;
        buffer.clear();
    }
    Ok(())
}

//! The digest of a result: what it says about the values of both sides, and nothing about files.

use rayon::prelude::*;
use recon_domain::MatchStatus;

use crate::input::{Input, LEFT, RIGHT, SIDES};
use crate::number::{count, index};
use crate::{Break, Column, Match};

/// Changes with everything that a digest is made of.
const VERSION: &str = "v1";

/// The BLAKE3 hash over the sorted BLAKE3 hashes of the lines, behind the version.
///
/// A line is the outcome, the pass, the status, the ambiguity, the variance or the kind of break, and the
/// typed values of its entries. Every part is of fixed length or comes behind its length.
pub(crate) fn digest(input: &Input<'_>, matches: &[Match], breaks: &[Break]) -> String {
    let mut lines = vec![[0; blake3::OUT_LEN]; matches.len() + breaks.len()];
    let (of_matches, of_breaks) = lines.split_at_mut(matches.len());
    of_matches.par_iter_mut().zip(matches).for_each_init(Line::default, |line, (hash, matched)| {
        *hash = line.of_match(input, matched);
    });
    of_breaks.par_iter_mut().zip(breaks).for_each_init(Line::default, |line, (hash, left_over)| {
        *hash = line.of_break(input, left_over);
    });
    lines.par_sort_unstable();
    let mut whole = blake3::Hasher::new();
    whole.update(VERSION.as_bytes());
    for line in &lines {
        whole.update(line);
    }
    format!("{VERSION}:{}", whole.finalize().to_hex())
}

/// The bytes of a line, in room that is kept from one line to the next.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Line {
    fn of_match(&mut self, input: &Input<'_>, matched: &Match) -> [u8; blake3::OUT_LEN] {
        self.0.clear();
        self.text("match");
        self.text(&input.rules.passes[usize::from(matched.pass)].name);
        self.text(match matched.status {
            MatchStatus::Confirmed => "confirmed",
            MatchStatus::Suggested => "suggested",
        });
        self.0.extend(matched.ambiguity.to_le_bytes());
        self.optional(matched.variance.amount.map(i128::to_le_bytes));
        self.optional(matched.variance.days.map(i32::to_le_bytes));
        for (side, entries) in [(LEFT, &matched.left), (RIGHT, &matched.right)] {
            self.0.extend(count(entries.len()).to_le_bytes());
            entries.iter().for_each(|entry| self.entry(input, side, index(*entry)));
        }
        *blake3::hash(&self.0).as_bytes()
    }

    fn of_break(&mut self, input: &Input<'_>, left_over: &Break) -> [u8; blake3::OUT_LEN] {
        self.0.clear();
        self.text("break");
        self.text(left_over.side.as_str());
        self.text(left_over.kind.as_str());
        let side = if left_over.side == SIDES[LEFT] { LEFT } else { RIGHT };
        self.entry(input, side, index(left_over.entry));
        *blake3::hash(&self.0).as_bytes()
    }

    fn entry(&mut self, input: &Input<'_>, side: usize, entry: usize) {
        let table = input.tables[side];
        self.0.extend(table.currencies[entry].as_str().as_bytes());
        for (role, column) in table.columns.iter().enumerate() {
            if Some(role) == input.reserved.currency {
                continue;
            }
            match column {
                Column::Text { ids, .. } => self.text(input.texts.get(ids[entry]).unwrap_or("")),
                Column::Number { scale, .. } => {
                    self.0.push(*scale);
                    self.optional(column.code(entry).map(i128::to_le_bytes));
                }
                Column::Day(_) | Column::Instant(_) => {
                    self.optional(column.code(entry).map(i128::to_le_bytes));
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.0.extend(count(text.len()).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn optional<const N: usize>(&mut self, bytes: Option<[u8; N]>) {
        match bytes {
            Some(bytes) => {
                self.0.push(1);
                self.0.extend(bytes);
            }
            None => self.0.push(0),
        }
    }
}

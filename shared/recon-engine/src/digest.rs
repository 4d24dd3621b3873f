//! The digest of a result: what it says about the values of both sides, and nothing about files.

use std::ops::Range;

use rayon::prelude::*;
use recon_domain::MatchStatus;

use crate::input::{Input, LEFT, RIGHT, SIDES};
use crate::number::{count, index, narrow};
use crate::progress::Watch;
use crate::{Break, Cancelled, Column, Match};

/// Changes with everything that a digest is made of.
const VERSION: &str = "v1";

/// Of how many matches the cells are fetched at a time.
const CHUNK_LINES: usize = 512;

/// How much work it is to hash a line.
const LINE_WORK: u64 = 32;

/// A BLAKE3 hash in four parts, which sort as its bytes do and sooner.
type Hash = [u64; 4];

/// The BLAKE3 hash over the sorted BLAKE3 hashes of the lines, behind the version.
///
/// A line is the outcome, the name of the pass, the status, the ambiguity, the variance or the kind of
/// break, and the typed values of its entries. Every part is of fixed length or comes behind its length.
pub(crate) fn digest(
    input: &Input<'_>,
    matches: &[Match],
    breaks: &[Break],
    watch: &Watch<'_>,
) -> Result<String, Cancelled> {
    let mut lines: Vec<Hash> = vec![[0; 4]; matches.len() + breaks.len()];
    let (of_matches, of_breaks) = lines.split_at_mut(matches.len());
    let chunks = of_matches.par_chunks_mut(CHUNK_LINES).zip(matches.par_chunks(CHUNK_LINES));
    chunks.try_for_each_init(Room::default, |room, (hashes, matches)| {
        room.line.of_matches(input, matches, hashes);
        watch.after(&mut room.work, LINE_WORK * count(matches.len()))
    })?;
    of_breaks.par_iter_mut().zip(breaks).try_for_each_init(Room::default, |room, (hash, left_over)| {
        *hash = room.line.of_break(input, left_over);
        watch.after(&mut room.work, LINE_WORK)
    })?;
    lines.par_sort_unstable();
    watch.ask()?;
    let mut work = 0;
    let mut whole = blake3::Hasher::new();
    whole.update(VERSION.as_bytes());
    for lines in lines.chunks(CHUNK_LINES) {
        let bytes: Vec<u8> = lines.iter().flatten().flat_map(|part| part.to_be_bytes()).collect();
        whole.update(&bytes);
        watch.after(&mut work, LINE_WORK * count(lines.len()))?;
    }
    Ok(format!("{VERSION}:{}", whole.finalize().to_hex()))
}

/// What a thread needs to hash lines.
#[derive(Debug, Default)]
struct Room {
    line: Line,
    /// See [`Watch::after`].
    work: u64,
}

/// The bytes of a line, in room that is kept from one line to the next.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Line {
    /// Fetches the cells of many matches at once, so that waiting for one does not hold up the others.
    fn of_matches(&mut self, input: &Input<'_>, matches: &[Match], hashes: &mut [Hash]) {
        let left: Vec<u32> = matches.iter().flat_map(|matched| matched.left.iter().copied()).collect();
        let right: Vec<u32> = matches.iter().flat_map(|matched| matched.right.iter().copied()).collect();
        let tables = [input.only(LEFT, &left), input.only(RIGHT, &right)];
        let fetched = input.over([&tables[LEFT], &tables[RIGHT]], input.texts);
        let mut next = [0, 0];
        for (hash, matched) in hashes.iter_mut().zip(matches) {
            let entries = [LEFT, RIGHT].map(|side| {
                let count = if side == LEFT { matched.left.len() } else { matched.right.len() };
                let start = next[side];
                next[side] += count;
                start..next[side]
            });
            *hash = self.of_match(&fetched, matched, entries);
        }
    }

    fn of_match(&mut self, input: &Input<'_>, matched: &Match, entries: [Range<usize>; 2]) -> Hash {
        self.0.clear();
        self.0.push(match matched.status {
            MatchStatus::Confirmed => b'C',
            MatchStatus::Suggested => b'S',
        });
        self.text(&input.rules.passes[usize::from(matched.pass)].name);
        self.number(Some(i128::from(matched.ambiguity)));
        self.number(matched.variance.amount);
        self.number(matched.variance.days.map(i128::from));
        for (side, entries) in entries.into_iter().enumerate() {
            self.0.extend(narrow(entries.len()).to_le_bytes());
            entries.for_each(|entry| self.entry(input, side, entry));
        }
        self.hash()
    }

    fn of_break(&mut self, input: &Input<'_>, left_over: &Break) -> Hash {
        self.0.clear();
        self.0.push(b'B');
        self.text(left_over.side.as_str());
        self.text(left_over.kind.as_str());
        let side = if left_over.side == SIDES[LEFT] { LEFT } else { RIGHT };
        self.entry(input, side, index(left_over.entry));
        self.hash()
    }

    fn hash(&self) -> Hash {
        let hash = blake3::hash(&self.0);
        let (parts, _) = hash.as_bytes().as_chunks();
        let mut numbers = [0; 4];
        numbers.iter_mut().zip(parts).for_each(|(number, part)| *number = u64::from_be_bytes(*part));
        numbers
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
                    self.number(column.code(entry));
                }
                Column::Day(_) | Column::Instant(_) => self.number(column.code(entry)),
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.0.extend(narrow(text.len()).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    /// A number in as few bytes as it needs; of no length where there is none.
    fn number(&mut self, number: Option<i128>) {
        let bytes = number.unwrap_or(0).to_le_bytes();
        let sign = if number.is_some_and(|number| number < 0) { 0xFF } else { 0 };
        // The last byte that is kept shows the sign.
        let shown = |last: u8| (last ^ sign) & 0x80 == 0;
        let mut length = bytes.len();
        while length > 1 && bytes[length - 1] == sign && shown(bytes[length - 2]) {
            length -= 1;
        }
        let kept = if number.is_some() { &bytes[..length] } else { &[] };
        self.0.push(u8::try_from(kept.len()).unwrap_or(u8::MAX));
        self.0.extend(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_as_few_bytes_as_they_need() {
        for (number, written) in [
            (None, vec![0]),
            (Some(0), vec![1, 0]),
            (Some(127), vec![1, 127]),
            (Some(128), vec![2, 128, 0]),
            (Some(-1), vec![1, 0xFF]),
            (Some(-128), vec![1, 0x80]),
            (Some(-129), vec![2, 0x7F, 0xFF]),
        ] {
            let mut line = Line::default();
            line.number(number);
            assert_eq!(line.0, written, "{number:?}");
        }
        let mut line = Line::default();
        line.number(Some(i128::MIN));
        assert_eq!(line.0.len(), 17);
    }
}

//! Matches one after the other, with a few of them in memory.

use std::vec;

use recon_formats::ReadAnywhere;
use recon_formats::results::matches_parquet::{Error, Filter, Reader, StoredMatch};

/// How many matches are read at once. A match may be as long as its rows, so that a page of long ones, which ends early,
/// is not read to its full number.
const MATCHES_AT_ONCE: usize = 64;

/// The matches that are asked for, read as they are needed.
pub(crate) struct Matches {
    reader: Reader,
    after: u64,
    filter: Filter,
    waiting: vec::IntoIter<StoredMatch>,
    ended: bool,
}

impl Matches {
    /// Those after this number.
    pub(crate) fn open(object: impl ReadAnywhere, after: u64, filter: Filter) -> Result<Self, Error> {
        let reader = Reader::of(object)?;
        Ok(Self { reader, after, filter, waiting: Vec::new().into_iter(), ended: false })
    }

    fn read(&mut self) -> Result<(), Error> {
        let found = self.reader.page(self.after, &self.filter, MATCHES_AT_ONCE)?;
        self.after = found.last().map_or(self.after, |last| last.number);
        self.ended = found.len() < MATCHES_AT_ONCE;
        self.waiting = found.into_iter();
        Ok(())
    }
}

impl Iterator for Matches {
    type Item = Result<StoredMatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.waiting.len() == 0
            && !self.ended
            && let Err(error) = self.read()
        {
            self.ended = true;
            return Some(Err(error));
        }
        self.waiting.next().map(Ok)
    }
}

//! Reading an object here and there.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore as _};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::{Bucket, in_time, temporary, unavailable, whole};
use crate::objects::error::disk;
use crate::objects::room::{Room, turn};
use crate::objects::{ObjectError, Stay, Taken, Trouble, parsed};

/// What is got at once: so many bytes from a multiple of them on. It is more where more is asked for, where one part after the other is
/// read, and once much was got not far before: a file of many columns has a little of what is wanted in many places.
const PART_BYTES: u64 = 512 * 1024;
const PARTS_AT_ONCE_MAX: u64 = 16;
const REQUESTS_BEFORE_MORE: u64 = 16;
/// How many parts are kept in the temporary folder.
const PARTS_MAX: usize = 128;
/// What is got first and stays in memory: the end, where files say what is where in them.
const TAIL_BYTES: u64 = 512 * 1024;

/// An object of a bucket, of which those parts are got that are read.
pub(in crate::objects) struct Parts {
    store: PrefixStore<AmazonS3>,
    name: String,
    found: ObjectMeta,
    /// The last bytes, and where they begin.
    tail: (u64, Bytes),
    held: Mutex<Held>,
    failure: Mutex<Option<ObjectError>>,
    runtime: Handle,
    until: Instant,
    is_given_up: AtomicBool,
    _room: Taken,
}

/// What was got.
struct Held {
    file: File,
    /// The numbers of parts, and where in the file each is, counted in parts; the one that was read last at the end.
    parts: VecDeque<(u64, u64)>,
    /// The part after those that were got last, and how many they were.
    next: (u64, u64),
    /// How many requests there were.
    requests: u64,
}

impl Bucket {
    /// Opens an object of which this is known. It begins with the end of it.
    pub(super) async fn parts(
        &self,
        name: &str,
        found: ObjectMeta,
        room: Option<&'static Room>,
        until: Instant,
    ) -> Result<Parts, ObjectError> {
        let room = match room {
            Some(room) => room.to_copy(PARTS_MAX as u64 * PART_BYTES, Stay::Short, name).await?,
            None => Vec::new(),
        };
        let file = temporary("read", name).await?;
        let mut parts = Parts {
            store: self.store("read", name).await?.clone(),
            name: name.to_owned(),
            tail: (found.size, Bytes::new()),
            found,
            held: Mutex::new(Held::in_file(file)),
            failure: Mutex::default(),
            runtime: Handle::current(),
            until,
            is_given_up: AtomicBool::new(false),
            _room: Taken(room),
        };
        let begin = parts.found.size.saturating_sub(TAIL_BYTES);
        parts.tail = (begin, parts.get(begin..parts.found.size).await?);
        Ok(parts)
    }
}

impl Parts {
    pub(in crate::objects) const fn bytes(&self) -> u64 {
        self.found.size
    }

    /// Lets whoever reads end soon.
    pub(in crate::objects) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    pub(in crate::objects) fn failure(&self) -> Option<ObjectError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Reads what is there, up to the end of a part.
    pub(in crate::objects) fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize> {
        if position >= self.bytes() {
            return Ok(0);
        }
        let (begin, tail) = &self.tail;
        if let Some(from) = position.checked_sub(*begin) {
            return tail.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default().read(into);
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_held(&mut held, position, into).map_err(|error| {
            // One that could not be written has lost its place.
            held.parts.clear();
            let words = error.to_string();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            io::Error::other(words)
        })
    }

    fn read_held(&self, held: &mut Held, position: u64, into: &mut [u8]) -> Result<usize, ObjectError> {
        let (number, from) = (position / PART_BYTES, position % PART_BYTES);
        if !held.parts.iter().any(|(held, _)| *held == number) {
            let count = held.how_many(number, into.len());
            let range = number * PART_BYTES..((number + count) * PART_BYTES).min(self.bytes());
            let got = self.runtime.block_on(self.get(range))?;
            held.take_in(number, &got).map_err(|e| disk("read", &self.name, e))?;
            held.next = (number + count, count);
        }
        let left = (PART_BYTES - from).min(self.bytes() - position);
        let length = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        held.read(number, from, &mut into[..length]).map_err(|e| disk("read", &self.name, e))
    }

    async fn get(&self, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let bytes = range.end - range.start;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.found.e_tag.clone(),
            ..GetOptions::default()
        };
        let at = parsed(&self.name)?;
        let until = if self.is_given_up.load(Ordering::Relaxed) { Instant::now() } else { self.until };
        let get = async {
            let _turn = turn().await;
            in_time("read", &self.name, async { self.store.get_opts(&at, options).await?.bytes().await })
                .await
        };
        let busy = |elapsed| unavailable("read", &self.name, Trouble::Busy, elapsed);
        let part = timeout_at(until, get).await.map_err(busy)??;
        whole("read", &self.name, &part, bytes)?;
        Ok(part)
    }
}

impl Held {
    const fn in_file(file: File) -> Self {
        Self { file, parts: VecDeque::new(), next: (0, 0), requests: 0 }
    }

    /// How many parts to get from this one on, of which so many bytes are wanted.
    fn how_many(&mut self, number: u64, wanted: usize) -> u64 {
        let (next, before) = self.next;
        let ahead = if number == next { before * 2 } else { 0 };
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX).div_ceil(PART_BYTES);
        let is_near = number.checked_sub(next).is_some_and(|between| between < PARTS_AT_ONCE_MAX);
        let more = if is_near { self.requests / REQUESTS_BEFORE_MORE } else { 0 };
        self.requests += 1;
        ahead.max(wanted).max(more).clamp(1, PARTS_AT_ONCE_MAX)
    }

    fn take_in(&mut self, first: u64, got: &Bytes) -> io::Result<()> {
        let parts = got.chunks(usize::try_from(PART_BYTES).unwrap_or(usize::MAX));
        for (number, part) in (first..).zip(parts) {
            let same = self.parts.iter().position(|(held, _)| *held == number);
            let place = match same.and_then(|at| self.parts.remove(at)) {
                Some((_, place)) => place,
                None if self.parts.len() < PARTS_MAX => self.parts.len() as u64,
                None => self.parts.pop_front().map_or(0, |(_, place)| place),
            };
            self.file.seek(SeekFrom::Start(place * PART_BYTES))?;
            self.file.write_all(part)?;
            self.parts.push_back((number, place));
        }
        Ok(())
    }

    /// Reads of a part that is held. It is kept the longest now.
    fn read(&mut self, number: u64, from: u64, into: &mut [u8]) -> io::Result<usize> {
        let found = self.parts.iter().position(|(held, _)| *held == number);
        let found = found.and_then(|at| self.parts.remove(at)).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.parts.push_back(found);
        self.file.seek(SeekFrom::Start(found.1 * PART_BYTES + from))?;
        self.file.read(into)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("name", &self.name)
            .field("bytes", &self.found.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_last_is_kept_the_longest() {
        let mut held = Held::in_file(tempfile::tempfile().unwrap());
        let bytes = |number: u64| {
            let byte = u8::try_from(number).unwrap();
            Bytes::from(vec![byte; usize::try_from(PART_BYTES).unwrap()])
        };
        let byte = |held: &mut Held, number| {
            let mut into = [255; 1];
            held.read(number, PART_BYTES - 1, &mut into).map(|read| (read, into[0]))
        };
        for number in 0..PARTS_MAX as u64 {
            held.take_in(number, &bytes(number)).unwrap();
        }
        assert_eq!(byte(&mut held, 0).unwrap(), (1, 0));
        held.take_in(200, &bytes(200)).unwrap();
        // The same once more takes no room.
        held.take_in(200, &bytes(200)).unwrap();
        assert_eq!(byte(&mut held, 1).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        for (number, found) in [(0, 0), (2, 2), (127, 127), (200, 200)] {
            assert_eq!(byte(&mut held, number).unwrap(), (1, found));
        }
        assert_eq!(held.file.metadata().unwrap().len(), PARTS_MAX as u64 * PART_BYTES);
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let mut held = Held::in_file(File::open("Cargo.toml").unwrap());
        held.take_in(0, &Bytes::from_static(b"a")).unwrap_err();
    }

    #[test]
    fn more_is_got_at_once_where_much_is_wanted_or_was_got() {
        let mut held = Held::in_file(tempfile::tempfile().unwrap());
        let mut how_many = |number, wanted| {
            let count = held.how_many(number, wanted);
            held.next = (number + count, count);
            count
        };
        assert_eq!([how_many(9, 1), how_many(10, 1), how_many(12, 1), how_many(40, 1)], [1, 2, 4, 1]);
        assert_eq!([how_many(80, 3 << 19), how_many(200, usize::MAX)], [3, 16]);
        let near: Vec<u64> = (0..40).map(|step| how_many(1_000 + 10 * step, 1)).collect();
        assert_eq!((near[0], near[5], near[20], near[39]), (1, 1, 1, 2));
        assert_eq!(how_many(5_000, 1), 1);
    }
}

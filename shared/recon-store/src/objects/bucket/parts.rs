//! Reading an object here and there.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::path::Path as Name;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectStore as _};
use tokio::runtime::Handle;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::{Bucket, failed, in_time, silent, whole};
use crate::objects::room::{Room, turn};
use crate::objects::{ObjectError, parsed};

/// The bytes that are got at once: from a multiple of them on, and from the end.
const PART_BYTES: u64 = 128 * 1024;
const TAIL_BYTES: u64 = 512 * 1024;
/// How many parts are got at once where one after the other is read.
const AHEAD_MAX: u64 = 16;
/// How many parts are held beside the tail.
const PARTS_MAX: usize = 64;
/// How long an object may be read.
const READ_TIME_MAX: Duration = Duration::from_secs(30);

/// An object of a bucket, of which those parts are got that are read.
pub(in crate::objects) struct Parts {
    store: PrefixStore<AmazonS3>,
    at: Name,
    name: String,
    etag: Option<String>,
    bytes: u64,
    /// The last bytes, where files say what is where in them, and where they begin.
    tail: (u64, Bytes),
    held: Mutex<Held>,
    failure: Mutex<Option<ObjectError>>,
    runtime: Handle,
    until: Instant,
    _room: Option<SemaphorePermit<'static>>,
}

/// What was got.
#[derive(Default)]
struct Held {
    /// Parts by their number, the one that was read last at the end.
    parts: VecDeque<(u64, Bytes)>,
    /// The part after those that were got last, and how many they were.
    next: (u64, u64),
}

impl Bucket {
    /// Opens an object for reading here and there. It begins with the end of it.
    pub(in crate::objects) async fn parts(
        &self,
        name: &str,
        room: Option<&'static Room>,
    ) -> Result<Parts, ObjectError> {
        let (store, at) = (self.store("read", name).await?.clone(), parsed(name)?);
        let room = match room {
            Some(room) => Some(room.to_read(name).await?),
            None => None,
        };
        let options = GetOptions { range: Some(GetRange::Suffix(TAIL_BYTES)), ..GetOptions::default() };
        let last = async {
            let found = store.get_opts(&at, options).await?;
            let (meta, begin) = (found.meta.clone(), found.range.start);
            Ok((meta, begin, found.bytes().await?))
        };
        let (meta, begin, tail) = in_time("read", name, last).await?;
        whole("read", name, &tail, meta.size - begin)?;
        Ok(Parts {
            store,
            at,
            name: name.to_owned(),
            etag: meta.e_tag,
            bytes: meta.size,
            tail: (begin, tail),
            held: Mutex::default(),
            failure: Mutex::default(),
            runtime: Handle::current(),
            until: Instant::now() + READ_TIME_MAX,
            _room: room,
        })
    }
}

impl Parts {
    pub(in crate::objects) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(in crate::objects) fn failure(&self) -> Option<ObjectError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Reads what is there, up to the end of a part.
    pub(in crate::objects) fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize> {
        if position >= self.bytes {
            return Ok(0);
        }
        let (begin, part) = match &self.tail {
            (begin, tail) if position >= *begin => (*begin, tail.clone()),
            _ => self.part(position / PART_BYTES)?,
        };
        let from = usize::try_from(position - begin).unwrap_or(usize::MAX);
        let there = part.get(from..).unwrap_or_default();
        let read = into.len().min(there.len());
        into[..read].copy_from_slice(&there[..read]);
        Ok(read)
    }

    fn part(&self, number: u64) -> io::Result<(u64, Bytes)> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.parts.iter().any(|(held, _)| *held == number) {
            let (next, count) = held.next;
            let count = if number == next { (count * 2).clamp(1, AHEAD_MAX) } else { 1 };
            let got = self.get(number, count).map_err(|error| {
                let words = error.to_string();
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                io::Error::other(words)
            })?;
            held.take_in(number, &got);
            held.next = (number + count, count);
        }
        let part = held.read(number).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((number * PART_BYTES, part))
    }

    /// Gets so many parts, or fewer at the end.
    fn get(&self, first: u64, count: u64) -> Result<Bytes, ObjectError> {
        let range = first * PART_BYTES..((first + count) * PART_BYTES).min(self.bytes);
        let bytes = range.end - range.start;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.etag.clone(),
            ..GetOptions::default()
        };
        let get = async {
            let _turn = turn().await;
            self.store.get_opts(&self.at, options).await?.bytes().await
        };
        let got = self.runtime.block_on(timeout_at(self.until, get));
        let got = got.map_err(|elapsed| silent("read", &self.name, elapsed))?;
        let got = got.map_err(failed("read", &self.name))?;
        whole("read", &self.name, &got, bytes)?;
        Ok(got)
    }
}

impl Held {
    fn take_in(&mut self, first: u64, got: &Bytes) {
        let parts = got.chunks(usize::try_from(PART_BYTES).unwrap_or(usize::MAX));
        for (number, part) in (first..).zip(parts) {
            self.parts.retain(|(held, _)| *held != number);
            // A slice would hold all that came with it.
            self.parts.push_back((number, Bytes::copy_from_slice(part)));
        }
        let over = self.parts.len().saturating_sub(PARTS_MAX);
        self.parts.drain(..over);
    }

    /// A part that is held. It is kept the longest now.
    fn read(&mut self, number: u64) -> Option<Bytes> {
        let place = self.parts.iter().position(|(held, _)| *held == number)?;
        let found = self.parts.remove(place)?;
        self.parts.push_back(found.clone());
        Some(found.1)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("name", &self.name).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

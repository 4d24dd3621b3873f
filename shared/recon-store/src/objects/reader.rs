//! Objects that are read here and there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "cluster")]
use super::bucket::Parts;
use super::{ObjectError, Taken};

/// An object that is read from any place. Clones read the same bytes, each from a place of its own.
///
/// Of a large object in a bucket only those parts are got that are read, and kept in the temporary folder. Reading waits for
/// them, so it belongs on a thread of [`tokio::task::spawn_blocking`]; on one that runs futures it may panic. All of it has to be
/// over 25 seconds after the object was opened.
#[derive(Debug, Clone)]
pub struct ObjectReader {
    source: Source,
    bytes: u64,
    position: u64,
}

#[derive(Debug, Clone)]
enum Source {
    File(Arc<(Mutex<File>, Taken)>),
    #[cfg(feature = "cluster")]
    Parts(Arc<Parts>),
}

impl ObjectReader {
    pub(super) fn of_file(file: File, room: Taken) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self { source: Source::File(Arc::new((Mutex::new(file), room))), bytes, position: 0 })
    }

    #[cfg(feature = "cluster")]
    pub(super) fn of_parts(parts: Parts) -> Self {
        Self { bytes: parts.bytes(), source: Source::Parts(Arc::new(parts)), position: 0 }
    }

    /// Lets all that read it end soon: nobody waits for them any more.
    pub fn give_up(&self) {
        match &self.source {
            Source::File(_) => {}
            #[cfg(feature = "cluster")]
            Source::Parts(parts) => parts.give_up(),
        }
    }

    /// What the object store failed at, if that is why reading failed: an [`io::Error`] of this has lost it where it comes out of
    /// another library. It is told once.
    #[must_use]
    pub fn failure(&self) -> Option<ObjectError> {
        match &self.source {
            Source::File(_) => None,
            #[cfg(feature = "cluster")]
            Source::Parts(parts) => parts.failure(),
        }
    }
}

impl Read for ObjectReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &self.source {
            Source::File(file) => {
                let mut file = file.0.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(self.position))?;
                file.read(into)?
            }
            #[cfg(feature = "cluster")]
            Source::Parts(parts) => parts.read_at(self.position, into)?,
        };
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

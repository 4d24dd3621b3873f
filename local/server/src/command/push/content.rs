//! A file's bytes: their hash, and their way to the server.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::note::hex;
use crate::progress::Bar;

/// Bytes that are hashed at once.
const READ_BYTES: usize = 256 * 1024;

/// A file as it was when it was hashed.
pub(super) struct Content<'p> {
    /// Where it is.
    pub path: &'p Path,
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256, 64 lower-case hex digits.
    pub sha256: String,
}

impl<'p> Content<'p> {
    /// Reads a file once.
    pub(super) fn of(path: &'p Path) -> Result<Self> {
        let read = || -> io::Result<Self> {
            let mut file = File::open(path)?;
            let bar = Bar::bytes(format!("hashing {}", name(path)), file.metadata()?.len());
            let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
            let mut buffer = vec![0; READ_BYTES];
            loop {
                let count = match file.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                hash.update(&buffer[..count]);
                bytes += u64::try_from(count).unwrap_or(u64::MAX);
                bar.set(bytes);
            }
            Ok(Self { path, bytes, sha256: hex(&hash.finalize()) })
        };
        read().with_context(|| format!("read {}", path.display()))
    }

    /// Opens it for sending; refused when its length is another one by now.
    pub(super) fn open<'b>(&self, bar: &'b Bar) -> Result<Sending<'b>, Error> {
        let opened = File::open(self.path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((bytes, file)) if bytes == self.bytes => Ok(Sending { file, sent: 0, bar }),
            Ok(_) => Err(Error::Local(format!("{} changed while it was read", self.path.display()))),
            Err(error) => Err(Error::Local(format!("read {}: {error}", self.path.display()))),
        }
    }

    /// Its name without the folder.
    pub(super) fn name(&self) -> String {
        name(self.path)
    }
}

/// A file on its way.
pub(super) struct Sending<'b> {
    file: File,
    sent: u64,
    bar: &'b Bar,
}

impl Read for Sending<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.sent += u64::try_from(count).unwrap_or(u64::MAX);
        self.bar.set(self.sent);
        Ok(count)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

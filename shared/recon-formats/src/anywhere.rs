//! What Parquet files are read from, where it is no local file.

use std::io::{BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// Something that is read from any place. Clones read the same bytes, each from a place of its own.
pub trait ReadAnywhere: Read + Seek + Clone + Send + Sync + 'static {}

impl<R: Read + Seek + Clone + Send + Sync + 'static> ReadAnywhere for R {}

/// A Parquet file in it.
pub(crate) struct Anywhere<R> {
    reader: R,
    bytes: u64,
}

impl<R: ReadAnywhere> Anywhere<R> {
    pub(crate) fn new(mut reader: R) -> Result<Self, ParquetError> {
        let bytes = reader.seek(SeekFrom::End(0))?;
        Ok(Self { reader, bytes })
    }

    fn at(&self, start: u64) -> Result<R, ParquetError> {
        let mut reader = self.reader.clone();
        reader.seek(SeekFrom::Start(start))?;
        Ok(reader)
    }
}

impl<R: ReadAnywhere> Length for Anywhere<R> {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl<R: ReadAnywhere> ChunkReader for Anywhere<R> {
    type T = BufReader<R>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(self.at(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // What the file promises may be more than it has.
        let there = self.bytes.saturating_sub(start);
        if u64::try_from(length).is_ok_and(|length| length > there) {
            return Err(ParquetError::EOF(format!("{there} bytes of {length} at {start}")));
        }
        let mut bytes = vec![0; length];
        self.at(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

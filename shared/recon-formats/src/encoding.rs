//! Bytes to UTF-8: which encoding a file has, and reading it as a stream.

mod feed;

use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

pub(crate) use feed::Feed;

/// Bytes that are looked at to tell text from other things.
const SNIFF_BYTES: usize = 64 * 1024;
/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Where bytes come from; it is read more than once.
pub(crate) trait Input: Read + Seek + Send {}
impl<T: Read + Seek + Send> Input for T {}

/// Why bytes are not text that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading failed.
    #[error("cannot read the file")]
    Read(#[from] io::Error),
    /// The label names no encoding.
    #[error("unknown encoding `{0}`, expected a label such as utf-8, utf-16le or windows-1252")]
    UnknownEncoding(String),
    /// The file is something else.
    #[error("not a table: {0}")]
    NotText(&'static str),
}

/// The encoding of a file, and how that is known.
#[derive(Debug)]
pub(crate) struct Sniffed {
    pub(crate) encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    pub(crate) mark_bytes: u64,
    pub(crate) evidence: String,
}

/// First bytes of formats that people upload by mistake.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "it is an Excel workbook or a ZIP archive; save the sheet as CSV"),
    (b"\xD0\xCF\x11\xE0", "it is an old Office document; save the sheet as CSV"),
    (b"%PDF", "it is a PDF document"),
    (b"\x1F\x8B", "it is compressed by gzip; unpack it first"),
    (b"PAR1", "it is a Parquet file"),
    (b"SQLite format 3\0", "it is an SQLite database"),
    (b"\xFF\xFE\0\0", "it is UTF-32 text; save it as UTF-8"),
    (b"\0\0\xFE\xFF", "it is UTF-32 text; save it as UTF-8"),
    (b"\x89PNG", "it is a picture"),
    (b"\xFF\xD8\xFF", "it is a picture"),
];

/// Settles the encoding; looks at every byte unless a mark or a label says it.
pub(crate) fn sniff(input: &mut dyn Input, label: Option<&str>) -> Result<Sniffed, Error> {
    let mut head = Vec::new();
    input.seek(SeekFrom::Start(0))?;
    Read::take(&mut *input, SNIFF_BYTES as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(Error::NotText("the file is empty"));
    }
    if let Some((_, what)) = SIGNATURES.iter().find(|(bytes, _)| head.starts_with(bytes)) {
        return Err(Error::NotText(what));
    }
    let marked = Encoding::for_bom(&head);
    if let Some(label) = label {
        return labelled(label, marked);
    }
    if let Some((encoding, bytes)) = marked {
        let evidence = format!("encoding {}: the file starts with its byte order mark", name(encoding));
        return Ok(Sniffed { encoding, mark_bytes: bytes as u64, evidence });
    }
    if let Some(encoding) = zeros(&head) {
        let evidence = format!("encoding {}: every other byte of Latin text is zero", name(encoding));
        return Ok(Sniffed { encoding, mark_bytes: 0, evidence });
    }
    let controls = head.iter().filter(|byte| matches!(byte, 0..=8 | 14..=25 | 28..=31)).count();
    // A few may be damage, for which rows are rejected.
    if controls > 3 && controls * 50 > head.len() {
        return Err(Error::NotText("it is binary data"));
    }
    input.seek(SeekFrom::Start(0))?;
    let census = Census::of(input)?;
    let (encoding, evidence) = census.verdict();
    Ok(Sniffed { encoding, mark_bytes: 0, evidence })
}

/// The name people know.
pub(crate) fn name(encoding: &'static Encoding) -> String {
    encoding.name().to_ascii_lowercase()
}

fn labelled(label: &str, marked: Option<(&'static Encoding, usize)>) -> Result<Sniffed, Error> {
    let unknown = || Error::UnknownEncoding(label.chars().take(64).collect());
    let said = Encoding::for_label(label.as_bytes()).ok_or_else(unknown)?;
    if said == encoding_rs::REPLACEMENT {
        return Err(unknown());
    }
    let wide = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
    // `utf-16` alone leaves the byte order to the mark.
    let (encoding, mark_bytes) = match marked {
        Some((encoding, bytes)) if encoding == said || (wide(encoding) && wide(said)) => {
            (encoding, bytes as u64)
        }
        Some(_) | None => (said, 0),
    };
    Ok(Sniffed { encoding, mark_bytes, evidence: format!("encoding {}: as told", name(encoding)) })
}

/// UTF-16 without a mark: Latin letters, digits and delimiters have a zero byte each.
fn zeros(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.len() / 2;
    let count = |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (count(0), count(1));
    if pairs > 0 && odd * 4 >= pairs && even * 10 <= pairs {
        Some(UTF_16LE)
    } else if pairs > 0 && even * 4 >= pairs && odd * 10 <= pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// What all bytes say about UTF-8.
#[derive(Debug, Default)]
struct Census {
    /// Characters of more than one byte.
    wide: u64,
    /// Places that are not UTF-8.
    invalid: u64,
    first_invalid_line: u64,
    lines: u64,
}

impl Census {
    fn of(input: &mut dyn Input) -> io::Result<Self> {
        let mut census = Self { lines: 1, ..Self::default() };
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut held = 0;
        loop {
            let read = read_some(input, &mut chunk[held..])?;
            let end = held + read;
            let rest = census.add(&chunk[..end], read == 0);
            if read == 0 {
                return Ok(census);
            }
            chunk.copy_within(end - rest..end, 0);
            held = rest;
        }
    }

    /// Counts a chunk; returns how many bytes at its end are the start of a character that goes on.
    fn add(&mut self, mut bytes: &[u8], last: bool) -> usize {
        loop {
            let (valid, bad) = match simdutf8::compat::from_utf8(bytes) {
                Ok(_) => (bytes.len(), None),
                Err(error) => (error.valid_up_to(), Some(error.error_len())),
            };
            let good = &bytes[..valid];
            self.lines += memchr::memchr_iter(b'\n', good).count() as u64;
            if !good.is_ascii() {
                self.wide += good.iter().filter(|byte| **byte >= 0xC0).count() as u64;
            }
            let skip = match bad {
                None => return 0,
                Some(None) if !last => return bytes.len() - valid,
                Some(None) => bytes.len() - valid,
                Some(Some(skip)) => skip,
            };
            if self.invalid == 0 {
                self.first_invalid_line = self.lines;
            }
            self.invalid += 1;
            bytes = &bytes[valid + skip..];
        }
    }

    fn verdict(&self) -> (&'static Encoding, String) {
        let line = self.first_invalid_line;
        if self.invalid == 0 && self.wide == 0 {
            (UTF_8, "encoding utf-8: every byte of the file is ASCII".to_owned())
        } else if self.invalid == 0 {
            (
                UTF_8,
                format!(
                    "encoding utf-8: the whole file is valid, with {} characters beyond ASCII",
                    self.wide
                ),
            )
        } else if self.wide >= self.invalid {
            // Text of another encoding hardly ever holds valid UTF-8 by chance, so these are damaged cells. Reading
            // them as Windows-1252 would garble the valid ones without a word; this way rows are rejected.
            let (wide, invalid) = (self.wide, self.invalid);
            (
                UTF_8,
                format!(
                    "encoding utf-8: {wide} characters beyond ASCII are valid, {invalid} places are damaged, the first on line {line}, and their rows are rejected (say `encoding` if the file is of another one)"
                ),
            )
        } else {
            (WINDOWS_1252, format!("encoding windows-1252: line {line} is not valid UTF-8"))
        }
    }
}

fn read_some(input: &mut dyn Input, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

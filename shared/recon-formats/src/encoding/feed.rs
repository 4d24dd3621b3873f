//! The text of a file as a stream.

use std::io::{self, SeekFrom};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

use super::{CHUNK_BYTES, Input, read_some};

/// The text of a file as a stream of UTF-8 (where the file is damaged UTF-8: of bytes).
pub(crate) struct Feed {
    input: Box<dyn Input>,
    encoding: &'static Encoding,
    mark_bytes: u64,
    /// `None` where the file is UTF-8 already.
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// Where the text that is not consumed starts.
    start: usize,
    ended: bool,
    /// Whether bytes that mean nothing in the encoding have become U+FFFD.
    damaged: bool,
    read_bytes: u64,
}

impl Feed {
    pub(crate) fn new(
        input: Box<dyn Input>,
        encoding: &'static Encoding,
        mark_bytes: u64,
    ) -> io::Result<Self> {
        let (raw, text) = (Vec::new(), Vec::new());
        let mut feed = Self {
            input,
            encoding,
            mark_bytes,
            decoder: None,
            raw,
            text,
            start: 0,
            ended: false,
            damaged: false,
            read_bytes: 0,
        };
        feed.rewind()?;
        Ok(feed)
    }

    /// Goes back to the first character.
    pub(crate) fn rewind(&mut self) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(self.mark_bytes))?;
        self.decoder = (self.encoding != UTF_8).then(|| self.encoding.new_decoder_without_bom_handling());
        self.text.clear();
        (self.start, self.ended, self.damaged, self.read_bytes) = (0, false, false, self.mark_bytes);
        Ok(())
    }

    /// What is there to be consumed.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text[self.start..]
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.text.len());
    }

    /// Whether [`Feed::text`] reaches to the end of the file.
    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }

    pub(crate) const fn damaged(&self) -> bool {
        self.damaged
    }

    /// Bytes of the file that were read so far.
    pub(crate) const fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// Reads on; afterwards there is more text, or the end is reached.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        self.text.drain(..self.start);
        self.start = 0;
        let held = self.text.len();
        let Some(decoder) = &mut self.decoder else {
            self.text.resize(held + CHUNK_BYTES, 0);
            let read = read_some(&mut *self.input, &mut self.text[held..])?;
            self.text.truncate(held + read);
            self.read_bytes += read as u64;
            self.ended = read == 0;
            return Ok(());
        };
        self.raw.resize(CHUNK_BYTES, 0);
        while self.text.len() == held && !self.ended {
            let read = read_some(&mut *self.input, &mut self.raw)?;
            self.read_bytes += read as u64;
            self.ended = read == 0;
            self.damaged |= decode(decoder, &self.raw[..read], self.ended, &mut self.text);
        }
        Ok(())
    }
}

/// Appends the text of `raw`; returns whether some of it meant nothing.
fn decode(decoder: &mut Decoder, raw: &[u8], last: bool, text: &mut Vec<u8>) -> bool {
    let (mut damaged, mut from) = (false, 0);
    loop {
        let held = text.len();
        let room =
            decoder.max_utf8_buffer_length_without_replacement(raw.len() - from).unwrap_or(CHUNK_BYTES);
        text.resize(held + room.max(16), 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&raw[from..], &mut text[held..], last);
        text.truncate(held + written);
        from += read;
        match result {
            DecoderResult::InputEmpty => return damaged,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                damaged = true;
                text.extend_from_slice("\u{FFFD}".as_bytes());
            }
        }
    }
}

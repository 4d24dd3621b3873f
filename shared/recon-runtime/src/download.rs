//! Answers that are files, made while they are sent, so that none is in memory whole.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::{Refusal, because};

/// The bytes that are gathered before they are sent.
const CHUNK_BYTES: usize = 64 * 1024;
/// The chunks that may wait for the client.
const CHUNKS_WAITING_MAX: usize = 4;
/// How long a client may take nothing before it is given up, as proxies do.
pub(crate) const CLIENT_WAIT: Duration = Duration::from_secs(60);

/// A file for the client.
#[derive(Debug)]
pub struct Download {
    name: String,
    media_type: &'static str,
}

/// Where a download is written to.
pub struct Downloaded {
    chunk: Vec<u8>,
    parts: mpsc::Sender<Part>,
    runtime: Handle,
}

/// What goes from the thread that makes a file to the one that sends it. Only `End` ends it well: a thread that vanishes
/// does not make half a file look whole.
enum Part {
    Chunk(Bytes),
    End,
    Broken(Refusal),
}

/// A download is broken off; the client sees a connection that ends too early.
#[derive(Debug, thiserror::Error)]
#[error("the download broke off")]
struct BrokenOff;

impl Download {
    /// A file of this name, of ASCII letters and without quotes.
    #[must_use]
    pub fn new(name: String, media_type: &'static str) -> Self {
        Self { name, media_type }
    }

    /// Answers with what `write` writes, which runs on a thread of its own, while it writes it.
    ///
    /// # Errors
    /// When it fails before the first bytes go out. A later failure breaks the connection.
    pub async fn written_by<E: Error + Send + Sync + 'static>(
        self,
        write: impl FnOnce(&mut Downloaded) -> Result<(), E> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let mut parts = begin(write);
        let first = match parts.recv().await {
            Some(Part::Broken(refusal)) => return Err(refusal),
            Some(first) => first,
            None => return Err(Refusal::internal(BrokenOff)),
        };
        let chunks = stream::unfold((Some(first), parts), |(first, mut parts)| async move {
            let part = match first {
                Some(part) => Some(part),
                None => parts.recv().await,
            };
            match part {
                Some(Part::Chunk(chunk)) => Some((Ok(chunk), (None, parts))),
                Some(Part::End) => None,
                Some(Part::Broken(_)) | None => Some((Err(BrokenOff), (Some(Part::End), parts))),
            }
        });
        let name = HeaderValue::try_from(format!("attachment; filename=\"{}\"", self.name));
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(self.media_type)),
            (CONTENT_DISPOSITION, name.map_err(Refusal::internal)?),
        ];
        let mut response = (StatusCode::OK, headers, Body::from_stream(chunks)).into_response();
        response.extensions_mut().insert(IsDownload);
        Ok(response)
    }
}

impl Downloaded {
    /// The bytes that `write` writes, which runs on a thread of its own, while it writes them: for whoever keeps them first.
    pub fn kept<E: Error + Send + Sync + 'static>(
        write: impl FnOnce(&mut Self) -> Result<(), E> + Send + 'static,
    ) -> impl Stream<Item = Result<Bytes, Refusal>> + Send {
        stream::unfold(Some(begin(write)), |parts| async move {
            let mut parts = parts?;
            match parts.recv().await {
                Some(Part::Chunk(chunk)) => Some((Ok(chunk), Some(parts))),
                Some(Part::End) => None,
                Some(Part::Broken(refusal)) => Some((Err(refusal), None)),
                None => Some((Err(Refusal::internal(BrokenOff)), None)),
            }
        })
    }
}

/// Has it written on a thread of its own.
fn begin<E: Error + Send + Sync + 'static>(
    write: impl FnOnce(&mut Downloaded) -> Result<(), E> + Send + 'static,
) -> mpsc::Receiver<Part> {
    let (sender, parts) = mpsc::channel(CHUNKS_WAITING_MAX);
    let span = tracing::Span::current();
    let mut out = Downloaded { chunk: Vec::new(), parts: sender, runtime: Handle::current() };
    tokio::task::spawn_blocking(move || span.in_scope(|| make(write, &mut out)));
    parts
}

/// Marks the answer as a file, of which nobody can ask for less.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsDownload;

fn make<E: Error + Send + Sync + 'static>(
    write: impl FnOnce(&mut Downloaded) -> Result<(), E>,
    out: &mut Downloaded,
) {
    let last = match write(out)
        .map_err(Refusal::internal)
        .and_then(|()| out.send_chunk().map_err(Refusal::internal))
    {
        Ok(()) => Part::End,
        Err(_) if out.parts.is_closed() => return tracing::debug!("the client left a download"),
        Err(refusal) => {
            // The client may have been told 200 before, so that it is told to the log here.
            tracing::error!(because = because(&refusal), "a download broke off");
            Part::Broken(refusal)
        }
    };
    if out.send(last).is_err() {
        tracing::debug!("the client left a download at its end");
    }
}

impl Downloaded {
    fn send_chunk(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.chunk);
        self.send(Part::Chunk(chunk.into()))
    }

    fn send(&self, part: Part) -> io::Result<()> {
        let sent = self.runtime.block_on(tokio::time::timeout(CLIENT_WAIT, self.parts.send(part)));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client has gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")),
        }
    }
}

impl Write for Downloaded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.send_chunk()?;
        }
        Ok(bytes.len())
    }

    /// Gathered bytes go out when they are a chunk, or the last.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Bytes on their way to becoming an object.

use bytes::Bytes;
use object_store::path::Path as Name;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayloadMut, Result};
use tokio::sync::SemaphorePermit;
use tokio::task::JoinSet;

/// The bytes that are gathered before they are written.
pub(crate) const PART_BYTES: usize = 5 * 1024 * 1024;
/// The parts that are written at once; more bytes wait for the client.
const PARTS_IN_FLIGHT_MAX: usize = 2;

/// An object that is being written. What is neither finished nor given up when this is dropped is given up by a task of its
/// own, as far as the process lives that long.
pub(super) struct Writing<'s> {
    store: &'s dyn ObjectStore,
    at: &'s Name,
    gathered: PutPayloadMut,
    parts: Option<Parts>,
    /// For what is in memory of it.
    room: Option<SemaphorePermit<'static>>,
}

/// The parts of an object that the store keeps aside until they are put together.
struct Parts {
    upload: Box<dyn MultipartUpload>,
    tasks: JoinSet<Result<()>>,
}

impl<'s> Writing<'s> {
    /// Begins. A small object is written in one piece, where that is one request instead of three; `in_parts` says that it is not.
    pub(super) async fn begin(
        store: &'s dyn ObjectStore,
        at: &'s Name,
        in_parts: bool,
        room: Option<SemaphorePermit<'static>>,
    ) -> Result<Self> {
        let parts = if in_parts { Some(Parts::begin(store, at).await?) } else { None };
        Ok(Self { store, at, gathered: PutPayloadMut::new(), parts, room })
    }

    /// Takes bytes, and waits while others are on their way.
    pub(super) async fn put(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            let room = PART_BYTES - self.gathered.content_length();
            self.gathered.push(bytes.split_to(room.min(bytes.len())));
            if self.gathered.content_length() == PART_BYTES {
                if self.parts.is_none() {
                    self.parts = Some(Parts::begin(self.store, self.at).await?);
                }
                let part = std::mem::take(&mut self.gathered);
                if let Some(parts) = &mut self.parts {
                    parts.put(part).await?;
                }
            }
        }
        Ok(())
    }

    /// Makes it an object. Once that has begun, it goes on also where nobody waits for it any more.
    pub(super) async fn finish(mut self) -> Result<()> {
        let last = std::mem::take(&mut self.gathered);
        let room = self.room.take();
        match self.parts.take() {
            Some(parts) => {
                let finishing = async move {
                    let finished = parts.finish(last).await;
                    drop(room);
                    finished
                };
                tokio::spawn(finishing).await?
            }
            None => self.store.put(self.at, last.into()).await.map(|_| ()),
        }
    }

    /// Gives it up.
    pub(super) async fn abort(mut self) -> Result<()> {
        match self.parts.take() {
            Some(parts) => parts.abort().await,
            None => Ok(()),
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let (Some(parts), Ok(runtime)) = (self.parts.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = parts.abort().await {
                    tracing::warn!(%error, "parts of an object that nobody waits for are left over");
                }
            });
        }
    }
}

impl Parts {
    async fn begin(store: &dyn ObjectStore, at: &Name) -> Result<Self> {
        Ok(Self { upload: store.put_multipart(at).await?, tasks: JoinSet::new() })
    }

    async fn put(&mut self, part: PutPayloadMut) -> Result<()> {
        while self.tasks.len() >= PARTS_IN_FLIGHT_MAX {
            self.one().await?;
        }
        self.tasks.spawn(self.upload.put_part(part.into()));
        Ok(())
    }

    /// Waits for one of the parts, if there is any.
    async fn one(&mut self) -> Result<()> {
        self.tasks.join_next().await.transpose()?.transpose().map(|_| ())
    }

    async fn finish(mut self, last: PutPayloadMut) -> Result<()> {
        match self.whole(last).await {
            Ok(()) => Ok(()),
            Err(error) => {
                // What cannot be given up either is the same fault once more.
                _ = self.abort().await;
                Err(error)
            }
        }
    }

    async fn whole(&mut self, last: PutPayloadMut) -> Result<()> {
        if !last.is_empty() {
            self.tasks.spawn(self.upload.put_part(last.into()));
        }
        while !self.tasks.is_empty() {
            self.one().await?;
        }
        self.upload.complete().await.map(|_| ())
    }

    async fn abort(mut self) -> Result<()> {
        self.tasks.shutdown().await;
        self.upload.abort().await
    }
}

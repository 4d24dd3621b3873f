//! Objects: files under names, which appear whole or not at all.

mod staged;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::{
    GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, WriteMultipart,
};
use recon_domain::Instant;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::OnceCell;

/// The bytes that are gathered before they are written.
pub(crate) const PART_BYTES: usize = 5 * 1024 * 1024;
/// The parts that are written at once; more bytes wait for the client.
const PARTS_IN_FLIGHT_MAX: usize = 2;
/// The bytes that are read from a local file at once.
const READ_BYTES: usize = 256 * 1024;

/// The object store. Clones share it. Nothing is opened before the first use.
#[derive(Clone)]
pub struct Objects(Arc<Folder>);

struct Folder {
    root: PathBuf,
    opened: OnceCell<LocalFileSystem>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256, 64 lower-case hex digits.
    pub sha256: String,
}

/// An object as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEntry {
    /// The name.
    pub name: String,
    /// How many bytes.
    pub bytes: u64,
    /// When it was written, by the object store's clock.
    pub modified: Instant,
}

/// A failed object method.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The object store cannot be reached or its disk fails.
    #[error("object store unavailable: {doing} {name}")]
    Unavailable {
        /// The method.
        doing: &'static str,
        /// The object.
        name: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such object.
    #[error("object {name} not found")]
    NotFound {
        /// The object.
        name: String,
    },
    /// The bytes are more than the limit. Nothing was kept.
    #[error("more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// The sender stopped before the end. Nothing was kept.
    #[error("stream of {name} broke off")]
    Interrupted {
        /// The object.
        name: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The name is none that an object can have.
    #[error("malformed object name")]
    MalformedName,
}

impl Objects {
    pub(crate) fn in_folder(root: PathBuf) -> Self {
        Self(Arc::new(Folder { root, opened: OnceCell::new() }))
    }

    /// Looks whether objects can be written now. It makes no folder: one that is gone may be a volume that is lost.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub async fn check(&self) -> Result<(), ObjectError> {
        let root = self.0.root.clone();
        // A file without a name, which leaves nothing behind, also where the process is killed.
        let written = tokio::task::spawn_blocking(move || tempfile::tempfile_in(root).map(|_| ()));
        written.await.unwrap_or_else(|stopped| Err(stopped.into())).map_err(|e| unavailable("check", "", e))
    }

    /// Makes the place of a new installation.
    pub(crate) async fn make(&self) -> Result<(), ObjectError> {
        self.store("make", "").await.map(|_| ())
    }

    /// Writes a stream as it comes, never all of it in memory. The object appears when all of it is on disk, and only
    /// then does this return. A caller that goes away leaves nothing behind.
    ///
    /// # Errors
    /// [`ObjectError::TooLarge`] beyond `bytes_max`, [`ObjectError::Interrupted`] when the stream fails.
    pub async fn put_stream<S, E>(
        &self,
        name: &str,
        stream: S,
        bytes_max: u64,
    ) -> Result<Written, ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let at = parsed(name)?;
        let store = self.store("put", name).await?;
        let upload = store.put_multipart(&at).await.map_err(failed("put", name))?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut hash = Sha256::new();
        let mut bytes = 0_u64;
        let mut stream = std::pin::pin!(stream);
        while let Some(chunk) = stream.next().await {
            let refusal = match chunk {
                Ok(chunk) if length(&chunk) <= bytes_max - bytes => {
                    bytes += length(&chunk);
                    hash.update(&chunk);
                    parts.wait_for_capacity(PARTS_IN_FLIGHT_MAX).await.map_err(failed("put", name))?;
                    parts.put(chunk);
                    continue;
                }
                Ok(_) => ObjectError::TooLarge { bytes_max },
                Err(source) => ObjectError::Interrupted { name: name.to_owned(), source: source.into() },
            };
            parts.abort().await.map_err(failed("put", name))?;
            return Err(refusal);
        }
        parts.finish().await.map_err(failed("put", name))?;
        self.sync(store, &at).await.map_err(|source| unavailable("put", name, source))?;
        Ok(Written { bytes, sha256: hex(&hash.finalize()) })
    }

    /// Writes a local file, with the guarantees of [`Objects::put_stream`].
    ///
    /// # Errors
    /// [`ObjectError::Interrupted`] when the file cannot be read.
    pub async fn put_file(&self, name: &str, file: &Path) -> Result<Written, ObjectError> {
        let interrupted = |source: std::io::Error| ObjectError::Interrupted {
            name: name.to_owned(),
            source: source.into(),
        };
        let file = tokio::fs::File::open(file).await.map_err(interrupted)?;
        let chunks = futures_util::stream::try_unfold(file, |mut file| async move {
            let mut chunk = bytes::BytesMut::with_capacity(READ_BYTES);
            let count = file.read_buf(&mut chunk).await?;
            Ok::<_, std::io::Error>((count > 0).then(|| (chunk.freeze(), file)))
        });
        self.put_stream(name, chunks, u64::MAX).await
    }

    /// Writes a small object unless there is one of its name, and says whether it did.
    pub(crate) async fn put_if_absent(&self, name: &str, bytes: Bytes) -> Result<bool, ObjectError> {
        let at = parsed(name)?;
        let store = self.store("put", name).await?;
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match store.put_opts(&at, bytes.into(), create).await {
            Ok(_) => {
                self.sync(store, &at).await.map_err(|source| unavailable("put", name, source))?;
                Ok(true)
            }
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(failed("put", name)(error)),
        }
    }

    /// Opens an object for reading anywhere in it. What is open stays readable after the object is deleted.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`].
    pub async fn open(&self, name: &str) -> Result<File, ObjectError> {
        let store = self.store("open", name).await?;
        let found = store.get(&parsed(name)?).await.map_err(failed("open", name))?;
        match found.payload {
            GetResultPayload::File(file, _) => Ok(file),
            GetResultPayload::Stream(_) => {
                Err(unavailable("open", name, std::io::Error::from(std::io::ErrorKind::Unsupported)))
            }
        }
    }

    /// Deletes an object. One that is not there is deleted already.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let store = self.store("delete", name).await?;
        match store.delete(&parsed(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("delete", name)(error)),
        }
    }

    /// The objects whose names begin with these path segments, in the order of their names.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectEntry>, ObjectError> {
        let store = self.store("list", prefix).await?;
        let below = parsed(prefix)?;
        let mut entries: Vec<_> = store
            .list(Some(&below))
            .map_ok(ObjectEntry::from)
            .try_collect()
            .await
            .map_err(failed("list", prefix))?;
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Up to `limit` of the objects whose names begin with these path segments and come after the name `after`, in the
    /// order of their names. However many there are, no more than these are held in memory.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub async fn page(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<ObjectEntry>, ObjectError> {
        let store = self.store("page", prefix).await?;
        let below = parsed(prefix)?;
        let mut found = store.list(Some(&below));
        // A folder is read in no order at all: what has come so far and is least.
        let mut least = BTreeMap::new();
        while let Some(object) = found.next().await {
            let entry = ObjectEntry::from(object.map_err(failed("page", prefix))?);
            if entry.name.as_str() > after {
                least.insert(entry.name.clone(), entry);
                if least.len() > limit {
                    least.pop_last();
                }
            }
        }
        Ok(least.into_values().collect())
    }

    /// Deletes every object whose name begins with these path segments, and says how many there were.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`]; those that can be deleted are.
    pub async fn delete_below(&self, prefix: &str) -> Result<usize, ObjectError> {
        let found = self.list(prefix).await?;
        let mut failed = None;
        for object in &found {
            failed = failed.or(self.delete(&object.name).await.err());
        }
        failed.map_or(Ok(found.len()), Err)
    }

    async fn store(&self, doing: &'static str, name: &str) -> Result<&LocalFileSystem, ObjectError> {
        let open = || async {
            tokio::fs::create_dir_all(&self.0.root).await.map_err(|e| unavailable(doing, name, e))?;
            let opened = LocalFileSystem::new_with_prefix(&self.0.root);
            opened.map(|store| store.with_automatic_cleanup(true)).map_err(failed(doing, name))
        };
        self.0.opened.get_or_try_init(open).await
    }

    /// Puts an object and its place in every folder above it on disk, which the library leaves to the system.
    async fn sync(&self, store: &LocalFileSystem, at: &Name) -> std::io::Result<()> {
        let file = store.path_to_filesystem(at).map_err(std::io::Error::other)?;
        let above = at.parts().count();
        let synced = tokio::task::spawn_blocking(move || {
            file.ancestors().take(above + 1).try_for_each(|path| File::open(path)?.sync_all())
        });
        synced.await?
    }
}

impl From<ObjectMeta> for ObjectEntry {
    fn from(found: ObjectMeta) -> Self {
        let modified = Instant::from_micros(found.last_modified.timestamp_micros());
        Self { name: found.location.into(), bytes: found.size, modified }
    }
}

fn parsed(name: &str) -> Result<Name, ObjectError> {
    Name::parse(name).map_err(|_| ObjectError::MalformedName)
}

fn unavailable(doing: &'static str, name: &str, source: std::io::Error) -> ObjectError {
    ObjectError::Unavailable { doing, name: name.to_owned(), source: source.into() }
}

fn failed(doing: &'static str, name: &str) -> impl Fn(object_store::Error) -> ObjectError {
    let name = name.to_owned();
    move |error| match error {
        object_store::Error::NotFound { .. } => ObjectError::NotFound { name: name.clone() },
        source => ObjectError::Unavailable { doing, name: name.clone(), source: source.into() },
    }
}

fn length(chunk: &Bytes) -> u64 {
    u64::try_from(chunk.len()).unwrap_or(u64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

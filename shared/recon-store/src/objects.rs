//! Objects: files under names, which appear whole or not at all.

#[cfg(feature = "cluster")]
mod bucket;
mod error;
mod folder;
mod reader;
mod room;
mod sign;
#[cfg(feature = "cluster")]
mod signature;
mod staged;
mod writing;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::path::Path as Name;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use recon_domain::Instant;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::SemaphorePermit;

#[cfg(feature = "cluster")]
use self::bucket::Bucket;
use self::folder::Folder;
use self::room::{ROOM, Room};
use self::writing::Writing;
#[cfg(feature = "cluster")]
use crate::config::BucketUrl;
use crate::config::{ObjectAccess, ObjectUrl};

pub use self::error::{ObjectError, Trouble};
pub use self::reader::ObjectReader;
pub use self::sign::{DOWNLOAD_LIFETIME, SignedUpload, UPLOAD_LIFETIME};

/// The bytes that are read from a local file at once.
const READ_BYTES: usize = 256 * 1024;

/// The object store. Clones share it. Nothing is opened before the first use.
#[derive(Clone)]
pub struct Objects {
    place: Place,
    /// What this process has room for; nothing for those who need not ask.
    room: Option<&'static Room>,
}

/// An object that is open.
#[derive(Debug)]
pub struct Opening {
    /// For reading anywhere in it.
    pub file: File,
    /// What it takes of this process; to be kept for as long as the file may be open for long.
    pub room: Taken,
}

/// How long a file may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// While a request is answered, or a job runs.
    Short,
    /// As long as a client likes.
    Long,
}

/// Room that others have again when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Taken(#[expect(dead_code, reason = "it is kept, and not used")] Vec<SemaphorePermit<'static>>);

#[derive(Clone)]
enum Place {
    Folder(Arc<Folder>),
    #[cfg(feature = "cluster")]
    Bucket(Arc<Bucket>),
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
    /// What changes with its bytes, where the store says so.
    pub etag: Option<String>,
}

impl Objects {
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "this is about buckets"))]
    pub(crate) fn open_at(url: &ObjectUrl, access: &ObjectAccess) -> Self {
        match url {
            ObjectUrl::Folder(folder) => Self::in_folder(folder.clone()),
            #[cfg(feature = "cluster")]
            ObjectUrl::S3(bucket) => Self::in_bucket(bucket.clone(), access.clone()),
        }
    }

    fn in_folder(root: PathBuf) -> Self {
        Self { place: Place::Folder(Arc::new(Folder::at(root))), room: Some(&ROOM) }
    }

    #[cfg(feature = "cluster")]
    fn in_bucket(url: BucketUrl, access: ObjectAccess) -> Self {
        Self { place: Place::Bucket(Arc::new(Bucket::at(url, access))), room: Some(&ROOM) }
    }

    /// The same for jobs, which take the room that they need: a process has few of them, and they are not to wait for clients.
    #[must_use]
    pub fn for_jobs(self) -> Self {
        Self { room: None, ..self }
    }

    /// Looks whether objects can be written now. It makes no folder: one that is gone may be a volume that is lost. It leaves
    /// nothing behind.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`]; of a bucket after 5 seconds at the latest.
    pub async fn check(&self) -> Result<(), ObjectError> {
        match &self.place {
            Place::Folder(folder) => folder.check().await,
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.check().await,
        }
    }

    /// Makes the place of a new installation. A bucket is not made: whoever makes it decides about much that is not known here.
    pub(crate) async fn make(&self) -> Result<(), ObjectError> {
        match &self.place {
            Place::Folder(folder) => folder.make().await,
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.check().await,
        }
    }

    /// Writes a stream as it comes, never all of it in memory. The object appears when all of it is kept, and only
    /// then does this return. A caller that goes away leaves nothing behind, unless the process goes with it: then parts are left
    /// over, of which [`Sweep`](crate::Sweep) rids a folder, and a rule of its own a bucket.
    ///
    /// # Errors
    /// [`ObjectError::TooLarge`] beyond `bytes_max`, [`ObjectError::Interrupted`] when the stream fails,
    /// [`ObjectError::Unavailable`] also where too many are written at once, after 10 seconds.
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
        let room = match self.room {
            Some(room) => Some(room.to_write(name).await?),
            None => None,
        };
        let begun = Writing::begin(store, &at, self.is_folder(), room).await;
        let mut writing = begun.map_err(self.failed("put", name))?;
        let mut hash = Sha256::new();
        let mut bytes = 0_u64;
        let mut stream = std::pin::pin!(stream);
        while let Some(chunk) = stream.next().await {
            let refusal = match chunk {
                Ok(chunk) if length(&chunk) <= bytes_max - bytes => {
                    bytes += length(&chunk);
                    hash.update(&chunk);
                    writing.put(chunk).await.map_err(self.failed("put", name))?;
                    continue;
                }
                Ok(_) => ObjectError::TooLarge { bytes_max },
                Err(source) => ObjectError::Interrupted { name: name.to_owned(), source: source.into() },
            };
            writing.abort().await.map_err(self.failed("put", name))?;
            return Err(refusal);
        }
        writing.finish().await.map_err(self.failed("put", name))?;
        self.sync(&at).await?;
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

    /// Writes a small object unless there is one of its name, and says whether it did. Of several that do so at once, one does.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`]; then it may be there.
    pub async fn put_if_absent(&self, name: &str, bytes: Bytes) -> Result<bool, ObjectError> {
        let at = parsed(name)?;
        let store = self.store("put", name).await?;
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match store.put_opts(&at, bytes.into(), create).await {
            Ok(_) => self.sync(&at).await.map(|()| true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(self.failed("put", name)(error)),
        }
    }

    /// Opens an object for reading anywhere in it. What is open stays readable after the object is deleted. Where it is in
    /// a bucket, all of it is copied into a file without a name in the temporary folder.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::Unavailable`] also where too much is copied at once, after 10 seconds.
    pub async fn open(&self, name: &str) -> Result<File, ObjectError> {
        self.open_pinned(name, None).await
    }

    /// The same for a file that is read for as long as somebody else likes, with the room that it takes.
    ///
    /// # Errors
    /// Those of [`Objects::open`].
    pub async fn open_for_long(&self, name: &str) -> Result<Opening, ObjectError> {
        self.opening(name, None, Stay::Long).await
    }

    /// Opens an object for reading a little of it here and there: of a large one in a bucket no more is got than that. One that is
    /// deleted meanwhile may not be readable any longer.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::Unavailable`] also where too many are read at once, after 10 seconds.
    pub async fn reader(&self, name: &str) -> Result<ObjectReader, ObjectError> {
        match &self.place {
            Place::Folder(folder) => ObjectReader::of_file(folder.open(name).await?, Taken(Vec::new()))
                .map_err(|source| error::disk("read", name, source)),
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.reader(name, self.room).await,
        }
    }

    /// The same as [`Objects::open`], unless its bytes are others than those that had this tag.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`], [`ObjectError::Changed`].
    pub async fn open_pinned(&self, name: &str, etag: Option<&str>) -> Result<File, ObjectError> {
        Ok(self.opening(name, etag, Stay::Short).await?.file)
    }

    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "this is about buckets"))]
    async fn opening(&self, name: &str, etag: Option<&str>, stay: Stay) -> Result<Opening, ObjectError> {
        match &self.place {
            // Nobody but this service writes to a folder, and never twice under one name.
            Place::Folder(folder) => Ok(Opening { file: folder.open(name).await?, room: Taken(Vec::new()) }),
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.open(name, etag, (self.room, stay)).await,
        }
    }

    /// All of an object of no more than so many bytes.
    pub(crate) async fn read(&self, name: &str, bytes_max: u64) -> Result<Bytes, ObjectError> {
        match &self.place {
            Place::Folder(folder) => {
                let file = folder.open(name).await?;
                let mut bytes = Vec::new();
                let read = tokio::fs::File::from_std(file).take(bytes_max).read_to_end(&mut bytes).await;
                read.map(|_| bytes.into()).map_err(|source| error::disk("read", name, source))
            }
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.read(name, bytes_max).await,
        }
    }

    /// Deletes an object. One that is not there is deleted already.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let store = self.store("delete", name).await?;
        match store.delete(&parsed(name)?).await.map_err(self.failed("delete", name)) {
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
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
            .map_err(self.failed("list", prefix))?;
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
        match &self.place {
            Place::Folder(folder) => folder.page(prefix, after, limit).await,
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.page(prefix, after, limit).await,
        }
    }

    /// Deletes every object whose name begins with these path segments, and says how many there were.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`]; those that can be deleted are.
    pub async fn delete_below(&self, prefix: &str) -> Result<usize, ObjectError> {
        #[cfg(feature = "cluster")]
        if let Place::Bucket(bucket) = &self.place {
            return bucket.delete_below(prefix).await;
        }
        let found = self.list(prefix).await?;
        let mut failed = None;
        for object in &found {
            failed = failed.or(self.delete(&object.name).await.err());
        }
        failed.map_or(Ok(found.len()), Err)
    }

    const fn is_folder(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    async fn store(&self, doing: &'static str, name: &str) -> Result<&dyn ObjectStore, ObjectError> {
        match &self.place {
            Place::Folder(folder) => folder.store(doing, name).await.map(|store| store as &dyn ObjectStore),
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.store(doing, name).await.map(|store| store as &dyn ObjectStore),
        }
    }

    /// What was acknowledged by a bucket is kept; of a folder's files that is made sure.
    async fn sync(&self, at: &Name) -> Result<(), ObjectError> {
        match &self.place {
            Place::Folder(folder) => folder.sync(at).await,
            #[cfg(feature = "cluster")]
            Place::Bucket(_) => Ok(()),
        }
    }

    fn failed(&self, doing: &'static str, name: &str) -> impl Fn(object_store::Error) -> ObjectError {
        let is_folder = self.is_folder();
        move |error| match is_folder {
            #[cfg(feature = "cluster")]
            false => bucket::failed(doing, name)(error),
            _ => folder::failed(doing, name)(error),
        }
    }
}

impl From<ObjectMeta> for ObjectEntry {
    fn from(found: ObjectMeta) -> Self {
        let modified = Instant::from_micros(found.last_modified.timestamp_micros());
        Self { name: found.location.into(), bytes: found.size, modified, etag: found.e_tag }
    }
}

fn parsed(name: &str) -> Result<Name, ObjectError> {
    Name::parse(name).map_err(|_| ObjectError::MalformedName)
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

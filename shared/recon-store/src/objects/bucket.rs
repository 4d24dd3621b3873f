//! Objects in a bucket of an S3-compatible store.
//!
//! A process that is killed in the middle of a large object leaves parts that no list shows and that cost room: the bucket
//! needs a rule that aborts multipart uploads which stay incomplete, after a day or so.

mod parts;

use std::fs::File;
use std::future::Future;
use std::io::{Seek as _, SeekFrom};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path as Name;
use object_store::prefix::PrefixStore;
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig,
};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub(super) use self::parts::Parts;
use super::error::disk;
use super::reader::ObjectReader;
use super::room::{Room, turn};
use super::{ObjectEntry, ObjectError, Opening, Stay, Taken, Trouble, length, parsed};
use crate::config::{BucketUrl, ObjectAccess};

/// How long a connection may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// How long a request may take, with a part's bytes.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a call without many bytes may take, repetitions included.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the look may take whether the bucket can be used.
const CHECK_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a look believes that the bucket can be written to, once that was tried.
const WRITABLE_TIME_MAX: Duration = Duration::from_mins(5);
/// How often a request is repeated, and until when.
const RETRIES_MAX: usize = 3;
const RETRY_TIME_MAX: Duration = Duration::from_secs(20);
/// How long a connection stays open that nobody uses. S3 closes it after 20 seconds or so.
const IDLE_TIME_MAX: Duration = Duration::from_secs(15);
/// How long an object may be read here and there: less than a request.
const READ_TIME_MAX: Duration = Duration::from_secs(25);
/// The largest object of which more is got than is read.
const COPY_BYTES_MAX: u64 = 2 * RANGE_BYTES;
/// The largest object that is read.
const OPEN_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;
/// The bytes of one request for a part of an object, and how many such requests are made at once.
const RANGE_BYTES: u64 = 8 * 1024 * 1024;
const RANGES_IN_FLIGHT_MAX: usize = 3;
/// Where the look looks, and what it writes and takes back before it is there.
const PROBE: &str = "probe";

/// A bucket. Nothing is opened before the first use.
pub(super) struct Bucket {
    pub(super) url: BucketUrl,
    access: ObjectAccess,
    opened: OnceCell<Opened>,
    /// When a look last wrote; nothing after one that failed.
    written: Mutex<Option<Instant>>,
}

pub(super) struct Opened {
    s3: AmazonS3,
    store: PrefixStore<AmazonS3>,
}

/// What an S3-compatible store said, shortened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

impl Bucket {
    pub(super) fn at(url: BucketUrl, access: ObjectAccess) -> Self {
        Self { url, access, opened: OnceCell::new(), written: Mutex::new(None) }
    }

    pub(super) async fn store(
        &self,
        doing: &'static str,
        name: &str,
    ) -> Result<&PrefixStore<AmazonS3>, ObjectError> {
        Ok(&self.opened(doing, name).await?.store)
    }

    /// Who asks. The library gets new credentials before the old ones end.
    pub(super) async fn credential(&self, name: &str) -> Result<std::sync::Arc<AwsCredential>, ObjectError> {
        let s3 = &self.opened("sign", name).await?.s3;
        in_time("sign", name, s3.credentials().get_credential()).await
    }

    /// The address under which clients reach the bucket.
    pub(super) fn public_url(&self) -> Option<&str> {
        self.access.public_url.as_ref().map(|url| url.as_str())
    }

    async fn opened(&self, doing: &'static str, name: &str) -> Result<&Opened, ObjectError> {
        let open = || async {
            let s3 = self.client().map_err(failed(doing, name))?;
            let store = PrefixStore::new(s3.clone(), self.url.prefix.as_str());
            Ok(Opened { s3, store })
        };
        self.opened.get_or_try_init(open).await
    }

    fn client(&self) -> object_store::Result<AmazonS3> {
        let retries =
            RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIME_MAX, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new();
        for (key, value) in self.access.credentials() {
            builder = builder.with_config(key.parse()?, value);
        }
        // What a credential's server is asked over has its own rules in the library.
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT_TIME_MAX)
            .with_timeout(REQUEST_TIME_MAX)
            .with_pool_idle_timeout(IDLE_TIME_MAX)
            .with_allow_http(self.url.is_plain());
        let builder = builder
            .with_bucket_name(&self.url.bucket)
            .with_region(&self.url.region)
            .with_virtual_hosted_style_request(!self.url.path_style)
            .with_client_options(options)
            .with_retry(retries);
        match &self.url.endpoint {
            None => builder.build(),
            Some(_) => builder.with_endpoint(self.url.origin()).build(),
        }
    }

    /// Looks whether the bucket is there and takes the credentials, and now and then whether it can be written to: probes
    /// look every few seconds, and a write is what a store has the more work with, and its bill.
    pub(super) async fn check(&self) -> Result<(), ObjectError> {
        let store = self.store("check", "").await?;
        let below = Name::from(PROBE);
        // Who fails, or is not waited for, leaves nothing to be believed.
        let written = self.written().take().filter(|at| at.elapsed() < WRITABLE_TIME_MAX);
        let probe = async {
            // A list of nothing.
            store.list(Some(&below)).try_next().await?;
            if let Some(at) = written {
                return Ok(at);
            }
            // It is in no list, and nothing is there of it.
            let mut upload = store.put_multipart(&below).await?;
            upload.abort().await?;
            Ok(Instant::now())
        };
        let at = match tokio::time::timeout(CHECK_TIME_MAX, probe).await {
            Ok(done) => done.map_err(failed("check", ""))?,
            Err(elapsed) => return Err(silent("check", "", elapsed)),
        };
        *self.written() = Some(at);
        Ok(())
    }

    fn written(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an object without reading it.
    pub(super) async fn head(&self, doing: &'static str, name: &str) -> Result<ObjectMeta, ObjectError> {
        let store = self.store(doing, name).await?;
        match in_time(doing, name, store.head(&parsed(name)?)).await {
            // An answer without a body does not say what is missing.
            Err(missing @ ObjectError::NotFound { .. }) => {
                match in_time(doing, name, store.list(None).try_next()).await {
                    Err(error @ ObjectError::Unavailable { .. }) => Err(error),
                    _ => Err(missing),
                }
            }
            found => found,
        }
    }

    /// Copies an object into a file without a name in the temporary folder, part by part. Room is the caller's, for as long as
    /// the file is open.
    pub(super) async fn open(
        &self,
        name: &str,
        etag: Option<&str>,
        (room, stay): (Option<&'static Room>, Stay),
    ) -> Result<Opening, ObjectError> {
        let found = self.head("open", name).await?;
        // Some stores leave the quotes out where they list.
        let bare = |tag: &str| tag.trim_matches('"').to_owned();
        if etag.is_some() && found.e_tag.as_deref().map(bare) != etag.map(bare) {
            return Err(ObjectError::Changed { name: name.to_owned() });
        }
        self.copied(name, &found, (room, stay)).await
    }

    async fn copied(
        &self,
        name: &str,
        found: &ObjectMeta,
        (room, stay): (Option<&'static Room>, Stay),
    ) -> Result<Opening, ObjectError> {
        let at = parsed(name)?;
        if found.size > OPEN_BYTES_MAX {
            return Err(ObjectError::TooLarge { bytes_max: OPEN_BYTES_MAX });
        }
        let taken = match room {
            Some(room) => room.to_copy(found.size, stay, name).await?,
            None => Vec::new(),
        };
        let mut file = tokio::fs::File::from_std(temporary("open", name).await?);
        let store = self.store("open", name).await?;
        let starts = (0..found.size).step_by(usize::try_from(RANGE_BYTES).unwrap_or(usize::MAX));
        let ranges = starts.map(|start| start..(start + RANGE_BYTES).min(found.size));
        let parts = stream::iter(ranges).map(|range| {
            let length = range.end - range.start;
            let options = GetOptions {
                range: Some(GetRange::Bounded(range)),
                if_match: found.e_tag.clone(),
                ..GetOptions::default()
            };
            let at = &at;
            async move {
                let _turn = turn().await;
                let part = store.get_opts(at, options).await?.bytes().await?;
                Ok::<_, object_store::Error>((part, length))
            }
        });
        let mut parts = std::pin::pin!(parts.buffered(RANGES_IN_FLIGHT_MAX));
        while let Some((part, length)) = parts.try_next().await.map_err(failed("open", name))? {
            whole("open", name, &part, length)?;
            file.write_all(&part).await.map_err(|e| disk("open", name, e))?;
        }
        file.flush().await.map_err(|e| disk("open", name, e))?;
        let mut file = file.into_std().await;
        file.seek(SeekFrom::Start(0)).map_err(|e| disk("open", name, e))?;
        Ok(Opening { file, room: Taken(taken) })
    }

    /// Opens an object for reading here and there. A small one is got as a whole, which takes fewer requests.
    pub(super) async fn reader(
        &self,
        name: &str,
        room: Option<&'static Room>,
    ) -> Result<ObjectReader, ObjectError> {
        let until = Instant::now() + READ_TIME_MAX;
        let found = self.head("read", name).await?;
        if found.size > COPY_BYTES_MAX {
            return Ok(ObjectReader::of_parts(self.parts(name, found, room, until).await?));
        }
        let Opening { file, room } = self.copied(name, &found, (room, Stay::Short)).await?;
        ObjectReader::of_file(file, room).map_err(|e| disk("read", name, e))
    }

    /// All of a small object.
    pub(super) async fn read(&self, name: &str, bytes_max: u64) -> Result<Bytes, ObjectError> {
        let (store, at) = (self.store("read", name).await?, parsed(name)?);
        let read = async {
            let found = store.get(&at).await?;
            if found.meta.size > bytes_max { Ok(None) } else { found.bytes().await.map(Some) }
        };
        in_time("read", name, read).await?.ok_or(ObjectError::TooLarge { bytes_max })
    }

    /// The store keeps its names in order.
    pub(super) async fn page(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<ObjectEntry>, ObjectError> {
        let store = self.store("page", prefix).await?;
        let below = parsed(prefix)?;
        let mut found = match after {
            "" => store.list(Some(&below)),
            after => store.list_with_offset(Some(&below), &parsed(after)?),
        };
        let mut page = Vec::new();
        while page.len() < limit
            && let Some(object) = in_time("page", prefix, found.try_next()).await?
        {
            page.push(ObjectEntry::from(object));
        }
        Ok(page)
    }

    /// Deletes every object below, many with one request.
    pub(super) async fn delete_below(&self, prefix: &str) -> Result<usize, ObjectError> {
        let store = self.store("delete", prefix).await?;
        let below = parsed(prefix)?;
        let found = store.list(Some(&below)).map_ok(|object| object.location).boxed();
        let mut deleted = store.delete_stream(found);
        let (mut count, mut left) = (0, None);
        while let Some(done) = deleted.next().await {
            match done.map_err(failed("delete", prefix)) {
                Ok(_) | Err(ObjectError::NotFound { .. }) => count += 1,
                Err(error) => left = left.or(Some(error)),
            }
        }
        left.map_or(Ok(count), Err)
    }
}

/// Waits for an answer, and not for ever.
pub(super) async fn in_time<T>(
    doing: &'static str,
    name: &str,
    call: impl Future<Output = object_store::Result<T>>,
) -> Result<T, ObjectError> {
    match tokio::time::timeout(ANSWER_TIME_MAX, call).await {
        Ok(done) => done.map_err(failed(doing, name)),
        Err(elapsed) => Err(silent(doing, name, elapsed)),
    }
}

/// A file without a name in the temporary folder.
async fn temporary(doing: &'static str, name: &str) -> Result<File, ObjectError> {
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await;
    file.unwrap_or_else(|stopped| Err(stopped.into())).map_err(|e| disk(doing, name, e))
}

/// Nothing of a part may be missing.
fn whole(doing: &'static str, name: &str, part: &Bytes, bytes: u64) -> Result<(), ObjectError> {
    if length(part) == bytes {
        return Ok(());
    }
    let said = Said(format!("{} bytes came of {bytes}", part.len()));
    Err(unavailable(doing, name, Trouble::Faulty, said))
}

/// What a failure of the library means where the objects are in a bucket.
pub(super) fn failed(doing: &'static str, name: &str) -> impl Fn(object_store::Error) -> ObjectError {
    let name = name.to_owned();
    move |error| {
        // The library tells what a request about no object was refused for in words only.
        let words = error.to_string();
        let is_refused = ["status code: 401", "status code: 403"].iter().any(|status| words.contains(status));
        let trouble = match &error {
            _ if words.contains("<Code>NoSuchBucket</Code>") => Trouble::NoBucket,
            // Parts that are gone are no object that is missing.
            object_store::Error::NotFound { .. } if doing == "put" => Trouble::Faulty,
            object_store::Error::NotFound { .. } => return ObjectError::NotFound { name: name.clone() },
            object_store::Error::Precondition { .. } => return ObjectError::Changed { name: name.clone() },
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Trouble::Denied
            }
            _ if is_refused => Trouble::Denied,
            _ if is_silence(&error) => Trouble::Silent,
            _ => Trouble::Faulty,
        };
        unavailable(doing, &name, trouble, Said(said(&error)))
    }
}

fn silent(doing: &'static str, name: &str, elapsed: tokio::time::error::Elapsed) -> ObjectError {
    unavailable(doing, name, Trouble::Silent, elapsed)
}

fn unavailable(
    doing: &'static str,
    name: &str,
    trouble: Trouble,
    source: impl std::error::Error + Send + Sync + 'static,
) -> ObjectError {
    ObjectError::Unavailable { doing, name: name.to_owned(), trouble, source: Box::new(source) }
}

/// Whether there was no answer.
fn is_silence(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause.downcast_ref::<HttpError>().is_some_and(|error| match error.kind() {
            HttpErrorKind::Connect
            | HttpErrorKind::Request
            | HttpErrorKind::Timeout
            | HttpErrorKind::Interrupted => true,
            HttpErrorKind::Unknown | HttpErrorKind::Decode => false,
            _ => false,
        })
    })
}

/// What the store said, without the rest of its document; else the first cause. The library's own words repeat those beneath.
fn said(error: &object_store::Error) -> String {
    let words = error.to_string();
    match (between(&words, "Code"), between(&words, "Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => causes(error).last().map_or(words, ToString::to_string),
    }
}

fn between<'w>(words: &'w str, tag: &str) -> Option<&'w str> {
    let (_, rest) = words.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0)
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

#[cfg(test)]
mod tests;

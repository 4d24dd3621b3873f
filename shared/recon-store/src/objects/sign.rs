//! Addresses under which clients reach an object without this service in between, where its store can sign any.

use std::collections::BTreeMap;
use std::time::Duration;

use recon_domain::{DatasetId, Instant};

use super::{ObjectEntry, ObjectError, Objects, Place};
use crate::object_name;

/// How long an address for an upload may be used: an upload that has begun by then goes on.
pub const UPLOAD_LIFETIME: Duration = Duration::from_hours(1);
/// How long an address for a download may be used.
pub const DOWNLOAD_LIFETIME: Duration = Duration::from_mins(15);

/// An address that takes one upload.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUpload {
    /// The address, which lets whoever has it upload.
    pub url: String,
    /// Headers that must be sent.
    pub headers: BTreeMap<String, String>,
    /// How long it may be used.
    pub expires_at: Instant,
}

impl Objects {
    /// Whether clients may reach objects by signed addresses.
    #[must_use]
    pub const fn signs(&self) -> bool {
        !self.is_folder()
    }

    /// An address for one upload to this dataset, under an object name of its own; `None` where the store signs none. What
    /// arrives there means nothing until it is attached.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`] when there are no credentials to sign with.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "this is about buckets"))]
    pub async fn sign_upload(
        &self,
        dataset: DatasetId,
        now: Instant,
    ) -> Result<Option<SignedUpload>, ObjectError> {
        match &self.place {
            Place::Folder(_) => Ok(None),
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.sign_upload(dataset, now).await.map(Some),
        }
    }

    /// An address from which an object can be had as a file of this name and media type; `None` where the store signs none.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`] when there are no credentials to sign with.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "this is about buckets"))]
    pub async fn sign_download(
        &self,
        name: &str,
        file_name: &str,
        media_type: &str,
        now: Instant,
    ) -> Result<Option<String>, ObjectError> {
        match &self.place {
            Place::Folder(_) => Ok(None),
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.sign_download(name, file_name, media_type, now).await.map(Some),
        }
    }

    /// What was uploaded to a dataset by signed addresses, and this object where it is still there; the last that was
    /// written comes last.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub async fn arrived(
        &self,
        dataset: DatasetId,
        attached: Option<&str>,
    ) -> Result<Vec<ObjectEntry>, ObjectError> {
        let mut found = self.list(&object_name::uploads_of(dataset)).await?;
        found.retain(|object| {
            object_name::is_signed_upload(&object.name) || attached == Some(object.name.as_str())
        });
        // Stores tell the second. Within one, the address that was given out later counts.
        found.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
        Ok(found)
    }

    /// Whether there is an object of this name.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub async fn is_there(&self, name: &str) -> Result<bool, ObjectError> {
        let found = match &self.place {
            Place::Folder(folder) => folder.open(name).await.map(drop),
            #[cfg(feature = "cluster")]
            Place::Bucket(bucket) => bucket.head("look", name).await.map(drop),
        };
        match found {
            Ok(()) => Ok(true),
            Err(ObjectError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whoever sees the address may upload.
impl std::fmt::Debug for SignedUpload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedUpload").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(feature = "cluster")]
mod in_bucket {
    use recon_domain::{DatasetId, Instant};

    use super::super::bucket::Bucket;
    use super::super::signature::{Allowed, Place, signed};
    use super::super::{ObjectError, error::Trouble};
    use super::{DOWNLOAD_LIFETIME, SignedUpload, UPLOAD_LIFETIME};
    use crate::clock::id_made_at;
    use crate::object_name;

    /// A store takes what is sent with it only where there is nothing of that name.
    const ONCE: (&str, &str) = ("if-none-match", "*");

    impl Bucket {
        pub(super) async fn sign_upload(
            &self,
            dataset: DatasetId,
            now: Instant,
        ) -> Result<SignedUpload, ObjectError> {
            let id = id_made_at(now).map_err(|source| ObjectError::Unavailable {
                doing: "sign",
                name: dataset.to_string(),
                trouble: Trouble::Faulty,
                source: source.into(),
            })?;
            let name = object_name::signed_upload(dataset, id);
            let what = Allowed {
                method: "PUT",
                key: &self.url.key(&name),
                headers: &[ONCE],
                query: &[],
                lifetime: UPLOAD_LIFETIME,
            };
            let url = self.sign(&name, now, &what).await?;
            let lifetime = i64::try_from(UPLOAD_LIFETIME.as_micros()).unwrap_or(i64::MAX);
            Ok(SignedUpload {
                url,
                headers: [ONCE].map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                expires_at: Instant::from_micros(now.micros().saturating_add(lifetime)),
            })
        }

        pub(super) async fn sign_download(
            &self,
            name: &str,
            file_name: &str,
            media_type: &str,
            now: Instant,
        ) -> Result<String, ObjectError> {
            let what = Allowed {
                method: "GET",
                key: &self.url.key(name),
                headers: &[],
                query: &[
                    ("response-content-disposition", format!("attachment; filename=\"{file_name}\"")),
                    ("response-content-type", media_type.to_owned()),
                ],
                lifetime: DOWNLOAD_LIFETIME,
            };
            self.sign(name, now, &what).await
        }

        async fn sign(&self, name: &str, now: Instant, what: &Allowed<'_>) -> Result<String, ObjectError> {
            let credential = self.credential(name).await?;
            let origin = self.url.origin();
            let place = Place {
                address: self.public_url().unwrap_or(&origin),
                bucket_path: self.url.bucket_path(),
                region: &self.url.region,
            };
            Ok(signed(&credential, now, &place, what))
        }
    }
}

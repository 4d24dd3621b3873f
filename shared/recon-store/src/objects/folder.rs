//! Objects in a local folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use futures_util::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};
use tokio::sync::OnceCell;

use super::error::disk;
use super::{ObjectEntry, ObjectError, Trouble, parsed};

/// A folder. Nothing is opened before the first use.
pub(super) struct Folder {
    pub(super) root: PathBuf,
    opened: OnceCell<LocalFileSystem>,
}

impl Folder {
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root, opened: OnceCell::new() }
    }

    /// Makes the folder, if it is not there.
    pub(super) async fn make(&self) -> Result<(), ObjectError> {
        tokio::fs::create_dir_all(&self.root).await.map_err(|e| disk("make", "", e))
    }

    /// The folder, as it is: one that is gone may be a volume that is lost.
    pub(super) async fn store(
        &self,
        doing: &'static str,
        name: &str,
    ) -> Result<&LocalFileSystem, ObjectError> {
        let open = || async {
            tokio::fs::metadata(&self.root).await.map_err(|e| disk(doing, name, e))?;
            let opened = LocalFileSystem::new_with_prefix(&self.root);
            opened.map(|store| store.with_automatic_cleanup(true)).map_err(failed(doing, name))
        };
        self.opened.get_or_try_init(open).await
    }

    /// Looks whether a file can be written. It makes no folder: one that is gone may be a volume that is lost.
    pub(super) async fn check(&self) -> Result<(), ObjectError> {
        let root = self.root.clone();
        // A file without a name, which leaves nothing behind, also where the process is killed.
        let written = tokio::task::spawn_blocking(move || tempfile::tempfile_in(root).map(|_| ()));
        written.await.unwrap_or_else(|stopped| Err(stopped.into())).map_err(|e| disk("check", "", e))
    }

    pub(super) async fn open(&self, name: &str) -> Result<File, ObjectError> {
        let store = self.store("open", name).await?;
        let found = store.get(&parsed(name)?).await.map_err(failed("open", name))?;
        match found.payload {
            GetResultPayload::File(file, _) => Ok(file),
            GetResultPayload::Stream(_) => {
                Err(disk("open", name, std::io::Error::from(std::io::ErrorKind::Unsupported)))
            }
        }
    }

    pub(super) async fn page(
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

    /// Puts an object and its place in every folder above it on disk, which the library leaves to the system.
    pub(super) async fn sync(&self, at: &Name) -> Result<(), ObjectError> {
        let file = self.store("put", at.as_ref()).await?.path_to_filesystem(at);
        let file = file.map_err(failed("put", at.as_ref()))?;
        let above = at.parts().count();
        let synced = tokio::task::spawn_blocking(move || {
            file.ancestors().take(above + 1).try_for_each(|path| File::open(path)?.sync_all())
        });
        synced.await.unwrap_or_else(|stopped| Err(stopped.into())).map_err(|e| disk("put", at.as_ref(), e))
    }
}

/// What a failure of the library means where the objects are files.
pub(super) fn failed(doing: &'static str, name: &str) -> impl Fn(object_store::Error) -> ObjectError {
    let name = name.to_owned();
    move |error| match error {
        object_store::Error::NotFound { .. } => ObjectError::NotFound { name: name.clone() },
        source => ObjectError::Unavailable {
            doing,
            name: name.clone(),
            trouble: Trouble::Disk,
            source: source.into(),
        },
    }
}

//! What is half written in a local folder.
//!
//! The library writes an object beside its place, as `NAME#N`, and gives it its name when it is whole. A process that is
//! killed in between leaves that file, and no list shows it. This is about folders alone: other object stores forget
//! unfinished uploads by rules of their own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use recon_domain::Instant;

use super::error::disk;
use super::{ObjectEntry, ObjectError, Objects, Place};
use crate::object_name;

/// How deep names go: kind, owner, attempt, object. A link that leads upwards ends there.
const DEPTH_MAX: usize = 4;

/// What a walk found: no more than so many, the least by their names.
struct Found<'a> {
    after: &'a str,
    limit: usize,
    least: BTreeMap<String, ObjectEntry>,
}

impl Objects {
    /// Up to `limit` of the files that are half written and come after `after`, in the order of their places. However many
    /// there are, no more than these are held in memory.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub(crate) async fn staged(&self, after: &str, limit: usize) -> Result<Vec<ObjectEntry>, ObjectError> {
        let Some(root) = self.root() else { return Ok(Vec::new()) };
        let after = after.to_owned();
        let walk = tokio::task::spawn_blocking(move || {
            let mut found = Found { after: &after, limit, least: BTreeMap::new() };
            found.walk(&root, "", 1)?;
            Ok::<_, io::Error>(found.least.into_values().collect())
        });
        let walked = walk.await.unwrap_or_else(|stopped| Err(stopped.into()));
        walked.map_err(|error| disk("staged", "", error))
    }

    /// Deletes what [`Objects::staged`] found, and the folders that are empty without it.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    pub(crate) async fn delete_staged(&self, place: &str) -> Result<(), ObjectError> {
        if object_name::staged_for(place).is_none() {
            return Err(ObjectError::MalformedName);
        }
        let Some(root) = self.root() else { return Ok(()) };
        let file = root.join(place);
        let delete = tokio::task::spawn_blocking(move || {
            absent_is_fine(fs::remove_file(&file))?;
            let above = file.ancestors().skip(1).take_while(|folder| *folder != root);
            // One that is not empty stays, and ends it.
            above.map(fs::remove_dir).take_while(Result::is_ok).for_each(drop);
            Ok(())
        });
        let deleted = delete.await.unwrap_or_else(|stopped| Err(stopped.into()));
        deleted.map_err(|error| disk("delete_staged", place, error))
    }

    /// The folder, where it is one.
    fn root(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Folder(folder) => Some(folder.root.clone()),
            #[cfg(feature = "cluster")]
            Place::Bucket(_) => None,
        }
    }
}

impl Found<'_> {
    /// Looks into a folder, whose files have names that begin so. What goes away meanwhile is not there.
    fn walk(&mut self, folder: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return absent_is_fine(Err(error)),
        };
        for entry in entries {
            let entry = entry?;
            // What is no text is no name of an object.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let place = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()) {
                if depth < DEPTH_MAX {
                    self.walk(&entry.path(), &format!("{place}/"), depth + 1)?;
                }
            } else if object_name::staged_for(&place).is_some() && place.as_str() > self.after {
                absent_is_fine(self.keep(&entry, place))?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, entry: &fs::DirEntry, name: String) -> io::Result<()> {
        let metadata = entry.metadata()?;
        let modified = instant(metadata.modified()?);
        self.least.insert(name.clone(), ObjectEntry { name, bytes: metadata.len(), modified, etag: None });
        if self.least.len() > self.limit {
            self.least.pop_last();
        }
        Ok(())
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// A time before 1970 is as old as can be.
fn instant(time: SystemTime) -> Instant {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

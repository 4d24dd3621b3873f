//! Who works on a SQLite file does so alone.

use std::fs::{File, TryLockError};

use anyhow::{Context, Result, bail};
use recon_runtime::{Environment, store_config};
use recon_store::Store;

/// Makes sure that no other worker is on this file, for as long as the lock is held; `None` on a database that several
/// may work on.
pub(crate) fn lock(environment: &Environment) -> Result<Option<File>> {
    let database = store_config(environment)?.database;
    let Some(database) = database.file() else { return Ok(None) };
    let path = database.with_added_extension("lock");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("make the folder {} of DATABASE_URL", folder.display()))?;
    }
    let file =
        File::create(&path).with_context(|| format!("open {}, beside DATABASE_URL", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "another `recon serve` already works on {}: stop it, or set DATABASE_URL to another file and OBJECT_URL to another folder",
            database.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}

/// Takes up the jobs of a process on this file that was killed. Only for who holds the lock.
pub(crate) async fn take_up(store: &Store) -> Result<()> {
    let interrupted = store.jobs().interrupt_all().await.context("free the jobs of a killed process")?;
    if interrupted.again > 0 {
        tracing::warn!(jobs = interrupted.again, "jobs of a process that was killed are taken up again");
    }
    if interrupted.given_up > 0 {
        tracing::error!(jobs = interrupted.given_up, "jobs whose process was killed too often are given up");
    }
    Ok(())
}

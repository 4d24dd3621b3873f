//! `recon migrate`: brings the database's schema to the one this version needs.

use std::process::ExitCode;

use anyhow::{Context, Result};
use recon_runtime::{Environment, store_config};
use recon_store::Store;

use crate::report;

/// Migrates the database that the environment names.
pub(crate) fn run() -> Result<ExitCode> {
    let store = Store::open(&store_config(&Environment::of_process())?);
    let done = super::in_async(async {
        let done = migrate(&store).await;
        store.close().await;
        done
    })?;
    report::print(&done);
    Ok(ExitCode::SUCCESS)
}

/// Migrates, and says what was done.
pub(crate) async fn migrate(store: &Store) -> Result<String> {
    let migrated = store.migrate().await.context("migrate the database")?;
    let said = match (migrated.from == migrated.to, migrated.backup) {
        (true, _) => format!("the schema is at version {}, nothing to do", migrated.to),
        (false, None) => format!("the schema went from version {} to {}", migrated.from, migrated.to),
        (false, Some(backup)) => format!(
            "the schema went from version {} to {}; the file as it was is {}",
            migrated.from,
            migrated.to,
            backup.display()
        ),
    };
    tracing::info!("{said}");
    Ok(said)
}

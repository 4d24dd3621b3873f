//! `recon migrate`: brings the database's schema to the one this version needs.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use recon_runtime::{Environment, store_config};
use recon_store::{Schema, Store, StoreConfig};

use crate::cli::MigrateArgs;
use crate::report;

/// Migrates the database that the environment names.
pub(crate) fn run(arguments: &MigrateArgs) -> Result<ExitCode> {
    let store = Store::open(&store_config(&Environment::of_process())?);
    let done = super::in_async(async {
        let done = migrate(&store).await?;
        if arguments.adopt_objects {
            store.adopt_objects().await.context("take the objects at OBJECT_URL for this database's")?;
            tracing::info!("the objects at OBJECT_URL are this database's now");
        }
        store.close().await;
        anyhow::Ok(done)
    })?;
    report::print(&done);
    Ok(ExitCode::SUCCESS)
}

/// Brings a database of this host alone to this build's schema. One that hosts share is migrated by its operators, who know
/// where its objects are.
pub(crate) async fn for_use(store: &Store, config: &StoreConfig) -> Result<()> {
    if config.database.file().is_some() {
        return migrate(store).await.map(drop);
    }
    match store.check().await? {
        Schema::Compatible { .. } => Ok(()),
        schema @ (Schema::Older { .. } | Schema::Newer { .. }) => bail!("{schema}"),
    }
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

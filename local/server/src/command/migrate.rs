//! `recon migrate`: brings the database's schema to the one this version needs.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use migrate::Deps;
use recon_runtime::config::DrainConfig;
use recon_runtime::{Environment, Platform, Process};
use recon_store::{Schema, Store, StoreConfig, Tie};

use crate::cli::MigrateArgs;
use crate::report;

/// Migrates the database that the environment names, as soon as it answers.
pub(crate) fn run(arguments: &MigrateArgs) -> Result<ExitCode> {
    let environment = Environment::of_process();
    recon_runtime::start_telemetry(&environment)?;
    let done = super::in_async(async {
        let drain = DrainConfig::read(&environment)?;
        let process = Process::with_signals(&drain).context("listen for signals")?;
        let platform = Platform::open(&environment, process)?;
        let mut done = migrate::migrate(Deps::open(&platform, &environment)?).await?;
        if arguments.adopt_objects {
            let adopted = platform.store.adopt_objects().await;
            adopted.context("take the objects at OBJECT_URL for this database's")?;
            done.objects = Tie::Ours;
            tracing::info!("the objects at OBJECT_URL are this database's now");
        }
        platform.store.close().await;
        anyhow::Ok(done)
    })?;
    report::print(&done.in_words());
    Ok(ExitCode::SUCCESS)
}

/// Brings a database of this host alone to this build's schema. One that hosts share is migrated by its operators, who know
/// where its objects are.
pub(crate) async fn for_use(store: &Store, config: &StoreConfig) -> Result<()> {
    if config.database.file().is_some() {
        return store.migrate().await.map(drop).context("migrate the database");
    }
    match store.check().await? {
        Schema::Compatible { .. } => Ok(()),
        schema @ (Schema::Older { .. } | Schema::Newer { .. }) => bail!("{schema}"),
    }
}

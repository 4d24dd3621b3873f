//! `recon serve`: every handler in one server, and on SQLite the worker and the sweeper beside it.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use axum::Router;
use recon_runtime::config::{ServerConfig, SweepConfig, WorkerConfig};
use recon_runtime::{
    Environment, Platform, Process, app, consume_jobs, listen, repeat, serve_router, store_config,
};
use recon_store::DatabaseUrl;

use crate::report;

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run() -> Result<ExitCode> {
    let environment = Environment::of_process();
    recon_runtime::start_telemetry(&environment)?;
    super::in_async(serve(&environment))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(environment: &Environment) -> Result<()> {
    let DatabaseUrl::Sqlite(database) = store_config(environment)?.database;
    // Held to the end: whoever holds it is the only worker on this file.
    let _lock = lock(&database)?;
    let process = Process::with_signals().context("listen for signals")?;
    let platform = Platform::open(environment, process.clone())?;
    let workers = WorkerConfig::read(environment)?;
    let sweeps = SweepConfig::read(environment)?;
    let swept = sweeper::Deps::open(&platform, environment)?;
    super::migrate::migrate(&platform.store).await?;
    let interrupted =
        platform.store.jobs().interrupt_all().await.context("free the jobs of a killed process")?;
    if interrupted.again > 0 {
        tracing::warn!(jobs = interrupted.again, "jobs of a process that was killed are taken up again");
    }
    if interrupted.given_up > 0 {
        tracing::error!(jobs = interrupted.given_up, "jobs whose process was killed too often are given up");
    }

    let config = ServerConfig::read(environment)?;
    let listener = listen(&config).await.with_context(|| {
        format!("listen on {}:{} (is the port taken? set PORT)", config.bind_address, config.port)
    })?;
    report::print(&format!("recon serves http://{}", listener.local_addr()?));

    let deps = worker::Deps::open(&platform);
    let worker = tokio::spawn({
        let process = process.clone();
        async move { consume_jobs(&process, &workers, move || worker::turn(deps.clone())).await }
    });
    let sweeper = tokio::spawn({
        let process = process.clone();
        async move { repeat(&process, sweeps.interval, move || sweeper::sweep(swept.clone())).await }
    });
    serve_router(&process, listener, app(router(&platform), &platform)).await;
    worker.await.context("stop the worker")?;
    sweeper.await.context("stop the sweeper")?;
    platform.store.close().await;
    Ok(())
}

/// Every handler crate's router.
fn router(platform: &Platform) -> Router {
    macro_rules! merged {
        ($($function:ident),+ $(,)?) => {
            Router::new()$(.merge($function::router($function::Deps::open(platform))))+
        };
    }
    merged!(
        break_list,
        dataset_complete,
        dataset_create,
        dataset_delete,
        dataset_get,
        dataset_list,
        dataset_rows,
        dataset_upload,
        health,
        match_list,
        openapi,
        reconciliation_cancel,
        reconciliation_create,
        reconciliation_delete,
        reconciliation_export,
        reconciliation_get,
        reconciliation_list,
        rejection_list,
        rule_suggest,
        session_close,
        session_get,
        session_list,
        session_open,
        session_revoke,
    )
}

/// Makes sure that no other server works on this file.
fn lock(database: &Path) -> Result<File> {
    let path = database.with_added_extension("lock");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    }
    let file = File::create(&path).with_context(|| format!("open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another `recon serve` already works on {}: stop it, or set DATABASE_URL to another file and OBJECT_URL to another folder",
            database.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}

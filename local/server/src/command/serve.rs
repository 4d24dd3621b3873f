//! `recon serve`: every handler in one server, and on SQLite the worker and the sweeper beside it.

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, Result};
use axum::Router;
use recon_runtime::config::{DrainConfig, ServerConfig, SweepConfig, WorkerConfig};
use recon_runtime::{Admin, Environment, Platform, Process, app, consume_jobs, listen, repeat, serve_router};
use tokio::net::TcpListener;

use super::only_worker;
use crate::report;

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run() -> Result<ExitCode> {
    let environment = Environment::of_process();
    recon_runtime::start_telemetry(&environment)?;
    super::in_async(serve(&environment))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(environment: &Environment) -> Result<()> {
    // Held to the end: whoever holds it is the only worker on this file.
    let lock = only_worker::lock(environment)?;
    let drain = DrainConfig::read(environment)?;
    let process = Process::with_signals(&drain).context("listen for signals")?;
    let platform = Platform::open(environment, process.clone())?;
    match &lock {
        Some(lock) => serve_alone(environment, &platform, lock).await?,
        None => {
            let router = app(router(&platform), &platform);
            let (listener, _admin) = bind(environment, &platform).await?;
            serve_router(&process, listener, router).await;
        }
    }
    platform.store.close().await;
    process.finished();
    Ok(())
}

/// Migrates the file, serves, works off the jobs and sweeps.
async fn serve_alone(environment: &Environment, platform: &Platform, _lock: &File) -> Result<()> {
    let process = &platform.process;
    let workers = WorkerConfig::read(environment)?;
    let sweeps = SweepConfig::read(environment)?;
    let swept = sweeper::Deps::open(platform, environment)?;
    migrate::migrate(migrate::Deps::open(platform, environment)?).await?;
    only_worker::take_up(&platform.store).await?;
    let router = app(router(platform), platform);
    let (listener, _admin) = bind(environment, platform).await?;
    let deps = worker::Deps::open(platform);
    let worker = tokio::spawn({
        let process = process.clone();
        async move { consume_jobs(&process, &workers, move || worker::turn(deps.clone())).await }
    });
    let sweeper = tokio::spawn({
        let process = process.clone();
        async move { repeat(&process, sweeps.interval, move || sweeper::sweep(swept.clone())).await }
    });
    serve_router(process, listener, router).await;
    worker.await.context("stop the worker")?;
    sweeper.await.context("stop the sweeper")
}

/// Binds the server's port first: of two that want one port, clients' comes before metrics.
async fn bind(environment: &Environment, platform: &Platform) -> Result<(TcpListener, Admin)> {
    let config = ServerConfig::read(environment)?;
    let listener = listen(&config).await.with_context(|| {
        format!("listen on {}:{} (is the port taken? set PORT)", config.bind_address, config.port)
    })?;
    let admin = Admin::start(environment, platform).await?;
    report::print(&format!("recon serves http://{}", listener.local_addr()?));
    Ok((listener, admin))
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
        idempotency_get,
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

//! `recon work`: the worker alone.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use recon_runtime::config::{DrainConfig, WorkerConfig};
use recon_runtime::{Admin, Environment, Platform, Process, consume_jobs};

use super::only_worker;
use crate::report;

/// Works off jobs until SIGTERM or SIGINT.
pub(crate) fn run() -> Result<ExitCode> {
    let environment = Environment::of_process();
    recon_runtime::start_telemetry(&environment)?;
    super::in_async(work(&environment))?;
    Ok(ExitCode::SUCCESS)
}

async fn work(environment: &Environment) -> Result<()> {
    if only_worker::lock(environment)?.is_some() {
        bail!(
            "on a SQLite file `recon serve` is the worker, beside its requests; workers of their own need a DATABASE_URL that begins with postgres://"
        );
    }
    let drain = DrainConfig::read(environment)?;
    let process = Process::with_signals(&drain).context("listen for signals")?;
    let platform = Platform::open(environment, process.clone())?;
    let config = WorkerConfig::read(environment)?;
    let _admin = Admin::start(environment, &platform).await?;
    let deps = worker::Deps::open(&platform);
    report::print("recon works");
    consume_jobs(&process, &config, move || worker::turn(deps.clone())).await;
    platform.store.close().await;
    process.finished();
    Ok(())
}

//! `recon sweep`: removes what nobody needs any more, once.

use std::process::ExitCode;

use anyhow::{Context, Result};
use recon_runtime::config::DrainConfig;
use recon_runtime::{Environment, Platform, Process};
use sweeper::{Deps, Swept};

use crate::cli::{Format, FormatArgs};
use crate::report;

/// Sweeps the database and the objects that the environment names.
pub(crate) fn run(arguments: &FormatArgs) -> Result<ExitCode> {
    let environment = Environment::of_process();
    recon_runtime::start_telemetry(&environment)?;
    let swept = super::in_async(async {
        let drain = DrainConfig::read(&environment)?;
        let process = Process::with_signals(&drain).context("listen for signals")?;
        let platform = Platform::open(&environment, process)?;
        let swept = sweeper::sweep(Deps::open(&platform, &environment)?).await;
        platform.store.close().await;
        Ok(swept?)
    })?;
    report::print(&match arguments.format {
        Format::Json => serde_json::to_string_pretty(&swept)?,
        Format::Table => in_words(&swept),
    });
    Ok(ExitCode::SUCCESS)
}

/// A line for each thing of which there was one.
fn in_words(swept: &Swept) -> String {
    let counts = [
        (swept.jobs_taken_back, "jobs taken back from workers that were lost"),
        (swept.jobs_given_up, "jobs given up that lost too many workers"),
        (swept.uploads_expired, "datasets rejected whose upload never came"),
        (swept.idempotency_keys, "expired idempotency keys forgotten"),
        (swept.sessions, "ended sessions forgotten"),
        (swept.reconciliations, "reconciliations deleted that are older than RETENTION_DAYS"),
        (swept.datasets, "unused datasets deleted that are older than RETENTION_DAYS"),
        (swept.breaks, "breaks removed that no result shows"),
        (swept.objects, "objects removed that no record names"),
    ];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let mut lines: Vec<String> = some.map(|(count, what)| format!("{count:>9}  {what}")).collect();
    if lines.is_empty() {
        lines.push("nothing to sweep".to_owned());
    }
    if swept.more {
        lines.push("stopped before the end; the next sweep goes on".to_owned());
    }
    lines.join("\n")
}

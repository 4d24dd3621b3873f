//! `cargo xtask bench`: time and memory of `recon match` on generated pairs.

mod pods;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::generate::{self, Kind};
use crate::process::{self, Usage};
use crate::workspace;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// Rows of each side.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Runs of each pair; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=99))]
    runs: u64,
}

/// Other things that are measured.
#[derive(Debug, Subcommand)]
enum What {
    /// What an idempotency key costs on PostgreSQL, against a bare insert and the shapes of others
    Idempotency,
    /// What each role of the image needs under load, beside what its pods ask for
    Pods(pods::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        Some(What::Idempotency) => {
            let bench = ["run", "--release", "--package", "recon-idempotency", "--example", "bench"];
            return process::succeed(&mut process::cargo(&bench));
        }
        Some(What::Pods(arguments)) => return pods::run(arguments),
        None => {}
    }
    process::succeed(&mut build())?;
    let recon = binary()?;
    println!("{:<8} {:>10} {:>12} {:>14}", "pair", "rows", "seconds", "memory");
    for kind in Kind::ALL {
        let folder = pair(kind, arguments.rows)?;
        let mut runs = Vec::new();
        for _ in 0..arguments.runs {
            runs.push(reconcile(&recon, &folder)?);
        }
        runs.sort_by_key(|usage| usage.wall);
        let Some(median) = runs.get(runs.len() / 2) else { continue };
        let memory = process::megabytes(median.memory_bytes_max);
        let (kind, rows, wall) = (kind.as_str(), arguments.rows, median.wall.as_secs_f64());
        println!("{kind:<8} {rows:>10} {wall:>12.2} {memory:>14}");
    }
    Ok(())
}

/// Builds the command line in release mode.
pub(crate) fn build() -> Command {
    process::cargo(&["build", "--release", "--package", "recon-server"])
}

/// Where that build puts it.
pub(crate) fn binary() -> Result<PathBuf> {
    Ok(workspace::target()?.join("release").join("recon"))
}

/// Writes a generated pair under the target folder.
pub(crate) fn pair(kind: Kind, rows: u64) -> Result<PathBuf> {
    let folder = workspace::target()?.join("generated").join(format!("{}-{rows}", kind.as_str()));
    generate::write(kind, rows, 1, &folder)?;
    Ok(folder)
}

/// How long `sort` takes for the lines of both files: what a machine can do at the moment.
pub(crate) fn sort(folder: &Path) -> Result<Duration> {
    let mut command = Command::new("sort");
    command.current_dir(folder).env("LC_ALL", "C").args(["left.csv", "right.csv", "-o", "/dev/null"]);
    let usage = process::measure(&mut command, &folder.join("sort.log"))?;
    if !usage.status.success() {
        bail!("{} ended with {}", process::line(&command), usage.status);
    }
    Ok(usage.wall)
}

/// Reconciles a generated pair; its results go to the folder `out` in it. Breaks remain, so 1 is the
/// answer of a run that worked.
pub(crate) fn reconcile(recon: &Path, folder: &Path) -> Result<Usage> {
    let log = folder.join("recon.log");
    let mut command = Command::new(recon);
    command.current_dir(folder);
    command.args(["match", "left.csv", "right.csv", "--rules", "rules.toml", "--out", "out"]);
    let usage = process::measure(&mut command, &log)?;
    if !matches!(usage.status.code(), Some(0 | 1)) {
        let words = fs::read_to_string(&log).context("read the log")?;
        bail!("{} ended with {}:\n{words}", process::line(&command), usage.status);
    }
    Ok(usage)
}

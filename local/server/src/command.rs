//! One file a command.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod healthcheck;
pub(crate) mod match_files;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod push;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod suggest;
pub(crate) mod sweep;
pub(crate) mod user_add;
pub(crate) mod verify;
pub(crate) mod work;

mod only_worker;
mod output;

use std::future::Future;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::{Context, Result};
use recon_contract::Summary;

/// The exit status when rows are left over.
const ROWS_REMAIN: u8 = 1;

/// The exit status of a finished run. A row that could not be read is not matched either.
fn left_over(summary: &Summary, rows_max: u64) -> ExitCode {
    let sides = [&summary.left, &summary.right];
    let rows: u64 = sides.iter().map(|side| side.broken + side.suggested + side.rejected).sum();
    if rows <= rows_max { ExitCode::SUCCESS } else { ExitCode::from(ROWS_REMAIN) }
}

/// The given number of threads, or one for each core.
fn threads(given: Option<NonZeroUsize>) -> Result<NonZeroUsize> {
    match given {
        Some(threads) => Ok(threads),
        None => std::thread::available_parallelism().context("count the cores; give --threads"),
    }
}

/// Runs async work to its end.
fn in_async<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the async runtime")?;
    runtime.block_on(work)
}

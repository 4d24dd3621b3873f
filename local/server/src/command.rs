//! One file a command.

pub(crate) mod config;
pub(crate) mod match_files;
pub(crate) mod migrate;
pub(crate) mod serve;
pub(crate) mod user_add;

use std::future::Future;

use anyhow::{Context, Result};

/// Runs async work to its end.
fn in_async<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the async runtime")?;
    runtime.block_on(work)
}

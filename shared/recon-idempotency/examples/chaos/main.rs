//! A crash matrix: real processes that die, or panic, at every step of a keyed request, on every store that outlives them. Then the
//! client asks again, as its contract says: there must be one effect, and the same bytes for ever after.
//!
//! `cargo xtask chaos idempotency` builds it with fail points and runs it. Handlers that are wrong run too, and the matrix
//! has to find them out.
#![expect(clippy::print_stdout, reason = "it prints its table")]

mod cell;
mod client;
#[cfg(feature = "aws")]
mod dynamodb;
mod handlers;
mod plan;
mod report;
mod server;
mod stores;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use futures_util::{StreamExt as _, stream};

use crate::cell::{Outcome, Run};
use crate::plan::Cell;
use crate::stores::Services;

/// Cells at once: most of a cell's time is waiting.
const CELLS_AT_ONCE: usize = 6;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Only this store
    #[arg(long)]
    store: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What a cell starts: a server that dies where `FAILPOINTS` says
    #[command(hide = true)]
    Serve(server::Arguments),
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    ensure!(
        fail::has_failpoints(),
        "built without fail points: build it with `--features fail/failpoints`, as `cargo xtask chaos idempotency` does"
    );
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    match arguments.command {
        Some(Command::Serve(served)) => {
            let _armed = server::arm()?;
            runtime.block_on(server::run(&served))?;
            Ok(ExitCode::SUCCESS)
        }
        None => runtime.block_on(matrix(arguments.json, arguments.store.as_deref())),
    }
}

async fn matrix(json: bool, store: Option<&str>) -> Result<ExitCode> {
    let begun = Instant::now();
    let services = Services::start().await?;
    let mut cells = plan::cells();
    cells.retain(|cell| store.is_none_or(|only| cell.store.label() == only));
    ensure!(!cells.is_empty(), "this build has no such store");
    let runs = run(&services, cells).await;
    let faulty = run(&services, plan::faulty_cells()).await;
    let failed = runs.iter().filter(|run| !matches!(run.outcome, Outcome::Ok)).count();
    let blind = report::faults(&faulty).iter().any(|fault| fault.found.is_none());
    if json {
        println!("{}", report::json(&runs, &faulty, begun.elapsed()));
    } else {
        report::print(&runs, &faulty, begun.elapsed());
    }
    Ok(if failed == 0 && !blind { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(services: &Services, cells: Vec<Cell>) -> Vec<Run> {
    stream::iter(cells).map(|cell| cell::run(services, cell)).buffered(CELLS_AT_ONCE).collect().await
}

//! `cargo xtask bench pods`: what the program needs in each of its roles, beside what its pods ask for.
//!
//! The release build runs as in the pods, with a PostgreSQL and an S3 of its own. Memory is the most that a process held so far,
//! so each load has what came before it in it. A role that holds more than its alert allows fails the bench.

mod load;
mod requests;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use self::load::Load;
use self::requests::Requests;
use crate::generate::Kind;
use crate::running::{Running, emptied, free_port};
use crate::stack::Stack;
use crate::{process, workspace};

/// Above this share of its limit, the alert `MemoryNearLimit` speaks.
const SHARE_MAX: f64 = 0.8;
const NOT_MEASURED: &str = "this system does not tell how much memory a process held";
/// The share of the requested CPU above which backends are added.
const CPU_SHARE: f64 = 0.7;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Rows of each side of what is reconciled. A million take some 36 MB
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
}

/// What a role did, and what that took.
struct Line {
    role: &'static str,
    did: String,
    wall: Duration,
    cpu: Option<Duration>,
    memory_bytes_max: u64,
}

/// A process with work to come.
struct Watched<'a> {
    role: &'static str,
    running: &'a Running,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    process::succeed(&mut super::build())?;
    let folder = workspace::target()?.join("bench-pods");
    emptied(&folder)?;
    let pair = super::pair(Kind::Keyed, arguments.rows)?;
    let size = fs::metadata(pair.join("left.csv")).context("look at the pair")?.len();
    let rows = format!("{} rows, {}", arguments.rows, process::megabytes(Some(size)));

    let stack = Stack::new(super::binary()?, &folder)?;
    let mut lines = vec![once("migrate", &stack, "migrate", &folder)?];
    let port = free_port()?;
    let (server, worker) = (stack.server(port)?, stack.worker()?);
    let backend = Watched { role: "backend", running: &server };
    let worker = Watched { role: "worker", running: &worker };
    let account = stack.account(format!("http://127.0.0.1:{port}"))?;
    let load = Load::new(&account)?;
    let ids = load.upload(&pair)?;
    let ((), line) =
        worker.during(|| Ok((load.ingest(&ids)?, format!("reads two files at once, of {rows}"))))?;
    lines.push(line);
    let (reconciliation, line) = worker
        .during(|| Ok((load.reconcile_twice(&pair, &ids)?, "reconciles both, twice at once".to_owned())))?;
    lines.push(line);
    let (answered, line) = backend.during(|| {
        let answered = load.usual()?;
        Ok((answered, format!("lists, reads and creates, {answered} for {} clients", load::CLIENTS)))
    })?;
    let cpu_of_one = line.cpu.map(|cpu| cpu.as_secs_f64() / number(answered.max(1)));
    lines.push(line);
    let ((), line) = backend.during(|| Ok(((), load.heaviest(&ids, &reconciliation)?)))?;
    lines.push(line);
    lines.push(once("sweeper", &stack, "sweep", &folder)?);
    print(&lines, cpu_of_one)
}

impl Watched<'_> {
    /// Does something that gives this process work, and tells what that took it.
    fn during<T>(&self, does: impl FnOnce() -> Result<(T, String)>) -> Result<(T, Line)> {
        let pid = self.running.id();
        let (before, start) = (process::cpu(pid), Instant::now());
        let done = does().with_context(|| format!("the {} says:\n{}", self.role, self.running.words()));
        let (value, did) = done?;
        let wall = start.elapsed();
        let cpu = process::cpu(pid).zip(before).map(|(after, before)| after.saturating_sub(before));
        let memory_bytes_max = process::memory_high_water(pid).context(NOT_MEASURED)?;
        Ok((value, Line { role: self.role, did, wall, cpu, memory_bytes_max }))
    }
}

/// A role that ends by itself.
fn once(role: &'static str, stack: &Stack, command: &str, folder: &Path) -> Result<Line> {
    let log = folder.join(format!("{role}.log"));
    let usage = process::measure(&mut stack.recon(&[command]), &log)?;
    if !usage.status.success() {
        let words = fs::read_to_string(&log).context("read the log")?;
        bail!("recon {command} ended with {}:\n{words}", usage.status);
    }
    let did = "runs once".to_owned();
    let memory_bytes_max = usage.memory_bytes_max.context(NOT_MEASURED)?;
    Ok(Line { role, did, wall: usage.wall, cpu: None, memory_bytes_max })
}

/// Prints what was measured beside what is asked for, and fails where that is too little.
fn print(lines: &[Line], cpu_of_one: Option<f64>) -> Result<()> {
    println!(
        "{:<8} {:>8} {:>8} {:>13} {:>8} {:>6}  what it does",
        "role", "seconds", "CPU s", "memory", "limit", "share"
    );
    let mut too_much = Vec::new();
    for line in lines {
        let limit = Requests::of(line.role)?.memory_bytes;
        let share = number(line.memory_bytes_max) / number(limit);
        println!(
            "{:<8} {:>8.1} {:>8} {:>13} {:>8} {:>5.0}%  {}",
            line.role,
            line.wall.as_secs_f64(),
            line.cpu.map_or_else(String::new, |cpu| format!("{:.1}", cpu.as_secs_f64())),
            process::megabytes(Some(line.memory_bytes_max)),
            process::megabytes(Some(limit)),
            share * 100.0,
            line.did,
        );
        if share > SHARE_MAX {
            too_much.push(line.role);
        }
    }
    if let Some(seconds) = cpu_of_one {
        let requested = Requests::of("backend")?.cpu;
        println!(
            "\na request takes {:.2} ms on a processor: with {:.0}% of the {requested} that it asks for, a backend answers {:.0} a \
             second",
            seconds * 1000.0,
            CPU_SHARE * 100.0,
            requested * CPU_SHARE / seconds,
        );
    }
    if !too_much.is_empty() {
        bail!(
            "above {:.0}% of the memory that its pods may have: {}",
            SHARE_MAX * 100.0,
            too_much.join(", ")
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes are far below 2^52")]
const fn number(count: u64) -> f64 {
    count as f64
}

//! `cargo xtask test`: every suite, one line each.

pub(crate) mod dynamodb;
mod fuzz;
mod lambda;
mod requests;
mod suite;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{setup, workspace};
use suite::{ON_DEMAND, SUITES, Suite};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only suites whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Fuzz the readers too, each target for half a minute.
    #[arg(long)]
    fuzz: bool,
}

/// How a suite ended.
struct Verdict {
    name: &'static str,
    passed: bool,
    wall: Duration,
}

/// Runs the suites. The last line is the count; the exit status says the same.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    setup::prepare()?;
    let logs = workspace::target()?.join("suites");
    fs::create_dir_all(&logs).with_context(|| format!("create the folder {}", logs.display()))?;
    let wanted =
        |suite: &&Suite| arguments.only.as_ref().is_none_or(|part| suite.name.contains(part.as_str()));
    let on_demand = if arguments.fuzz { ON_DEMAND.as_slice() } else { &[] };
    let chosen: Vec<&Suite> = SUITES.iter().chain(on_demand).filter(wanted).collect();
    if chosen.is_empty() {
        bail!("no suite has such a name; there are: {}", SUITES.map(|suite| suite.name).join(", "));
    }
    let verdicts: Vec<Verdict> = chosen.into_iter().map(|suite| judge(suite, &logs)).collect();
    println!();
    for verdict in &verdicts {
        println!("{}", verdict.line());
    }
    let passed = verdicts.iter().filter(|verdict| verdict.passed).count();
    let failed = verdicts.len() - passed;
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a suite; what it printed is shown only if it fails.
fn judge(suite: &Suite, logs: &Path) -> Verdict {
    println!("running {}: {}", suite.name, suite.about);
    let log = logs.join(format!("{}.log", suite.name));
    let start = Instant::now();
    let outcome = (suite.run)(&log);
    let verdict = Verdict { name: suite.name, passed: outcome.is_ok(), wall: start.elapsed() };
    match outcome {
        Ok(note) if note.is_empty() => {}
        Ok(note) => println!("  {note}"),
        Err(error) => {
            let words = fs::read_to_string(&log).unwrap_or_default();
            println!("{words}\n{} failed: {error:#}", suite.name);
        }
    }
    verdict
}

impl Verdict {
    fn line(&self) -> String {
        let word = if self.passed { "ok" } else { "FAILED" };
        format!("{:<16} {:<8} {:>8.1} s", self.name, word, self.wall.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_fails_says_so_in_its_line() {
        let logs = tempfile::tempdir().unwrap();
        let failing = Suite { name: "broken", about: "fails", run: |_| bail!("on purpose") };
        let verdict = judge(&failing, logs.path());
        assert!(!verdict.passed);
        assert!(verdict.line().starts_with("broken           FAILED"));
    }

    #[test]
    fn names_of_suites_are_different() {
        let mut names = SUITES.map(|suite| suite.name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SUITES.len());
    }
}

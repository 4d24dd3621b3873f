//! Fuzzing: each target for a short while, from the seeds that are kept and what earlier runs found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, setup, workspace};

/// The one that the targets were written with.
const CARGO_FUZZ_VERSION: &str = "0.13.2";
/// How long each target runs. Longer runs are for a night: `cargo fuzz run --fuzz-dir tests/fuzz TARGET`.
const TARGET_SECONDS: u32 = 30;
/// The longest input: what is wrong with longer ones is wrong with these.
const INPUT_BYTES_MAX: u32 = 4096;
/// The longest that one input may take.
const INPUT_SECONDS_MAX: u32 = 10;

/// Runs every target under `tests/fuzz`.
pub(super) fn run(log: &Path) -> Result<String> {
    setup::prepare_fuzz()?;
    let fuzz = workspace::root().join("tests/fuzz");
    let program = cargo_fuzz()?;
    let targets = targets(&fuzz)?;
    for target in &targets {
        let log = log.with_file_name(format!("fuzz-{target}.log"));
        let mut command = fuzzing(&program, &fuzz, target)?;
        let usage = process::measure(&mut command, &log)?;
        if !usage.status.success() {
            let words = fs::read_to_string(&log).unwrap_or_default();
            let end: Vec<&str> = words.lines().rev().take(60).collect();
            let end: Vec<&str> = end.into_iter().rev().collect();
            bail!("{target}: {} ended with {}\n{}", process::line(&command), usage.status, end.join("\n"));
        }
    }
    Ok(format!("{} targets, {TARGET_SECONDS} s each", targets.len()))
}

/// The targets, which are the files of their folder.
fn targets(fuzz: &Path) -> Result<Vec<String>> {
    let folder = fuzz.join("fuzz_targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.context("read the targets")?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort_unstable();
    if names.is_empty() {
        bail!("{} has no target", folder.display());
    }
    Ok(names)
}

fn fuzzing(program: &Path, fuzz: &Path, target: &str) -> Result<Command> {
    let corpus = fuzz.join("corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("make {}", corpus.display()))?;
    let mut command = Command::new(program);
    command
        .current_dir(fuzz)
        // Coverage needs flags that a stable compiler takes only when it is told so.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", workspace::target()?.join("fuzz"))
        .args(["fuzz", "run", "--fuzz-dir"])
        .arg(fuzz)
        .arg(target)
        .arg(&corpus)
        .arg(fuzz.join("seeds").join(target))
        .arg("--")
        .arg(format!("-max_total_time={TARGET_SECONDS}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"));
    Ok(command)
}

/// The program, found or installed among the build's own files.
fn cargo_fuzz() -> Result<PathBuf> {
    if process::is_there("cargo-fuzz", &["--version"]) {
        return Ok("cargo-fuzz".into());
    }
    let tools = workspace::target()?.join("tools");
    let program = tools.join("bin/cargo-fuzz");
    if !program.is_file() {
        let mut install =
            process::cargo(&["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ_VERSION, "--root"]);
        process::succeed(install.arg(&tools))?;
    }
    Ok(program)
}

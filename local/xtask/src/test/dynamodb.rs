//! Idempotency keys on DynamoDB, which the build of everything leaves out, because Amazon's SDK takes minutes to compile: on dynoxide, and on
//! Amazon's DynamoDB Local where Java is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::suite::{passed, quiet};
use crate::{chaos, process, workspace};

/// The crate of idempotency keys, as every step builds it.
const PACKAGE: [&str; 4] = ["--package", "recon-idempotency", "--features", "aws"];
/// Where the tests find a DynamoDB instead of starting one.
pub(crate) const VARIABLE: &str = "TEST_DYNAMODB";

/// Lints, then the contract and the crash matrix on each DynamoDB.
pub(super) fn run(log: &Path) -> Result<String> {
    let mut lint = process::cargo(&["clippy", "--all-targets"]);
    quiet(lint.args(PACKAGE).args(["--", "-D", "warnings"]), log)?;
    let dynoxide = Dynoxide::start()?;
    let on_dynoxide = on(Some(&dynoxide), log)?;
    drop(dynoxide);
    let on_local = match missing() {
        None => on(None, log)?,
        Some(program) => {
            format!("left out, `{program}` is missing: apt-get install default-jre-headless maven")
        }
    };
    Ok(format!("dynoxide: {on_dynoxide}\n  DynamoDB Local: {on_local}"))
}

/// On this one, or on the DynamoDB Local that the tests start.
fn on(dynoxide: Option<&Dynoxide>, log: &Path) -> Result<String> {
    let mut tests = process::cargo(&["test", "--lib", "--test", "contract"]);
    tests.args(PACKAGE).arg("dynamodb");
    let mut matrix = chaos::dynamodb();
    for command in [&mut tests, &mut matrix] {
        match dynoxide {
            Some(dynoxide) => command.env(VARIABLE, &dynoxide.endpoint),
            None => command.env_remove(VARIABLE),
        };
    }
    quiet(&mut tests, log)?;
    let passed = match passed(&fs::read_to_string(log).context("read the log")?) {
        0 => bail!("no test ran"),
        passed => passed,
    };
    quiet(&mut matrix, log)?;
    let words = fs::read_to_string(log).context("read the log")?;
    let matrix = words.lines().last().context("the matrix printed nothing")?;
    Ok(format!("{passed} tests; matrix: {matrix}"))
}

/// What DynamoDB Local needs and is not there. Nothing else needs it.
fn missing() -> Option<&'static str> {
    let programs = [("java", "-version"), ("mvn", "--version")];
    let missing = programs.into_iter().find(|(program, ask)| !process::is_there(program, &[ask]));
    missing.map(|(program, _)| program)
}

/// What to use where DynamoDB Local cannot run and the environment names no other DynamoDB.
pub(crate) fn instead_of_local() -> Result<Option<Dynoxide>> {
    #[expect(clippy::disallowed_methods, reason = "it is for the programs that this starts")]
    let named = std::env::var_os(VARIABLE).is_some();
    if named || missing().is_none() { Ok(None) } else { Dynoxide::start().map(Some) }
}

/// A running dynoxide of `tests/dynamodb`. It goes with this value.
pub(crate) struct Dynoxide {
    child: Child,
    /// Where it listens, as an SDK is told.
    pub(crate) endpoint: String,
}

impl Dynoxide {
    fn start() -> Result<Self> {
        let target = workspace::target()?.join("dynamodb");
        let mut build = process::cargo(&["build", "--quiet", "--locked", "--manifest-path"]);
        build.arg("tests/dynamodb/Cargo.toml").arg("--target-dir").arg(&target);
        process::succeed(&mut build)?;
        Self::of(&mut Command::new(target.join("debug/recon-dynamodb")))
    }

    /// What this starts says where it listens, and ends with its input, so also when this process ends early.
    fn of(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let child = child.with_context(|| format!("start {}", process::line(command)))?;
        let mut dynoxide = Self { child, endpoint: String::new() };
        let output = dynoxide.child.stdout.take().context("it has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("read where it listens")?;
        line.trim_end().clone_into(&mut dynoxide.endpoint);
        if dynoxide.endpoint.is_empty() {
            bail!("{} does not say where it listens", process::line(command));
        }
        Ok(dynoxide)
    }
}

impl Drop for Dynoxide {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program in the place of dynoxide.
    fn program(script: &str) -> Result<Dynoxide> {
        Dynoxide::of(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_server_goes_with_its_value() {
        let dynoxide = program("echo http://127.0.0.1:1; cat").unwrap();
        assert_eq!(dynoxide.endpoint, "http://127.0.0.1:1");
        let process = dynoxide.child.id().to_string();
        assert!(process::is_there("kill", &["-0", &process]));
        drop(dynoxide);
        assert!(!process::is_there("kill", &["-0", &process]));
    }

    #[test]
    fn a_server_that_ends_before_it_listens_is_an_error() {
        let error = program("exit 1").err().unwrap().to_string();
        assert_eq!(error, "sh -c exit 1 does not say where it listens");
    }
}

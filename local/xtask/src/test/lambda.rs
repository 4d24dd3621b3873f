//! Every function under `cargo lambda`: built and started by it, invoked with its payload.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{process, python, seed, workspace};

/// How long the emulator may take to listen.
const START_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
/// How long a first invocation may take; it builds the function.
const INVOKE_SECONDS_MAX: &str = "600";

/// Invokes them all, one after the other.
pub(super) fn run(log: &Path) -> Result<String> {
    let program = python::programs()?.join("cargo-lambda");
    let folder = workspace::target()?.join("suites/lambda-store");
    let exports = seed::fill(&folder)?;
    let emulator = Emulator::start(&program, &seed::variables(&exports), log)?;
    let payloads = payloads()?;
    for (function, payload) in &payloads {
        let answer = emulator.invoke(function, payload)?;
        check(&answer).with_context(|| format!("{function} answered {answer}"))?;
    }
    Ok(format!("{} functions", payloads.len()))
}

/// Functions with their payloads, by name.
fn payloads() -> Result<Vec<(String, PathBuf)>> {
    let folder = workspace::root().join("tests/fixtures/lambda");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry.context("read the payloads")?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        found.extend(name.map(|name| (name, path)));
    }
    found.sort_unstable();
    Ok(found)
}

/// A function behind the load balancer answers with a status; the others with what their event's source takes.
fn check(answer: &Value) -> Result<()> {
    match (answer["statusCode"].as_u64(), answer["batchItemFailures"].as_array()) {
        (Some(200..300), None) => Ok(()),
        (None, Some(failures)) if failures.is_empty() => Ok(()),
        (None, None) if answer.is_object() && answer.get("errorType").is_none() => Ok(()),
        _ => bail!("not what it says when all is well"),
    }
}

/// `cargo lambda watch`, ended with this value.
struct Emulator {
    child: Child,
    program: PathBuf,
    port: String,
}

impl Emulator {
    fn start(program: &Path, variables: &[(&str, &str)], log: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").context("find a free port")?.local_addr()?.port();
        let output = File::create(log).with_context(|| format!("create {}", log.display()))?;
        let errors = output.try_clone().context("share the log file")?;
        let mut command = Command::new(program);
        command
            .current_dir(workspace::root())
            .args(["lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .args(["--timeout", INVOKE_SECONDS_MAX])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        let child = command.spawn().with_context(|| format!("start {}", process::line(&command)))?;
        let emulator = Self { child, program: program.to_owned(), port: port.to_string() };
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if start.elapsed() > START_MAX {
                bail!("cargo lambda watch does not listen");
            }
            thread::sleep(POLL);
        }
        Ok(emulator)
    }

    fn invoke(&self, function: &str, payload: &Path) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command
            .current_dir(workspace::root())
            .args([
                "lambda",
                "invoke",
                function,
                "--invoke-address",
                "127.0.0.1",
                "--invoke-port",
                &self.port,
            ])
            .args(["--output-format", "json", "--data-file"])
            .arg(payload);
        let output = command.output().with_context(|| format!("start {}", process::line(&command)))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!("{} ended with {}: {words}", process::line(&command), output.status);
        }
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!("{function} answered what is not JSON: {}", String::from_utf8_lossy(&output.stdout))
        })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Asked, not killed, so that it ends the functions that it started.
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if asked.is_ok_and(|status| status.success()) {
            let start = Instant::now();
            while start.elapsed() < START_MAX {
                if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                    return;
                }
                thread::sleep(POLL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_judged_by_what_its_event_source_takes() {
        for well in [json!({"statusCode": 204}), json!({"batchItemFailures": []}), json!({"expired": 0})] {
            assert!(check(&well).is_ok(), "{well}");
        }
        for ill in [
            json!({"statusCode": 401}),
            json!({"batchItemFailures": [{"itemIdentifier": "1"}]}),
            json!({"errorType": "x", "errorMessage": "y"}),
            json!("text"),
        ] {
            assert!(check(&ill).is_err(), "{ill}");
        }
    }
}

//! Requests that are made up from the API's description: no answer that it does not have, and none that is a fault of
//! the service.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{process, python, seed, workspace};

/// Requests for each operation in the phase that makes them up at random.
const EXAMPLES: &str = "200";
/// The same requests in each run: a failure is found again.
const SEED: &str = "1";
/// What an answer must be. Whether a made-up request is valid is for the service to say.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// What takes away what the other requests need, the session too, has its turn at the end.
const TURNS: [(&str, &str); 2] = [("all", "--exclude-method"), ("deletes", "--include-method")];
const START_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub(super) fn run(log: &Path) -> Result<String> {
    let program = python::programs()?.join("schemathesis");
    let folder = workspace::target()?.join("suites/requests-store");
    let exports = seed::fill(&folder)?;
    let server = Server::start(&seed::variables(&exports), &log.with_file_name("requests-server.log"))?;
    let bearer = bearer()?;
    let mut words = String::new();
    for (name, selection) in TURNS {
        let log = log.with_file_name(format!("requests-{name}.log"));
        let mut command = Command::new(&program);
        command
            .current_dir(workspace::root())
            .args(["--config-file", "tests/schemathesis.toml", "run", "shared/recon-contract/openapi.json"])
            .args(["--url", &server.address, "--header", &bearer, "--checks", CHECKS])
            .args(["--max-examples", EXAMPLES, "--seed", SEED, "--warnings", "off"])
            .args([selection, "DELETE"]);
        let usage = process::measure(&mut command, &log)?;
        words = fs::read_to_string(&log).unwrap_or_default();
        if !usage.status.success() {
            bail!("{} ended with {}\n{words}", process::line(&command), usage.status);
        }
    }
    let counted = words.lines().rev().find(|line| line.contains("generated") || line.contains("passed"));
    Ok(counted.unwrap_or_default().trim().to_owned())
}

/// The header with the token that the seeded store knows.
fn bearer() -> Result<String> {
    let path = workspace::root().join("tests/fixtures/lambda/session-get.json");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let payload: Value = serde_json::from_str(&text).context("parse the payload")?;
    let token = payload["headers"]["authorization"].as_str().context("the payload has no token")?;
    Ok(format!("Authorization: {token}"))
}

/// `recon serve`, ended with this value.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(variables: &[(&str, &str)], log: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").context("find a free port")?.local_addr()?.port();
        let output = File::create(log).with_context(|| format!("create {}", log.display()))?;
        let errors = output.try_clone().context("share the log file")?;
        let mut command = Command::new(binary()?);
        command.arg("serve").envs(variables.iter().copied()).env("PORT", port.to_string());
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn().with_context(|| format!("start {}", process::line(&command)))?;
        let server = Self { child, address: format!("http://127.0.0.1:{port}") };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if start.elapsed() > START_MAX {
                bail!("the server does not listen; {} has its words", log.display());
            }
            thread::sleep(POLL);
        }
        Ok(server)
    }
}

/// The one that the suite `build` made.
fn binary() -> Result<PathBuf> {
    Ok(workspace::target()?.join("debug/recon"))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The stack as it is meant: `docker compose up`, the README's session, and everything gone again.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::COMPOSE;
use crate::readme_session::{self, Account};
use crate::up::client::Client;
use crate::{process, workspace};

/// Its own project, beside one that the user may have.
const PROJECT: &str = "reconciliation-platform-test";
/// Ports that a running stack does not have.
const PORTS: [(&str, &str); 3] =
    [("RECON_PORT", "18080"), ("OBJECT_PORT", "18333"), ("PROMETHEUS_PORT", "19090")];
/// How long it may take from the start of everything until a server answers.
const START_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(500);
const EMAIL: &str = "demo@example.com";

/// Says what was done, or why nothing was.
pub(super) fn run() -> Result<String> {
    if !process::is_there("docker", &["compose", "version"]) {
        return Ok("skipped: there is no `docker compose`".to_owned());
    }
    compose(&["config", "--quiet"])?;
    if !process::is_there("docker", &["info"]) {
        return Ok("`docker compose config` takes the file; not run: no Docker engine answers".to_owned());
    }
    let tried = tried();
    let gone = compose(&["down", "--volumes", "--timeout", "60"]);
    tried?;
    gone.map(|_| "docker compose up, the README's session through nginx, down: all well".to_owned())
}

fn tried() -> Result<()> {
    let url = format!("http://127.0.0.1:{}", PORTS[0].1);
    compose(&["up", "--build", "--detach"])?;
    let (start, client) = (Instant::now(), Client::new(&url));
    while !client.is_up() {
        if start.elapsed() > START_MAX {
            bail!("no server answers at {url}:\n{}", compose(&["logs", "--no-color", "--tail", "50"])?);
        }
        thread::sleep(POLL);
    }
    let add =
        ["exec", "-T", "backend-1", "/recon", "user", "add", EMAIL, "--role", "admin", "--format", "json"];
    let added: Value =
        serde_json::from_str(&compose(&add)?).context("read the answer of `recon user add`")?;
    let password = added["password"].as_str().context("`recon user add` told no password")?;
    readme_session::run(&Account { url, email: EMAIL.to_owned(), password: password.to_owned() })
}

/// What `docker compose` prints, if it succeeds.
fn compose(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("docker");
    command.current_dir(workspace::root()).envs(PORTS).args([
        "compose",
        "--project-name",
        PROJECT,
        "--file",
        COMPOSE,
    ]);
    let output = command.args(arguments).output().context("start docker")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}:\n{words}", process::line(&command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

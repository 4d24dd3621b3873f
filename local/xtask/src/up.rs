//! `cargo xtask up`: the platform on this machine, with the demo reconciled.

pub(crate) mod client;
pub(crate) mod load;
mod server;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::{bench, process, setup, workspace};
use client::Client;
use server::Server;

const EMAIL: &str = "demo@example.com";
/// How many ports are tried from the first on.
const PORTS_MAX: u16 = 100;
/// How often it is looked at whether the server still runs.
const POLL: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder of the database, the uploaded files and the log. A new one each time when absent; what lies in a
    /// given one is kept, and the demo is loaded only if it has no database yet.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The first port to try.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// Stop when the demo is reconciled, instead of serving until Ctrl-C.
    #[arg(long)]
    exit: bool,
}

/// How the server's programs find their data.
struct Installation {
    recon: PathBuf,
    folder: PathBuf,
    port: u16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::prepare_build()?;
    println!("building the server; the first time takes some minutes");
    process::succeed(&mut bench::build())?;
    let interrupted = interruptions()?;
    let folder = data_folder(arguments.data.as_deref())?;
    let is_new = !folder.join("recon.db").exists();
    let installation = Installation { recon: bench::binary()?, folder, port: free_port(arguments.port)? };
    let password = if is_new { Some(installation.add_user()?) } else { None };
    let mut server = Server::start(&installation)?;
    let address = installation.address();
    match password {
        Some(password) => {
            let mut client = Client::new(&address);
            let reconciliation = load::demo(&mut client, EMAIL, &password)?;
            println!("\n{}", load::table(&reconciliation)?);
            println!("{}", sign_in(&address, &password, &reconciliation));
        }
        None => println!("\nrecon runs at {address} with the accounts and data it had"),
    }
    let folder = installation.folder.display();
    println!("data and log: {folder}");
    if arguments.exit {
        println!("it stops now; `cargo xtask up --data {folder}` starts it again");
    } else {
        println!("Ctrl-C stops it; `cargo xtask up --data {folder}` starts it again with what it has");
        wait(&interrupted, &mut server)?;
    }
    server.stop()
}

impl Installation {
    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command of the server's program with the configuration of this installation.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.recon);
        command.args(words);
        command.env("DATABASE_URL", format!("sqlite://{}", self.folder.join("recon.db").display()));
        command.env("OBJECT_URL", format!("file://{}", self.folder.join("objects").display()));
        command.env("BIND_ADDRESS", "127.0.0.1").env("PORT", self.port.to_string());
        command
    }

    /// Makes the first admin, and the schema with them; the answer is the password that was made.
    fn add_user(&self) -> Result<String> {
        let words = ["user", "add", EMAIL, "--role", "admin", "--workspace", "Demo", "--format", "json"];
        let answer = output(&mut self.command(&words))?;
        let answer: Value = serde_json::from_str(&answer).context("read the answer of `recon user add`")?;
        let password = answer.get("password").and_then(Value::as_str);
        Ok(password.context("`recon user add` told no password")?.to_owned())
    }
}

/// What a command prints, if it succeeds.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {}", process::line(command)))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {words}", process::line(command), output.status);
    }
    String::from_utf8(output.stdout).context("read its answer as UTF-8")
}

/// The given folder, or a new one under the target folder.
fn data_folder(given: Option<&Path>) -> Result<PathBuf> {
    let folder = match given {
        Some(folder) => folder.to_path_buf(),
        None => {
            let folder = workspace::target()?.join("up");
            if folder.exists() {
                fs::remove_dir_all(&folder).with_context(|| format!("empty {}", folder.display()))?;
            }
            folder
        }
    };
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    fs::canonicalize(&folder).with_context(|| format!("find {}", folder.display()))
}

fn free_port(first: u16) -> Result<u16> {
    let last = first.saturating_add(PORTS_MAX);
    let free = (first..=last).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.with_context(|| format!("every port from {first} to {last} is taken"))
}

/// Gets a message at each Ctrl-C or request to terminate.
fn interruptions() -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the program ends anyway.
        let _ = sender.send(());
    })
    .context("listen for Ctrl-C")?;
    Ok(receiver)
}

fn wait(interrupted: &Receiver<()>, server: &mut Server) -> Result<()> {
    loop {
        match interrupted.recv_timeout(POLL) {
            Err(RecvTimeoutError::Timeout) => server.check()?,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// How to sign in, ready to paste.
fn sign_in(address: &str, password: &str, reconciliation: &Value) -> String {
    let id = reconciliation.get("id").and_then(Value::as_str).unwrap_or_default();
    format!(
        r#"recon runs at {address}. Sign in as {EMAIL} with the password {password}:

export RECON_URL={address} RECON_EMAIL={EMAIL} RECON_PASSWORD={password}
TOKEN=$(curl -s $RECON_URL/v1/sessions -H 'Content-Type: application/json' \
  -d "{{\"email\":\"$RECON_EMAIL\",\"password\":\"$RECON_PASSWORD\"}}" | sed 's/.*"token":"\([^"]*\)".*/\1/')
curl -s -H "Authorization: Bearer $TOKEN" "$RECON_URL/v1/reconciliations/{id}/breaks?limit=5"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free_port(port).unwrap(), port);
    }

    #[test]
    fn a_given_folder_is_kept_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("recon.db"), "").unwrap();
        let found = data_folder(Some(folder.path())).unwrap();
        assert!(found.is_absolute() && found.join("recon.db").exists());
    }

    #[test]
    fn the_way_to_sign_in_can_be_pasted() {
        let reconciliation = serde_json::json!({"id": "7"});
        let words = sign_in("http://127.0.0.1:8081", "a-b-c", &reconciliation);
        assert!(words.contains(
            "export RECON_URL=http://127.0.0.1:8081 RECON_EMAIL=demo@example.com RECON_PASSWORD=a-b-c\n"
        ));
        assert!(words.contains("/v1/reconciliations/7/breaks"));
    }
}

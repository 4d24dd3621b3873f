//! The platform as processes of this machine, on private stores.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process;
use crate::readme_session::Account;
use crate::running::Running;
use crate::stores::Stores;
use crate::up::client::Client;

const EMAIL: &str = "demo@example.com";
/// How long a server that stops goes on answering, in seconds. Requests under way are another test's.
const DRAIN_WAIT_SECONDS: &str = "0";

/// The programs, and what they share.
pub(crate) struct Stack {
    recon: PathBuf,
    folder: PathBuf,
    stores: Stores,
}

impl Stack {
    /// Of this binary, with what it writes in this folder, on stores of its own.
    pub(crate) fn new(recon: PathBuf, folder: &Path) -> Result<Self> {
        Ok(Self { recon, folder: folder.to_owned(), stores: Stores::start()? })
    }

    /// The program with this role, as the compose file sets it up.
    pub(crate) fn recon(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.recon);
        command.args(arguments).envs(self.stores.variables().iter().cloned());
        command.env("BIND_ADDRESS", "127.0.0.1").env("LOG_FORMAT", "json");
        command.env("DRAIN_WAIT_SECONDS", DRAIN_WAIT_SECONDS).env("ADMIN_PORT", "0");
        command
    }

    /// Runs a role that ends; what it prints is the answer.
    pub(crate) fn once(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.recon(arguments);
        let output = command.output().with_context(|| format!("start {}", process::line(&command)))?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} ended with {}:\n{words}",
            process::line(&command),
            output.status
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(crate) fn server(&self, port: u16) -> Result<Running> {
        let mut command = self.recon(&["serve"]);
        let log = self.folder.join(format!("server-{port}.log"));
        let mut server = Running::start(command.env("PORT", port.to_string()), &log)?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        server.wait_until(|| client.is_up()).context("a server")?;
        Ok(server)
    }

    pub(crate) fn worker(&self) -> Result<Running> {
        Running::start(&mut self.recon(&["work"]), &self.folder.join("worker.log"))
    }

    /// The first account, which signs in here.
    pub(crate) fn account(&self, url: String) -> Result<Account> {
        let add = ["user", "add", EMAIL, "--role", "admin", "--workspace", "Demo", "--format", "json"];
        let added: Value =
            serde_json::from_str(&self.once(&add)?).context("read the answer of `recon user add`")?;
        let password = added["password"].as_str().context("`recon user add` told no password")?;
        Ok(Account { url, email: EMAIL.to_owned(), password: password.to_owned() })
    }
}

//! The stack of local/compose.yaml as processes of this machine: two servers behind nginx, a worker, and stores.

mod stores;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use self::stores::Stores;
use super::processes::{Running, emptied, free_port};
use super::proxy::Proxy;
use crate::readme_session::{self, Account};
use crate::up::client::{Client, text};
use crate::up::load as demo;
use crate::{process, workspace};

const EMAIL: &str = "demo@example.com";
/// How long a server that stops goes on answering, in seconds. Requests under way are another test's.
const DRAIN_WAIT_SECONDS: &str = "0";

/// The programs, and what they share.
struct Stack {
    recon: PathBuf,
    folder: PathBuf,
    stores: Stores,
}

/// Runs it all, and says what was seen.
pub(super) fn run(nginx: &str, folder: &Path) -> Result<String> {
    emptied(folder)?;
    let recon = workspace::target()?.join("debug/recon");
    let stack = Stack { recon, folder: folder.to_owned(), stores: Stores::start()? };
    stack.once(&["migrate"])?;
    let ports = [free_port()?, free_port()?];
    let mut servers = [stack.server(ports[0])?, stack.server(ports[1])?];
    let _worker = stack.worker()?;
    let proxy = Proxy::start(nginx, &folder.join("nginx"), ports)?;
    let account = stack.account(proxy.address())?;
    readme_session::run(&account).with_context(|| format!("nginx says:\n{}", proxy.words()))?;
    let mut client = Client::new(&account.url);
    let reconciled = demo::demo(&mut client, &account.email, &account.password)?;
    ensure!(reconciled["status"] == "succeeded", "the demo ended as {reconciled}");
    let id = text(&reconciled, "/id")?;
    let matches = client.get(&format!("/v1/reconciliations/{id}/export?what=matches&format=json"))?;
    ensure!(matches.as_array().is_some_and(|rows| !rows.is_empty()), "the export has no matches: {matches}");
    let requests = proxy.requests(|request| request["status"] == "303")?;
    spread(&requests, ports)?;
    past_the_servers(&requests)?;
    for (server, port) in servers.iter_mut().zip(ports) {
        let ended = server.stop()?;
        ensure!(ended.success(), "SIGTERM ended a server with {ended}:\n{}", server.words());
        *server = stack.server(port)?;
    }
    // As after an update: everything is where it was, behind servers that are new.
    client.get("/v1/reconciliations?limit=1").context("after both servers were replaced")?;
    Ok("the README's session, and the demo by signed URLs, through nginx; servers replaced".to_owned())
}

/// Every server gets its part, and no answer is a fault.
fn spread(requests: &[Value], ports: [u16; 2]) -> Result<()> {
    for port in ports {
        let backend = json!(format!("127.0.0.1:{port}"));
        ensure!(
            requests.iter().any(|request| request["backend"] == backend),
            "nobody asked the server at {backend}"
        );
    }
    let fault =
        requests.iter().find(|request| request["status"].as_str().is_none_or(|status| status >= "500"));
    ensure!(fault.is_none(), "an answer is a fault: {}", fault.unwrap_or(&Value::Null));
    Ok(())
}

/// The demo's files went straight to the store, and its matches came from there; the session's files came through here.
fn past_the_servers(requests: &[Value]) -> Result<()> {
    let count = |field: &str, value: &str| requests.iter().filter(|request| request[field] == value).count();
    let (uploads, exports) = (count("method", "PUT"), count("status", "303"));
    ensure!(uploads == 2, "{uploads} uploads came through nginx, and not the 2 of README.md");
    ensure!(exports == 1, "{exports} answers lead to the store, and not 1");
    Ok(())
}

impl Stack {
    /// The program with this role, as the compose file sets it up.
    fn recon(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.recon);
        command.args(arguments).envs(self.stores.variables().iter().cloned());
        command.env("BIND_ADDRESS", "127.0.0.1").env("LOG_FORMAT", "json");
        command.env("DRAIN_WAIT_SECONDS", DRAIN_WAIT_SECONDS).env("ADMIN_PORT", "0");
        command
    }

    /// Runs a role that ends; what it prints is the answer.
    fn once(&self, arguments: &[&str]) -> Result<String> {
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

    fn server(&self, port: u16) -> Result<Running> {
        let mut command = self.recon(&["serve"]);
        let log = self.folder.join(format!("server-{port}.log"));
        let mut server = Running::start(command.env("PORT", port.to_string()), &log)?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        server.wait_until(|| client.is_up()).context("a server")?;
        Ok(server)
    }

    fn worker(&self) -> Result<Running> {
        Running::start(&mut self.recon(&["work"]), &self.folder.join("worker.log"))
    }

    /// The first account, which signs in here.
    fn account(&self, url: String) -> Result<Account> {
        let add = ["user", "add", EMAIL, "--role", "admin", "--workspace", "Demo", "--format", "json"];
        let added: Value =
            serde_json::from_str(&self.once(&add)?).context("read the answer of `recon user add`")?;
        let password = added["password"].as_str().context("`recon user add` told no password")?;
        Ok(Account { url, email: EMAIL.to_owned(), password: password.to_owned() })
    }
}

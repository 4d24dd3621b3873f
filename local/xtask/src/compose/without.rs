//! The stack of local/compose.yaml as processes of this machine: two servers behind nginx, a worker, and stores.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::proxy::Proxy;
use crate::readme_session;
use crate::running::{emptied, free_port};
use crate::stack::Stack;
use crate::up::client::{Client, text};
use crate::up::load as demo;
use crate::workspace;

/// Runs it all, and says what was seen.
pub(super) fn run(nginx: &str, folder: &Path) -> Result<String> {
    emptied(folder)?;
    let stack = Stack::new(workspace::target()?.join("debug/recon"), folder)?;
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

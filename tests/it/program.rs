//! A `recon serve` or `recon work` that a test starts, watches, stops and replaces by itself.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use recon_testkit::Folder;
use serde_json::Value;

/// How long a condition may take before a test gives up on it.
const CONDITION_MAX: Duration = Duration::from_secs(60);

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < CONDITION_MAX, "{what} does not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A running command of the binary `recon`. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    port: u16,
    admin_port: u16,
}

impl Program {
    /// Starts this command on a folder, with these variables besides, on free ports.
    pub(crate) fn start(folder: &Folder, command: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_on(folder, command, free_port(), variables)
    }

    /// The same on this port.
    pub(crate) fn start_on(folder: &Folder, command: &str, port: u16, variables: &[(&str, &str)]) -> Self {
        let mut recon = folder.command("recon").unwrap();
        recon.arg(command).envs(variables.iter().copied());
        Self::spawn(folder, recon, port)
    }

    /// Starts this command of `recon`, which runs on a folder, on this port.
    pub(crate) fn spawn(folder: &Folder, mut recon: Command, port: u16) -> Self {
        let admin_port = free_port();
        let log = folder.path().join(format!("{port}-{admin_port}.log"));
        let output = File::create(&log).unwrap();
        recon.env("PORT", port.to_string()).env("ADMIN_PORT", admin_port.to_string());
        recon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        Self { child: recon.spawn().unwrap(), log, port, admin_port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn admin_port(&self) -> u16 {
        self.admin_port
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it wrote so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The last line of its log.
    pub(crate) fn last_line(&self) -> String {
        self.log().lines().last().unwrap_or_default().to_owned()
    }

    /// The status and the document that `/ready` answers with on the server's port; nothing where nobody answers.
    pub(crate) async fn ready(&self) -> Option<(u16, Value)> {
        ready(self.port).await
    }

    /// The same on the admin port.
    pub(crate) async fn admin_ready(&self) -> Option<(u16, Value)> {
        ready(self.admin_port).await
    }

    /// Waits until it may be sent requests.
    pub(crate) async fn until_ready(&self) {
        until("a server that is ready", async || self.ready().await.is_some_and(|(status, _)| status == 200))
            .await;
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until it has ended.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let mut ended = None;
        until("the end of a process", async || {
            ended = self.ended();
            ended.is_some()
        })
        .await;
        ended.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ready(port: u16) -> Option<(u16, Value)> {
    let answer = reqwest::get(format!("http://127.0.0.1:{port}/ready")).await.ok()?;
    Some((answer.status().as_u16(), answer.json().await.ok()?))
}

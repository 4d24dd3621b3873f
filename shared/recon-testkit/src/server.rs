//! A real `recon serve`.

use std::net::TcpListener;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::Folder;

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(30);

/// A running `recon serve`, with a `recon work` beside it where it is not its own worker. Dropping it kills them.
#[derive(Debug)]
pub struct Server {
    child: Child,
    worker: Option<Child>,
    address: String,
}

impl Server {
    /// Starts one on this folder and waits until it answers.
    ///
    /// # Errors
    /// When it does not answer in time, or ends.
    pub async fn start(folder: &Folder) -> Result<Self> {
        Self::start_with(folder, &[]).await
    }

    /// Starts one with these variables besides, and waits until it answers.
    ///
    /// # Errors
    /// When it does not answer in time, or ends.
    pub async fn start_with(folder: &Folder, variables: &[(&str, &str)]) -> Result<Self> {
        Self::launch(folder, free_port()?, variables).await
    }

    /// Starts one on this port, for example that of a server which was killed, and waits until it answers.
    ///
    /// # Errors
    /// When it does not answer in time, or ends.
    pub async fn start_on(folder: &Folder, port: u16) -> Result<Self> {
        Self::launch(folder, port, &[]).await
    }

    /// Starts one without a worker beside it, for those who start their own, and waits until it answers. Where it is its
    /// own worker, it is.
    ///
    /// # Errors
    /// When it does not answer in time, or ends.
    pub async fn start_alone(folder: &Folder) -> Result<Self> {
        let mut server = Self::serve(folder, free_port()?, &[])?;
        server.wait_until_it_answers(folder).await?;
        Ok(server)
    }

    async fn launch(folder: &Folder, port: u16, variables: &[(&str, &str)]) -> Result<Self> {
        let mut server = Self::serve(folder, port, variables)?;
        if Folder::is_postgres()? {
            server.worker = Some(spawn(folder, "work", port, variables)?);
        }
        server.wait_until_it_answers(folder).await?;
        Ok(server)
    }

    fn serve(folder: &Folder, port: u16, variables: &[(&str, &str)]) -> Result<Self> {
        if Folder::is_postgres()? {
            folder.recon(&["migrate"])?;
        }
        let child = spawn(folder, "serve", port, variables)?;
        Ok(Self { child, worker: None, address: format!("http://127.0.0.1:{port}") })
    }

    async fn wait_until_it_answers(&mut self, folder: &Folder) -> Result<()> {
        let client = reqwest::Client::new();
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap_or_default();
                bail!("recon serve ended with {status}: {log}");
            }
            if let Ok(answer) = client.get(format!("{}/ready", self.address)).send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            if started.elapsed() > START_MAX {
                bail!("recon serve does not answer on {}", self.address);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its address, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its port.
    ///
    /// # Errors
    /// When its address has none.
    pub fn port(&self) -> Result<u16> {
        let (_, port) = self.address.rsplit_once(':').context("the address has no port")?;
        Ok(port.parse()?)
    }

    /// The address of its metrics, which it picked itself.
    ///
    /// # Errors
    /// When its log does not say it.
    pub fn metrics_address(&self, folder: &Folder) -> Result<String> {
        let log = std::fs::read_to_string(folder.path().join("server.log")).context("read the log")?;
        let lines = log.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut served = lines.filter(|line| line["message"] == "metrics are served");
        let address = served.find_map(|line| line["address"].as_str().map(str::to_owned));
        address.context("the server does not say where its metrics are")
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as the machine would: no signal handler runs.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        for child in std::iter::once(&mut self.child).chain(&mut self.worker) {
            child.kill().context("kill recon")?;
            child.wait().context("wait for recon")?;
        }
        Ok(())
    }

    /// Starts those of its processes again that have ended, without the variables they had besides, and tells how they ended.
    ///
    /// # Errors
    /// When one cannot be started, or does not answer in time.
    pub async fn revive(&mut self, folder: &Folder) -> Result<Vec<ExitStatus>> {
        let (port, mut ended) = (self.port()?, Vec::new());
        if let Some(worker) = &mut self.worker
            && let Some(status) = worker.try_wait()?
        {
            ended.push(status);
            *worker = spawn(folder, "work", port, &[])?;
        }
        if let Some(status) = self.child.try_wait()? {
            ended.push(status);
            self.child = spawn(folder, "serve", port, &[])?;
            self.wait_until_it_answers(folder).await?;
        }
        Ok(ended)
    }

    /// Asks it to stop with SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// When it does not stop within 40 seconds, or not with success.
    pub async fn stop(mut self) -> Result<()> {
        for child in std::iter::once(&mut self.child).chain(&mut self.worker) {
            stop(child).await?;
        }
        Ok(())
    }
}

/// Starts `recon serve` or `recon work`, which writes to the log of the folder.
fn spawn(folder: &Folder, command: &str, port: u16, variables: &[(&str, &str)]) -> Result<Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.path().join("server.log"))
        .context("open the server's log")?;
    let mut started = folder.command("recon")?;
    // The server's metrics are what tests look at; a worker beside it would say where its own are.
    let admin_port = if command == "serve" { "0" } else { "off" };
    started.env("ADMIN_PORT", admin_port);
    started.arg(command).env("PORT", port.to_string()).envs(variables.iter().copied());
    started.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    started.spawn().with_context(|| format!("start recon {command}"))
}

async fn stop(child: &mut Child) -> Result<()> {
    let status = std::process::Command::new("kill").arg(child.id().to_string()).status()?;
    anyhow::ensure!(status.success(), "could not send SIGTERM");
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(40) {
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(status.success(), "recon ended with {status}");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("recon did not stop")
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is as good.
        for child in std::iter::once(&mut self.child).chain(&mut self.worker) {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

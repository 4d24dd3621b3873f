//! The server as a child process.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Installation;
use super::client::Client;

/// How long it may take until the server answers.
const START_MAX: Duration = Duration::from_secs(30);
/// How long it may take to finish what it does when it is told to stop.
const STOP_MAX: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(50);

/// A running server. It is ended with this value.
pub(super) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts it and waits until it answers.
    pub(super) fn start(installation: &Installation) -> Result<Self> {
        let log = installation.folder.join("recon.log");
        let output = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let errors = output.try_clone().context("share the log file")?;
        let mut command = installation.command(&["serve"]);
        // A group of its own: Ctrl-C reaches this program, which then tells the server.
        command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        let child = command.spawn().context("start the server")?;
        let mut server = Self { child, log };
        let client = Client::new(&installation.address());
        let start = Instant::now();
        while !client.is_up() {
            server.check()?;
            if start.elapsed() > START_MAX {
                bail!("the server does not answer at {}:\n{}", installation.address(), server.words());
            }
            thread::sleep(POLL);
        }
        Ok(server)
    }

    /// Fails if it has ended by itself.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait().context("look after the server")? {
            bail!("the server ended with {status}:\n{}", self.words());
        }
        Ok(())
    }

    /// Tells it to stop and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        let mut terminate = Command::new("kill");
        terminate.args(["-TERM", &self.child.id().to_string()]);
        crate::process::succeed(&mut terminate)?;
        let start = Instant::now();
        while start.elapsed() < STOP_MAX {
            if self.child.try_wait().context("wait for the server")?.is_some() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("the server did not stop within {} s and was killed", STOP_MAX.as_secs())
    }

    fn words(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already when it was stopped in order; then this does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

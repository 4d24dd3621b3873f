//! Programs that run beside each other for as long as a suite needs them.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

/// How long a program may take until it answers.
const START_MAX: Duration = Duration::from_secs(30);
/// How long it may take to stop.
const STOP_MAX: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(20);

/// A running program, ended with this value.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; both of its outputs go to the end of this file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| format!("open {}", log.display()))?;
        command
            .stdin(Stdio::piped())
            .stdout(output.try_clone().context("share the log file")?)
            .stderr(output);
        let child = command.spawn().with_context(|| format!("start {}", process::line(command)))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Waits until it answers; one that ends instead says why.
    pub(crate) fn wait_until(&mut self, mut answers: impl FnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        while !answers() {
            if let Some(status) = self.child.try_wait().context("look after a program")? {
                bail!("it ended with {status}:\n{}", self.words());
            }
            if start.elapsed() > START_MAX {
                bail!("it does not answer after {} s:\n{}", START_MAX.as_secs(), self.words());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        process::succeed(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let start = Instant::now();
        while start.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait().context("wait for a program")? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        bail!("it does not stop within {} s:\n{}", STOP_MAX.as_secs(), self.words())
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote.
    pub(crate) fn words(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        // What cannot be stopped in order is killed.
        if self.stop().is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("find a free port")?.local_addr()?.port())
}

/// An empty folder.
pub(crate) fn emptied(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))
}

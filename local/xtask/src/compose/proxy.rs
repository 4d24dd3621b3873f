//! A real nginx with the configuration of local/compose.yaml, in which only addresses and its folder are others.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::NGINX;
use crate::running::{Running, emptied, free_port};
use crate::{process, workspace};

/// How long it may take until a request is noted that was answered.
const NOTE_MAX: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// A running nginx.
pub(super) struct Proxy {
    running: Running,
    port: u16,
}

impl Proxy {
    /// Starts it before two backends on ports of this machine.
    pub(super) fn start(nginx: &str, folder: &Path, backends: [u16; 2]) -> Result<Self> {
        emptied(folder)?;
        let port = free_port()?;
        let file = folder.join("nginx.conf");
        let text =
            fs::read_to_string(workspace::root().join(NGINX)).with_context(|| format!("read {NGINX}"))?;
        fs::write(&file, moved(&text, port, backends, folder)?)
            .with_context(|| format!("write {}", file.display()))?;
        let mut command = Command::new(nginx);
        command.arg("-p").arg(folder).arg("-c").arg(&file);
        let check = command.arg("-t").output().context("start nginx")?;
        if !check.status.success() {
            bail!("{} says:\n{}", process::line(&command), String::from_utf8_lossy(&check.stderr));
        }
        let mut command = Command::new(nginx);
        command.arg("-p").arg(folder).arg("-c").arg(&file).args(["-g", "daemon off;"]);
        let mut running = Running::start(&mut command, &folder.join("log"))?;
        running.wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok()).context("nginx")?;
        Ok(Self { running, port })
    }

    /// Its address.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests that it noted, each as JSON. It does so after the answer, so the last one is waited for.
    pub(super) fn requests(&self, is_last: impl Fn(&Value) -> bool) -> Result<Vec<Value>> {
        let start = Instant::now();
        loop {
            let words = self.words();
            let requests: Vec<Value> =
                words.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if requests.iter().any(&is_last) {
                return Ok(requests);
            }
            if start.elapsed() > NOTE_MAX {
                bail!("nginx did not note a request:\n{words}");
            }
            thread::sleep(POLL);
        }
    }

    /// All that it wrote.
    pub(super) fn words(&self) -> String {
        self.running.words()
    }
}

/// The configuration with other addresses. Whatever is replaced has to be there.
fn moved(text: &str, port: u16, backends: [u16; 2], folder: &Path) -> Result<String> {
    let mut moved = text.to_owned();
    for (from, to) in [
        ("listen 8080;".to_owned(), format!("listen 127.0.0.1:{port};")),
        // Older versions look names up only at their start, and here are none.
        ("backend-1:8080 resolve ".to_owned(), format!("127.0.0.1:{} ", backends[0])),
        ("backend-2:8080 resolve ".to_owned(), format!("127.0.0.1:{} ", backends[1])),
        (" /tmp/".to_owned(), format!(" {}/", folder.display())),
    ] {
        if !moved.contains(&from) {
            bail!("{NGINX} has no `{from}`");
        }
        moved = moved.replace(&from, &to);
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_replaced() {
        let text = "listen 8080;\nserver backend-1:8080 resolve max_fails=0;\nserver backend-2:8080 resolve x;\npid /tmp/p;";
        let moved = moved(text, 1, [2, 3], Path::new("/f")).unwrap();
        assert_eq!(
            moved,
            "listen 127.0.0.1:1;\nserver 127.0.0.1:2 max_fails=0;\nserver 127.0.0.1:3 x;\npid /f/p;"
        );
        let error = super::moved("listen 8080;", 1, [2, 3], Path::new("/f")).unwrap_err();
        assert!(error.to_string().contains("backend-1:8080"), "{error}");
    }
}

//! A cluster, through kubectl: every call goes through [`Cluster::call`].

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How long one request to the API server may take.
const REQUEST_TIMEOUT: &str = "--request-timeout=60s";

/// Which cluster, and with what it is spoken to.
pub(super) struct Cluster {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

/// What kubectl said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) succeeded: bool,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Answer {
    /// The lines in which the API server warns.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.errors.lines().filter(|line| line.starts_with("Warning:")).map(str::to_owned).collect()
    }

    /// The output, or an error with what went wrong.
    pub(super) fn text(self, what: &str) -> Result<String> {
        if !self.succeeded {
            bail!("{what}: {}", self.errors.trim());
        }
        Ok(self.output)
    }
}

impl Cluster {
    pub(super) fn new(kubectl: PathBuf, kubeconfig: PathBuf) -> Self {
        Self { kubectl, kubeconfig }
    }

    /// Runs kubectl to its end with this text as its input.
    pub(super) fn call(&self, arguments: &[&str], input: &str) -> Result<Answer> {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        // What waits has a limit of its own, and watches for longer than a request may take.
        if !arguments.iter().any(|argument| argument.starts_with("--timeout=")) {
            command.arg(REQUEST_TIMEOUT);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {}", self.kubectl.display()))?;
        let mut stdin = child.stdin.take().context("kubectl takes no input")?;
        let input = input.to_owned();
        // Beside the reading below, or both ends wait for each other.
        let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().context("wait for kubectl")?;
        // It need not read what it does not need.
        let _ = writer.join();
        Ok(Answer {
            succeeded: output.status.success(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The same for what must succeed.
    pub(super) fn must(&self, arguments: &[&str], input: &str) -> Result<String> {
        self.call(arguments, input)?.text(&format!("kubectl {}", arguments.join(" ")))
    }

    /// An object as JSON; `None` where there is none.
    pub(super) fn get(&self, arguments: &[&str]) -> Result<Option<Value>> {
        let all = [&["get", "--ignore-not-found", "--output=json"], arguments].concat();
        let text = self.must(&all, "")?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text).context("read what kubectl got").map(Some)
    }

    /// Forwards a free port of this machine to a port in the cluster, until the process is ended.
    pub(super) fn forward(&self, namespace: &str, target: &str, port: u16) -> Result<(Child, u16)> {
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(&self.kubeconfig).arg("--namespace").arg(namespace);
        command.args(["port-forward", target, &format!(":{port}")]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", self.kubectl.display()))?;
        let mut line = String::new();
        let output = child.stdout.take().context("kubectl says nothing")?;
        BufReader::new(output).read_line(&mut line).context("read what kubectl forwards")?;
        match forwarded(&line) {
            Some(local) => Ok((child, local)),
            None => {
                // Gone already is as good.
                let _ = child.kill();
                let _ = child.wait();
                bail!("kubectl forwards no port to {target}: {line}")
            }
        }
    }

    /// The API server's version.
    pub(super) fn version(&self) -> Result<String> {
        let text = self.must(&["get", "--raw=/version"], "").context("is the cluster there?")?;
        let version: Value = serde_json::from_str(&text).context("read the cluster's version")?;
        let git = version["gitVersion"].as_str();
        git.map(str::to_owned).context("the cluster does not say its version")
    }

    /// The kinds that the API server has, as `group/version Kind`.
    pub(super) fn kinds(&self) -> Result<BTreeSet<String>> {
        let text = self.must(&["api-resources", "--no-headers"], "")?;
        let kinds: BTreeSet<String> = text.lines().filter_map(kind).collect();
        if kinds.is_empty() {
            bail!("the cluster names no kinds: {text}");
        }
        Ok(kinds)
    }
}

/// The port in `Forwarding from 127.0.0.1:PORT -> …`.
fn forwarded(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("Forwarding from 127.0.0.1:")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A line is `NAME [SHORTNAMES] APIVERSION NAMESPACED KIND`.
fn kind(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [.., version, _, kind] = words.as_slice() else { return None };
    Some(format!("{version} {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_with_and_without_short_names() {
        assert_eq!(kind("pods  po  v1  true  Pod").unwrap(), "v1 Pod");
        assert_eq!(
            kind("scaledobjects so keda.sh/v1alpha1 true ScaledObject").unwrap(),
            "keda.sh/v1alpha1 ScaledObject"
        );
        assert_eq!(kind("jobs  batch/v1  true  Job").unwrap(), "batch/v1 Job");
        assert_eq!(kind("pods"), None);
    }

    #[test]
    fn the_forwarded_port_is_read() {
        assert_eq!(forwarded("Forwarding from 127.0.0.1:40321 -> 8080\n"), Some(40321));
        assert_eq!(forwarded("error: unable to forward\n"), None);
    }

    #[test]
    fn only_lines_of_warning_are_warnings() {
        let errors = "Warning: would violate PodSecurity\nnote\nWarning: deprecated\n".to_owned();
        let answer = Answer { succeeded: true, output: String::new(), errors };
        assert_eq!(answer.warnings(), ["Warning: would violate PodSecurity", "Warning: deprecated"]);
    }
}

//! Where the stack keeps what it has: private stores, which an example of recon-testkit starts.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{process, python, seed, workspace};

/// What the example prints when everything answers.
const READY: &str = "ready";

/// The running stores. They go with this value.
pub(crate) struct Stores {
    child: Child,
    variables: Vec<(String, String)>,
}

impl Stores {
    pub(crate) fn start() -> Result<Self> {
        // The S3 of the tests is among them.
        python::programs()?;
        // With the whole workspace, as the suites build it: another selection would compile much of it again.
        process::succeed(&mut process::cargo(&["build", "--quiet", "--workspace", "--bins", "--examples"]))?;
        let mut command = Command::new(workspace::target()?.join("debug/examples/stores"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("start the stores")?;
        let output = child.stdout.take().context("read what the stores print")?;
        let mut exports = String::new();
        for line in BufReader::new(output).lines() {
            let line = line.context("read what the stores print")?;
            if line == READY {
                let pairs = seed::variables(&exports).into_iter();
                let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                return Ok(Self { child, variables });
            }
            exports.push_str(&line);
            exports.push('\n');
        }
        let status = child.wait().context("wait for the stores")?;
        bail!("the stores ended with {status}: their words stand above")
    }

    /// What points a process at them.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // They stop when their input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

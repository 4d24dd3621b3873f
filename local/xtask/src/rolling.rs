//! `cargo xtask rolling`: servers and workers that are replaced under load.

use anyhow::Result;

use crate::{process, setup};

/// The packages whose builds these tests need, with the features that tests turn on.
const PACKAGES: [&str; 4] = ["--package", "recon-server", "--package", "recon-tests"];

pub(crate) fn run() -> Result<()> {
    setup::prepare()?;
    process::succeed(process::cargo(&["build", "--all-targets"]).args(PACKAGES))?;
    let mut tests = process::cargo(&["test", "--quiet"]);
    tests.args(PACKAGES).args(["--test", "it", "rolling::", "--", "--nocapture"]);
    process::succeed(&mut tests)
}

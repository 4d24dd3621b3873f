//! Programs from the Python package index, pinned, in an environment among the build's own files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, setup, workspace};

/// What is installed, in the form that pip reads.
const REQUIREMENTS: &str = "tests/requirements.txt";

/// The folder of the programs, installed if they are not there or are others than those asked for.
pub(crate) fn programs() -> Result<PathBuf> {
    setup::prepare_python()?;
    let requirements = workspace::root().join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements).with_context(|| format!("read {REQUIREMENTS}"))?;
    let environment = workspace::target()?.join("tools/python");
    let installed = environment.join("installed.txt");
    let programs = environment.join("bin");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(programs);
    }
    if environment.exists() {
        fs::remove_dir_all(&environment).with_context(|| format!("remove {}", environment.display()))?;
    }
    println!("installing {REQUIREMENTS}");
    process::succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    install(&programs, &requirements)?;
    // Last, so that an installation that broke off is made again.
    fs::write(&installed, wanted).with_context(|| format!("write {}", installed.display()))?;
    Ok(programs)
}

/// The list is whole: nothing beside it is installed.
fn install(programs: &Path, requirements: &Path) -> Result<()> {
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
    process::succeed(pip.arg(requirements)).context("is the Python package index reachable?")
}

//! Programs from the Python package index, pinned, in environments among the build's own files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, setup, workspace};

/// A list of programs, and the environment that holds them.
struct Environment {
    /// What is installed, in the form that pip reads.
    requirements: &'static str,
    /// The folder's name, among the build's own files.
    name: &'static str,
}

/// What the suites of the program itself use.
const TESTS: Environment = Environment { requirements: "tests/requirements.txt", name: "python" };
/// What checks that which is deployed. Apart, because it is large and few need it.
const INFRASTRUCTURE: Environment =
    Environment { requirements: "infra/requirements.txt", name: "infrastructure" };

/// The folder of the programs that the suites use, installed if they are not there or are others than those asked for.
pub(crate) fn programs() -> Result<PathBuf> {
    TESTS.programs()
}

/// The folder of the programs that check manifests, images and compose files; installed likewise.
pub(crate) fn infrastructure() -> Result<PathBuf> {
    INFRASTRUCTURE.programs()
}

impl Environment {
    fn programs(&self) -> Result<PathBuf> {
        setup::prepare_python()?;
        let requirements = workspace::root().join(self.requirements);
        let wanted = fs::read_to_string(&requirements)
            .with_context(|| format!("read the list of programs {}", self.requirements))?;
        let environment = workspace::target()?.join("tools").join(self.name);
        let installed = environment.join("installed.txt");
        let programs = environment.join("bin");
        if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
            return Ok(programs);
        }
        if environment.exists() {
            fs::remove_dir_all(&environment).with_context(|| format!("remove {}", environment.display()))?;
        }
        println!("installing {}", self.requirements);
        process::succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        install(&programs, &requirements)?;
        // Last, so that an installation that broke off is made again.
        fs::write(&installed, wanted).with_context(|| format!("write {}", installed.display()))?;
        Ok(programs)
    }
}

/// The list is whole: nothing beside it is installed.
fn install(programs: &Path, requirements: &Path) -> Result<()> {
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
    process::succeed(pip.arg(requirements)).context("is the Python package index reachable?")
}

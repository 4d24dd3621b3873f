//! `cargo xtask seed`: a store for trying the functions out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{process, workspace};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder to fill; what is in it is removed. Default: `target/seed`.
    folder: Option<PathBuf>,
}

/// What is taken for a seeded store: a folder with this in it, or an empty one.
const DATABASE: &str = "recon.sqlite";

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = match &arguments.folder {
        Some(folder) => folder.clone(),
        None => workspace::target()?.join("seed"),
    };
    let exports = fill(&folder)?;
    println!("{exports}");
    eprintln!("Set these variables, and the payloads of tests/fixtures/lambda/ find what they ask for.");
    Ok(())
}

/// Fills a folder anew and returns the variables that point at it, one `export NAME=value` a line.
pub(crate) fn fill(folder: &Path) -> Result<String> {
    if folder.exists() {
        let mut entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
        if entries.next().is_some() && !folder.join(DATABASE).is_file() {
            bail!("{} holds other things than a seeded store", folder.display());
        }
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    // With the whole workspace, as the suites build it: another selection would compile much of it again.
    process::succeed(&mut process::cargo(&["build", "--quiet", "--workspace", "--examples"]))?;
    let mut seed = Command::new(workspace::target()?.join("debug/examples/seed"));
    let output = seed.arg(folder).stderr(Stdio::inherit()).output().context("run the seed")?;
    if !output.status.success() {
        bail!("{} ended with {}", process::line(&seed), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The variables of [`fill`] as pairs.
pub(crate) fn variables(exports: &str) -> Vec<(&str, &str)> {
    exports.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('=')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_holds_other_things_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letters.txt"), "dear").unwrap();
        let refused = fill(folder.path()).unwrap_err().to_string();
        assert!(refused.ends_with("holds other things than a seeded store"), "{refused}");
        assert!(folder.path().join("letters.txt").is_file());
    }

    #[test]
    fn exports_are_pairs() {
        let exports = "export A=sqlite:///x\nexport B=file:///y=z";
        assert_eq!(variables(exports), [("A", "sqlite:///x"), ("B", "file:///y=z")]);
    }
}

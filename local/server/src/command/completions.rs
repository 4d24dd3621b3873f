//! `recon completions`: what a shell needs to complete commands and options.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArgs};
use crate::report;

/// Prints the shell's script.
pub(crate) fn run(arguments: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "recon", &mut script);
    let script = String::from_utf8(script).context("make the script")?;
    report::print(script.trim_end());
    Ok(ExitCode::SUCCESS)
}

//! The binary `recon`: the server with every handler, the worker, and the command line.

mod cli;
mod command;
mod progress;
mod report;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, UserCommand};

/// The exit status of what could not run.
const COULD_NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve => command::serve::run(),
        Command::Match(arguments) => command::match_files::run(&arguments),
        Command::Migrate => command::migrate::run(),
        Command::User(UserCommand::Add(arguments)) => command::user_add::run(&arguments),
        Command::Config(arguments) => command::config::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        report::error(&error);
        ExitCode::from(COULD_NOT_RUN)
    })
}

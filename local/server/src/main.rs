//! The binary `recon`: the server with every handler, the worker, and the command line.

mod cli;
mod command;
mod files;
mod progress;
mod report;

use std::process::ExitCode;

use clap::Parser;
use recon_runtime::Environment;

use crate::cli::{Cli, Command, UserCommand};

/// The exit status of what could not run.
const COULD_NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let (format, has_log) = (command.format(), command.has_log());
    let result = match command {
        Command::Match(arguments) => command::match_files::run(&arguments),
        Command::Suggest(arguments) => command::suggest::run(&arguments),
        Command::Verify(arguments) => command::verify::run(&arguments),
        Command::Push(arguments) => command::push::run(&arguments),
        Command::Serve => command::serve::run(),
        Command::Work => command::work::run(),
        Command::Sweep(arguments) => command::sweep::run(&arguments),
        Command::Migrate(arguments) => command::migrate::run(&arguments),
        Command::User(UserCommand::Add(arguments)) => command::user_add::run(&arguments),
        Command::Config(arguments) => command::config::run(&arguments),
        Command::Healthcheck(arguments) => Ok(command::healthcheck::run(&arguments)),
        Command::Openapi => Ok(command::openapi::run()),
        Command::Schema(which) => Ok(command::schema::run(&which)),
        Command::Completions(arguments) => command::completions::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        match has_log {
            true => recon_runtime::last_words(&Environment::of_process(), "recon", &format!("{error:#}")),
            false => report::error(&error, format),
        }
        ExitCode::from(COULD_NOT_RUN)
    })
}

//! `recon schema`: JSON Schemas of the documents that people write.

use std::process::ExitCode;

use recon_contract::rules;

use crate::cli::SchemaCommand;
use crate::report;

/// Prints the schema.
pub(crate) fn run(command: &SchemaCommand) -> ExitCode {
    match command {
        SchemaCommand::Rules => report::print(&format!("{:#}", rules::schema())),
    }
    ExitCode::SUCCESS
}

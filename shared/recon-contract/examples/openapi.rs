//! Prints the OpenAPI document: `cargo xtask openapi` keeps it as `openapi.json`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match recon_contract::openapi::text() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! `recon openapi`: the OpenAPI document of the HTTP API.

use std::process::ExitCode;

use crate::report;

/// Prints the document.
pub(crate) fn run() -> ExitCode {
    report::print(recon_contract::OPENAPI_JSON.trim_end());
    ExitCode::SUCCESS
}

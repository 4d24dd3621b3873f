//! `recon config`: the effective configuration.

use std::process::ExitCode;

use anyhow::{Result, bail};
use recon_runtime::Environment;
use serde_json::json;

use crate::cli::{Format, FormatArgs};
use crate::report;

/// Prints every setting; fails when one of them cannot be used.
pub(crate) fn run(arguments: &FormatArgs) -> Result<ExitCode> {
    let settings = Environment::of_process().effective();
    match arguments.format {
        Format::Json => {
            let all: Vec<_> = settings
                .iter()
                .map(|setting| {
                    json!({
                        "name": setting.name,
                        "value": setting.value.as_ref().ok(),
                        "error": setting.value.as_ref().err(),
                        "default": setting.default,
                        "given": setting.given,
                        "about": setting.about,
                    })
                })
                .collect();
            report::print(&serde_json::to_string_pretty(&all)?);
        }
        Format::Table => report::print(&report::settings(&settings)),
    }
    let wrong: Vec<&str> =
        settings.iter().filter_map(|setting| setting.value.as_ref().err()).map(String::as_str).collect();
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(ExitCode::SUCCESS)
}

//! `recon push`: two files reconciled on a server, once, however often it is begun.

mod client;
mod content;
mod error;
mod note;
mod plan;
mod results;
mod server;
mod steps;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use recon_contract::{Reconciliation, Summary};
use recon_runtime::{Clock, Environment};
use serde_json::json;

use self::client::Client;
use self::note::Note;
use self::plan::Plan;
use self::server::Server;
use self::steps::{Steps, Stop};
use super::output;
use crate::cli::{Format, PushArgs};
use crate::report;

/// Pushes; with `--wait` up to the end of the run.
pub(crate) fn run(arguments: &PushArgs) -> Result<ExitCode> {
    let environment = Environment::of_process();
    let inputs = [Some(arguments.left.as_path()), Some(&arguments.right), arguments.rules.as_deref()];
    let inputs: Vec<&Path> = inputs.into_iter().flatten().collect();
    if let Some(folder) = &arguments.out {
        output::spare(folder, results::FORMAT, &inputs)?;
    }
    let server = Server::read(&environment, arguments.url.as_deref())?;
    let plan = Plan::read(arguments)?;
    let client = Client::new(&server);
    let about = plan.about(&server.address);
    let mut note = Note::begin(&environment, &Clock::system(), &plan.intent(&server.address), about)?;
    let steps = Steps { client: &client, plan: &plan, note: &mut note };
    match carry_out(arguments, &inputs, steps) {
        Ok((reconciliation, summary)) => {
            note.end();
            let url = client.url(&format!("/v1/reconciliations/{}", reconciliation.id));
            print(arguments, &reconciliation, summary.as_ref(), &url)?;
            Ok(summary.map_or(ExitCode::SUCCESS, |summary| super::left_over(&summary, arguments.max_breaks)))
        }
        Err(Stop::Over(error)) => {
            note.end();
            Err(error)
        }
        Err(Stop::Unfinished(error)) => {
            Err(error).context("not done; the same command goes on where this one stopped")
        }
    }
}

fn carry_out(
    arguments: &PushArgs,
    inputs: &[&Path],
    mut steps: Steps<'_>,
) -> Result<(Reconciliation, Option<Summary>), Stop> {
    let reconciliation = steps.ask()?;
    if !arguments.wait {
        return Ok((reconciliation, None));
    }
    let summary = steps.until_done(reconciliation.id)?;
    if let (Some(folder), Some(document)) = (&arguments.out, steps.document()) {
        results::fetch(steps.client, reconciliation.id, (folder, inputs), document, &summary)
            .map_err(Stop::Unfinished)?;
    }
    Ok((reconciliation, Some(summary)))
}

fn print(
    arguments: &PushArgs,
    reconciliation: &Reconciliation,
    summary: Option<&Summary>,
    url: &str,
) -> Result<()> {
    let id = reconciliation.id;
    match (arguments.format.format, summary) {
        (Format::Json, Some(summary)) => report::print(&serde_json::to_string_pretty(summary)?),
        (Format::Json, None) => report::print(&json!({ "id": id.to_string(), "url": url }).to_string()),
        (Format::Table, Some(summary)) => {
            report::print(&report::summary(summary));
            report::print(&format!("reconciliation {id}\n{url}"));
            if let Some(folder) = &arguments.out {
                report::print(&format!("results in {}", folder.display()));
            }
        }
        (Format::Table, None) => report::print(&format!("accepted as reconciliation {id}\n{url}")),
    }
    Ok(())
}

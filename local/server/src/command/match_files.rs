//! `recon match`: two files reconciled with no server.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use recon_contract::Summary;
use recon_domain::Side;
use recon_formats::mapping::Mapped;
use recon_formats::results::Results;

use super::output;
use crate::cli::{Format, MatchArgs};
use crate::progress::Bar;
use crate::{files, report};

/// Reconciles, writes the results, prints the summary.
pub(crate) fn run(arguments: &MatchArgs) -> Result<ExitCode> {
    let inputs = [arguments.left.as_path(), &arguments.right];
    let all_inputs: Vec<&Path> = inputs.into_iter().chain(arguments.rules.as_deref()).collect();
    files::must_exist(all_inputs.iter().copied())?;
    if let Some(folder) = &arguments.out {
        output::spare(folder, arguments.out_format.into(), &all_inputs)?;
    }
    let rules = match &arguments.rules {
        Some(path) => files::read_rules(path)?,
        None => super::suggest::rules_for(inputs)?,
    };
    let threads = super::threads(arguments.threads)?;
    let mapped = files::read_both(inputs, &rules, threads)?;
    let outcome = {
        let bar = Bar::count("matching".to_owned());
        recon_engine::reconcile(&rules.set, &mapped.left, &mapped.right, &mapped.texts, threads, &bar)?
    };
    if let Some(folder) = &arguments.out {
        let _wheel = Bar::wheel(format!("writing {}", folder.display()));
        let results = Results {
            rules: &rules.set,
            left: &mapped.left,
            right: &mapped.right,
            texts: &mapped.texts,
            outcome: &outcome,
        };
        let format = arguments.out_format.into();
        output::write(folder, format, &rules.document, &results, &mapped.rejections)
            .and_then(|()| output::remove_stale(folder, format, &all_inputs))
            .with_context(|| format!("write to {}", folder.display()))?;
    }
    let summary = Summary::from(&outcome.summary);
    print(arguments, &mapped, &summary)?;
    Ok(super::left_over(&summary, arguments.max_breaks))
}

fn print(arguments: &MatchArgs, mapped: &Mapped, summary: &Summary) -> Result<()> {
    for side in [Side::Left, Side::Right] {
        report::readings(side, &mapped.readings[side as usize], &mapped.rejections[side as usize]);
    }
    match arguments.format.format {
        Format::Json => report::print(&serde_json::to_string_pretty(summary)?),
        Format::Table => {
            report::print(&report::summary(summary));
            if let Some(folder) = &arguments.out {
                report::print(&format!("results in {}", folder.display()));
            }
        }
    }
    Ok(())
}

//! `recon match`: two files reconciled with no server.

mod output;

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use recon_contract::rules;
use recon_domain::{ReadOptions, RuleSet, Side, Summary};
use recon_engine::Outcome;
use recon_formats::mapping::{self, Input, Mapped, map_both};
use recon_formats::results::Results;
use recon_formats::{Keep, TextReader};
use serde_json::Value;

use crate::cli::{Format, MatchArgs};
use crate::progress::{Bar, Reading};
use crate::report;

/// The exit status when rows are left over.
const ROWS_REMAIN: u8 = 1;

/// A rule document, as it was written and as it was understood.
struct Rules {
    document: Value,
    set: RuleSet,
}

/// Reconciles, writes the results, prints the summary.
pub(crate) fn run(arguments: &MatchArgs) -> Result<ExitCode> {
    if let Some(folder) = &arguments.out {
        output::spare(folder, arguments.out_format, [&arguments.left, &arguments.right, &arguments.rules])?;
    }
    let rules = read_rules(&arguments.rules)?;
    let threads = arguments.threads.map_or_else(cores, Ok)?;
    let mapped = read_files(arguments, &rules, threads)?;
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
        output::write(folder, arguments.out_format, &rules.document, &results, &mapped.rejections)
            .with_context(|| format!("write to {}", folder.display()))?;
    }
    print(arguments, &mapped, &outcome)?;
    Ok(exit_code(&outcome.summary, arguments.max_breaks))
}

fn cores() -> Result<NonZeroUsize> {
    std::thread::available_parallelism().context("count the cores; give --threads")
}

fn read_rules(path: &Path) -> Result<Rules> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("read the rules {name}"))?;
    let text = text.trim_start_matches('\u{feff}');
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let document = match is_json {
        true => {
            rules::parse_json(text).map_err(|error| anyhow!("the rules {name}, read as JSON:\n{error}"))?
        }
        false => rules::toml_to_json(text).map_err(|error| anyhow!("the rules {name}:\n{error}"))?,
    };
    let set = rules::from_json(&document).map_err(|error| anyhow!("the rules {name}:\n{error}"))?;
    Ok(Rules { document, set })
}

fn read_files(arguments: &MatchArgs, rules: &Rules, threads: NonZeroUsize) -> Result<Mapped> {
    let open = |path: &Path, options: &ReadOptions| {
        // The columns are chosen when it is known that they are there.
        TextReader::open(path, options, &Keep::Columns(Vec::new()))
            .with_context(|| path.display().to_string())
    };
    let [left_options, right_options] = &rules.set.options;
    let mut left = open(&arguments.left, left_options)?;
    let mut right = open(&arguments.right, right_options)?;
    rules::check_columns(&rules.set, left.header(), right.header())
        .map_err(|error| anyhow!("the rules {}:\n{error}", arguments.rules.display()))?;

    let bar = Reading::of(&arguments.left, &arguments.right);
    let watch = |side, done, total| {
        bar.set(side, done, total);
        true
    };
    let input = |source, options: &ReadOptions| Input { source, options: options.clone() };
    let mapped = map_both(
        &rules.set,
        input(&mut left, left_options),
        input(&mut right, right_options),
        threads,
        &watch,
    );
    drop(bar);
    match mapped {
        Ok(mapped) => Ok(mapped),
        Err(error @ mapping::Error::Source { .. }) => Err(error.into()),
        Err(error) => bail!("{error}"),
    }
}

fn print(arguments: &MatchArgs, mapped: &Mapped, outcome: &Outcome) -> Result<()> {
    for side in [Side::Left, Side::Right] {
        report::readings(side, &mapped.readings[side as usize], &mapped.rejections[side as usize]);
    }
    match arguments.format.format {
        Format::Json => {
            let summary = recon_contract::Summary::from(&outcome.summary);
            report::print(&serde_json::to_string_pretty(&summary)?);
        }
        Format::Table => {
            report::print(&report::summary(&outcome.summary));
            if let Some(folder) = &arguments.out {
                report::print(&format!("results in {}", folder.display()));
            }
        }
    }
    Ok(())
}

fn exit_code(summary: &Summary, rows_left_max: u64) -> ExitCode {
    // A row that could not be read is not matched either.
    let left_over: u64 = summary.sides.iter().map(|side| side.broken + side.suggested + side.rejected).sum();
    if left_over <= rows_left_max { ExitCode::SUCCESS } else { ExitCode::from(ROWS_REMAIN) }
}

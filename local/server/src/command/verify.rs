//! `recon verify`: whether result files say of two inputs what is so.

mod breaks;
mod conditions;
mod differences;
mod lines;
mod matches;
mod numbering;
mod rows;
mod summary;

use std::process::ExitCode;

use anyhow::Result;
use recon_contract::Summary;
use recon_domain::RuleSet;
use recon_engine::{Phase, Progress, recount};
use recon_formats::mapping::Mapped;
use serde_json::{Value, json};

use self::differences::Differences;
use self::rows::Rows;
use crate::cli::{Format, VerifyArgs};
use crate::progress::Bar;
use crate::{files, report};

/// The exit status when something differs.
const DIFFERS: u8 = 1;

/// How much was looked at.
struct Looked {
    matches: usize,
    breaks: usize,
    rejected: u64,
    digest: String,
}

/// Reads inputs and results, counts again, and says what differs.
pub(crate) fn run(arguments: &VerifyArgs) -> Result<ExitCode> {
    let rules_file = arguments.out.join("rules.toml");
    files::must_exist([arguments.left.as_path(), &arguments.right, &rules_file])?;
    let rules = files::read_rules(&rules_file)?;
    let there = summary::read(&arguments.out)?;
    let threads = super::threads(arguments.threads)?;
    let mapped = files::read_both([&arguments.left, &arguments.right], &rules, threads)?;

    let mut differences = Differences::default();
    let looked = look(arguments, &rules.set, &mapped, &there, &mut differences)?;
    print(arguments, &differences, &looked)?;
    Ok(if differences.count == 0 { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

/// Holds all that is said against the inputs.
fn look(
    arguments: &VerifyArgs,
    rules: &RuleSet,
    mapped: &Mapped,
    there: &Value,
    differences: &mut Differences,
) -> Result<Looked> {
    let counting = Counting(Bar::wheel("counting again".to_owned()));
    let mut rows = Rows::of(rules, mapped, &counting)?;
    let matches = matches::read(&arguments.out, &mut rows, differences)?;
    let breaks = breaks::read(&arguments.out, &mut rows, &matches, differences)?;
    let rejected = lines::rejected(&arguments.out, &rows, differences)?;
    rows.missing(differences);
    let counted = recount(
        rules,
        [&mapped.left, &mapped.right],
        &mapped.texts,
        (&matches, &breaks),
        summary::limits(there),
        &counting,
    )?;
    let counted = Summary::from(&counted);
    summary::compare(there, &counted, differences)?;
    Ok(Looked { matches: matches.len(), breaks: breaks.len(), rejected, digest: counted.digest })
}

fn print(arguments: &VerifyArgs, differences: &Differences, looked: &Looked) -> Result<()> {
    let Looked { matches, breaks, rejected, digest } = looked;
    match arguments.format.format {
        Format::Json => report::print(&serde_json::to_string_pretty(&json!({
            "agrees": differences.count == 0,
            "matches": matches,
            "breaks": breaks,
            "rejected": rejected,
            "digest": digest,
            "differences": { "count": differences.count, "first": differences.shown },
        }))?),
        Format::Table if differences.count == 0 => {
            let (left, right) = (arguments.left.display(), arguments.right.display());
            report::print(&format!(
                "{matches} matches, {breaks} breaks and {rejected} rejected rows are what {left} and {right} say\n\
                 digest {digest}"
            ));
        }
        Format::Table => {
            for words in &differences.shown {
                report::print(words);
            }
            if differences.hidden() > 0 {
                report::print(&format!("and {} more", differences.hidden()));
            }
            let plural = if differences.count == 1 { "difference" } else { "differences" };
            report::print(&format!("{} {plural}", differences.count));
        }
    }
    Ok(())
}

/// A wheel that turns while it is counted.
struct Counting(#[expect(dead_code, reason = "it turns until it is dropped")] Bar);

impl Progress for Counting {
    fn advance(&self, _: Phase, _: u64, _: u64) -> bool {
        true
    }
}

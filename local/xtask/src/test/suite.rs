//! The suites, in the order they run: what fails soonest comes first.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::check_truth;
use crate::generate::Kind;
use crate::{alerts, bench, chaos, compose, image, manifests, process, python, tidy, workspace};

/// Rows a side of the generated pairs.
const PAIR_ROWS: u64 = 1_000_000;
/// Ceilings that only a wrong algorithm breaks, not a busy machine.
const KEYED_WALL_MAX: Duration = Duration::from_secs(5);
/// The same for a machine that is slow at the moment: so many times what `sort` needs there for the lines of both files.
/// Measured side by side, a run takes 3 to 4.4 times as long, whether the machine is quick or slow.
const KEYED_SORTS_MAX: f64 = 5.0;
const KEYLESS_WALL_MAX: Duration = Duration::from_secs(60);
const MEMORY_BYTES_MAX: u64 = 1_000_000_000;
/// What the keyless rules must reach.
const RECALL_MIN: f64 = 0.95;
const PRECISION_MIN: f64 = 0.99;

/// One suite. What it prints goes to the log; what it returns is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&Path) -> Result<String>,
}

/// All of them.
pub(super) static SUITES: [Suite; 18] = [
    Suite { name: "format", about: "every file is formatted", run: format },
    Suite { name: "tidy", about: "dependency rules, sizes, READMEs", run: tidy },
    Suite { name: "manifests", about: "what is deployed, rendered and checked", run: manifests::suite },
    Suite { name: "alerts", about: "each fires where it must, and only there", run: alerts::suite },
    Suite { name: "lints", about: "clippy has nothing to say", run: lints },
    Suite { name: "flavours", about: "each set of features compiles by itself", run: flavours },
    Suite { name: "build", about: "every test, and the programs that end-to-end tests start", run: build },
    Suite { name: "tests", about: "unit, property and end-to-end tests", run: tests },
    Suite { name: "postgres", about: "the same servers and functions on PostgreSQL", run: postgres },
    Suite {
        name: "chaos",
        about: "keys and effects of processes that are killed at every step",
        run: killed,
    },
    Suite { name: "dynamodb", about: "idempotency keys on DynamoDB", run: super::dynamodb::run },
    Suite { name: "requests", about: "made-up requests get documented answers", run: super::requests::run },
    Suite { name: "lambda", about: "every function under cargo lambda", run: super::lambda::run },
    Suite {
        name: "compose",
        about: "the stack of local/compose.yaml, without containers",
        run: compose::suite,
    },
    Suite { name: "release", about: "the command line in release mode", run: release },
    Suite { name: "image", about: "the image, built and tried", run: image::suite },
    Suite { name: "keyed-pair", about: "1,000,000 rows a side, every outcome as the truth says", run: keyed },
    Suite { name: "keyless-pair", about: "1,000,000 rows a side, recall and precision", run: keyless },
];

/// What runs only where it is asked for.
pub(super) static ON_DEMAND: [Suite; 1] =
    [Suite { name: "fuzz", about: "any bytes to the readers", run: super::fuzz::run }];

fn format(log: &Path) -> Result<String> {
    cargo(&["fmt", "--all", "--check"], log)
}

fn tidy(_: &Path) -> Result<String> {
    tidy::run().map(|()| String::new())
}

fn lints(log: &Path) -> Result<String> {
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], log)
}

/// Everything at once, tests and binaries with the same features, so that each crate is compiled once: end-to-end tests
/// start the binaries, and a test's own build does not make them.
fn build(log: &Path) -> Result<String> {
    cargo(&["build", "--workspace", "--all-targets"], log)
}

fn tests(log: &Path) -> Result<String> {
    // Among them the S3 that tests start for themselves.
    python::programs()?;
    let skipped = workspace::target()?.join("tmp/skipped.txt");
    if skipped.exists() {
        fs::remove_file(&skipped).context("forget what was skipped")?;
    }
    cargo(&["test", "--workspace"], log)?;
    let words = fs::read_to_string(log).context("read the log")?;
    let passed = passed(&words);
    if passed == 0 {
        bail!("no test ran");
    }
    let parity = fs::read_to_string(workspace::target()?.join("tmp/parity.txt")).unwrap_or_default();
    let skipped = fs::read_to_string(skipped).unwrap_or_default();
    let skipped: String = skipped.lines().map(|line| format!("\n  skipped {line}")).collect();
    Ok(format!("{passed} tests; {parity}{skipped}"))
}

/// The end-to-end tests once more, but for those that use no database, or both.
fn postgres(log: &Path) -> Result<String> {
    python::programs()?;
    let mut command = process::cargo(&["test", "--package", "recon-tests", "--test", "it", "--"]);
    for module in [
        "match_files::",
        "restaurants::",
        "rolling::",
        "schema::",
        "suggest::command_line::",
        "suggest::pairs::",
        "verify::",
    ] {
        command.args(["--skip", module]);
    }
    quiet(command.env("TEST_DATABASE", "postgres"), log)?;
    let words = fs::read_to_string(log).context("read the log")?;
    match passed(&words) {
        0 => bail!("no test ran"),
        passed => Ok(format!("{passed} tests")),
    }
}

/// The product's own steps are among the end-to-end tests.
fn killed(log: &Path) -> Result<String> {
    quiet(&mut chaos::matrix()?, log)?;
    let words = fs::read_to_string(log).context("read the log")?;
    words.lines().last().map(str::to_owned).context("the matrix printed nothing")
}

/// What is delivered with other features than the build of everything has.
fn flavours(log: &Path) -> Result<String> {
    // Those of the server have every crate's of the same name in them.
    let sets = [
        ("recon-server", "embedded"),
        ("recon-server", "cluster"),
        ("recon-idempotency", "memory"),
        ("recon-idempotency", "redis"),
    ];
    for (package, features) in sets {
        let lint = ["clippy", "--package", package, "--no-default-features", "--features", features];
        quiet(process::cargo(&lint).args(["--", "-D", "warnings"]), log)?;
    }
    Ok(sets.map(|(package, features)| format!("{package} with {features}")).join(", "))
}

fn release(log: &Path) -> Result<String> {
    quiet(&mut bench::build(), log)
}

fn keyed(_: &Path) -> Result<String> {
    pair(Kind::Keyed, KEYED_WALL_MAX, Some(KEYED_SORTS_MAX), [1.0, 1.0], true)
}

fn keyless(_: &Path) -> Result<String> {
    pair(Kind::Keyless, KEYLESS_WALL_MAX, None, [RECALL_MIN, PRECISION_MIN], false)
}

/// Reconciles a generated pair within the ceilings and holds it against its truth.
fn pair(
    kind: Kind,
    wall_max: Duration,
    sorts_max: Option<f64>,
    [recall, precision]: [f64; 2],
    exact: bool,
) -> Result<String> {
    let folder = bench::pair(kind, PAIR_ROWS)?;
    let usage = bench::reconcile(&bench::binary()?, &folder)?;
    let out = folder.join("out");
    check_truth::run(&check_truth::Arguments {
        truth: folder.join("truth.csv"),
        matches: out.join("matches.csv"),
        breaks: out.join("breaks.csv"),
        recall,
        precision,
        exact,
    })?;
    no_block_left_open(&out.join("summary.json"))?;
    let took = format!("{:.2} s, {}", usage.wall.as_secs_f64(), process::megabytes(usage.memory_bytes_max));
    let took =
        if usage.wall > wall_max { slow(&folder, usage.wall, wall_max, sorts_max, &took)? } else { took };
    if usage.memory_bytes_max.is_some_and(|bytes| bytes > MEMORY_BYTES_MAX) {
        bail!("{took}: more than {}", process::megabytes(Some(MEMORY_BYTES_MAX)));
    }
    Ok(took)
}

/// A run that is over its ceiling is right only where everything is slow.
fn slow(
    folder: &Path,
    wall: Duration,
    wall_max: Duration,
    sorts_max: Option<f64>,
    took: &str,
) -> Result<String> {
    let Some(sorts_max) = sorts_max else { bail!("{took}: more than {} s", wall_max.as_secs()) };
    let sorts = wall.as_secs_f64() / bench::sort(folder)?.as_secs_f64();
    let words = format!("{took}, {sorts:.1} times as long as `sort`");
    if sorts > sorts_max {
        bail!("{words}: more than {} s, and more than {sorts_max} times", wall_max.as_secs());
    }
    Ok(words)
}

fn no_block_left_open(summary: &Path) -> Result<()> {
    let text = fs::read_to_string(summary).with_context(|| format!("read {}", summary.display()))?;
    let summary: serde_json::Value = serde_json::from_str(&text).context("parse the summary")?;
    let skipped = summary.pointer("/limits/skipped_blocks").and_then(serde_json::Value::as_u64);
    match skipped {
        Some(0) => Ok(()),
        Some(blocks) => bail!("{blocks} blocks were left open"),
        None => bail!("the summary does not say how many blocks were skipped"),
    }
}

fn cargo(arguments: &[&str], log: &Path) -> Result<String> {
    quiet(&mut process::cargo(arguments), log)
}

pub(super) fn quiet(command: &mut Command, log: &Path) -> Result<String> {
    let usage = process::measure(command, log)?;
    if !usage.status.success() {
        bail!("{} ended with {}", process::line(command), usage.status);
    }
    Ok(String::new())
}

/// Tests that passed, by the closing lines of their binaries.
pub(super) fn passed(words: &str) -> u64 {
    let counts = words.lines().filter_map(|line| {
        let rest = line.strip_prefix("test result: ok. ")?;
        rest.split_once(" passed")?.0.parse::<u64>().ok()
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_summed_over_binaries() {
        let words =
            "test result: ok. 12 passed; 0 failed; 0 ignored\nnoise\ntest result: ok. 3 passed; 0 failed\n";
        assert_eq!(passed(words), 15);
        assert_eq!(passed("error: could not compile"), 0);
    }

    #[test]
    fn a_summary_with_skipped_blocks_is_refused() {
        let check = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), text).unwrap();
            no_block_left_open(file.path())
        };
        assert!(check(r#"{"limits":{"skipped_blocks":0}}"#).is_ok());
        assert!(check(r#"{"limits":{"skipped_blocks":2}}"#).is_err());
        assert!(check("{}").is_err());
    }
}

//! `cargo xtask chaos`: processes that are killed at every step, and clients that ask again.

use std::process::Command;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::test::dynamodb::{VARIABLE, instead_of_local};
use crate::{process, workspace};

/// The packages whose builds the tests of the pipeline need, with the features that their tests turn on.
const PIPELINE: [&str; 4] = ["--package", "recon-server", "--package", "recon-tests"];

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only this one
    what: Option<What>,
    /// The matrix of idempotency on DynamoDB too: on DynamoDB Local where Java and Maven are, else on dynoxide
    #[arg(long)]
    aws: bool,
    /// Print the matrix of idempotency as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The library of keys: every store, every form of an effect, every step of a request, killed or panicking
    Idempotency,
    /// The product: every step of uploads, ingests and runs, on SQLite and on PostgreSQL
    Pipeline,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let wanted = |what| arguments.what.is_none_or(|only| only == what);
    if wanted(What::Idempotency) {
        let mut matrix = process::cargo(&["run", "--quiet", "--package", "recon-idempotency"]);
        let features = if arguments.aws { "fail/failpoints,aws" } else { "fail/failpoints" };
        matrix.args(["--example", "chaos", "--features", features, "--"]);
        matrix.args(arguments.json.then_some("--json"));
        let dynoxide = if arguments.aws { instead_of_local()? } else { None };
        matrix.envs(dynoxide.iter().map(|dynoxide| (VARIABLE, &dynoxide.endpoint)));
        process::succeed(&mut matrix)?;
    }
    if wanted(What::Pipeline) {
        process::succeed(process::cargo(&["build", "--all-targets"]).args(PIPELINE))?;
        for database in ["sqlite", "postgres"] {
            let mut tests = process::cargo(&["test", "--quiet"]);
            tests.args(PIPELINE).args(["--test", "it", "chaos::", "--", "--nocapture"]);
            process::succeed(tests.env("TEST_DATABASE", database))?;
        }
    }
    Ok(())
}

/// The matrix of idempotency on DynamoDB alone.
pub(crate) fn dynamodb() -> Command {
    let mut matrix =
        process::cargo(&["run", "--quiet", "--package", "recon-idempotency", "--example", "chaos"]);
    matrix.args(["--features", "fail/failpoints,aws", "--", "--store", "dynamodb"]);
    matrix
}

/// The matrix of idempotency, as the build of everything has made it.
pub(crate) fn matrix() -> Result<Command> {
    Ok(Command::new(workspace::target()?.join("debug/examples/chaos")))
}

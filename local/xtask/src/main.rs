//! `cargo xtask`: everything that is done to this project beside writing it. One file a command.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program speaks to the terminal")]

mod alerts;
mod bench;
mod chaos;
mod check_truth;
mod compose;
mod demo;
mod generate;
mod image;
mod kube_test;
mod manifests;
mod openapi;
mod process;
mod python;
mod random;
mod readme_session;
mod rolling;
mod running;
mod seed;
mod setup;
mod stack;
mod stores;
mod test;
mod tidy;
mod truth;
mod up;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, starts, tests and measures the reconciliation platform.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds the server, starts it with the demo reconciled, and says how to sign in.
    Up(up::Arguments),
    /// Runs every suite and prints one line a suite.
    Test(test::Arguments),
    /// Checks what the compiler can't: dependency rules, sizes, READMEs.
    Tidy,
    /// Writes a pair of files with the truth beside them.
    Gen(generate::Arguments),
    /// Holds the results of a generated pair against its truth.
    CheckTruth(check_truth::Arguments),
    /// Measures the reconciliation of generated pairs.
    Bench(bench::Arguments),
    /// Kills processes at every step of what they do, and looks at what is left.
    Chaos(chaos::Arguments),
    /// Stops and replaces servers and workers while they are used, and fails with the first request that does.
    Rolling,
    /// Fills a folder with the store that tests/fixtures/lambda/ is about.
    Seed(seed::Arguments),
    /// Writes the OpenAPI document and the page that shows it, or checks them.
    Openapi(openapi::Arguments),
    /// Builds the image without a registry, and tries it where containers can run.
    Image(image::Arguments),
    /// Runs local/compose.yaml where Docker does, and says so where it does not.
    ComposeTest,
    /// Renders what is deployed, compares it with what is committed, and checks it.
    Manifests(manifests::Arguments),
    /// Tries every alert with promtool, and holds alerts and runbooks against each other.
    Alerts,
    /// Tries what is deployed on the cluster of KUBECONFIG.
    KubeTest(kube_test::Arguments),
    /// Writes local/demo/bank.csv and ledger.csv again.
    Demo(demo::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Test(arguments) => return ended(test::run(&arguments)),
        Command::Up(arguments) => up::run(&arguments),
        Command::Tidy => tidy::run(),
        Command::Gen(arguments) => generate::run(&arguments),
        Command::CheckTruth(arguments) => check_truth::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Chaos(arguments) => chaos::run(&arguments),
        Command::Rolling => rolling::run(),
        Command::Seed(arguments) => seed::run(&arguments),
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Image(arguments) => image::run(&arguments),
        Command::ComposeTest => compose::run(),
        Command::Manifests(arguments) => manifests::run(&arguments),
        Command::Alerts => alerts::run(),
        Command::KubeTest(arguments) => kube_test::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

fn ended(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}

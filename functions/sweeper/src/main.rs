//! The sweeper as a process that sweeps once, or as a Lambda function on a schedule.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    recon_runtime::run_once(sweeper::Deps::open, sweeper::sweep).await
}

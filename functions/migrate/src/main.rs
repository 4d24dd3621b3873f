//! The migration as a process that ends, or as a Lambda function that a deployment calls.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    recon_runtime::run_once(migrate::Deps::open, migrate::migrate).await
}

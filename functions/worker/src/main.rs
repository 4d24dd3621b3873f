//! The worker as a process of its own, or as a Lambda function on a queue.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    recon_runtime::consume(worker::Deps::open, worker::turn).await
}

//! The endpoint as a process of its own: a Lambda function, or a server.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    recon_runtime::serve(idempotency_get::Deps::open, idempotency_get::router).await
}

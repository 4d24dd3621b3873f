//! The endpoint as a process of its own: a Lambda function, or a server.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    recon_runtime::serve(reconciliation_export::Deps::open, reconciliation_export::router).await
}

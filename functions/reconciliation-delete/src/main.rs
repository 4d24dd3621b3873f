//! The endpoint as a process of its own: a Lambda function, or a server.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    recon_runtime::serve(reconciliation_delete::Deps::open, reconciliation_delete::router).await
}

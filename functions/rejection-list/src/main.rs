//! The endpoint as a process of its own: a Lambda function, or a server.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    recon_runtime::serve(rejection_list::Deps::open, rejection_list::router).await
}

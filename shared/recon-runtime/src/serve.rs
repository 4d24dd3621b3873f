//! A handler crate as a process.

use std::process::ExitCode;

use axum::Router;

use crate::config::{DrainConfig, ServerConfig};
use crate::{
    Admin, AdminError, Environment, Platform, Process, SettingError, app, because, container, lambda,
    telemetry,
};

/// Why a process could not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    #[error("cannot listen on {address}")]
    Listen {
        address: String,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Task(Box<dyn std::error::Error + Send + Sync>),
    #[error("the Lambda runtime API failed: {0}")]
    Lambda(lambda_runtime::Error),
}

/// Runs a router until the process is asked to stop: as a Lambda function where the environment says so, else as an
/// HTTP server.
pub async fn serve<D>(open: impl FnOnce(&Platform) -> D, router: impl FnOnce(D) -> Router) -> ExitCode {
    let environment = Environment::of_process();
    let served = async {
        let platform = start(&environment)?;
        let router = app(router(open(&platform)), &platform);
        if environment.is_lambda() {
            return lambda::serve_events(router).await.map_err(RunError::Lambda);
        }
        let config = ServerConfig::read(&environment)?;
        let address = format!("{}:{}", config.bind_address, config.port);
        let listener =
            container::listen(&config).await.map_err(|source| RunError::Listen { address, source })?;
        let _admin = Admin::start(&environment, &platform).await?;
        container::serve_router(&platform.process, listener, router).await;
        platform.store.close().await;
        platform.process.finished();
        Ok(())
    };
    ended(&environment, served.await)
}

/// Starts what every process has: logs, signals, and the platform.
pub(crate) fn start(environment: &Environment) -> Result<Platform, RunError> {
    telemetry::start(environment)?;
    // Lambda sends a function no signals, it freezes it.
    let process = match environment.is_lambda() {
        true => Process::new(),
        false => Process::with_signals(&DrainConfig::read(environment)?).map_err(RunError::Signals)?,
    };
    Ok(Platform::open(environment, process)?)
}

/// The exit code of a process that ran, or the words of one that could not.
pub(crate) fn ended(environment: &Environment, ran: Result<(), RunError>) -> ExitCode {
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let because = because(&error);
            let colon = if because.is_empty() { "" } else { ": " };
            telemetry::last_words(environment, "error", &format!("{error}{colon}{because}"));
            ExitCode::FAILURE
        }
    }
}

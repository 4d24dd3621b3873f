//! A task as a process: once, or as a function that a schedule calls.

use std::error::Error;
use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;

use crate::serve::{RunError, ended, start};
use crate::{Environment, Platform, Process, SettingError, because};

/// Runs a task: on Lambda for each event, whatever it says, else once. What the task reports is the function's answer, or
/// a line of JSON on standard output; one that fails is a failed invocation, or an exit status.
///
/// A task watches the [`Process`], and ends early and in order when that drains.
pub async fn run_once<D, F, R, E>(
    open: impl FnOnce(&Platform, &Environment) -> Result<D, SettingError>,
    task: impl Fn(D) -> F,
) -> ExitCode
where
    D: Clone,
    F: Future<Output = Result<R, E>>,
    R: Serialize,
    E: Error + Send + Sync + 'static,
{
    let environment = Environment::of_process();
    let ran = async {
        let platform = start(&environment)?;
        let deps = open(&platform, &environment)?;
        // Boxed, since futures of futures have a depth at which the compiler gives up.
        let task = || Box::pin(task(deps.clone()));
        if environment.is_lambda() {
            return on_schedule(task).await.map_err(RunError::Lambda);
        }
        let reported = task().await.map_err(|error| RunError::Task(error.into()));
        platform.store.close().await;
        platform.process.finished();
        print(&reported?)
    };
    ended(&environment, ran.await)
}

/// Runs a task again and again, with a pause after each, until the process is asked to stop. A task that fails is logged
/// and tried again like any other.
pub async fn repeat<F, R, E>(process: &Process, pause: Duration, task: impl Fn() -> F)
where
    F: Future<Output = Result<R, E>> + Send + 'static,
    R: Send + 'static,
    E: Error + Send + 'static,
{
    while !process.is_draining() {
        // On a task of its own, so that a panic ends this run and no other.
        match tokio::spawn(task()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, because = because(&error), "task failed"),
            Err(panic) => tracing::error!(error = %panic, "task panicked"),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = process.draining() => {}
        }
    }
}

/// Runs the task for each event until Lambda ends the process.
///
/// # Errors
/// When the runtime API cannot be polled.
async fn on_schedule<F, R, E>(task: impl Fn() -> F) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<R, E>>,
    R: Serialize,
    E: Error + Send + Sync + 'static,
{
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| {
        let task = task();
        async move { answer(task.await) }
    }))
    .await
}

/// What a function answers to an event.
fn answer<R: Serialize, E: Error + Send + Sync + 'static>(
    ran: Result<R, E>,
) -> Result<Value, lambda_runtime::Error> {
    match ran {
        Ok(reported) => Ok(serde_json::to_value(reported)?),
        Err(error) => {
            tracing::error!(%error, because = because(&error), "task failed");
            Err(Box::new(error))
        }
    }
}

fn print(reported: &impl Serialize) -> Result<(), RunError> {
    let mut line = serde_json::to_vec(reported).map_err(|error| RunError::Task(error.into()))?;
    line.push(b'\n');
    std::io::stdout().write_all(&line).map_err(|error| RunError::Task(error.into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no database")]
    struct NoDatabase;

    #[tokio::test(start_paused = true)]
    async fn a_task_is_repeated_after_its_pause_whatever_became_of_it_until_the_process_stops() {
        let (process, runs) = (Process::new(), Arc::new(AtomicU32::new(0)));
        let started = Instant::now();
        let (stop, count) = (process.clone(), runs.clone());
        repeat(&process, Duration::from_secs(60), move || {
            let (stop, run) = (stop.clone(), count.fetch_add(1, Ordering::SeqCst));
            async move {
                match run {
                    0 => Ok(()),
                    1 => Err(NoDatabase),
                    2 => panic!("a bug"),
                    _ => {
                        stop.stop();
                        Ok(())
                    }
                }
            }
        })
        .await;
        assert_eq!((runs.load(Ordering::SeqCst), started.elapsed()), (4, Duration::from_secs(180)));
    }

    #[test]
    fn a_function_answers_what_its_task_reports_and_fails_with_it() {
        assert_eq!(answer::<_, NoDatabase>(Ok(3)).unwrap(), 3);
        assert_eq!(answer::<(), _>(Err(NoDatabase)).unwrap_err().to_string(), "no database");
    }
}

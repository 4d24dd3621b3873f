//! A worker as a process: a loop over jobs, or a function that a queue's messages wake.

mod sqs;

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::config::WorkerConfig;
use crate::serve::{RunError, ended, start};
use crate::{Admin, Environment, Platform, Process, State, because};

/// What one turn of a worker came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It took a job and finished it, one way or the other.
    Worked,
    /// There was no job to take.
    Idle,
    /// No job may be taken yet: something that the worker stands on has to change first.
    Waiting,
}

/// How long an idle worker waits before it looks for a job again.
pub const POLL_PAUSE: Duration = Duration::from_secs(1);
/// The longest wait after turns that failed one after the other.
pub const FAILURE_PAUSE_MAX: Duration = Duration::from_secs(30);

/// Runs a worker until the process is asked to stop: on Lambda one turn for each message of a queue, else turns one
/// after the other, as many at once as `WORKER_CONCURRENCY` says.
///
/// A turn takes at most one job. It watches the [`Process`], and gives up its lease when that is [`State::Releasing`].
pub async fn consume<D, F, E>(
    open: impl FnOnce(&Platform) -> D,
    turn: impl Fn(D) -> F + Clone + Send + Sync + 'static,
) -> ExitCode
where
    D: Clone + Send + Sync + 'static,
    F: Future<Output = Result<Turn, E>> + Send + 'static,
    E: Error + Send + 'static,
{
    let environment = Environment::of_process();
    let consumed = async {
        let platform = start(&environment)?;
        let config = WorkerConfig::read(&environment)?;
        let deps = open(&platform);
        let turn = move || turn(deps.clone());
        if environment.is_lambda() {
            let claims = platform.store.keys().claims();
            return sqs::consume_messages(claims, turn).await.map_err(RunError::Lambda);
        }
        let _admin = Admin::start(&environment, &platform).await?;
        consume_jobs(&platform.process, &config, turn).await;
        platform.store.close().await;
        platform.process.finished();
        Ok(())
    };
    ended(&environment, consumed.await)
}

/// Takes turns until the process is asked to stop, then waits for the jobs that still run.
pub async fn consume_jobs<F, E>(
    process: &Process,
    config: &WorkerConfig,
    turn: impl Fn() -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Result<Turn, E>> + Send + 'static,
    E: Error + Send + 'static,
{
    let mut lanes = JoinSet::new();
    for _ in 0..config.concurrency {
        lanes.spawn(take_turns(process.clone(), turn.clone()));
    }
    tokio::select! {
        () = async { while lanes.join_next().await.is_some() {} } => tracing::info!("every job is finished or given back"),
        () = process.reaches(State::Over) => tracing::warn!("grace is over, jobs are cut; their leases will run out"),
    }
}

/// One turn after the other. A turn that panics is one that failed.
async fn take_turns<F, E>(process: Process, turn: impl Fn() -> F)
where
    F: Future<Output = Result<Turn, E>> + Send + 'static,
    E: Error + Send + 'static,
{
    let mut failures = 0;
    while process.state().takes_jobs() {
        let pause = match tokio::spawn(turn()).await {
            Ok(Ok(Turn::Worked)) => {
                failures = 0;
                continue;
            }
            Ok(Ok(Turn::Idle | Turn::Waiting)) => {
                failures = 0;
                POLL_PAUSE
            }
            Ok(Err(error)) => {
                tracing::error!(%error, because = because(&error), "worker cannot take a job");
                failures += 1;
                failure_pause(failures)
            }
            Err(panic) => {
                tracing::error!(error = %panic, "worker panicked");
                failures += 1;
                failure_pause(failures)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = process.draining() => {}
        }
    }
}

/// Twice as long after each failure.
fn failure_pause(failures: u32) -> Duration {
    POLL_PAUSE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(FAILURE_PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::Instant;

    use super::*;

    const ONE: WorkerConfig = WorkerConfig { concurrency: 1 };

    #[derive(Debug, thiserror::Error)]
    #[error("no database")]
    struct NoDatabase;

    /// Takes turns until the last of these outcomes, and tells how long that took.
    async fn check(outcomes: &'static [fn() -> Result<Turn, NoDatabase>]) -> Duration {
        let (process, taken) = (Process::new(), Arc::new(AtomicU32::new(0)));
        let started = Instant::now();
        let (stop, count) = (process.clone(), taken.clone());
        consume_jobs(&process, &ONE, move || {
            let number = usize::try_from(count.fetch_add(1, Ordering::SeqCst)).unwrap();
            if number + 1 == outcomes.len() {
                stop.stop();
            }
            async move { outcomes[number]() }
        })
        .await;
        assert_eq!(usize::try_from(taken.load(Ordering::SeqCst)).unwrap(), outcomes.len());
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_goes_on_while_there_are_jobs_and_looks_again_after_a_pause() {
        assert_eq!(
            check(&[|| Ok(Turn::Worked), || Ok(Turn::Worked), || Ok(Turn::Worked)]).await,
            Duration::ZERO
        );
        assert_eq!(check(&[|| Ok(Turn::Idle), || Ok(Turn::Worked), || Ok(Turn::Idle)]).await, POLL_PAUSE);
        assert_eq!(check(&[|| Ok(Turn::Waiting), || Ok(Turn::Waiting)]).await, POLL_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_and_panics_do_not_end_a_worker_and_slow_it_down() {
        let waited = check(&[|| Err(NoDatabase), || panic!("a bug"), || Ok(Turn::Worked)]).await;
        assert_eq!(waited, failure_pause(1) + failure_pause(2));
        assert_eq!(failure_pause(1), POLL_PAUSE);
        assert_eq!(failure_pause(99), FAILURE_PAUSE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_outlives_the_grace_is_cut() {
        let process = Process::new();
        let (stop, started) = (process.clone(), Instant::now());
        consume_jobs(&process, &ONE, move || {
            stop.stop();
            std::future::pending::<Result<Turn, NoDatabase>>()
        })
        .await;
        assert_eq!(started.elapsed(), crate::GRACE);
    }
}

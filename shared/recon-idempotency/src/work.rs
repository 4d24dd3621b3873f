//! Remote effects under a claim: on a task of their own, with heartbeats.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    ClaimOutcome, ClaimStore, Claimed, Completion, Error, Extension, Seed, StoredResponse, Unanswered,
};

/// How many heartbeats a lease has: one may be lost.
const HEARTBEATS_PER_LEASE: u32 = 3;
/// Between two heartbeats, however short a lease is.
const HEARTBEAT_PAUSE_MIN: Duration = Duration::from_millis(10);
/// How long a request waits before it asks again what became of its key.
const ASK_PAUSE: Duration = Duration::from_millis(100);
/// What a request is told whose key somebody else has for an unknown time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why work ended without an answer.
#[derive(Debug)]
pub enum Failed<E> {
    /// It surely had no effect: the key is free again, and a retry runs.
    NoEffect(E),
    /// Nobody knows. The key is kept until the lease ends; who takes it over repeats the same derived ids.
    Unknown(E),
}

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum WorkError<E> {
    /// The store failed; nothing ran that is not covered by a claim.
    #[error(transparent)]
    Store(#[from] Error),
    /// The work had no effect.
    #[error("the work was refused")]
    NoEffect(#[source] E),
    /// The outcome of the work is unknown.
    #[error("the outcome of the work is unknown")]
    Unknown(#[source] E),
    /// The work panicked, or the runtime shuts down: its outcome is unknown.
    #[error("the work did not come to its end")]
    CutOff(#[source] tokio::task::JoinError),
}

/// Runs a remote effect at most once for its key.
///
/// The work gets the seed of the ids that it hands downstream ([`Seed::derived_id`]). It runs on a task of its own, so that
/// a client that goes away does not cut it off, and its lease is extended for as long as it runs: so it needs a limit of its own,
/// such as [`tokio::time::timeout`] with [`Failed::Unknown`], or work that hangs keeps its key for as long as the process lives. A
/// lease that is lost all the same ends the wait for it: the answer is what the winner left.
///
/// `lease` is how long a key is blocked when its holder is killed: the time that a function has left, or a few heartbeats. While
/// somebody else has the key, it waits as long as the request says ([`Unanswered::waiting`]).
///
/// # Errors
/// [`WorkError`].
pub async fn run<F, W, E>(
    store: Arc<dyn ClaimStore>,
    request: Unanswered,
    lease: Duration,
    work: F,
) -> Result<ClaimOutcome<()>, WorkError<E>>
where
    F: FnOnce(Seed) -> W + Send + 'static,
    W: Future<Output = Result<StoredResponse, Failed<E>>> + Send + 'static,
    E: Send + 'static,
{
    let mut work = work;
    loop {
        // Who waits does nothing yet, so that part of it may be cut off.
        let attempt = tokio::spawn(claimed(store.clone(), request.clone(), lease, work));
        let held = match attempt.await.map_err(WorkError::CutOff)?? {
            Attempt::Ran(outcome) => return Ok(outcome),
            Attempt::Held(held, unused) => {
                work = unused;
                held
            }
        };
        let left = request.time_to_wait();
        if left.is_zero() || !matches!(held, ClaimOutcome::InFlight { .. }) {
            return Ok(held);
        }
        sleep(ASK_PAUSE.min(left)).await;
        let waited = wait(&*store, &request, request.time_to_wait()).await?;
        if matches!(waited, ClaimOutcome::InFlight { .. }) && request.time_to_wait().is_zero() {
            return Ok(waited);
        }
        // It is answered, which the next claim says, or the key is free.
    }
}

/// What a claim led to.
enum Attempt<F> {
    Ran(ClaimOutcome<()>),
    /// Somebody else has the key; the work was not begun.
    Held(ClaimOutcome<()>, F),
}

async fn claimed<F, W, E>(
    store: Arc<dyn ClaimStore>,
    request: Unanswered,
    lease: Duration,
    work: F,
) -> Result<Attempt<F>, WorkError<E>>
where
    F: FnOnce(Seed) -> W + Send,
    W: Future<Output = Result<StoredResponse, Failed<E>>> + Send,
    E: Send,
{
    fail::fail_point!("idempotency-before-claim");
    let claim = match store.claim(&request, lease).await? {
        Claimed::Run(claim) => claim,
        Claimed::Held(held) => return Ok(Attempt::Held(held.into(), work)),
    };
    fail::fail_point!("idempotency-after-claim");
    // Beside the work, so that a store that is slow holds up neither of the two.
    let heartbeats = async {
        loop {
            sleep((lease / HEARTBEATS_PER_LEASE).max(HEARTBEAT_PAUSE_MIN)).await;
            // A store that does not answer may do so at the next one, while the lease lasts.
            if let Ok(Extension::Lost) = store.extend(&claim, lease).await {
                return;
            }
        }
    };
    let done = tokio::select! {
        done = work(claim.seed()) => done,
        () = heartbeats => return Ok(Attempt::Ran(winners(&*store, &request).await?)),
    };
    match done {
        Ok(response) => {
            fail::fail_point!("idempotency-before-complete");
            let completion = store.complete(&claim, &response).await?;
            fail::fail_point!("idempotency-after-complete");
            match completion {
                Completion::Stored { .. } => Ok(Attempt::Ran(ClaimOutcome::Fresh { value: (), response })),
                Completion::Lost(Some(held)) => Ok(Attempt::Ran(held.into())),
                Completion::Lost(None) => Ok(Attempt::Ran(winners(&*store, &request).await?)),
            }
        }
        Err(Failed::NoEffect(error)) => {
            // Where it cannot be given back, its lease ends.
            _ = store.release(&claim).await;
            Err(WorkError::NoEffect(error))
        }
        Err(Failed::Unknown(error)) => Err(WorkError::Unknown(error)),
    }
}

async fn winners<E>(store: &dyn ClaimStore, request: &Unanswered) -> Result<ClaimOutcome<()>, WorkError<E>> {
    let held = store.look_up(request).await?;
    Ok(held.map_or(ClaimOutcome::InFlight { retry_after: RETRY_AFTER }, ClaimOutcome::from))
}

/// Waits until the request that has the key is answered, or its key is free, at most so long.
///
/// # Errors
/// [`Error`].
pub async fn wait(
    store: &dyn ClaimStore,
    request: &Unanswered,
    at_most: Duration,
) -> Result<ClaimOutcome<()>, Error> {
    let until = Instant::now() + at_most;
    loop {
        let outcome = match store.look_up(request).await? {
            Some(held) => ClaimOutcome::from(held),
            // Whoever had it gave it back.
            None => return Ok(ClaimOutcome::InFlight { retry_after: RETRY_AFTER }),
        };
        if !matches!(outcome, ClaimOutcome::InFlight { .. }) || Instant::now() >= until {
            return Ok(outcome);
        }
        sleep(ASK_PAUSE.min(until.saturating_duration_since(Instant::now()))).await;
    }
}

//! Leases of jobs.

use std::time::Duration;

use futures_util::FutureExt;
use recon_domain::{Instant, JobId, WorkspaceId};
use uuid::Uuid;

use super::jobs::{JobRow, columns, record};
use super::{datasets, reconciliations};
use crate::clock::random;
use crate::job::LeaseToken;
use crate::row::{instant, word};
use crate::sql::{Connection, Dialect, Place, query};
use crate::{
    BACKOFF_MAX, Error, Failed, Failure, JobKind, JobRecord, JobState, Jobs, LEASE_DURATION, Lease,
    POSTPONED_FOR, POSTPONED_UNTIL, REASON_CHARS_MAX, Subject,
};

/// What people read about a job whose workers kept dying.
const WORKER_LOST: &str = "every worker that took the job was lost";
/// The code of a dataset or reconciliation whose job was given up.
const GIVEN_UP: &str = "attempts_exhausted";
/// What its clients read; why the attempts failed is for the operators, who find it with the job.
const ATTEMPTS_FAILED: &str =
    "every attempt failed for a reason on the service's side; its operators find the cause";
/// What its clients read when the last attempt was cut off.
pub(super) const ATTEMPTS_CUT_OFF: &str = "it was tried several times, and the last attempt ended with the process \
    that made it, as happens where memory runs out; the service's operators find the cause";

macro_rules! runnable {
    () => {
        "kind in ($1, $2) and (state = 'queued' and run_after <= $3 or state = 'running' and lease_until <= $3)"
    };
}

const PEEK: &str = concat!("-- job_peek\nselect 1 from jobs where ", runnable!(), " limit 1");

/// A worker that never came back counts as a failure, or one that kills its process would be tried for ever.
const BURY: &str = concat!(
    "-- job_bury\nupdate jobs set state = 'dead', failures = failures + 1, lease_token = null, lease_until = null,
    last_error = $1, finished_at = $2
    where state = 'running' and lease_until <= $2 and failures + 1 >= failures_max returning ",
    columns!()
);

macro_rules! next {
    ($lock:literal) => {
        concat!(
            "-- job_next\nselect id, state from jobs where ",
            runnable!(),
            " order by run_after, id limit 1",
            $lock
        )
    };
}

/// The job to be taken. Where several connections write, each passes over the jobs that others are taking.
const fn next(dialect: Dialect) -> &'static str {
    match dialect {
        #[cfg(feature = "embedded")]
        Dialect::Sqlite => next!(""),
        #[cfg(feature = "cluster")]
        Dialect::Postgres => next!(" for update skip locked"),
    }
}

const LEASE: &str = concat!(
    "-- job_lease\nupdate jobs set failures = failures + case when state = 'running' then 1 else 0 end,
    state = 'running', attempt = attempt + 1, worker = $2, lease_token = $3, lease_until = $4, heartbeat_at = $5
    where id = $1 returning ",
    columns!()
);

const HEARTBEAT: &str = "-- job_heartbeat
update jobs set lease_until = $3, heartbeat_at = $4 where id = $1 and lease_token = $2 and state = 'running'";

const HOLDS: &str = "-- job_holds
select 1 from jobs where id = $1 and lease_token = $2 and state = 'running'";

const COMPLETE: &str = "-- job_complete
update jobs set state = 'done', lease_token = null, lease_until = null, finished_at = $3
where id = $1 and lease_token = $2 and state = 'running'";

const RELEASE: &str = "-- job_release
update jobs set state = 'queued', lease_token = null, lease_until = null, run_after = $3
where id = $1 and lease_token = $2 and state = 'running'";

const FAIL: &str = concat!(
    "-- job_fail\nupdate jobs set failures = failures + 1, lease_token = null, lease_until = null, last_error = $3,
    state = case when failures + 1 >= failures_max then 'dead' else 'queued' end,
    finished_at = case when failures + 1 >= failures_max then $4 end
    where id = $1 and lease_token = $2 and state = 'running' returning ",
    columns!()
);

const POSTPONE: &str = "-- job_postpone
update jobs set state = 'queued', lease_token = null, lease_until = null, run_after = $3, last_error = $4
where id = $1 and lease_token = $2 and state = 'running' and created_at > $5";

const BACK_OFF: &str = "-- job_back_off\nupdate jobs set run_after = $2 where id = $1";

/// What of a lease a transaction needs to prove it.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub(super) job: JobId,
    pub(super) workspace: WorkspaceId,
    pub(super) attempt: u32,
    subject: Subject,
    token: LeaseToken,
}

impl Held {
    pub(super) fn of(lease: &Lease) -> Self {
        Self {
            job: lease.job,
            workspace: lease.workspace,
            attempt: lease.attempt,
            subject: lease.subject,
            token: lease.token,
        }
    }

    pub(super) fn lost(&self) -> Error {
        Error::LeaseLost { job: self.job, attempt: self.attempt }
    }

    /// Whether a statement that only a holder may run changed anything: if not, the token is no holder's, or the subject
    /// came to its end by another way.
    pub(super) fn covers(&self, rows: u64) -> Result<(), Error> {
        match rows {
            0 => Err(self.lost()),
            _ => Ok(()),
        }
    }
}

impl Jobs {
    /// Takes the oldest job of these kinds that is due, or whose worker was lost; `None` if there is none.
    /// Jobs that lost too many workers are given up on the way.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn lease(&self, kinds: &[JobKind], worker: &str) -> Result<Option<Lease>, Error> {
        let (Some(first), Some(last)) = (kinds.first(), kinds.last()) else { return Ok(None) };
        // There are no more than two.
        let kinds = [first.as_str(), last.as_str()];
        let now = self.now().await?;
        // Idle workers ask often: a look that takes no lock comes first.
        let peek = query(PEEK).bind(kinds[0]).bind(kinds[1]).bind(now.micros());
        let due = peek.exists(self.database.readers()).await.map_err(Error::doing("job_peek"))?;
        if !due {
            return Ok(None);
        }
        let input = (kinds, worker.to_owned(), now, LeaseToken(random()?));
        self.database
            .write("job_lease", input, |(kinds, worker, now, token), tx| {
                async move {
                    bury(tx, *now).await?;
                    take(tx, *kinds, worker, *now, *token).await
                }
                .boxed()
            })
            .await
    }

    /// Renews a lease for [`LEASE_DURATION`].
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: stop working.
    pub async fn heartbeat(&self, lease: &Lease) -> Result<(), Error> {
        let input = (Held::of(lease), self.now().await?);
        self.database
            .write("job_heartbeat", input, |(held, now), tx| {
                async move {
                    let update = query(HEARTBEAT)
                        .bind(held.job.uuid())
                        .bind(held.token.0.as_slice())
                        .bind(after(*now, LEASE_DURATION))
                        .bind(now.micros());
                    let updated = update.execute(tx).await.map_err(Error::doing("job_heartbeat"))?;
                    held.covers(updated)
                }
                .boxed()
            })
            .await
    }

    /// Gives a job back unfinished, for another worker to take at once. It does not count as a failure.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let input = (Held::of(lease), self.now().await?);
        self.database
            .write("job_release", input, |(held, now), tx| {
                async move {
                    let update =
                        query(RELEASE).bind(held.job.uuid()).bind(held.token.0.as_slice()).bind(now.micros());
                    let updated = update.execute(&mut *tx).await.map_err(Error::doing("job_release"))?;
                    held.covers(updated)?;
                    wait_again(tx, held.subject).await
                }
                .boxed()
            })
            .await
    }

    /// Says that an attempt failed for a reason that may pass; the reason is kept with the job. After
    /// [`JOB_FAILURES_MAX`](crate::JOB_FAILURES_MAX) failures the job is dead, and its dataset rejected or its
    /// reconciliation failed, with the code `attempts_exhausted`.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn fail(&self, lease: &Lease, reason: &str) -> Result<Failed, Error> {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let input = (Held::of(lease), reason, self.now().await?);
        self.database
            .write("job_fail", input, |(held, reason, now), tx| fail(tx, held, reason, *now).boxed())
            .await
    }

    /// Says that an attempt ended because something that the service stands on was away, which is no fault of the job: it is
    /// taken again after [`POSTPONED_FOR`](crate::POSTPONED_FOR), and nothing is counted. A job that has been there for
    /// [`POSTPONED_UNTIL`](crate::POSTPONED_UNTIL) failed, as by [`Jobs::fail`].
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub async fn postpone(&self, lease: &Lease, reason: &str) -> Result<Failed, Error> {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let input = (Held::of(lease), reason, self.now().await?);
        self.database
            .write("job_postpone", input, |(held, reason, now), tx| postpone(tx, held, reason, *now).boxed())
            .await
    }

    /// The time by which leases run out.
    async fn now(&self) -> Result<Instant, Error> {
        self.database.now(&self.clock).await
    }

    /// Whether a lease is still held. It takes no lock and renews nothing, so that a worker may ask often.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn holds(&self, lease: &Lease) -> Result<bool, Error> {
        match prove(self.database.readers(), &Held::of(lease)).await {
            Ok(()) => Ok(true),
            Err(Error::LeaseLost { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Refuses whoever does not hold the lease. The transaction keeps everybody else from taking it meanwhile.
pub(super) async fn prove(place: impl Into<Place<'_>>, held: &Held) -> Result<(), Error> {
    let query = query(HOLDS).bind(held.job.uuid()).bind(held.token.0.as_slice());
    let holds = query.exists(place).await.map_err(Error::doing("job_holds"))?;
    if holds { Ok(()) } else { Err(held.lost()) }
}

/// Ends a job in the transaction that ends its subject.
pub(super) async fn complete(tx: &mut Connection<'_>, held: &Held, now: Instant) -> Result<(), Error> {
    let update = query(COMPLETE).bind(held.job.uuid()).bind(held.token.0.as_slice()).bind(now.micros());
    let updated = update.execute(tx).await.map_err(Error::doing("job_complete"))?;
    held.covers(updated)
}

async fn bury(tx: &mut Connection<'_>, now: Instant) -> Result<(), Error> {
    let dead: Vec<JobRow> = query(BURY)
        .bind(WORKER_LOST)
        .bind(now.micros())
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::doing("job_bury"))?;
    for row in dead {
        let job = record(row)?;
        tracing::warn!(job = %job.id, attempt = job.attempt, "job given up: {WORKER_LOST}");
        give_up_or_say(tx, &job, ATTEMPTS_CUT_OFF, now).await?;
    }
    Ok(())
}

async fn take(
    tx: &mut Connection<'_>,
    kinds: [&str; 2],
    worker: &str,
    now: Instant,
    token: LeaseToken,
) -> Result<Option<Lease>, Error> {
    let next = query(next(tx.dialect())).bind(kinds[0]).bind(kinds[1]).bind(now.micros());
    let next: Option<(Uuid, String)> =
        next.fetch_optional(&mut *tx).await.map_err(Error::doing("job_next"))?;
    let Some((id, state)) = next else { return Ok(None) };
    let is_takeover = word::<JobState>("jobs.state", &state)? == JobState::Running;
    let row: JobRow = query(LEASE)
        .bind(id)
        .bind(worker)
        .bind(token.0.as_slice())
        .bind(after(now, LEASE_DURATION))
        .bind(now.micros())
        .fetch_one(&mut *tx)
        .await
        .map_err(Error::doing("job_lease"))?;
    let job = record(row)?;
    if let Subject::Reconciliation(id) = job.subject {
        reconciliations::start(tx, id, now).await?;
    }
    let JobRecord { id, workspace, subject, attempt, .. } = job;
    Ok(Some(Lease { job: id, workspace, subject, attempt, is_takeover, token }))
}

async fn fail(tx: &mut Connection<'_>, held: &Held, reason: &str, now: Instant) -> Result<Failed, Error> {
    let row: Option<JobRow> = query(FAIL)
        .bind(held.job.uuid())
        .bind(held.token.0.as_slice())
        .bind(reason)
        .bind(now.micros())
        .fetch_optional(&mut *tx)
        .await
        .map_err(Error::doing("job_fail"))?;
    let job = record(row.ok_or_else(|| held.lost())?)?;
    if job.finished_at.is_some() {
        held.covers(give_up(tx, job.subject, ATTEMPTS_FAILED, now).await?)?;
        return Ok(Failed::Dead);
    }
    let run_after = back_off(tx, &job, backoff(job.failures), now).await?;
    wait_again(tx, job.subject).await?;
    Ok(Failed::Retried { run_after })
}

async fn postpone(tx: &mut Connection<'_>, held: &Held, reason: &str, now: Instant) -> Result<Failed, Error> {
    let run_after = after(now, POSTPONED_FOR);
    let oldest = i64::try_from(POSTPONED_UNTIL.as_micros()).unwrap_or(i64::MAX);
    let postponed = query(POSTPONE)
        .bind(held.job.uuid())
        .bind(held.token.0.as_slice())
        .bind(run_after)
        .bind(reason)
        .bind(now.micros().saturating_sub(oldest))
        .execute(&mut *tx)
        .await
        .map_err(Error::doing("job_postpone"))?;
    match postponed {
        // It has been there for too long, or the lease is lost.
        0 => fail(tx, held, reason, now).await,
        _ => {
            wait_again(tx, held.subject).await?;
            Ok(Failed::Retried { run_after: instant(run_after) })
        }
    }
}

/// Lets a job wait before it is taken again.
pub(super) async fn back_off(
    tx: &mut Connection<'_>,
    job: &JobRecord,
    wait: Duration,
    now: Instant,
) -> Result<Instant, Error> {
    let run_after = after(now, wait);
    let update = query(BACK_OFF).bind(job.id.uuid()).bind(run_after);
    update.execute(tx).await.map_err(Error::doing("job_back_off"))?;
    Ok(instant(run_after))
}

/// What a job was about ends with it. If it had ended before, that is said and no more: one job at odds with its subject
/// must not keep every worker from every other job.
pub(super) async fn give_up_or_say(
    tx: &mut Connection<'_>,
    job: &JobRecord,
    detail: &str,
    now: Instant,
) -> Result<(), Error> {
    if give_up(tx, job.subject, detail, now).await? == 0 {
        tracing::error!(job = %job.id, "job given up, and what it is about had come to its end before");
    }
    Ok(())
}

/// What a job was about ends with it. Returns how many rows that changed: none if it had ended before.
async fn give_up(
    tx: &mut Connection<'_>,
    subject: Subject,
    detail: &str,
    now: Instant,
) -> Result<u64, Error> {
    let failure = Failure { code: GIVEN_UP.to_owned(), detail: detail.to_owned() };
    match subject {
        Subject::Dataset(id) => datasets::reject(tx, id, &failure).await,
        Subject::Reconciliation(id) => reconciliations::set_failed(tx, id, &failure, now).await,
    }
}

/// What a job is about waits with it.
pub(super) async fn wait_again(tx: &mut Connection<'_>, subject: Subject) -> Result<(), Error> {
    match subject {
        Subject::Dataset(_) => Ok(()),
        Subject::Reconciliation(id) => reconciliations::requeue(tx, id).await,
    }
}

/// 1 s after the first failure, twice as long after each further one.
pub(super) fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    Duration::from_secs(1 << doublings).min(BACKOFF_MAX)
}

fn after(now: Instant, wait: Duration) -> i64 {
    now.micros().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let waits: Vec<_> = [1, 2, 3, 6, 7, 8, u32::MAX].map(|failures| backoff(failures).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 32, 60, 60, 60]);
    }
}

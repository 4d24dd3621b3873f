//! Jobs whose process was killed.

use std::time::Duration;

use futures_util::FutureExt;
use recon_domain::Instant;

use super::jobs::{JobRow, columns, record};
use super::leases::{ATTEMPTS_CUT_OFF, back_off, backoff, give_up_or_say, wait_again};
use crate::sql::{Connection, query};
use crate::{Error, Interrupted, JobState, Jobs};

/// What people read about a job whose process was killed.
const KILLED: &str = "the process that worked on the job was killed";

const INTERRUPT: &str = concat!(
    "-- job_interrupt\nupdate jobs set failures = failures + 1, lease_token = null, lease_until = null, last_error = $1,
    run_after = $2, state = case when failures + 1 >= failures_max then 'dead' else 'queued' end,
    finished_at = case when failures + 1 >= failures_max then $2 end
    where state = 'running' returning ",
    columns!()
);

impl Jobs {
    /// Takes every job that is held from its worker, which was killed: a worker that ends in order gives its jobs back.
    /// A job may be what killed its process, so this counts as a failure; a first one is taken up at once, a
    /// further one waits, so that others get their turn before it. Only for a process that knows itself to be the only
    /// worker, by the lock that it holds.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn interrupt_all(&self) -> Result<Interrupted, Error> {
        self.database.write("job_interrupt", self.clock.now(), |now, tx| interrupt(tx, *now).boxed()).await
    }
}

async fn interrupt(tx: &mut Connection<'_>, now: Instant) -> Result<Interrupted, Error> {
    let failed = Error::doing("job_interrupt");
    let query = query(INTERRUPT).bind(KILLED).bind(now.micros());
    let rows: Vec<JobRow> = query.fetch_all(&mut *tx).await.map_err(&failed)?;
    settle(tx, rows, now).await
}

/// Lets jobs that were taken from their workers wait, and gives up what those that failed too often were about.
pub(super) async fn settle(
    tx: &mut Connection<'_>,
    rows: Vec<JobRow>,
    now: Instant,
) -> Result<Interrupted, Error> {
    let mut interrupted = Interrupted { again: 0, given_up: 0 };
    for row in rows {
        let job = record(row)?;
        match job.state {
            JobState::Dead => {
                interrupted.given_up += 1;
                give_up_or_say(tx, &job, ATTEMPTS_CUT_OFF, now).await?;
            }
            JobState::Queued | JobState::Running | JobState::Done => {
                interrupted.again += 1;
                let wait = match job.failures {
                    0 | 1 => Duration::ZERO,
                    failures => backoff(failures - 1),
                };
                back_off(tx, &job, wait, now).await?;
                wait_again(tx, job.subject).await?;
            }
        }
    }
    Ok(interrupted)
}

//! Jobs.

use std::time::Duration;

use recon_domain::{DatasetId, Instant, JobId, ReconciliationId, WorkspaceId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::row::{count, instant, unreadable, word};
use crate::sql::{Connection, Dialect, query};
use crate::{Backlog, Error, JOB_FAILURES_MAX, JobKind, JobRecord, JobState, Jobs, JobsInState, Subject};

macro_rules! columns {
    () => {
        "id, workspace, kind, subject, state, attempt, failures, failures_max, run_after, worker, lease_until,
    heartbeat_at, last_error, created_at, finished_at"
    };
}

pub(super) use columns;

macro_rules! insert {
    ($due:expr) => {
        concat!(
            "-- job_enqueue\ninsert into jobs (id, workspace, kind, subject, state, attempt, failures, failures_max, run_after,
    created_at)
values ($1, $2, $3, $4, 'queued', 0, 0, $5, ",
            $due,
            ", $6)"
        )
    };
}

/// When a job is due that was made at this time by its host's clock: on a server that hosts share, not later than now.
#[cfg(feature = "cluster")]
macro_rules! due {
    ($made:literal) => {
        concat!("least(", $made, ", (extract(epoch from clock_timestamp()) * 1000000)::bigint)")
    };
}
#[cfg(feature = "cluster")]
pub(super) use due;

const fn insert(dialect: Dialect) -> &'static str {
    match dialect {
        #[cfg(feature = "embedded")]
        Dialect::Sqlite => insert!("$6"),
        #[cfg(feature = "cluster")]
        Dialect::Postgres => insert!(due!("$6")),
    }
}

const END: &str = "-- job_end
update jobs set state = 'done', lease_token = null, lease_until = null, finished_at = $3
where kind = $1 and subject = $2 and state in ('queued', 'running')";

const FORGET: &str = "-- job_forget
delete from jobs where kind = $1 and subject = $2";

const GET: &str = concat!("-- job_get\nselect ", columns!(), " from jobs where workspace = $1 and id = $2");

/// Read from an index, which has the jobs that are over apart from the others.
macro_rules! backlog {
    ($now:literal) => {
        concat!(
            "-- job_backlog\nselect state, count(*), ",
            $now,
            " - min(run_after) from jobs where state in ('queued', 'running') group by state"
        )
    };
}

#[derive(FromRow)]
pub(super) struct JobRow {
    id: Uuid,
    workspace: Uuid,
    kind: String,
    subject: Uuid,
    state: String,
    attempt: i64,
    failures: i64,
    failures_max: i64,
    run_after: i64,
    worker: Option<String>,
    lease_until: Option<i64>,
    heartbeat_at: Option<i64>,
    last_error: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
}

/// A job to be written in the transaction that makes it necessary.
#[derive(Clone, Copy)]
pub(super) struct Enqueued {
    pub(super) id: Uuid,
    pub(super) workspace: WorkspaceId,
    pub(super) subject: Subject,
    pub(super) now: Instant,
}

impl Jobs {
    /// A job of the workspace.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn get(&self, workspace: WorkspaceId, id: JobId) -> Result<Option<JobRecord>, Error> {
        let query = query(GET).bind(workspace.uuid()).bind(id.uuid());
        let row = query.fetch_optional(self.database.readers()).await.map_err(Error::doing("job_get"))?;
        row.map(record).transpose()
    }

    /// How many jobs are not over, whatever workspace they are of, and for how long the oldest of them are due.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let query = match self.database.tells_time(&self.clock) {
            #[cfg(feature = "cluster")]
            true => query(backlog!("(extract(epoch from clock_timestamp()) * 1000000)::bigint")),
            _ => query(backlog!("$1")).bind(self.clock.now().micros()),
        };
        let rows: Vec<(String, i64, i64)> =
            query.fetch_all(self.database.readers()).await.map_err(Error::doing("job_backlog"))?;
        let mut backlog = Backlog::default();
        for (state, jobs, age) in rows {
            // One that is not due yet has no age.
            let oldest_age = Duration::from_micros(u64::try_from(age).unwrap_or_default());
            let found = JobsInState { jobs: count("jobs.count", jobs)?, oldest_age };
            match word("jobs.state", &state)? {
                JobState::Queued => backlog.queued = found,
                JobState::Running => backlog.running = found,
                JobState::Done | JobState::Dead => return Err(unreadable("jobs.state", &state)),
            }
        }
        Ok(backlog)
    }
}

/// Writes a job down.
pub(super) async fn enqueue(tx: &mut Connection<'_>, job: &Enqueued) -> Result<(), Error> {
    let insert = query(insert(tx.dialect()))
        .bind(job.id)
        .bind(job.workspace.uuid())
        .bind(job.subject.kind().as_str())
        .bind(subject_uuid(job.subject))
        .bind(JOB_FAILURES_MAX)
        .bind(job.now.micros());
    insert.execute(tx).await.map_err(Error::doing("job_enqueue"))?;
    Ok(())
}

/// Ends the job of a subject that came to its end without a worker. A worker that has it loses its lease.
pub(super) async fn end(tx: &mut Connection<'_>, subject: Subject, now: Instant) -> Result<(), Error> {
    let update = query(END).bind(subject.kind().as_str()).bind(subject_uuid(subject)).bind(now.micros());
    update.execute(tx).await.map_err(Error::doing("job_end"))?;
    Ok(())
}

/// Deletes every job of a subject that is deleted.
pub(super) async fn forget(tx: &mut Connection<'_>, subject: Subject) -> Result<(), Error> {
    let delete = query(FORGET).bind(subject.kind().as_str()).bind(subject_uuid(subject));
    delete.execute(tx).await.map_err(Error::doing("job_forget"))?;
    Ok(())
}

fn subject_uuid(subject: Subject) -> Uuid {
    match subject {
        Subject::Dataset(id) => id.uuid(),
        Subject::Reconciliation(id) => id.uuid(),
    }
}

/// A row as a record.
pub(super) fn record(row: JobRow) -> Result<JobRecord, Error> {
    let subject = match word("jobs.kind", &row.kind)? {
        JobKind::Ingest => Subject::Dataset(DatasetId::from_uuid(row.subject)),
        JobKind::Reconcile => Subject::Reconciliation(ReconciliationId::from_uuid(row.subject)),
    };
    Ok(JobRecord {
        id: JobId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace),
        subject,
        state: word("jobs.state", &row.state)?,
        attempt: count("jobs.attempt", row.attempt)?,
        failures: count("jobs.failures", row.failures)?,
        failures_max: count("jobs.failures_max", row.failures_max)?,
        run_after: instant(row.run_after),
        worker: row.worker,
        lease_until: row.lease_until.map(instant),
        heartbeat_at: row.heartbeat_at.map(instant),
        last_error: row.last_error,
        created_at: instant(row.created_at),
        finished_at: row.finished_at.map(instant),
    })
}

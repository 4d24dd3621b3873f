//! Reconciliations.

mod end;
mod list;
mod row;

use futures_util::FutureExt;
use recon_domain::{Instant, ReconciliationId, Side, WorkspaceId};
#[cfg(feature = "cluster")]
use recon_idempotency::completed_claim;
use recon_idempotency::{ClaimOutcome, Guard};

use super::{datasets, jobs, leases};
use crate::clock::id_made_at;
use crate::row::integer;
use crate::sql::{Connection, Place, Query, query};
use crate::{
    DatasetStatus, Error, Failure, JOB_FAILURES_MAX, Json, Lease, NewReconciliation, Phase, Progress,
    Published, ReconciliationRecord, ReconciliationStatus, Reconciliations, Subject,
};

macro_rules! columns {
    () => {
        "id, workspace, name, left_dataset, right_dataset, status, phase, progress_done, progress_total,
    published_attempt, summary, digest, matches_object, error_code, error_detail, version, created_at, started_at,
    finished_at"
    };
}
use columns;

const INSERT: &str = "-- reconciliation_create
insert into reconciliations (id, workspace, name, left_dataset, right_dataset, rules, status, phase, progress_done,
    progress_total, version, created_at)
values ($1, $2, $3, $4, $5, $6, 'queued', 'queued', 0, 0, 1, $7)";

/// The same with its key and its job, in one statement, if both datasets are ready.
#[cfg(feature = "cluster")]
const INSERT_AT_ONCE: &str = concat!(
    "-- reconciliation_create\n",
    completed_claim!(
        "exists (select from datasets where workspace = $13 and id = $15 and status = 'ready')
        and exists (select from datasets where workspace = $13 and id = $16 and status = 'ready')",
        concat!(
            "job as (
    insert into jobs (id, workspace, kind, subject, state, attempt, failures, failures_max, run_after, created_at)
    select $19, $13, 'reconcile', $12, 'queued', 0, 0, $20, ",
            jobs::due!("$18"),
            ", $18 from idempotency_claim
)"
        ),
        "reconciliation as (
    insert into reconciliations (id, workspace, name, left_dataset, right_dataset, rules, status, phase, progress_done,
        progress_total, version, created_at)
    select $12, $13, $14, $15, $16, $17, 'queued', 'queued', 0, 0, 1, $18 from idempotency_claim
)"
    )
);
#[cfg(not(feature = "cluster"))]
const INSERT_AT_ONCE: &str = "";

const GET: &str = concat!(
    "-- reconciliation_get\nselect ",
    columns!(),
    " from reconciliations where workspace = $1 and id = $2"
);

const RULES: &str = "-- reconciliation_rules
select rules from reconciliations where workspace = $1 and id = $2";

const START: &str = "-- reconciliation_start
update reconciliations set status = 'running', phase = 'reading', progress_done = 0, progress_total = 0,
    started_at = coalesce(started_at, $2), version = version + 1
where id = $1 and status in ('queued', 'running')";

const REQUEUE: &str = "-- reconciliation_requeue
update reconciliations set status = 'queued', phase = 'queued', progress_done = 0, progress_total = 0,
    version = version + 1
where id = $1 and status = 'running'";

const PROGRESS: &str = "-- reconciliation_progress
update reconciliations set phase = $2, progress_done = $3, progress_total = $4, version = version + 1
where id = $1 and status = 'running'";

const PUBLISH: &str = "-- reconciliation_publish
update reconciliations set status = 'succeeded', phase = 'done', progress_done = 1, progress_total = 1, published_attempt = $2, summary = $3, digest = $4,
    matches_object = $5, finished_at = $6, version = version + 1
where id = $1 and status = 'running'";

const FAIL: &str = "-- reconciliation_fail
update reconciliations set status = 'failed', phase = 'done', progress_done = 1, progress_total = 1, error_code = $2, error_detail = $3, finished_at = $4,
    version = version + 1
where id = $1 and status in ('queued', 'running')";

impl Reconciliations {
    /// Makes a reconciliation and enqueues its run.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`], [`Error::DatasetNotReady`]; no key is left.
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        guard: Guard<ReconciliationRecord>,
        new: NewReconciliation,
    ) -> Result<ClaimOutcome<ReconciliationRecord>, Error> {
        let now = self.clock.now();
        let job =
            jobs::Enqueued { id: id_made_at(now)?, workspace, subject: Subject::Reconciliation(new.id), now };
        let record = ReconciliationRecord {
            id: new.id,
            workspace,
            name: new.name,
            left: new.left,
            right: new.right,
            status: ReconciliationStatus::Queued,
            progress: Progress { phase: Phase::Queued, done: 0, total: 0 },
            published: None,
            failure: None,
            version: 1,
            created_at: now,
            started_at: None,
            finished_at: None,
        };
        let at_once = values(query(INSERT_AT_ONCE), &record, &new.rules).bind(job.id).bind(JOB_FAILURES_MAX);
        if let Some(outcome) =
            self.database.at_once("reconciliation_create", &guard, &record, at_once).await?
        {
            return Ok(outcome);
        }
        self.database
            .guarded("reconciliation_create", guard, (job, record, new.rules), |(job, record, rules), tx| {
                create(tx, *job, record, rules).boxed()
            })
            .await
    }

    /// A reconciliation of the workspace.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn get(
        &self,
        workspace: WorkspaceId,
        id: ReconciliationId,
    ) -> Result<Option<ReconciliationRecord>, Error> {
        get(self.database.readers(), workspace, id).await
    }

    /// The rules of a reconciliation of the workspace, as they were given.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn rules(&self, workspace: WorkspaceId, id: ReconciliationId) -> Result<Option<Json>, Error> {
        let query = query(RULES).bind(workspace.uuid()).bind(id.uuid());
        let found: Option<String> = query
            .scalar_optional(self.database.readers())
            .await
            .map_err(Error::doing("reconciliation_rules"))?;
        Ok(found.map(Json::stored))
    }

    /// Says how far a run is. Each call is a write that reaches the disk: a few a second are plenty.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing was written.
    pub async fn progress(&self, lease: &Lease, progress: Progress) -> Result<(), Error> {
        let id = lease.reconciliation()?;
        self.database
            .write(
                "reconciliation_progress",
                (leases::Held::of(lease), id, progress),
                |(held, id, progress), tx| {
                    async move {
                        leases::prove(&mut *tx, held).await?;
                        let update = query(PROGRESS)
                            .bind(id.uuid())
                            .bind(progress.phase.as_str())
                            .bind(integer("reconciliations.progress_done", progress.done)?)
                            .bind(integer("reconciliations.progress_total", progress.total)?);
                        let updated =
                            update.execute(tx).await.map_err(Error::doing("reconciliation_progress"))?;
                        held.covers(updated)
                    }
                    .boxed()
                },
            )
            .await
    }

    /// Publishes a result, all at once: from here on the breaks of this attempt are the breaks. The job is done.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing was written.
    pub async fn publish(&self, lease: &Lease, result: Published) -> Result<(), Error> {
        let id = lease.reconciliation()?;
        let input = (leases::Held::of(lease), id, result, self.database.now(&self.clock).await?);
        self.database
            .write("reconciliation_publish", input, |(held, id, result, now), tx| {
                async move {
                    leases::complete(tx, held, *now).await?;
                    let update = query(PUBLISH)
                        .bind(id.uuid())
                        .bind(held.attempt)
                        .bind(result.summary.as_str())
                        .bind(&result.digest)
                        .bind(&result.matches_object)
                        .bind(now.micros());
                    let updated = update.execute(tx).await.map_err(Error::doing("reconciliation_publish"))?;
                    held.covers(updated)
                }
                .boxed()
            })
            .await
    }

    /// Ends a run that no further attempt would bring further, such as one whose rules do not fit the data.
    /// The job is done. What may pass is for [`Jobs::fail`](crate::Jobs::fail).
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing was written.
    pub async fn fail(&self, lease: &Lease, failure: Failure) -> Result<(), Error> {
        let id = lease.reconciliation()?;
        let input = (leases::Held::of(lease), id, failure, self.database.now(&self.clock).await?);
        self.database
            .write("reconciliation_fail", input, |(held, id, failure, now), tx| {
                async move {
                    leases::complete(tx, held, *now).await?;
                    held.covers(set_failed(tx, *id, failure, *now).await?)
                }
                .boxed()
            })
            .await
    }
}

/// A worker took the job.
pub(super) async fn start(tx: &mut Connection<'_>, id: ReconciliationId, now: Instant) -> Result<(), Error> {
    let update = query(START).bind(id.uuid()).bind(now.micros());
    update.execute(tx).await.map_err(Error::doing("reconciliation_start"))?;
    Ok(())
}

/// The worker gave the job back.
pub(super) async fn requeue(tx: &mut Connection<'_>, id: ReconciliationId) -> Result<(), Error> {
    let update = query(REQUEUE).bind(id.uuid());
    update.execute(tx).await.map_err(Error::doing("reconciliation_requeue"))?;
    Ok(())
}

/// The run cannot succeed. Returns how many rows that changed: none if it is at an end already.
pub(super) async fn set_failed(
    tx: &mut Connection<'_>,
    id: ReconciliationId,
    failure: &Failure,
    now: Instant,
) -> Result<u64, Error> {
    let update = query(FAIL).bind(id.uuid()).bind(&failure.code).bind(&failure.detail).bind(now.micros());
    update.execute(tx).await.map_err(Error::doing("reconciliation_fail"))
}

pub(super) async fn get(
    place: impl Into<Place<'_>>,
    workspace: WorkspaceId,
    id: ReconciliationId,
) -> Result<Option<ReconciliationRecord>, Error> {
    let query = query(GET).bind(workspace.uuid()).bind(id.uuid());
    let row = query.fetch_optional(place).await.map_err(Error::doing("reconciliation_get"))?;
    row.map(row::record).transpose()
}

/// The values of a new reconciliation.
fn values(insert: Query, record: &ReconciliationRecord, rules: &Json) -> Query {
    insert
        .bind(record.id.uuid())
        .bind(record.workspace.uuid())
        .bind(&record.name)
        .bind(record.left.uuid())
        .bind(record.right.uuid())
        .bind(rules.as_str())
        .bind(record.created_at.micros())
}

async fn create(
    tx: &mut Connection<'_>,
    job: jobs::Enqueued,
    record: &ReconciliationRecord,
    rules: &Json,
) -> Result<ReconciliationRecord, Error> {
    for (which, id) in [(Side::Left, record.left), (Side::Right, record.right)] {
        let dataset = datasets::get(&mut *tx, record.workspace, id).await?;
        match dataset.map(|dataset| dataset.status) {
            None => return Err(Error::DatasetNotFound { which, id }),
            Some(DatasetStatus::Ready) => {}
            Some(
                status @ (DatasetStatus::AwaitingUpload | DatasetStatus::Ingesting | DatasetStatus::Rejected),
            ) => return Err(Error::DatasetNotReady { which, id, status }),
        }
    }
    let insert = values(query(INSERT), record, rules);
    insert.execute(&mut *tx).await.map_err(Error::doing("reconciliation_create"))?;
    jobs::enqueue(tx, &job).await?;
    Ok(record.clone())
}

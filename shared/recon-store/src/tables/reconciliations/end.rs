//! Reconciliations that people end: stopped before their result, or deleted after it.

use futures_util::FutureExt;
use recon_domain::{Instant, ReconciliationId, WorkspaceId};
use recon_idempotency::{ClaimOutcome, Guard};

use super::get;
use crate::database::Refusal;
use crate::sql::{Connection, query};
use crate::tables::jobs;
use crate::{Error, ReconciliationRecord, Reconciliations, Subject};

const CANCEL: &str = "-- reconciliation_cancel
update reconciliations set status = 'cancelled', phase = 'done', progress_done = 1, progress_total = 1,
    finished_at = $2, version = version + 1
where id = $1 and status in ('queued', 'running')";

const DELETE: &str = "-- reconciliation_delete
delete from reconciliations where id = $1";

/// Why a reconciliation was not stopped; nothing is kept, its key neither.
enum NotCancelled {
    NotFound,
    Failed(Error),
}

impl From<Error> for NotCancelled {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Refusal for NotCancelled {
    fn of_database(&self) -> Option<&Error> {
        match self {
            Self::NotFound => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl Reconciliations {
    /// Stops a reconciliation and ends its job, so that a worker that has it can publish nothing any more.
    /// `None` when there is no such reconciliation.
    ///
    /// # Errors
    /// [`Error::ReconciliationFinished`]; no key is left.
    pub async fn cancel(
        &self,
        workspace: WorkspaceId,
        id: ReconciliationId,
        guard: Guard<ReconciliationRecord>,
    ) -> Result<Option<ClaimOutcome<ReconciliationRecord>>, Error> {
        let outcome = self
            .database
            .guarded(
                "reconciliation_cancel",
                guard,
                (workspace, id, self.clock.now()),
                |(workspace, id, now), tx| cancel(tx, *workspace, *id, *now).boxed(),
            )
            .await;
        match outcome {
            Ok(outcome) => Ok(Some(outcome)),
            Err(NotCancelled::NotFound) => Ok(None),
            Err(NotCancelled::Failed(error)) => Err(error),
        }
    }

    /// Deletes a reconciliation and its job. From here on no reader sees it, and its datasets are free; its breaks and
    /// objects are for [`Leftovers::remove`](crate::Leftovers::remove). Returns whether there was one.
    ///
    /// # Errors
    /// [`Error::ReconciliationUnfinished`]: nothing was deleted.
    pub async fn delete(&self, workspace: WorkspaceId, id: ReconciliationId) -> Result<bool, Error> {
        self.database
            .write("reconciliation_delete", (workspace, id), |(workspace, id), tx| {
                async move {
                    let Some(found) = get(&mut *tx, *workspace, *id).await? else { return Ok(false) };
                    if !found.status.is_final() {
                        return Err(Error::ReconciliationUnfinished { id: *id, status: found.status });
                    }
                    let delete = query(DELETE).bind(id.uuid());
                    delete.execute(&mut *tx).await.map_err(Error::doing("reconciliation_delete"))?;
                    jobs::forget(tx, Subject::Reconciliation(*id)).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await
    }
}

async fn cancel(
    tx: &mut Connection<'_>,
    workspace: WorkspaceId,
    id: ReconciliationId,
    now: Instant,
) -> Result<ReconciliationRecord, NotCancelled> {
    let found = get(&mut *tx, workspace, id).await?.ok_or(NotCancelled::NotFound)?;
    if found.status.is_final() {
        return Err(Error::ReconciliationFinished { id, status: found.status }.into());
    }
    // In the order of those who publish: the job, then what it is about.
    jobs::end(tx, Subject::Reconciliation(id), now).await?;
    let update = query(CANCEL).bind(id.uuid()).bind(now.micros());
    update.execute(&mut *tx).await.map_err(Error::doing("reconciliation_cancel"))?;
    get(&mut *tx, workspace, id).await?.ok_or(NotCancelled::NotFound)
}

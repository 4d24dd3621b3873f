//! What installations with a retention keep no longer.

use std::time::Duration;

use recon_domain::{DatasetId, ReconciliationId, WorkspaceId};
use uuid::Uuid;

use crate::sql::query;
use crate::{Datasets, Error, Reconciliations, SWEEP_BATCH, Sweep, SweepError, Sweeping, object_name};

const FINISHED: &str = "-- sweep_old_reconciliations
select workspace, id from reconciliations where finished_at is not null and finished_at <= $1
order by finished_at limit $2";

const UNUSED: &str = "-- sweep_old_datasets
select workspace, id from datasets d where status in ('ready', 'rejected') and created_at <= $1
    and not exists (select 1 from reconciliations r where r.left_dataset = d.id)
    and not exists (select 1 from reconciliations r where r.right_dataset = d.id)
order by created_at limit $2";

impl Sweep {
    /// Deletes reconciliations that ended so long ago, with all of theirs.
    ///
    /// # Errors
    /// [`SweepError`].
    pub async fn old_reconciliations(&self, kept: Duration) -> Result<Sweeping, SweepError> {
        let found = self.older(FINISHED, kept).await?;
        let reconciliations = Reconciliations { database: self.database.clone(), clock: self.clock.clone() };
        let mut swept = Sweeping::default();
        for (workspace, id) in found {
            if self.is_over() {
                swept.more = true;
                return Ok(swept);
            }
            let (workspace, id) = (WorkspaceId::from_uuid(workspace), ReconciliationId::from_uuid(id));
            swept.count += u64::from(reconciliations.delete(workspace, id).await?);
            // What is not removed now is found by its breaks and its objects.
            self.clear(id, &mut swept).await?;
        }
        Ok(swept.of_batch())
    }

    /// Deletes datasets that were made so long ago, with their objects, unless a reconciliation uses them.
    ///
    /// # Errors
    /// [`SweepError`].
    pub async fn old_datasets(&self, kept: Duration) -> Result<Sweeping, SweepError> {
        let found = self.older(UNUSED, kept).await?;
        let datasets = Datasets { database: self.database.clone(), clock: self.clock.clone() };
        let mut swept = Sweeping::default();
        for (workspace, id) in found {
            if self.is_over() {
                swept.more = true;
                return Ok(swept);
            }
            let (workspace, id) = (WorkspaceId::from_uuid(workspace), DatasetId::from_uuid(id));
            match datasets.delete(workspace, id).await {
                Ok(done) => swept.count += u64::from(done),
                // Somebody began to use it since it was looked at.
                Err(Error::DatasetInUse { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            for folder in [object_name::uploads_of(id), object_name::ingests_of(id)] {
                if let Err(error) = self.objects.delete_below(&folder).await {
                    swept.fail(&folder, &error);
                }
            }
        }
        Ok(swept.of_batch())
    }

    async fn older(&self, statement: &'static str, kept: Duration) -> Result<Vec<(Uuid, Uuid)>, Error> {
        let query = query(statement).bind(self.ago(kept).micros()).bind(SWEEP_BATCH);
        query.fetch_all(self.database.readers()).await.map_err(Error::doing("sweep_old"))
    }
}

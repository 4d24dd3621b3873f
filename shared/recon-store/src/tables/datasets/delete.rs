//! Datasets that people delete.

use futures_util::FutureExt;
use recon_domain::{DatasetId, WorkspaceId};

use crate::sql::{Connection, query};
use crate::tables::jobs;
use crate::{Datasets, Error, Subject};

const DELETE: &str = "-- dataset_delete
delete from datasets where workspace = $1 and id = $2";

impl Datasets {
    /// Deletes a dataset, however far it is, and its job: a worker that reads it loses its lease. Its objects mean nothing
    /// from here on. Returns whether there was one.
    ///
    /// # Errors
    /// [`Error::DatasetInUse`]: nothing was deleted.
    pub async fn delete(&self, workspace: WorkspaceId, id: DatasetId) -> Result<bool, Error> {
        self.database
            .write("dataset_delete", (workspace, id), |(workspace, id), tx| {
                delete(tx, *workspace, *id).boxed()
            })
            .await
    }
}

/// Whether a reconciliation uses it is decided by the foreign keys of reconciliations, the only ones to datasets.
async fn delete(tx: &mut Connection<'_>, workspace: WorkspaceId, id: DatasetId) -> Result<bool, Error> {
    let deleted = query(DELETE).bind(workspace.uuid()).bind(id.uuid()).execute(&mut *tx).await;
    let deleted = deleted.map_err(|error| match &error {
        sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => Error::DatasetInUse { id },
        _ => Error::doing("dataset_delete")(error),
    })?;
    // Another workspace's dataset keeps its job.
    if deleted == 0 {
        return Ok(false);
    }
    jobs::forget(tx, Subject::Dataset(id)).await?;
    Ok(true)
}

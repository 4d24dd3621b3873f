//! Reconciliations, newest first.

use recon_domain::WorkspaceId;

use super::{columns, row};
use crate::sql::query;
use crate::{Error, RECONCILIATIONS_PER_PAGE_MAX, ReconciliationPage, ReconciliationSeek, Reconciliations};

impl Reconciliations {
    /// A page of the workspace's reconciliations, the newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        seek: ReconciliationSeek,
    ) -> Result<ReconciliationPage, Error> {
        let limit = seek.limit.clamp(1, RECONCILIATIONS_PER_PAGE_MAX);
        let mut query = query(concat!(
            "-- reconciliation_list\nselect ",
            columns!(),
            " from reconciliations where workspace = "
        ));
        query.push_bind(workspace.uuid());
        if let Some(status) = seek.status {
            query.push(" and status = ").push_bind(status.as_str());
        }
        if let Some(before) = seek.before {
            query.push(" and id < ").push_bind(before.uuid());
        }
        // One more than asked for tells whether more follow.
        query.push(" order by id desc limit ").push_bind(i64::from(limit) + 1);
        let rows: Vec<row::Row> =
            query.fetch_all(self.database.readers()).await.map_err(Error::doing("reconciliation_list"))?;
        let mut items = rows.into_iter().map(row::record).collect::<Result<Vec<_>, _>>()?;
        let asked = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > asked;
        items.truncate(asked);
        Ok(ReconciliationPage { items, more })
    }
}

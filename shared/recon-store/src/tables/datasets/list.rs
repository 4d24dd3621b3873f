//! Datasets, newest first.

use recon_domain::{DatasetId, WorkspaceId};
use uuid::Uuid;

use super::{columns, row};
use crate::sql::query;
use crate::{DATASETS_PER_PAGE_MAX, DatasetPage, DatasetSeek, Datasets, Error};

const LIST: &str = concat!(
    "-- dataset_list\nselect ",
    columns!(),
    " from datasets where workspace = $1 and id < $2 order by id desc limit $3"
);

impl Datasets {
    /// A page of the workspace's datasets, the newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(&self, workspace: WorkspaceId, seek: DatasetSeek) -> Result<DatasetPage, Error> {
        let limit = seek.limit.clamp(1, DATASETS_PER_PAGE_MAX);
        let query = query(LIST)
            .bind(workspace.uuid())
            .bind(seek.before.map_or(Uuid::max(), DatasetId::uuid))
            // One more than asked for tells whether more follow.
            .bind(i64::from(limit) + 1);
        let rows: Vec<row::Row> =
            query.fetch_all(self.database.readers()).await.map_err(Error::doing("dataset_list"))?;
        let mut items = rows.into_iter().map(row::record).collect::<Result<Vec<_>, _>>()?;
        let asked = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > asked;
        items.truncate(asked);
        Ok(DatasetPage { items, more })
    }
}

//! Workspaces.

use futures_util::FutureExt;
use recon_domain::WorkspaceId;
use uuid::Uuid;

use crate::row::instant;
use crate::sql::query;
use crate::{Error, WorkspaceName, WorkspaceRecord, Workspaces};

const INSERT: &str = "-- workspace_ensure
insert into workspaces (id, name, created_at) values ($1, $2, $3) on conflict (name) do nothing";

const GET_BY_NAME: &str = "-- workspace_by_name
select id, name, created_at from workspaces where name = $1";

const GET: &str = "-- workspace_get
select id, name, created_at from workspaces where id = $1";

const ANY: &str = "-- workspace_any
select id, name, created_at from workspaces limit 1";

type Row = (Uuid, String, i64);

impl Workspaces {
    /// The workspace of this name, made with this id if there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ensure(&self, id: WorkspaceId, name: &WorkspaceName) -> Result<WorkspaceRecord, Error> {
        let input = (id, name.clone(), self.clock.now());
        self.database
            .write("workspace_ensure", input, |(id, name, now), tx| {
                async move {
                    let failed = Error::doing("workspace_ensure");
                    let insert = query(INSERT).bind(id.uuid()).bind(name.as_str()).bind(now.micros());
                    insert.execute(&mut *tx).await.map_err(&failed)?;
                    query(GET_BY_NAME).bind(name.as_str()).fetch_one(tx).await.map_err(&failed).map(record)
                }
                .boxed()
            })
            .await
    }

    /// A workspace.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn get(&self, id: WorkspaceId) -> Result<Option<WorkspaceRecord>, Error> {
        let row = query(GET).bind(id.uuid()).fetch_optional(self.database.readers()).await;
        Ok(row.map_err(Error::doing("workspace_get"))?.map(record))
    }

    /// Whether there is one. Every record is of one.
    pub(crate) async fn any(&self) -> Result<bool, Error> {
        let row: Option<Row> = query(ANY)
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::doing("workspace_any"))?;
        Ok(row.is_some())
    }
}

fn record((id, name, created_at): Row) -> WorkspaceRecord {
    WorkspaceRecord {
        id: WorkspaceId::from_uuid(id),
        name: WorkspaceName::stored(name),
        created_at: instant(created_at),
    }
}

//! How far the sweeper came with what it goes through bit by bit.
//!
//! It is kept with the records, since the next call may be another process's. Two that run at once do the same work, and
//! one of their places stays.

use futures_util::FutureExt;

use crate::sql::query;
use crate::{Error, Sweep};

const GET: &str = "-- sweep_place_get
select after from sweep_places where task = $1";

const SET: &str = "-- sweep_place_set
insert into sweep_places (task, after) values ($1, $2)
on conflict (task) do update set after = excluded.after where sweep_places.after <> excluded.after";

impl Sweep {
    /// After what a task has to go on; empty at its begin.
    pub(crate) async fn place(&self, task: &str) -> Result<String, Error> {
        let query = query(GET).bind(task);
        let found = query.scalar_optional(self.database.readers()).await;
        Ok(found.map_err(Error::doing("sweep_place_get"))?.unwrap_or_default())
    }

    /// Keeps where a task has to go on; empty where it has to begin anew.
    pub(crate) async fn set_place(&self, task: &str, after: &str) -> Result<(), Error> {
        self.database
            .write("sweep_place_set", (task.to_owned(), after.to_owned()), |(task, after), tx| {
                async move {
                    let insert = query(SET).bind(task).bind(after);
                    insert.execute(tx).await.map(drop).map_err(Error::doing("sweep_place_set"))
                }
                .boxed()
            })
            .await
    }
}

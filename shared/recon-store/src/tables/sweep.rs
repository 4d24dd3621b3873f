//! What nobody needs any more.

mod breaks;
mod objects;
mod places;
mod retention;

use std::time::Duration;

use futures_util::FutureExt;
use recon_domain::{Instant, ReconciliationId};

use super::interrupted;
use super::jobs::{JobRow, columns};
use crate::leftovers::Cleared;
use crate::sql::{Connection, query};
use crate::{Error, Interrupted, Leftovers, Removed, SWEEP_BATCH, Sweep, Sweeping, object_name};

/// The code of a dataset whose upload never came.
const UPLOAD_EXPIRED: &str = "upload_expired";
/// What its clients read.
const UPLOAD_EXPIRED_DETAIL: &str =
    "its upload was not completed in time; announce the dataset again and upload its content";
/// What people read about a job whose worker was not heard of any more.
const LOST: &str = "the worker that had the job was not heard of any more";

/// By no one's index but `jobs_by_state`: the jobs that run are few.
const TAKE_LOST: &str = concat!(
    "-- sweep_lost_leases\nupdate jobs set failures = failures + 1, lease_token = null, lease_until = null,
    last_error = $1, run_after = $2, state = case when failures + 1 >= failures_max then 'dead' else 'queued' end,
    finished_at = case when failures + 1 >= failures_max then $2 end
    where id in (select id from jobs where state = 'running' and lease_until <= $2 limit $3) returning ",
    columns!()
);

/// Bytes that came and were never completed go with it. Nothing is seen of a dataset before it is made, so that the index
/// by that narrows what is looked at.
const EXPIRE: &str = "-- sweep_expired_uploads
update datasets set status = 'rejected', error_code = $1, error_detail = $2, upload_object = null, upload_sha256 = null,
    upload_bytes = null, upload_etag = null
where id in (
    select id from datasets
    where status = 'awaiting_upload' and created_at <= $3 and coalesce(upload_seen_at, created_at) <= $3
    order by created_at limit $4
)";

async fn purge_expired(tx: &mut Connection<'_>) -> Result<u64, Error> {
    let purged = match tx {
        #[cfg(feature = "embedded")]
        Connection::Sqlite(tx) => recon_idempotency::sqlite::purge_expired(tx, SWEEP_BATCH).await,
        #[cfg(feature = "cluster")]
        Connection::Postgres(tx) => recon_idempotency::postgres::purge_expired(tx, SWEEP_BATCH).await,
        #[cfg(feature = "cluster")]
        Connection::Pooled(tx) => recon_idempotency::postgres::unnamed::purge_expired(tx, SWEEP_BATCH).await,
    };
    Ok(purged?)
}

impl Sweep {
    /// Forgets idempotency keys that have expired.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn expired_keys(&self) -> Result<Sweeping, Error> {
        let purge = self
            .database
            .write("sweep_expired_keys", (), |(), tx| async move { purge_expired(tx).await }.boxed());
        Ok(Sweeping::counting(purge.await?).of_batch())
    }

    /// Takes the jobs whose leases ran out from their workers. They wait for another one, so that people see them
    /// waiting; those that lost too many workers are given up, and with them what they are about.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn lost_leases(&self) -> Result<Interrupted, Error> {
        let now = self.database.now(&self.clock).await?;
        self.database.write("sweep_lost_leases", now, |now, tx| take_lost(tx, *now).boxed()).await
    }

    /// Rejects datasets whose upload was not completed for so long after the last sign of life: its announcement, or the
    /// begin or end of the last upload. A client that asks is told why.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn expired_uploads(&self, patience: Duration) -> Result<Sweeping, Error> {
        let expire = self.database.write("sweep_expired_uploads", self.ago(patience), |before, tx| {
            async move {
                let update = query(EXPIRE)
                    .bind(UPLOAD_EXPIRED)
                    .bind(UPLOAD_EXPIRED_DETAIL)
                    .bind(before.micros())
                    .bind(SWEEP_BATCH);
                let updated = update.execute(tx).await.map_err(Error::doing("sweep_expired_uploads"))?;
                Ok::<u64, Error>(updated)
            }
            .boxed()
        });
        Ok(Sweeping::counting(expire.await?).of_batch())
    }

    /// Removes what attempts at a reconciliation left behind, and counts as one failure what cannot be removed: only a
    /// database that does not answer ends the call, since it answers to nothing else either.
    async fn clear(&self, id: ReconciliationId, swept: &mut Sweeping) -> Result<Removed, Error> {
        let leftovers = Leftovers { database: self.database.clone(), objects: self.objects.clone() };
        let what = object_name::attempts_at(id);
        match leftovers.clear(id, &*self.is_over).await {
            Ok(Cleared { removed, left }) => {
                if let Some(error) = left {
                    swept.fail(&what, &error);
                }
                Ok(removed)
            }
            Err(error @ Error::Unavailable { .. }) => Err(error),
            Err(error) => {
                swept.fail(&what, &error);
                Ok(Removed { breaks: 0, objects: 0, all: true })
            }
        }
    }

    /// The time so long before now.
    fn ago(&self, time: Duration) -> Instant {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Instant::from_micros(self.clock.now().micros().saturating_sub(micros))
    }
}

async fn take_lost(tx: &mut Connection<'_>, now: Instant) -> Result<Interrupted, Error> {
    let rows: Vec<JobRow> = query(TAKE_LOST)
        .bind(LOST)
        .bind(now.micros())
        .bind(SWEEP_BATCH)
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::doing("sweep_lost_leases"))?;
    interrupted::settle(tx, rows, now).await
}

//! What attempts left behind, in SQLite.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt;
use recon_domain::ReconciliationId;
use tokio::time::Instant;

use super::row::{count, integer};
use crate::{Error, Leftovers, LeftoversError, Removed, object_name};

/// Breaks of one transaction, so that it stays short.
const BATCH: u64 = 5_000;

macro_rules! kept {
    () => {
        "select published_attempt from reconciliations where id = ?1 and published_attempt is not null
    union all
    select attempt from jobs where subject = ?1 and kind = 'reconcile' and state = 'running'"
    };
}

const KEPT: &str = concat!("-- leftover_kept\n", kept!());

/// From attempt to attempt along the index: what is kept may be millions of rows. An attempt that is over when this is
/// read is over for good, since the next one gets a number of its own.
const ATTEMPTS: &str = concat!(
    "-- leftover_attempts
with recursive attempts (number) as (
    select min(attempt) from breaks where reconciliation = ?1
    union all
    select (select min(attempt) from breaks where reconciliation = ?1 and attempt > number)
    from attempts where number is not null
)
select number from attempts where number is not null and number not in (",
    kept!(),
    ")"
);

const DELETE: &str = "-- leftover_breaks_delete
delete from breaks where rowid in (select rowid from breaks where reconciliation = ? and attempt = ? limit ?)";

impl Leftovers {
    /// Removes what attempts at this reconciliation left behind: all but the published one and one that a worker is at.
    /// Of a reconciliation that does not exist, everything. Millions of breaks take longer than `patience`, and then
    /// somebody has to ask again.
    ///
    /// Breaks go in short transactions, so that others write in between. Who asks at the same time does no harm.
    ///
    /// # Errors
    /// [`LeftoversError`].
    pub async fn remove(
        &self,
        reconciliation: ReconciliationId,
        patience: Duration,
    ) -> Result<Removed, LeftoversError> {
        let until = Instant::now() + patience;
        let objects = self.remove_objects(reconciliation).await?;
        let attempts: Vec<i64> = sqlx::query_scalar(ATTEMPTS)
            .bind(reconciliation.uuid())
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::doing("leftover_attempts"))?;
        let mut breaks = 0;
        for attempt in attempts {
            loop {
                let deleted = self.delete_batch(reconciliation, attempt).await?;
                breaks += deleted;
                if deleted < BATCH {
                    break;
                }
                if Instant::now() >= until {
                    return Ok(Removed { breaks, objects, all: false });
                }
            }
        }
        Ok(Removed { breaks, objects, all: true })
    }

    /// Returns how many.
    async fn remove_objects(&self, reconciliation: ReconciliationId) -> Result<u64, LeftoversError> {
        // In this order: an attempt that begins after the look into the folder is not in what was seen.
        let found = self.objects.list(&object_name::attempts_at(reconciliation)).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let kept: Vec<i64> = sqlx::query_scalar(KEPT)
            .bind(reconciliation.uuid())
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::doing("leftover_kept"))?;
        let kept = kept.into_iter().map(|attempt| count("jobs.attempt", attempt));
        let kept = kept.collect::<Result<HashSet<u32>, _>>()?;
        let mut removed = 0;
        for object in found {
            let attempt = object_name::attempt_of(reconciliation, &object.name);
            // A name that no attempt gives is left alone for as long as there is a result beside it.
            if attempt.map_or(kept.is_empty(), |attempt| !kept.contains(&attempt)) {
                self.objects.delete(&object.name).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Returns how many breaks were deleted; fewer than [`BATCH`] when they were the last.
    async fn delete_batch(&self, reconciliation: ReconciliationId, attempt: i64) -> Result<u64, Error> {
        self.database
            .write("leftover_breaks_delete", (reconciliation, attempt), |(reconciliation, attempt), tx| {
                async move {
                    let batch = integer("leftover_breaks_delete", BATCH)?;
                    let delete = sqlx::query(DELETE).bind(reconciliation.uuid()).bind(*attempt).bind(batch);
                    let deleted = delete.execute(tx).await.map_err(Error::doing("leftover_breaks_delete"))?;
                    Ok(deleted.rows_affected())
                }
                .boxed()
            })
            .await
    }
}

//! What attempts left behind.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt;
use recon_domain::ReconciliationId;
use tokio::time::Instant;

use crate::leftovers::Cleared;
use crate::row::{count, integer};
use crate::sql::query;
use crate::{
    BREAK_BATCH_BYTES, BREAKS_PER_BATCH_MAX, Error, Leftovers, LeftoversError, ObjectError, Removed,
    object_name,
};

macro_rules! kept {
    () => {
        "select published_attempt from reconciliations where id = $1 and published_attempt is not null
    union all
    select attempt from jobs where subject = $1 and kind = 'reconcile' and state = 'running'"
    };
}

const KEPT: &str = concat!("-- leftover_kept\n", kept!());

/// From attempt to attempt along the index: what is kept may be millions of rows. An attempt that is over when this is
/// read is over for good, since the next one gets a number of its own.
const ATTEMPTS: &str = concat!(
    "-- leftover_attempts
with recursive attempts (number) as (
    select min(attempt) from breaks where reconciliation = $1
    union all
    select (select min(attempt) from breaks where reconciliation = $1 and attempt > number)
    from attempts where number is not null
)
select number from attempts where number is not null and number not in (",
    kept!(),
    ")"
);

/// The next breaks of an attempt, with their lengths, which are known without reading the bodies.
const SIZES: &str = "-- leftover_breaks_sizes
select side, row_number, cast(octet_length(body) as bigint) from breaks where reconciliation = $1 and attempt = $2
order by side, row_number limit $3";

/// Up to a place. Nothing is added to an attempt that is over.
const DELETE: &str = "-- leftover_breaks_delete
delete from breaks where reconciliation = $1 and attempt = $2 and (side, row_number) <= ($3, $4)";

/// The breaks of one transaction.
#[derive(Debug)]
struct Batch {
    last: (String, i64),
    /// Whether others follow.
    more: bool,
}

impl Leftovers {
    /// Removes what attempts at this reconciliation left behind: all but the published one and one that a worker is at.
    /// Of a reconciliation that does not exist, everything. Millions of breaks take longer than `patience`, and then
    /// somebody has to ask again.
    ///
    /// Breaks go in short transactions, so that others write in between. Who asks at the same time does no harm.
    ///
    /// # Errors
    /// [`LeftoversError`]. An object that cannot be deleted keeps nothing else from being removed.
    pub async fn remove(
        &self,
        reconciliation: ReconciliationId,
        patience: Duration,
    ) -> Result<Removed, LeftoversError> {
        let until = Instant::now() + patience;
        let cleared = self.clear(reconciliation, &|| Instant::now() >= until).await?;
        match cleared.left {
            Some(error) => Err(error.into()),
            None => Ok(cleared.removed),
        }
    }

    /// As [`Leftovers::remove`], until somebody says that it is over.
    pub(crate) async fn clear(
        &self,
        reconciliation: ReconciliationId,
        is_over: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Cleared, Error> {
        let (objects, left) = self.remove_objects(reconciliation).await?;
        let attempts: Vec<i64> = query(ATTEMPTS)
            .bind(reconciliation.uuid())
            .scalars(self.database.readers())
            .await
            .map_err(Error::doing("leftover_attempts"))?;
        let mut removed = Removed { breaks: 0, objects, all: true };
        for attempt in attempts {
            while let Some(batch) = self.next_batch(reconciliation, attempt).await? {
                let more = batch.more;
                removed.breaks += self.delete(reconciliation, attempt, batch).await?;
                if more && is_over() {
                    return Ok(Cleared { removed: Removed { all: false, ..removed }, left });
                }
                if !more {
                    break;
                }
            }
        }
        Ok(Cleared { removed, left })
    }

    /// Returns how many, and why there are others.
    async fn remove_objects(
        &self,
        reconciliation: ReconciliationId,
    ) -> Result<(u64, Option<ObjectError>), Error> {
        // In this order: an attempt that begins after the look into the folder is not in what was seen.
        let found = match self.objects.list(&object_name::attempts_at(reconciliation)).await {
            Ok(found) if found.is_empty() => return Ok((0, None)),
            Ok(found) => found,
            Err(error) => return Ok((0, Some(error))),
        };
        let kept: Vec<i64> = query(KEPT)
            .bind(reconciliation.uuid())
            .scalars(self.database.readers())
            .await
            .map_err(Error::doing("leftover_kept"))?;
        let kept = kept.into_iter().map(|attempt| count("jobs.attempt", attempt));
        let kept = kept.collect::<Result<HashSet<u32>, _>>()?;
        let (mut removed, mut left) = (0, None);
        for object in found {
            let attempt = object_name::attempt_of(reconciliation, &object.name);
            // A name that no attempt gives is left alone for as long as there is a result beside it.
            if attempt.map_or(kept.is_empty(), |attempt| !kept.contains(&attempt)) {
                match self.objects.delete(&object.name).await {
                    Ok(()) => removed += 1,
                    Err(error) => left = left.or(Some(error)),
                }
            }
        }
        Ok((removed, left))
    }

    /// As many breaks as one transaction takes, by their number and by their bytes: rows may be long, and who writes keeps
    /// all others waiting. `None` where there are no more.
    async fn next_batch(
        &self,
        reconciliation: ReconciliationId,
        attempt: i64,
    ) -> Result<Option<Batch>, Error> {
        // One more than a transaction takes tells whether others follow.
        let limit = integer("leftover_breaks_sizes", length(BREAKS_PER_BATCH_MAX) + 1)?;
        let sizes: Vec<(String, i64, i64)> = query(SIZES)
            .bind(reconciliation.uuid())
            .bind(attempt)
            .bind(limit)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::doing("leftover_breaks_sizes"))?;
        let (found, mut bytes, mut last, mut taken) = (sizes.len(), 0, None, 0);
        for (side, row, size) in sizes.into_iter().take(BREAKS_PER_BATCH_MAX) {
            if bytes >= length(BREAK_BATCH_BYTES) {
                break;
            }
            bytes += u64::try_from(size).unwrap_or(0);
            last = Some((side, row));
            taken += 1;
        }
        Ok(last.map(|last| Batch { last, more: taken < found }))
    }

    /// Returns how many breaks were deleted: none where somebody else was faster.
    async fn delete(
        &self,
        reconciliation: ReconciliationId,
        attempt: i64,
        batch: Batch,
    ) -> Result<u64, Error> {
        let input = (reconciliation, attempt, batch);
        self.database
            .write("leftover_breaks_delete", input, |(reconciliation, attempt, Batch { last, .. }), tx| {
                async move {
                    let delete =
                        query(DELETE).bind(reconciliation.uuid()).bind(*attempt).bind(&last.0).bind(last.1);
                    delete.execute(tx).await.map_err(Error::doing("leftover_breaks_delete"))
                }
                .boxed()
            })
            .await
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

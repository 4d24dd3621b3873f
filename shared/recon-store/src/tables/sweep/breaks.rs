//! Breaks of attempts that were never published, or whose reconciliation is deleted.

use std::time::Duration;

use recon_domain::ReconciliationId;
use uuid::Uuid;

use crate::{Error, Leftovers, Sweep, SweepError, Sweeping};

/// How long a call works at the leftovers of one reconciliation.
const PATIENCE: Duration = Duration::from_secs(20);

const TASK: &str = "breaks";

/// From reconciliation to reconciliation along the index. Of each at most one attempt is kept: the published one, or the
/// one that a worker is at.
const LOOK: &str = "-- sweep_breaks
with recursive seen (id, number) as (
    select (select min(reconciliation) from breaks where reconciliation > ?1), 1
    union all
    select (select min(b.reconciliation) from breaks b where b.reconciliation > seen.id), seen.number + 1
    from seen where seen.id is not null and seen.number < ?2
), kept (id, attempt) as (
    select s.id, coalesce(
        (select published_attempt from reconciliations r where r.id = s.id),
        (select attempt from jobs j where j.subject = s.id and j.kind = 'reconcile' and j.state = 'running')
    )
    from seen s where s.id is not null
)
select id, attempt is null
    or exists (select 1 from breaks b where b.reconciliation = kept.id and b.attempt < kept.attempt)
    or exists (select 1 from breaks b where b.reconciliation = kept.id and b.attempt > kept.attempt)
from kept";

impl Sweep {
    /// Removes what attempts at reconciliations left behind that have breaks among it. Looks at up to `look_max`
    /// reconciliations, and goes on from there the next time. Counts breaks.
    ///
    /// # Errors
    /// [`SweepError`].
    pub async fn unpublished_breaks(&self, look_max: u32) -> Result<Sweeping, SweepError> {
        let after: Uuid = self.place(TASK).await?.parse().unwrap_or_default();
        let seen: Vec<(Uuid, bool)> = sqlx::query_as(LOOK)
            .bind(after)
            .bind(look_max.max(1))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::doing("sweep_breaks"))?;
        let leftovers = self.leftovers();
        let mut swept = Sweeping::default();
        for (id, _) in seen.iter().filter(|(_, left_over)| *left_over) {
            let removed = leftovers.remove(ReconciliationId::from_uuid(*id), PATIENCE).await?;
            swept.count += removed.breaks;
            if !removed.all {
                // The next call finds it again, as the place stays.
                return Ok(Sweeping { more: true, ..swept });
            }
        }
        let looked = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let last = seen.last().filter(|_| looked >= look_max);
        self.set_place(TASK, &last.map(|(id, _)| id.to_string()).unwrap_or_default()).await?;
        Ok(swept)
    }

    pub(super) fn leftovers(&self) -> Leftovers {
        Leftovers { database: self.database.clone(), objects: self.objects.clone() }
    }
}

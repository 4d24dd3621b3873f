//! Breaks of attempts that were never published, or whose reconciliation is deleted.

use recon_domain::ReconciliationId;
use uuid::Uuid;

use crate::sql::query;
use crate::{Error, Sweep, SweepError, Sweeping};

const TASK: &str = "breaks";

/// From reconciliation to reconciliation along the index. Of each at most one attempt is kept: the published one, or the
/// one that a worker is at.
const LOOK: &str = "-- sweep_breaks
with recursive seen (id, number) as (
    select (select reconciliation from breaks where reconciliation > $1 order by reconciliation limit 1), 1
    union all
    select (select b.reconciliation from breaks b where b.reconciliation > seen.id order by b.reconciliation limit 1),
        seen.number + 1
    from seen where seen.id is not null and seen.number < $2
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
        let mut place: Uuid = self.place(TASK).await?.parse().unwrap_or_default();
        let seen: Vec<(Uuid, bool)> = query(LOOK)
            .bind(place)
            .bind(look_max.max(1))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::doing("sweep_breaks"))?;
        let mut swept = Sweeping::default();
        for (id, left_over) in &seen {
            if self.is_over() {
                swept.more = true;
                break;
            }
            if *left_over {
                let removed = self.clear(ReconciliationId::from_uuid(*id), &mut swept).await?;
                swept.count += removed.breaks;
                if !removed.all {
                    // The next call finds it again, as the place is before it.
                    swept.more = true;
                    break;
                }
            }
            place = *id;
        }
        let looked = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let next = if swept.more || looked >= look_max { place.to_string() } else { String::new() };
        self.set_place(TASK, &next).await?;
        Ok(swept)
    }
}

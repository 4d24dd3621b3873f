//! Objects that no record refers to.
//!
//! An object is written before its record says so, so one that was just written is nobody's for a moment: only old ones
//! count.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use recon_domain::{DatasetId, ReconciliationId};
use sqlx::{QueryBuilder, Sqlite};
use uuid::Uuid;

use crate::{Error, ObjectEntry, SWEEP_BATCH, Sweep, SweepError, Sweeping, object_name};

/// How old an object must be before it counts as nobody's: longer than any write takes to be recorded.
pub(crate) const ORPHAN_AGE_MIN: Duration = Duration::from_hours(1);
/// How long a call works at the leftovers of one reconciliation.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of objects, each of whose folders belongs to one record.
struct Kind {
    folder: &'static str,
    owner: Owner,
}

enum Owner {
    Dataset,
    Reconciliation,
}

const KINDS: [Kind; 3] = [
    Kind { folder: object_name::UPLOADS, owner: Owner::Dataset },
    Kind { folder: object_name::INGESTS, owner: Owner::Dataset },
    Kind { folder: object_name::ATTEMPTS, owner: Owner::Reconciliation },
];

#[derive(sqlx::FromRow)]
struct Refers {
    id: Uuid,
    status: String,
    upload_object: Option<String>,
    content_object: Option<String>,
}

impl Sweep {
    /// Deletes objects that no record refers to, where they belong to this database. Looks at up to `look_max` objects of each kind, and goes on from there
    /// the next time. Counts objects.
    ///
    /// # Errors
    /// [`SweepError`].
    pub async fn orphaned_objects(&self, look_max: u32) -> Result<Sweeping, SweepError> {
        let mut swept = Sweeping::default();
        if !self.owns_objects().await? {
            tracing::warn!(
                "the folder of objects is not this database's: objects without a record are left alone"
            );
            return Ok(swept);
        }
        for kind in &KINDS {
            swept.count += self.sweep_kind(kind, look_max).await?;
        }
        Ok(swept)
    }

    async fn sweep_kind(&self, kind: &Kind, look_max: u32) -> Result<u64, SweepError> {
        let looked_max = usize::try_from(look_max.max(1)).unwrap_or(usize::MAX);
        let after = self.place(kind.folder).await?;
        let page = self.objects.page(kind.folder, &after, looked_max).await?;
        let last = page.last().filter(|_| page.len() >= looked_max);
        let next = last.map(|last| last.name.clone()).unwrap_or_default();

        let written_before = self.ago(ORPHAN_AGE_MIN);
        let mut by_owner: BTreeMap<Uuid, Vec<ObjectEntry>> = BTreeMap::new();
        for object in page.into_iter().filter(|object| object.modified <= written_before) {
            match object_name::owner(kind.folder, &object.name) {
                Some(owner) => by_owner.entry(owner).or_default().push(object),
                None => tracing::debug!(object = object.name, "a name that nothing here gives is left alone"),
            }
        }
        let mut deleted = 0;
        let owners: Vec<Uuid> = by_owner.keys().copied().collect();
        for some in owners.chunks(usize::try_from(SWEEP_BATCH).unwrap_or(usize::MAX)) {
            let objects = some.iter().filter_map(|owner| Some((*owner, by_owner.remove(owner)?)));
            deleted += match kind.owner {
                Owner::Dataset => self.sweep_datasets(some, objects).await?,
                Owner::Reconciliation => self.sweep_reconciliations(some, objects).await?,
            };
        }
        self.set_place(kind.folder, &next).await?;
        Ok(deleted)
    }

    async fn sweep_datasets(
        &self,
        ids: &[Uuid],
        objects: impl Iterator<Item = (Uuid, Vec<ObjectEntry>)> + Send,
    ) -> Result<u64, SweepError> {
        let refers: Vec<Refers> = self
            .of_these(
                "-- sweep_dataset_objects
select id, status, upload_object, content_object from datasets where id in (",
                ids,
            )
            .await?;
        let refers: HashMap<Uuid, Refers> = refers.into_iter().map(|refers| (refers.id, refers)).collect();
        let mut deleted = 0;
        for (id, objects) in objects {
            for object in objects {
                if !refers.get(&id).is_some_and(|refers| refers.keeps(DatasetId::from_uuid(id), &object.name))
                {
                    self.objects.delete(&object.name).await?;
                    deleted += 1;
                }
            }
        }
        Ok(deleted)
    }

    async fn sweep_reconciliations(
        &self,
        ids: &[Uuid],
        objects: impl Iterator<Item = (Uuid, Vec<ObjectEntry>)> + Send,
    ) -> Result<u64, SweepError> {
        let published: Vec<(Uuid, u32)> = self
            .of_these(
                "-- sweep_published_attempts
select id, published_attempt from reconciliations where published_attempt is not null and id in (",
                ids,
            )
            .await?;
        let running: Vec<(Uuid, u32)> = self
            .of_these(
                "-- sweep_running_attempts
select subject, attempt from jobs where kind = 'reconcile' and state = 'running' and subject in (",
                ids,
            )
            .await?;
        let kept: HashSet<(Uuid, u32)> = published.into_iter().chain(running).collect();
        let mut deleted = 0;
        for (id, objects) in objects {
            let reconciliation = ReconciliationId::from_uuid(id);
            let is_kept = |object: &ObjectEntry| {
                let attempt = object_name::attempt_of(reconciliation, &object.name);
                attempt.is_some_and(|attempt| kept.contains(&(id, attempt)))
            };
            if !objects.iter().all(is_kept) {
                // It looks again at what is kept, and takes the breaks of the same attempts along.
                deleted += self.leftovers().remove(reconciliation, PATIENCE).await?.objects;
            }
        }
        Ok(deleted)
    }

    /// The rows of these ids, of a statement that ends where the ids have to stand.
    async fn of_these<R>(&self, statement: &'static str, ids: &[Uuid]) -> Result<Vec<R>, Error>
    where
        R: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
    {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(statement);
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        let rows = query.build_query_as().fetch_all(self.database.readers()).await;
        rows.map_err(Error::doing("sweep_objects"))
    }
}

impl Refers {
    /// Whether an object of this dataset may still be needed.
    fn keeps(&self, id: DatasetId, object: &str) -> bool {
        let content = self.content_object.as_deref();
        let named = [self.upload_object.as_deref(), content].contains(&Some(object))
            || content.is_some_and(|content| object_name::rejected_beside(content) == object);
        // A worker is at it, and says with its last word which of these it is.
        let in_making = self.status == "ingesting" && object.starts_with(&object_name::ingests_of(id));
        named || in_making
    }
}

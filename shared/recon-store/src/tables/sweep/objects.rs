//! Objects that no record refers to.
//!
//! An object is written before its record says so, so one that was just written is nobody's for a moment: only old ones
//! count.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use recon_domain::{DatasetId, Instant, ReconciliationId};
use uuid::Uuid;

use crate::installation::{INSTALLATION, Tie};
use crate::row::count;
use crate::sql::{Row, query};
use crate::{Error, ObjectEntry, SWEEP_BATCH, Sweep, SweepError, Sweeping, object_name};

/// How old an object must be before it counts as nobody's: longer than any write takes to be recorded.
pub(crate) const ORPHAN_AGE_MIN: Duration = Duration::from_hours(1);
/// How old what an upload left half written must be. It gathers 5 MiB before it writes
/// again, which takes the slowest client that is not cut off an hour and a half.
const STAGED_AGE_MIN: Duration = Duration::from_hours(3);
/// How far the sweeper came with what is half written.
const STAGED: &str = "staged";

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

const REFERS: &str = "-- sweep_dataset_objects
select id, status, upload_object, content_object from datasets where id in (";

const PUBLISHED: &str = "-- sweep_published_attempts
select id, published_attempt from reconciliations where published_attempt is not null and id in (";

const RUNNING: &str = "-- sweep_running_attempts
select subject, attempt from jobs where kind = 'reconcile' and state = 'running' and subject in (";

/// What records refer to.
enum Kept {
    OfDatasets(HashMap<Uuid, Refers>),
    OfAttempts(HashSet<(Uuid, u32)>),
}

#[derive(sqlx::FromRow)]
struct Refers {
    id: Uuid,
    status: String,
    upload_object: Option<String>,
    content_object: Option<String>,
}

impl Sweep {
    /// Deletes objects that no record refers to, where they belong to this database, and what uploads of killed processes left
    /// half written. Looks at up to `look_max` objects of each kind, and goes on from there the next time. Counts objects.
    ///
    /// # Errors
    /// [`SweepError`].
    pub async fn orphaned_objects(&self, look_max: u32) -> Result<Sweeping, SweepError> {
        let mut swept = Sweeping::default();
        match self.tie().await? {
            Tie::Ours => {}
            tie @ (Tie::Loose | Tie::Foreign) => {
                tracing::warn!("objects without a record are left alone: {tie}");
                return Ok(swept);
            }
        }
        for kind in &KINDS {
            match self.sweep_kind(kind, look_max, &mut swept).await {
                // A folder that cannot be listed keeps no other from being swept.
                Err(SweepError::Object(error)) => swept.fail(kind.folder, &error),
                done => done?,
            }
        }
        match self.sweep_staged(look_max, &mut swept).await {
            Err(SweepError::Object(error)) => swept.fail(STAGED, &error),
            done => done?,
        }
        Ok(swept)
    }

    async fn sweep_kind(&self, kind: &Kind, look_max: u32, swept: &mut Sweeping) -> Result<(), SweepError> {
        let looked_max = usize::try_from(look_max.max(1)).unwrap_or(usize::MAX);
        let mut place = self.place(kind.folder).await?;
        let page = self.objects.page(kind.folder, &place, looked_max).await?;
        let last = page.last().filter(|_| page.len() >= looked_max);
        let next = last.map(|last| last.name.clone()).unwrap_or_default();

        let old = kind.of_owners(page, self.ago(ORPHAN_AGE_MIN));
        let mut cleared = None;
        for some in old.chunks(usize::try_from(SWEEP_BATCH).unwrap_or(usize::MAX)) {
            let kept = self.kept(kind, some).await?;
            for (owner, object) in some {
                if self.is_over() {
                    swept.more = true;
                    return Ok(self.set_place(kind.folder, &place).await?);
                }
                if !kept.keeps(*owner, &object.name) && cleared != Some(*owner) {
                    match kind.owner {
                        Owner::Dataset => self.delete(object, swept).await,
                        Owner::Reconciliation => {
                            // It looks again at what is kept, and takes all that its other attempts left along.
                            let removed = self.clear(ReconciliationId::from_uuid(*owner), swept).await?;
                            swept.count += removed.objects;
                            cleared = Some(*owner);
                        }
                    }
                }
                place.clone_from(&object.name);
            }
        }
        Ok(self.set_place(kind.folder, &next).await?)
    }

    /// Removes what uploads left half written whose process was killed.
    async fn sweep_staged(&self, look_max: u32, swept: &mut Sweeping) -> Result<(), SweepError> {
        let looked_max = usize::try_from(look_max.max(1)).unwrap_or(usize::MAX);
        let mut place = self.place(STAGED).await?;
        let page = self.objects.staged(&place, looked_max).await?;
        let last = page.last().filter(|_| page.len() >= looked_max);
        let next = last.map(|last| last.name.clone()).unwrap_or_default();

        let written_before = self.ago(STAGED_AGE_MIN);
        for half in page.into_iter().filter(|half| half.modified <= written_before && is_ours(&half.name)) {
            if self.is_over() {
                swept.more = true;
                return Ok(self.set_place(STAGED, &place).await?);
            }
            match self.objects.delete_staged(&half.name).await {
                Ok(()) => swept.count += 1,
                Err(error) => swept.fail(&half.name, &error),
            }
            place = half.name;
        }
        Ok(self.set_place(STAGED, &next).await?)
    }

    async fn delete(&self, object: &ObjectEntry, swept: &mut Sweeping) {
        match self.objects.delete(&object.name).await {
            Ok(()) => swept.count += 1,
            Err(error) => swept.fail(&object.name, &error),
        }
    }

    /// What is kept of the owners of these objects.
    async fn kept(&self, kind: &Kind, objects: &[(Uuid, ObjectEntry)]) -> Result<Kept, Error> {
        let ids: BTreeSet<Uuid> = objects.iter().map(|(owner, _)| *owner).collect();
        match kind.owner {
            Owner::Dataset => {
                let refers: Vec<Refers> = self.of_these(REFERS, &ids).await?;
                Ok(Kept::OfDatasets(refers.into_iter().map(|refers| (refers.id, refers)).collect()))
            }
            Owner::Reconciliation => {
                let published: Vec<(Uuid, i64)> = self.of_these(PUBLISHED, &ids).await?;
                let running: Vec<(Uuid, i64)> = self.of_these(RUNNING, &ids).await?;
                let attempts = published.into_iter().chain(running);
                let attempts = attempts.map(|(id, attempt)| Ok((id, count("jobs.attempt", attempt)?)));
                Ok(Kept::OfAttempts(attempts.collect::<Result<_, Error>>()?))
            }
        }
    }

    /// The rows of these ids, of a statement that ends where the ids have to stand.
    async fn of_these<R>(&self, statement: &'static str, ids: &BTreeSet<Uuid>) -> Result<Vec<R>, Error>
    where
        R: Row,
    {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = query(statement);
        query.push_list(ids.iter().copied()).push(")");
        let rows = query.fetch_all(self.database.readers()).await;
        rows.map_err(Error::doing("sweep_objects"))
    }
}

impl Kind {
    /// Those objects that are old enough, each with its owner.
    fn of_owners(&self, page: Vec<ObjectEntry>, written_before: Instant) -> Vec<(Uuid, ObjectEntry)> {
        let old = page.into_iter().filter(|object| object.modified <= written_before);
        old.filter_map(|object| match object_name::owner(self.folder, &object.name) {
            Some(owner) => Some((owner, object)),
            None => {
                tracing::debug!(object = object.name, "a name that nothing here gives is left alone");
                None
            }
        })
        .collect()
    }
}

/// Whether a half written object is one of those that are written here.
fn is_ours(staged: &str) -> bool {
    let Some(name) = object_name::staged_for(staged) else { return false };
    name == INSTALLATION || KINDS.iter().any(|kind| object_name::owner(kind.folder, name).is_some())
}

impl Kept {
    fn keeps(&self, owner: Uuid, object: &str) -> bool {
        match self {
            Self::OfDatasets(refers) => {
                refers.get(&owner).is_some_and(|refers| refers.keeps(DatasetId::from_uuid(owner), object))
            }
            Self::OfAttempts(attempts) => {
                let attempt = object_name::attempt_of(ReconciliationId::from_uuid(owner), object);
                attempt.is_some_and(|attempt| attempts.contains(&(owner, attempt)))
            }
        }
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
        // A client wrote it to a signed address, and will say so when it completes the dataset.
        let is_awaited = self.status == "awaiting_upload" && object_name::is_signed_upload(object);
        named || in_making || is_awaited
    }
}

//! Datasets.

mod delete;
mod list;
mod row;

use futures_util::FutureExt;
use recon_domain::{DatasetId, WorkspaceId};
#[cfg(feature = "cluster")]
use recon_idempotency::completed_claim;
use recon_idempotency::{ClaimOutcome, Guard};

use super::jobs;
use super::leases;
use crate::clock::{id_made_at, random};
use crate::database::Refusal;
use crate::row::integer;
use crate::sql::{Connection, Place, Query, query};
use crate::{
    Attached, DatasetContent, DatasetRecord, DatasetStatus, Datasets, Error, Failure, IngestResult, Lease,
    NewDataset, Subject, Upload, object_name,
};

const INSERT: &str = "-- dataset_create
insert into datasets (id, workspace, name, format, options, status, created_at)
values ($1, $2, $3, $4, $5, 'awaiting_upload', $6)";

/// The same with its key, in one statement.
#[cfg(feature = "cluster")]
const INSERT_AT_ONCE: &str = concat!(
    "-- dataset_create\n",
    completed_claim!(
        "true",
        "dataset as (
    insert into datasets (id, workspace, name, format, options, status, created_at)
    select $12, $13, $14, $15, $16, 'awaiting_upload', $17 from idempotency_claim
)"
    )
);
#[cfg(not(feature = "cluster"))]
const INSERT_AT_ONCE: &str = "";

macro_rules! columns {
    () => {
        "id, workspace, name, format, options, status, upload_object, upload_sha256, upload_bytes, upload_etag, expected_sha256,
    upload_seen_at, content_object, accepted_rows, rejected_rows, rejected_samples, column_profiles, dialect, error_code, error_detail,
    created_at"
    };
}
use columns;

const GET: &str =
    concat!("-- dataset_get\nselect ", columns!(), " from datasets where workspace = $1 and id = $2");

/// An upload that begins is a sign of life, which keeps its dataset from expiring under it.
const SEE: &str = "-- dataset_see_upload
update datasets set upload_seen_at = $1 where workspace = $2 and id = $3 and status = 'awaiting_upload'";

const ATTACH: &str = "-- dataset_attach_upload
update datasets set upload_object = $1, upload_sha256 = $2, upload_bytes = $3, upload_etag = $4, upload_seen_at = $5
where workspace = $6 and id = $7 and status = 'awaiting_upload'";

const COMPLETE: &str = "-- dataset_complete
update datasets set status = 'ingesting', expected_sha256 = $1
where workspace = $2 and id = $3 and status = 'awaiting_upload'";

const HASHED: &str = "-- dataset_hashed
update datasets set upload_sha256 = $1 where workspace = $2 and id = $3 and status = 'ingesting'";

const FINISH: &str = "-- dataset_finish_ingest
update datasets set status = 'ready', content_object = $1, accepted_rows = $2, rejected_rows = $3, rejected_samples = $4,
    column_profiles = $5, dialect = $6
where workspace = $7 and id = $8 and status = 'ingesting'";

const REJECT: &str = "-- dataset_reject
update datasets set status = 'rejected', error_code = $1, error_detail = $2 where id = $3 and status = 'ingesting'";

/// Why an upload was not completed; nothing of it is kept, its key neither.
enum NotCompleted {
    NotFound,
    Failed(Error),
}

impl From<Error> for NotCompleted {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Refusal for NotCompleted {
    fn of_database(&self) -> Option<&Error> {
        match self {
            Self::NotFound => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl Datasets {
    /// Makes a dataset that awaits its upload.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; no key is left.
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        guard: Guard<DatasetRecord>,
        new: NewDataset,
    ) -> Result<ClaimOutcome<DatasetRecord>, Error> {
        let record = DatasetRecord {
            id: new.id,
            workspace,
            name: new.name,
            format: new.format,
            options: new.options,
            status: DatasetStatus::AwaitingUpload,
            upload: None,
            expected_sha256: None,
            upload_seen_at: None,
            content: None,
            failure: None,
            created_at: self.clock.now(),
        };
        let at_once = values(query(INSERT_AT_ONCE), &record);
        if let Some(outcome) = self.database.at_once("dataset_create", &guard, &record, at_once).await? {
            return Ok(outcome);
        }
        self.database.guarded("dataset_create", guard, record, |record, tx| insert(tx, record).boxed()).await
    }

    /// A dataset of the workspace.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn get(&self, workspace: WorkspaceId, id: DatasetId) -> Result<Option<DatasetRecord>, Error> {
        get(self.database.readers(), workspace, id).await
    }

    /// The name of an object for one upload. Bytes written there mean nothing until they are attached.
    ///
    /// # Errors
    /// [`Error::UploadClosed`] when the dataset takes no bytes any more.
    pub async fn begin_upload(&self, workspace: WorkspaceId, id: DatasetId) -> Result<Option<String>, Error> {
        let begin = self.database.write(
            "dataset_begin_upload",
            (workspace, id, self.clock.now()),
            |(workspace, id, now), tx| {
                async move {
                    let Some(found) = get(&mut *tx, *workspace, *id).await? else { return Ok(false) };
                    takes_upload(&found)?;
                    let see = query(SEE).bind(now.micros()).bind(workspace.uuid()).bind(id.uuid());
                    see.execute(tx).await.map_err(Error::doing("dataset_see_upload"))?;
                    Ok::<bool, Error>(true)
                }
                .boxed()
            },
        );
        if !begin.await? {
            return Ok(None);
        }
        let upload = uuid::Builder::from_random_bytes(random()?).into_uuid();
        Ok(Some(object_name::upload(id, upload)))
    }

    /// Makes these bytes the ones that a completion pins. The last upload attached before it counts.
    ///
    /// # Errors
    /// [`Error::UploadClosed`] when the dataset takes no bytes any more.
    pub async fn attach_upload(
        &self,
        workspace: WorkspaceId,
        id: DatasetId,
        upload: Upload,
    ) -> Result<Option<Attached>, Error> {
        let input = (workspace, id, upload, self.clock.now());
        self.database
            .write("dataset_attach_upload", input, |(workspace, id, upload, now), tx| {
                async move {
                    let Some(found) = get(&mut *tx, *workspace, *id).await? else { return Ok(None) };
                    takes_upload(&found)?;
                    let update = query(ATTACH)
                        .bind(&upload.object)
                        .bind(upload.sha256.as_deref().unwrap_or_default())
                        .bind(integer("datasets.upload_bytes", upload.bytes)?)
                        .bind(upload.etag.as_deref())
                        .bind(now.micros())
                        .bind(workspace.uuid())
                        .bind(id.uuid());
                    update.execute(tx).await.map_err(Error::doing("dataset_attach_upload"))?;
                    let replaced = found.upload.map(|before| before.object);
                    Ok(Some(Attached { replaced: replaced.filter(|object| *object != upload.object) }))
                }
                .boxed()
            })
            .await
    }

    /// Pins the upload and enqueues its ingest. `expected_sha256` is what the client meant to send, if it says so; where
    /// nobody has hashed the upload yet, it is kept for who reads it. `None` when there is no such dataset.
    ///
    /// # Errors
    /// [`Error::NoUpload`], [`Error::ShaMismatch`], [`Error::UploadClosed`]; no key is left.
    pub async fn complete(
        &self,
        workspace: WorkspaceId,
        id: DatasetId,
        guard: Guard<DatasetRecord>,
        expected_sha256: Option<String>,
    ) -> Result<Option<ClaimOutcome<DatasetRecord>>, Error> {
        let now = self.clock.now();
        let job = jobs::Enqueued { id: id_made_at(now)?, workspace, subject: Subject::Dataset(id), now };
        let outcome = self
            .database
            .guarded("dataset_complete", guard, (job, id, expected_sha256), |(job, id, expected), tx| {
                complete(tx, *job, *id, expected.as_deref()).boxed()
            })
            .await;
        match outcome {
            Ok(outcome) => Ok(Some(outcome)),
            Err(NotCompleted::NotFound) => Ok(None),
            Err(NotCompleted::Failed(error)) => Err(error),
        }
    }

    /// Says what the SHA-256 of the pinned bytes is, of which nobody knew it before.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing was written.
    pub async fn hashed(&self, lease: &Lease, sha256: String) -> Result<(), Error> {
        let input = (leases::Held::of(lease), lease.dataset()?, sha256);
        self.database
            .write("dataset_hashed", input, |(held, id, sha256), tx| {
                async move {
                    leases::prove(&mut *tx, held).await?;
                    let update = query(HASHED).bind(&*sha256).bind(held.workspace.uuid()).bind(id.uuid());
                    held.covers(update.execute(tx).await.map_err(Error::doing("dataset_hashed"))?)
                }
                .boxed()
            })
            .await
    }

    /// Ends an ingest: the dataset is ready or rejected for good, and the job is done.
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing was written.
    pub async fn finish_ingest(&self, lease: &Lease, result: IngestResult) -> Result<(), Error> {
        let id = lease.dataset()?;
        let input = (leases::Held::of(lease), id, result, self.database.now(&self.clock).await?);
        self.database
            .write("dataset_finish_ingest", input, |(held, id, result, now), tx| {
                async move {
                    leases::complete(tx, held, *now).await?;
                    match result {
                        IngestResult::Rejected(failure) => held.covers(reject(tx, *id, failure).await?),
                        IngestResult::Ready(content) => held.covers(finish(tx, held, *id, content).await?),
                    }
                }
                .boxed()
            })
            .await
    }
}

/// A dataset as this connection sees it.
pub(super) async fn get(
    place: impl Into<Place<'_>>,
    workspace: WorkspaceId,
    id: DatasetId,
) -> Result<Option<DatasetRecord>, Error> {
    let query = query(GET).bind(workspace.uuid()).bind(id.uuid());
    let row = query.fetch_optional(place).await.map_err(Error::doing("dataset_get"))?;
    row.map(row::record).transpose()
}

/// Rejects a dataset whose ingest came to nothing. Returns how many rows that changed: none if it is not ingesting.
pub(super) async fn reject(tx: &mut Connection<'_>, id: DatasetId, failure: &Failure) -> Result<u64, Error> {
    let update = query(REJECT).bind(&failure.code).bind(&failure.detail).bind(id.uuid());
    update.execute(tx).await.map_err(Error::doing("dataset_reject"))
}

/// The values of a new dataset.
fn values(insert: Query, record: &DatasetRecord) -> Query {
    insert
        .bind(record.id.uuid())
        .bind(record.workspace.uuid())
        .bind(&record.name)
        .bind(&record.format)
        .bind(record.options.as_str())
        .bind(record.created_at.micros())
}

async fn insert(tx: &mut Connection<'_>, record: &DatasetRecord) -> Result<DatasetRecord, Error> {
    let insert = values(query(INSERT), record);
    insert.execute(tx).await.map_err(Error::doing("dataset_create"))?;
    Ok(record.clone())
}

async fn complete(
    tx: &mut Connection<'_>,
    job: jobs::Enqueued,
    id: DatasetId,
    expected: Option<&str>,
) -> Result<DatasetRecord, NotCompleted> {
    let found = get(&mut *tx, job.workspace, id).await?.ok_or(NotCompleted::NotFound)?;
    takes_upload(&found)?;
    let Some(upload) = &found.upload else { return Err(Error::NoUpload { id }.into()) };
    let expected_later = match (expected, &upload.sha256) {
        (Some(expected), Some(known)) if !expected.eq_ignore_ascii_case(known) => {
            let (expected, found) = (expected.to_owned(), known.clone());
            return Err(Error::ShaMismatch { id, expected, found }.into());
        }
        (Some(expected), None) => Some(expected.to_ascii_lowercase()),
        (Some(_), Some(_)) | (None, _) => None,
    };
    let update = query(COMPLETE).bind(expected_later.as_deref()).bind(job.workspace.uuid()).bind(id.uuid());
    update.execute(&mut *tx).await.map_err(Error::doing("dataset_complete"))?;
    jobs::enqueue(tx, &job).await?;
    Ok(DatasetRecord { status: DatasetStatus::Ingesting, expected_sha256: expected_later, ..found })
}

async fn finish(
    tx: &mut Connection<'_>,
    held: &leases::Held,
    id: DatasetId,
    content: &DatasetContent,
) -> Result<u64, Error> {
    let update = query(FINISH)
        .bind(&content.object)
        .bind(integer("datasets.accepted_rows", content.rows)?)
        .bind(integer("datasets.rejected_rows", content.rejected)?)
        .bind(content.rejected_samples.as_str())
        .bind(content.columns.as_str())
        .bind(content.dialect.as_str())
        .bind(held.workspace.uuid())
        .bind(id.uuid());
    update.execute(tx).await.map_err(Error::doing("dataset_finish_ingest"))
}

fn takes_upload(found: &DatasetRecord) -> Result<(), Error> {
    match found.status {
        DatasetStatus::AwaitingUpload => Ok(()),
        status @ (DatasetStatus::Ingesting | DatasetStatus::Ready | DatasetStatus::Rejected) => {
            Err(Error::UploadClosed { id: found.id, status })
        }
    }
}

//! From the columns of a reconciliation to its record.

use recon_domain::{DatasetId, ReconciliationId, WorkspaceId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::row::{count, instant, present, word};
use crate::{Error, Failure, Json, Progress, Published, PublishedAttempt, ReconciliationRecord};

#[derive(FromRow)]
pub(super) struct Row {
    id: Uuid,
    workspace: Uuid,
    name: String,
    left_dataset: Uuid,
    right_dataset: Uuid,
    status: String,
    phase: String,
    progress_done: i64,
    progress_total: i64,
    published_attempt: Option<i64>,
    summary: Option<String>,
    digest: Option<String>,
    matches_object: Option<String>,
    error_code: Option<String>,
    error_detail: Option<String>,
    version: i64,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

pub(super) fn record(row: Row) -> Result<ReconciliationRecord, Error> {
    let published = match row.published_attempt {
        None => None,
        Some(attempt) => Some(PublishedAttempt {
            attempt: count("reconciliations.published_attempt", attempt)?,
            result: Published {
                summary: Json::stored(present("reconciliations.summary", row.summary)?),
                digest: present("reconciliations.digest", row.digest)?,
                matches_object: present("reconciliations.matches_object", row.matches_object)?,
            },
        }),
    };
    Ok(ReconciliationRecord {
        id: ReconciliationId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace),
        name: row.name,
        left: DatasetId::from_uuid(row.left_dataset),
        right: DatasetId::from_uuid(row.right_dataset),
        status: word("reconciliations.status", &row.status)?,
        progress: Progress {
            phase: word("reconciliations.phase", &row.phase)?,
            done: count("reconciliations.progress_done", row.progress_done)?,
            total: count("reconciliations.progress_total", row.progress_total)?,
        },
        published,
        failure: row.error_code.zip(row.error_detail).map(|(code, detail)| Failure { code, detail }),
        version: count("reconciliations.version", row.version)?,
        created_at: instant(row.created_at),
        started_at: row.started_at.map(instant),
        finished_at: row.finished_at.map(instant),
    })
}

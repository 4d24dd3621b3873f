//! From the columns of a dataset to its record.

use recon_domain::{DatasetId, WorkspaceId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::row::{count, instant, present, word};
use crate::{DatasetContent, DatasetRecord, Error, Failure, Json, Upload};

#[derive(FromRow)]
pub(super) struct Row {
    id: Uuid,
    workspace: Uuid,
    name: String,
    format: String,
    options: String,
    status: String,
    upload_object: Option<String>,
    upload_sha256: Option<String>,
    upload_bytes: Option<i64>,
    upload_etag: Option<String>,
    expected_sha256: Option<String>,
    upload_seen_at: Option<i64>,
    content_object: Option<String>,
    accepted_rows: Option<i64>,
    rejected_rows: Option<i64>,
    rejected_samples: Option<String>,
    column_profiles: Option<String>,
    dialect: Option<String>,
    error_code: Option<String>,
    error_detail: Option<String>,
    created_at: i64,
}

pub(super) fn record(row: Row) -> Result<DatasetRecord, Error> {
    let upload = match row.upload_object {
        None => None,
        Some(object) => Some(Upload {
            object,
            // Empty until the bytes are read: the column says of every upload that it has one.
            sha256: Some(present("datasets.upload_sha256", row.upload_sha256)?).filter(|sum| !sum.is_empty()),
            etag: row.upload_etag,
            bytes: count("datasets.upload_bytes", present("datasets.upload_bytes", row.upload_bytes)?)?,
        }),
    };
    let content = match row.content_object {
        None => None,
        Some(object) => Some(DatasetContent {
            object,
            rows: count("datasets.accepted_rows", present("datasets.accepted_rows", row.accepted_rows)?)?,
            rejected: count("datasets.rejected_rows", present("datasets.rejected_rows", row.rejected_rows)?)?,
            rejected_samples: Json::stored(present("datasets.rejected_samples", row.rejected_samples)?),
            columns: Json::stored(present("datasets.column_profiles", row.column_profiles)?),
            dialect: Json::stored(present("datasets.dialect", row.dialect)?),
        }),
    };
    Ok(DatasetRecord {
        id: DatasetId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace),
        name: row.name,
        format: row.format,
        options: Json::stored(row.options),
        status: word("datasets.status", &row.status)?,
        upload,
        expected_sha256: row.expected_sha256,
        upload_seen_at: row.upload_seen_at.map(instant),
        content,
        failure: row.error_code.zip(row.error_detail).map(|(code, detail)| Failure { code, detail }),
        created_at: instant(row.created_at),
    })
}

//! Records as clients see them.

use recon_contract::{NAME_BYTES_MAX, Reconciliation};
use recon_domain::{BreakId, BreakKind, BreakStatus, DatasetId, Instant, ReconciliationId, Side};
use recon_idempotency::{Body, INLINE_BYTES_MAX, StoredResponse};
use recon_store::{BreakRecord, DatasetContent, DatasetRecord, DatasetStatus, Json, Upload};
use recon_store::{Failure, Phase, Progress, ReconciliationRecord, ReconciliationStatus};
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::WORKSPACE;
use crate::{Reply, wire};

const ID: Uuid = Uuid::from_u128(9);

fn json_of(value: &Value) -> Json {
    Json::of(value).unwrap()
}

fn announced() -> DatasetRecord {
    DatasetRecord {
        id: DatasetId::from_uuid(ID),
        workspace: WORKSPACE,
        name: "March".into(),
        format: "auto".into(),
        options: json_of(&json!({})),
        status: DatasetStatus::AwaitingUpload,
        upload: None,
        upload_seen_at: None,
        expected_sha256: None,
        content: None,
        failure: None,
        created_at: Instant::from_micros(0),
    }
}

#[test]
fn a_dataset_says_where_its_content_goes_until_it_is_settled() {
    let dataset = serde_json::to_value(wire::dataset(&announced()).unwrap()).unwrap();
    let upload = json!({
        "method": "PUT", "url": format!("/v1/datasets/{ID}/content"), "headers": {},
        "expires_at": "1970-01-02T00:00:00Z",
    });
    assert_eq!(
        (&dataset["status"], &dataset["format"], &dataset["upload"]),
        (&json!("awaiting_upload"), &json!("auto"), &upload)
    );
    let failure = Failure { code: "not_a_table".into(), detail: "no rows".into() };
    let rejected = DatasetRecord { status: DatasetStatus::Rejected, failure: Some(failure), ..announced() };
    let dataset = serde_json::to_value(wire::dataset(&rejected).unwrap()).unwrap();
    let error = json!({"code": "not_a_table", "detail": "no rows"});
    assert_eq!((&dataset["upload"], &dataset["error"]), (&Value::Null, &error));
}

#[test]
fn a_dataset_that_is_read_shows_what_was_found() {
    let dialect = json!({
        "format": "csv", "encoding": "utf-8", "delimiter": ";", "quote": "\"", "header_row": 1, "evidence": ["all rows"],
    });
    let content = DatasetContent {
        object: "columns".into(),
        rows: 3,
        rejected: 1,
        rejected_samples: json_of(&json!([{"line": 4, "reason": "two cells, not three"}])),
        columns: json_of(&json!([{"name": "Betrag", "fits": {"decimal": 3}, "samples": ["1,00"]}])),
        dialect: json_of(&dialect),
    };
    let upload = Upload::hashed("upload".into(), "ab".into(), 5);
    let ready = DatasetRecord {
        status: DatasetStatus::Ready,
        content: Some(content),
        upload: Some(upload),
        ..announced()
    };
    let dataset = serde_json::to_value(wire::dataset(&ready).unwrap()).unwrap();
    assert_eq!(
        (&dataset["format"], &dataset["dialect"], &dataset["rows"]),
        (&json!("csv"), &dialect, &json!(3))
    );
    assert_eq!((&dataset["rejected"]["count"], &dataset["sha256"]), (&json!(1), &json!("ab")));
    assert!(!dataset.to_string().contains("upload\":\""), "no object's name is shown: {dataset}");
}

#[test]
fn what_another_version_wrote_is_a_failure_and_no_guess() {
    let odd = DatasetRecord { format: "xlsx".into(), ..announced() };
    assert_eq!(wire::dataset(&odd).unwrap_err().problem().status(), 500);
}

#[test]
fn a_failed_run_says_why() {
    let record = ReconciliationRecord {
        id: ReconciliationId::from_uuid(ID),
        workspace: WORKSPACE,
        name: "March".into(),
        left: DatasetId::from_uuid(ID),
        right: DatasetId::from_uuid(ID),
        status: ReconciliationStatus::Failed,
        progress: Progress { phase: Phase::Done, done: 1, total: 2 },
        published: None,
        failure: Some(Failure { code: "data_does_not_fit".into(), detail: "both orders fit".into() }),
        version: 4,
        created_at: Instant::from_micros(0),
        started_at: None,
        finished_at: Some(Instant::from_micros(1)),
    };
    let shown: Reconciliation = wire::reconciliation(&record).unwrap();
    let shown = serde_json::to_value(shown).unwrap();
    assert_eq!((&shown["status"], &shown["error"]["code"]), (&json!("failed"), &json!("data_does_not_fit")));
    assert_eq!((&shown["progress"]["phase"], &shown["summary"]), (&json!("done"), &Value::Null));
}

#[test]
fn an_accepted_run_can_be_stored_as_an_answer_however_long_its_name() {
    let shown = wire::reconciliation(&ReconciliationRecord {
        id: ReconciliationId::from_uuid(ID),
        workspace: WORKSPACE,
        // What grows most when it is written again: a byte that stands as itself in no JSON text.
        name: "\u{1}".repeat(NAME_BYTES_MAX),
        left: DatasetId::from_uuid(ID),
        right: DatasetId::from_uuid(ID),
        status: ReconciliationStatus::Queued,
        progress: Progress { phase: Phase::Queued, done: 0, total: 0 },
        published: None,
        failure: None,
        version: 1,
        created_at: Instant::from_micros(0),
        started_at: None,
        finished_at: None,
    });
    let stored = StoredResponse::from(Reply::accepted(&shown.unwrap()));
    let (_, _, Body::Inline(body)) = stored.into_parts() else { panic!("the answer is kept elsewhere") };
    assert!(body.len() < INLINE_BYTES_MAX / 10, "{} bytes", body.len());
}

#[test]
fn a_break_shows_what_the_run_found() {
    let nearest = json!({"row": 2, "values": {"amount": "1.00"}, "failed": [], "cause": "sign_flipped"});
    let record = BreakRecord {
        id: BreakId::from_uuid(ID),
        reconciliation: ReconciliationId::from_uuid(ID),
        side: Side::Right,
        row: 7,
        kind: BreakKind::Duplicate,
        body: json_of(&json!({"values": {"amount": null}, "nearest": nearest, "twin": 3})),
        status: BreakStatus::Open,
        version: 1,
    };
    let shown = serde_json::to_value(wire::break_of(&record).unwrap()).unwrap();
    assert_eq!((&shown["row"], &shown["twin"], &shown["nearest"]), (&json!(7), &json!(3), &nearest));
    let odd = BreakRecord { body: json_of(&json!({"values": 1})), ..record };
    assert_eq!(wire::break_of(&odd).unwrap_err().problem().status(), 500);
}

//! Runs.

use serde_json::{Value, json};

use super::sample;
use crate::openapi::operation::Operation;
use crate::openapi::parameters::{Header, word};
use crate::openapi::requests;
use crate::page::List;
use crate::problem::Code;
use crate::reconciliation::{
    CancelReconciliation, NewReconciliation, Reconciliation, ReconciliationStatus, WAIT_SECONDS_MAX,
};
use crate::route;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![
        Operation::new(
            "reconciliation_create",
            route::RECONCILIATION_CREATE,
            "Start a reconciliation",
            "Both datasets must be ready, and have the columns that the rules name. The run begins as soon as a worker is \
             free; `Location` is where to look how far it is.",
        )
        .takes::<NewReconciliation>(
            "NewReconciliation",
            requests::new_reconciliation,
            json!({
                "name": "Bank and ledger, February", "left": sample::DATASET, "right": sample::OTHER_DATASET,
                "rules": rules(),
            }),
        )
        .answers::<Reconciliation>(202, "It waits for a worker.", queued())
        .with(Header::Location)
        .with(Header::RetryAfter)
        .refuses(&[Code::NotFound, Code::DatasetNotReady]),
        Operation::new(
            "reconciliation_get",
            route::RECONCILIATION_GET,
            "Show a reconciliation",
            "How far it is, and what it amounts to once it has succeeded. With `wait` the answer comes at its end, or when \
             the time is over.",
        )
        .query(
            "wait",
            "How many seconds to wait for the end of the run.",
            &json!({ "type": "integer", "minimum": 0, "maximum": WAIT_SECONDS_MAX, "default": 0 }),
        )
        .conditional()
        .answers::<Reconciliation>(200, "The reconciliation.", succeeded())
        .refuses(&[Code::AnswerTooLarge]),
        Operation::new(
            "reconciliation_list",
            route::RECONCILIATION_LIST,
            "List reconciliations",
            "The workspace's reconciliations, the newest first.",
        )
        .query("status", "Only those of this status.", &word(ReconciliationStatus::SPELLINGS))
        .lists::<Reconciliation>(&[List::Reconciliations], "A page of reconciliations.", succeeded()),
    ];
    all.extend(ending());
    all
}

fn ending() -> [Operation; 2] {
    [
        Operation::new(
            "reconciliation_cancel",
            route::RECONCILIATION_CANCEL,
            "Cancel a reconciliation",
            "Stops it within two seconds. What it had found until then is not kept.",
        )
        .takes::<CancelReconciliation>("CancelReconciliation", requests::cancel_reconciliation, json!({}))
        .answers::<Reconciliation>(202, "It is cancelled.", cancelled())
        .with(Header::Location)
        .refuses(&[Code::AlreadyFinished]),
        Operation::new(
            "reconciliation_delete",
            route::RECONCILIATION_DELETE,
            "Delete a reconciliation",
            "With its matches, its breaks, and what people said about them. Its datasets stay.",
        )
        .answers_empty(204, "Deleted.")
        .refuses(&[Code::ReconciliationRunning]),
    ]
}

/// Rules of examples.
pub(super) fn rules() -> Value {
    json!({
        "default_currency": "EUR",
        "columns": {
            "amount": { "left": "Betrag", "right": "amount", "type": "decimal" },
            "date": { "left": "Buchungstag", "right": "posting_date", "type": "date" },
            "reference": {
                "left": "Verwendungszweck", "right": "reference", "type": "text",
                "extract": "INV-?(\\d+)", "normalize": ["trim", "upper"],
            },
        },
        "calendars": { "bank": { "holidays": ["2026-04-03", "2026-04-06"] } },
        "passes": [
            { "name": "reference", "equal": ["reference", "amount"] },
            {
                "name": "amount near date",
                "within": [
                    { "column": "amount", "absolute": "0.02" },
                    { "column": "date", "days_before": 1, "days_after": 3, "calendar": "bank" },
                ],
                "outcome": "suggest",
            },
        ],
    })
}

fn reconciliation(status: &str, phase: &str) -> Value {
    json!({
        "id": sample::RECONCILIATION, "name": "Bank and ledger, February", "left": sample::DATASET,
        "right": sample::OTHER_DATASET, "status": status, "progress": { "phase": phase, "done": 0, "total": 0 },
        "summary": null, "error": null, "created_at": sample::ASKED_AT, "finished_at": null,
    })
}

fn queued() -> Value {
    reconciliation("queued", "queued")
}

fn cancelled() -> Value {
    let mut cancelled = reconciliation("cancelled", "done");
    cancelled["finished_at"] = json!("2026-03-02T09:15:06Z");
    cancelled
}

fn succeeded() -> Value {
    let amounts = |input: &str, matched: &str, suggested: &str, broken: &str| json!({ "input": input, "matched": matched, "suggested": suggested, "broken": broken });
    let mut succeeded = reconciliation("succeeded", "done");
    succeeded["progress"] = json!({ "phase": "done", "done": 2, "total": 2 });
    succeeded["finished_at"] = json!("2026-03-02T09:15:06Z");
    succeeded["summary"] = json!({
        "left": { "rows": 361, "rejected": 1, "matched": 336, "suggested": 4, "broken": 21 },
        "right": { "rows": 348, "rejected": 0, "matched": 336, "suggested": 4, "broken": 8 },
        "by_pass": [
            { "pass": "reference", "confirmed": 336, "suggested": 0 },
            { "pass": "amount near date", "confirmed": 0, "suggested": 4 },
        ],
        "breaks": { "missing_right": 21, "missing_left": 8 },
        "control_totals": [{
            "currency": "EUR",
            "left": amounts("10250.00", "9900.00", "150.00", "200.00"),
            "right": amounts("10120.00", "9900.00", "150.02", "69.98"),
        }],
        "match_rate": { "left": "0.9307", "right": "0.9655" },
        "limits": { "skipped_blocks": 0, "bounded_components": 0, "gap": "0" },
        "digest": format!("v1:{}", sample::SHA256),
    });
    succeeded
}

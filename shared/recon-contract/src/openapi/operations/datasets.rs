//! Files.

use serde_json::{Value, json};

use super::sample;
use crate::dataset::{CompleteDataset, Dataset, NewDataset};
use crate::dataset_row::{DatasetRow, RowStatus};
use crate::openapi::operation::Operation;
use crate::openapi::parameters::Header;
use crate::openapi::requests;
use crate::page::List;
use crate::problem::Code;
use crate::route;

pub(super) fn operations() -> Vec<Operation> {
    bringing_in().into_iter().chain(keeping()).collect()
}

fn bringing_in() -> [Operation; 3] {
    [
        Operation::new(
            "dataset_create",
            route::DATASET_CREATE,
            "Announce a dataset",
            "`upload` in the answer says where its bytes go and with which headers: to `/content` of this API, or to a signed \
             address, which needs no token, takes one upload, and answers a second one with 412; `GET` of the dataset gives \
             another. Every dataset also takes bytes at `/content`. The options say how to read them, as \
             far as you know; the rest is detected, and shown with its evidence.",
        )
        .takes::<NewDataset>(
            "NewDataset",
            requests::new_dataset,
            json!({ "name": "Bank, February", "format": "csv", "options": { "decimal_mark": ",", "date_order": "dmy" } }),
        )
        .answers::<Dataset>(201, "Announced: upload its content.", awaiting())
        .with(Header::Location),
        Operation::new(
            "dataset_upload",
            route::DATASET_UPLOAD,
            "Upload a dataset's content",
            "The file's bytes as they are. It may be repeated until the dataset is completed: the last upload counts. The \
             answer's `ETag` is the SHA-256 of what arrived.",
        )
        .takes_content()
        .answers_empty(204, "Uploaded.")
        .with(Header::ETag)
        .refuses(&[Code::DatasetSealed, Code::ForeignObjects]),
        Operation::new(
            "dataset_complete",
            route::DATASET_COMPLETE,
            "Complete a dataset",
            "Settles the content that was uploaded last and has it read; from then on it takes no more bytes. Look at the \
             dataset until its status is `ready`, or `rejected` with an `error`. What was uploaded to a signed address is \
             hashed when it is read: where that is not the `sha256`, the dataset is rejected as `checksum_mismatch`.",
        )
        .takes::<CompleteDataset>(
            "CompleteDataset",
            requests::complete_dataset,
            json!({ "sha256": sample::SHA256 }),
        )
        .answers::<Dataset>(202, "It is being read.", ingesting())
        .with(Header::Location)
        .with(Header::RetryAfter)
        .refuses(&[
            Code::DatasetSealed,
            Code::ContentMissing,
            Code::ChecksumMismatch,
            Code::ForeignObjects,
        ]),
    ]
}

fn keeping() -> [Operation; 4] {
    [
        Operation::new(
            "dataset_list",
            route::DATASET_LIST,
            "List datasets",
            "The workspace's datasets, the newest first.",
        )
        .lists::<Dataset>(&[List::Datasets], "A page of datasets.", ready()),
        Operation::new(
            "dataset_get",
            route::DATASET_GET,
            "Show a dataset",
            "What was found in it: its columns with the types that their cells fit, how the file was read and why, and \
             how many rows could not be read.",
        )
        .answers::<Dataset>(200, "The dataset.", ready())
        .refuses(&[Code::AnswerTooLarge]),
        Operation::new(
            "dataset_rows",
            route::DATASET_ROWS,
            "List a dataset's rows",
            "As they stand in the file: those that could be read, or with `status=rejected` those that could not, each \
             with its line and the reason. Empty before the content has been read.",
        )
        .query("status", "Which rows.", &json!({ "type": "string", "enum": RowStatus::SPELLINGS, "default": "accepted" }))
        .lists::<DatasetRow>(&[List::AcceptedRows, List::RejectedRows], "A page of rows.", row()),
        Operation::new(
            "dataset_delete",
            route::DATASET_DELETE,
            "Delete a dataset",
            "With its content. A dataset that a reconciliation uses stays until that is deleted.",
        )
        .answers_empty(204, "Deleted.")
        .refuses(&[Code::DatasetInUse]),
    ]
}

fn row() -> Value {
    json!({
        "row": 1, "line": 2, "reason": null, "raw": null,
        "values": { "Buchungstag": "02.02.2026", "Betrag": "-1.250,00", "Verwendungszweck": "INV-1042" },
    })
}

fn dataset(status: &str) -> Value {
    json!({
        "id": sample::DATASET, "name": "Bank, February", "format": "csv", "status": status, "rows": null,
        "rejected": null, "columns": null, "dialect": null, "sha256": null, "error": null, "upload": null,
        "created_at": sample::ASKED_AT,
    })
}

fn awaiting() -> Value {
    let mut awaiting = dataset("awaiting_upload");
    awaiting["upload"] = json!({
        "method": "PUT", "url": format!("/v1/datasets/{}/content", sample::DATASET), "headers": {},
        "expires_at": "2026-03-03T09:15:04Z",
    });
    awaiting
}

fn ingesting() -> Value {
    let mut ingesting = dataset("ingesting");
    ingesting["sha256"] = json!(sample::SHA256);
    ingesting
}

fn ready() -> Value {
    let mut ready = dataset("ready");
    ready["rows"] = json!(361);
    ready["rejected"] =
        json!({ "count": 1, "samples": [{ "line": 17, "reason": "the row has 4 cells, the header 5" }] });
    ready["columns"] = json!([{
        "name": "Betrag",
        "fits": { "decimal": 361, "decimal,": 361, "places,": 2 },
        "samples": ["-1.234,50", "99,00"],
    }]);
    ready["dialect"] = json!({
        "format": "csv", "encoding": "windows-1252", "delimiter": ";", "quote": "\"", "header_row": 1,
        "evidence": ["`;` stands in each of the first 100 lines as often as in the header"],
    });
    ready["sha256"] = json!(sample::SHA256);
    ready
}

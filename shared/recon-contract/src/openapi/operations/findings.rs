//! What runs find.

use recon_domain::{BreakKind, BreakStatus, MatchStatus, Side};
use serde_json::{Value, json};

use super::sample;
use crate::export::{ResultFormat, ResultPart};
use crate::finding::{Break, Match};
use crate::openapi::operation::{Content, Operation};
use crate::openapi::parameters::{Header, word};
use crate::page::List;
use crate::problem::Code;
use crate::rejection::Rejection;
use crate::route;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "match_list",
            route::MATCH_LIST,
            "List matches",
            "Rows that belong together, in the order of the left file. A reconciliation that has not succeeded has none.",
        )
        .query("pass", "Only those that the pass of this name found.", &json!({ "type": "string" }))
        .query("status", "Only those of this status.", &word(MatchStatus::SPELLINGS))
        .lists::<Match>(&[List::Matches], "A page of matches.", matched()),
        Operation::new(
            "break_list",
            route::BREAK_LIST,
            "List breaks",
            "Rows that are left over, each with its reason and the row of the other side that comes nearest.",
        )
        .query("side", "Only those of this side.", &word(Side::SPELLINGS))
        .query("kind", "Only those of this kind.", &word(BreakKind::SPELLINGS))
        .query("status", "Only those that people left at this status.", &word(BreakStatus::SPELLINGS))
        .lists::<Break>(&[List::Breaks], "A page of breaks.", broken()),
        Operation::new(
            "rejection_list",
            route::REJECTION_LIST,
            "List rejected rows",
            "Rows of the datasets that could not become entries of this run, in the order of their files.",
        )
        .query("side", "Only those of this side.", &word(Side::SPELLINGS))
        .lists::<Rejection>(&[List::Rejections], "A page of rejected rows.", rejected()),
        export(),
    ]
}

fn export() -> Operation {
    let kinds = ResultFormat::ALL.iter().map(|format| format.media_type()).collect();
    Operation::new(
        "reconciliation_export",
        route::RECONCILIATION_EXPORT,
        "Export a result",
        "One file of the result, whole and streamed, in the order of the result files. In CSV a text that a spreadsheet \
         would take for a formula gets a `'` before it. Where results are kept in a bucket, the answer leads to the file \
         there: follow it without the token, which is not for that server.",
    )
    .requires("what", "What the file holds.", &word(ResultPart::SPELLINGS))
    .query("format", "Its format; CSV where it is left out.", &word(ResultFormat::SPELLINGS))
    .answers_with(200, "The file.", Content::Other(kinds))
    .with(Header::ContentDisposition)
    .answers_empty(303, "The file is at this address, for a quarter of an hour.")
    .with(Header::Location)
    .refuses(&[Code::NoResult, Code::AnswerTooLarge])
}

fn rejected() -> Value {
    json!({
        "side": "left", "row": 16, "line": 17, "column": "Betrag", "reason": "`n/a` is not a number",
        "values": { "Betrag": "n/a", "Buchungstag": "03.02.2026" }, "raw": null,
    })
}

fn values(amount: &str, date: &str) -> Value {
    json!({ "amount": amount, "date": date, "reference": "4711" })
}

fn matched() -> Value {
    json!({
        "id": "0197a1c4-1a2b-8c3d-9e4f-5a6b7c8d9e01", "version": 1, "pass": "reference", "status": "confirmed",
        "ambiguity": 0,
        "left": [{ "row": 12, "values": values("99.00", "2026-02-03") }],
        "right": [{ "row": 9, "values": values("99.00", "2026-02-02") }],
        "variance": { "amount": "0.00", "days": -1 },
    })
}

fn broken() -> Value {
    json!({
        "id": "0197a1c4-1a2b-8c3d-9e4f-5a6b7c8d9e02", "version": 2, "side": "left",
        "kind": "amount_out_of_tolerance", "row": 40, "values": values("54.00", "2026-02-11"),
        "nearest": {
            "row": 38, "values": values("45.00", "2026-02-11"),
            "failed": [{ "condition": "equal:amount", "left": "54.00", "right": "45.00", "by": "-9.00" }],
            "cause": "digits_transposed",
        },
        "twin": null, "status": "explained",
        "resolution": {
            "status": "explained", "reason": "typing error", "note": null,
            "by": "0197a0ff-1d20-7a55-9e01-b6f0c3d4e501", "at": sample::ASKED_AT,
        },
    })
}

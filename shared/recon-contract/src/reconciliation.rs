//! Reconciliations on the wire.

use recon_domain::{DatasetId, Instant, ReconciliationId, RuleSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dataset::{Failure, NAME_BYTES_MAX};
use crate::page::{List, PageRequest};
use crate::problem::{FieldCode, FieldErrors, Problem};
use crate::request::{self, Query, Request};
use crate::summary::Summary;
use crate::words::words;
use crate::{rules, text};

/// The longest time that a read waits for the end of a run, in seconds.
pub const WAIT_SECONDS_MAX: u32 = 20;

words! { "reconciliation status",
    /// Where a reconciliation stands.
    ReconciliationStatus {
        /// It waits for a worker.
        Queued => "queued",
        /// A worker is at it.
        Running => "running",
        /// It has a result.
        Succeeded => "succeeded",
        /// It ended without a result.
        Failed => "failed",
        /// Somebody stopped it.
        Cancelled => "cancelled",
    }
}

words! { "phase",
    /// What a run is doing.
    Phase {
        /// It waits for a worker.
        Queued => "queued",
        /// The datasets are read and typed.
        Reading => "reading",
        /// The passes look for matches.
        Matching => "matching",
        /// What is left over is explained.
        Classifying => "classifying",
        /// The result is written.
        Writing => "writing",
        /// It is over.
        Done => "done",
    }
}

/// Asks for a reconciliation.
#[derive(Debug, Clone)]
pub struct NewReconciliation {
    /// Its name.
    pub name: String,
    /// The dataset on the left.
    pub left: DatasetId,
    /// The dataset on the right.
    pub right: DatasetId,
    /// The rules, checked as far as can be without the datasets' columns.
    pub rules: RuleSet,
    /// The rules as they were sent.
    pub document: Value,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReconciliationProgress {
    /// What it is doing.
    #[serde(with = "text")]
    pub phase: Phase,
    /// How much of it is done, as `total` counts it. It never goes back within a phase of an attempt.
    pub done: u64,
    /// How much there is: rows of both datasets while `reading`, passes while `matching`, different rows that are left over
    /// while `classifying`, matches and breaks while `writing`; 0 where that is not known.
    pub total: u64,
}

/// A reconciliation.
///
/// Its rules are not repeated: they may be larger than everything else together, and who asks for the state of a run
/// asks often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reconciliation {
    /// Its id.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: ReconciliationId,
    /// Its name.
    pub name: String,
    /// The dataset on the left.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub left: DatasetId,
    /// The dataset on the right.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub right: DatasetId,
    /// Where it stands.
    #[serde(with = "text")]
    pub status: ReconciliationStatus,
    /// How far it is.
    pub progress: ReconciliationProgress,
    /// What it amounts to, once it succeeded.
    pub summary: Option<Summary>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// When it was asked for.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it ended.
    #[serde(with = "text::instant::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Instant>,
}

/// How a reconciliation is asked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconciliationQuery {
    /// How many seconds to wait for the end, at most [`WAIT_SECONDS_MAX`]; 0 does not wait.
    pub wait_seconds: u32,
}

/// Which reconciliations are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconciliationListQuery {
    /// Those of this status.
    pub status: Option<ReconciliationStatus>,
    /// Which page of them.
    pub page: PageRequest,
}

/// Asks a reconciliation to stop. There is nothing to say beside that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelReconciliation;

impl ReconciliationStatus {
    /// Whether it stays like this for good.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl ReconciliationProgress {
    /// Of a run that waits for a worker.
    pub const QUEUED: Self = Self { phase: Phase::Queued, done: 0, total: 0 };
}

impl Request for NewReconciliation {
    fn from_document(document: &Value) -> Result<Self, FieldErrors> {
        request::read(document, |root| {
            let table = root.table(&["name", "left", "right", "rules"])?;
            let name = table.required("name").and_then(|node| node.name(NAME_BYTES_MAX));
            let left = table.required("left").and_then(|node| node.parsed());
            let right = table.required("right").and_then(|node| node.parsed());
            let document = table.required("rules");
            let rules = document.as_ref().and_then(rules::read);
            if let Some(document) = &document {
                rules::refuse_file_options(document);
            }
            Some(Self {
                name: name?.to_owned(),
                left: left?,
                right: right?,
                rules: rules?,
                document: document?.value.clone(),
            })
        })
    }
}

impl Request for CancelReconciliation {
    const MAY_BE_EMPTY: bool = true;

    fn from_document(document: &Value) -> Result<Self, FieldErrors> {
        request::read(document, |root| root.table(&[]).map(|_| Self))
    }
}

impl Query for ReconciliationListQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let (status, page) = request::read_query(parameters, |root| {
            let [limit, cursor] = PageRequest::PARAMETERS;
            let table = root.table(&["status", limit, cursor])?;
            let status = table.get("status").and_then(|node| node.word());
            Some((status, PageRequest::read(&table)?))
        })?;
        Ok(Self { status, page: PageRequest::resolve(List::Reconciliations, page)? })
    }
}

impl Query for ReconciliationQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        request::read_query(parameters, |root| {
            let table = root.table(&["wait"])?;
            let Some(node) = table.get("wait") else { return Some(Self { wait_seconds: 0 }) };
            let seconds = node.text(usize::MAX)?.parse().ok().filter(|seconds| *seconds <= WAIT_SECONDS_MAX);
            if seconds.is_none() {
                let detail = format!("must be a whole number of seconds from 0 to {WAIT_SECONDS_MAX}");
                node.fault(FieldCode::OutOfRange, detail);
            }
            Some(Self { wait_seconds: seconds? })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::Code;

    const ID: &str = "00000000-0000-0000-0000-000000000001";

    #[test]
    fn a_reconciliation_is_asked_for_with_its_rules() {
        let rules = json!({
            "columns": {"reference": {"left": "Ref", "right": "ref", "type": "text"}},
            "passes": [{"name": "reference", "equal": ["reference"]}],
        });
        let document = json!({"name": "March", "left": ID, "right": ID, "rules": rules});
        let read = NewReconciliation::from_document(&document).unwrap();
        assert_eq!(read.left.to_string(), ID);
        assert_eq!((read.rules.passes.len(), read.document), (1, rules));
    }

    #[test]
    fn faults_of_the_rules_point_through_the_request() {
        let check = |document: Value, expected: &[(&str, FieldCode)]| {
            let errors = NewReconciliation::from_document(&document).unwrap_err().0;
            let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
            assert_eq!(found, expected, "{document}");
        };
        let rules = json!({
            "columns": {"reference": {"left": "Ref", "right": "ref", "type": "text"}},
            "passes": [{"name": "reference", "equal": ["refrence"]}],
        });
        let document = json!({"name": "March", "left": ID, "right": "7", "rules": rules});
        check(
            document,
            &[("/right", FieldCode::Malformed), ("/rules/passes/0/equal/0", FieldCode::UnknownRole)],
        );
        check(json!({}), &[("", FieldCode::Missing); 4]);
    }

    #[test]
    fn options_for_reading_a_file_are_refused_where_there_is_none() {
        let options = json!({
            "delimiter": ";", "quote": "'", "encoding": "utf-8", "header_row": 2, "null_values": ["-"],
            "decimal_mark": ",", "thousands_mark": ".", "date_order": "dmy", "currency": "EUR", "sheet": null,
        });
        let mut rules = json!({
            "left": options, "right": {"header_row": 0, "quote": null},
            "columns": {"reference": {"left": "Ref", "right": "ref", "type": "text"}},
            "passes": [{"name": "reference", "equal": ["reference"]}],
        });
        assert!(rules::from_json(&rules).is_ok(), "files have such options");
        let ask = |rules: &Value| {
            let asked = json!({"name": "March", "left": ID, "right": ID, "rules": rules});
            NewReconciliation::from_document(&asked)
        };
        let errors = ask(&rules).unwrap_err().0;
        let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
        let places = ["left/delimiter", "left/quote", "left/encoding", "left/header_row", "left/null_values"];
        let mut places = places.map(|place| format!("/rules/{place}")).to_vec();
        places.push("/rules/right/header_row".to_owned());
        let expected: Vec<_> = places.iter().map(|place| (place.as_str(), FieldCode::UnknownField)).collect();
        assert_eq!(found, expected);
        for side in ["left", "right"] {
            for name in crate::options::READING {
                rules[side].as_object_mut().unwrap().remove(name);
            }
        }
        assert!(ask(&rules).is_ok(), "the others decide what cells mean");
    }

    #[test]
    fn waiting_is_bounded() {
        let ask =
            |name: &str, value: &str| ReconciliationQuery::from_parameters(&[(name.into(), value.into())]);
        assert_eq!(ReconciliationQuery::from_parameters(&[]).unwrap().wait_seconds, 0);
        assert_eq!(ask("wait", "20").unwrap().wait_seconds, 20);
        for (name, value) in [("wait", "21"), ("wait", "-1"), ("wait", ""), ("wait", "1.5"), ("wiat", "1")] {
            let problem = ask(name, value).unwrap_err();
            assert_eq!(problem.code, Code::InvalidParameter, "{name}={value}");
            assert_eq!(problem.errors[0].pointer, format!("/{name}"));
        }
    }

    #[test]
    fn a_list_is_narrowed_to_a_status() {
        let ask = |name: &str, value: &str| {
            ReconciliationListQuery::from_parameters(&[(name.to_owned(), value.to_owned())])
        };
        assert_eq!(ReconciliationListQuery::from_parameters(&[]).unwrap().status, None);
        assert_eq!(ask("status", "cancelled").unwrap().status, Some(ReconciliationStatus::Cancelled));
        assert_eq!(ask("status", "stopped").unwrap_err().errors[0].pointer, "/status");
        assert_eq!(ask("state", "queued").unwrap_err().errors[0].pointer, "/state");
    }

    #[test]
    fn a_cancellation_says_nothing_or_an_empty_document() {
        for body in ["", "{}", " { } "] {
            assert_eq!(
                request::parse::<CancelReconciliation>(body.as_bytes()).unwrap(),
                CancelReconciliation
            );
        }
        let problem = request::parse::<CancelReconciliation>(br#"{"reason": "late"}"#).unwrap_err();
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::ValidationFailed, "/reason"));
        assert_eq!(problem.detail, "/reason: unknown field `reason`, none is known here");
        assert_eq!(request::parse::<CancelReconciliation>(b"[]").unwrap_err().code, Code::ValidationFailed);
        assert_eq!(request::parse::<CancelReconciliation>(b" ").unwrap_err().code, Code::MalformedBody);
    }

    #[test]
    fn a_reconciliation_reads_back() {
        let json = json!({
            "id": ID, "name": "March", "left": ID, "right": ID, "status": "queued",
            "progress": {"phase": "queued", "done": 0, "total": 0}, "summary": null, "error": null,
            "created_at": "2026-03-02T10:00:00.5Z", "finished_at": null,
        });
        let read: Reconciliation = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(read.progress, ReconciliationProgress::QUEUED);
        assert!(!read.status.is_final());
        assert_eq!(serde_json::to_value(read).unwrap(), json);
    }
}

//! Matches and breaks on the wire.

use recon_domain::{BreakId, BreakKind, BreakStatus, Cause, Instant, MatchId, MatchStatus, Side, UserId};
use serde::{Deserialize, Serialize};

use crate::document::Node;
use crate::page::{List, PageRequest};
use crate::problem::Problem;
use crate::request::{self, Query};
use crate::text;

/// A row's mapped cells by role, in the order of the rules: a text, or `null` for an empty cell.
pub type Values = serde_json::Map<String, serde_json::Value>;

/// A row of a file with its mapped cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowValues {
    /// The row in the file, counted from 1 after the header.
    pub row: u64,
    /// Its mapped cells, by role.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Option<String>>))]
    pub values: Values,
}

/// A measured difference: right minus left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Variance {
    /// Of the amounts; `None` where no amount is mapped.
    #[cfg_attr(feature = "openapi", schema(pattern = r"^-?[0-9]+(\.[0-9]+)?$"))]
    pub amount: Option<String>,
    /// Of the dates in calendar days; `None` where no date is mapped or one is empty.
    pub days: Option<i32>,
}

/// Rows that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Match {
    /// Its id.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: MatchId,
    /// Counts the decisions about it.
    pub version: u64,
    /// The name of the pass that found it.
    pub pass: String,
    /// Whether a person must judge it.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::MatchStatus))]
    pub status: MatchStatus,
    /// How many other candidates of its rows could have taken its place equally well.
    pub ambiguity: u64,
    /// Its left rows.
    pub left: Vec<RowValues>,
    /// Its right rows.
    pub right: Vec<RowValues>,
    /// Right minus left.
    pub variance: Variance,
}

/// A condition that a pair fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedCondition {
    /// The condition by its kind and its column: `currency`, `equal:reference`, `within:amount`, `similar:name`,
    /// `where:name`.
    pub condition: String,
    /// The left value; `None` for an empty cell.
    pub left: Option<String>,
    /// The right value; `None` for an empty cell.
    pub right: Option<String>,
    /// The measured difference: a decimal, a number of days, a score; `None` where nothing is measured.
    pub by: Option<String>,
}

/// The open row of the other side that comes nearest to a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nearest {
    /// The row in its file.
    pub row: u64,
    /// Its mapped cells.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Option<String>>))]
    pub values: Values,
    /// The conditions that fail; one or two.
    pub failed: Vec<FailedCondition>,
    /// What explains the difference, if it is recognised.
    #[serde(with = "text::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Cause>))]
    pub cause: Option<Cause>,
}

/// What people made of a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resolution {
    /// Where they left it.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::BreakStatus))]
    pub status: BreakStatus,
    /// Why.
    pub reason: String,
    /// What they had to say beside the reason.
    pub note: Option<String>,
    /// Who.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub by: UserId,
    /// When.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Instant,
}

/// A row that is left over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Break {
    /// Its id.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: BreakId,
    /// Counts the decisions about it.
    pub version: u64,
    /// Its side.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Side))]
    pub side: Side,
    /// Why it is left over.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::BreakKind))]
    pub kind: BreakKind,
    /// The row in its file.
    pub row: u64,
    /// Its mapped cells.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Option<String>>))]
    pub values: Values,
    /// The row of the other side that comes nearest.
    pub nearest: Option<Nearest>,
    /// For a duplicate: the row of its own side that was matched.
    pub twin: Option<u64>,
    /// Where people stand with it.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::BreakStatus))]
    pub status: BreakStatus,
    /// What people made of it.
    pub resolution: Option<Resolution>,
}

/// Which matches are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchQuery {
    /// Those of the pass of this name.
    pub pass: Option<String>,
    /// Those of this status.
    pub status: Option<MatchStatus>,
    /// Which page of them.
    pub page: PageRequest,
}

/// Which breaks are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakQuery {
    /// Those of this side.
    pub side: Option<Side>,
    /// Those of this kind.
    pub kind: Option<BreakKind>,
    /// Those of this status.
    pub status: Option<BreakStatus>,
    /// Which page of them.
    pub page: PageRequest,
}

impl Query for MatchQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let (pass, status, page) = request::read_query(parameters, |root| {
            let [limit, cursor] = PageRequest::PARAMETERS;
            let table = root.table(&["pass", "status", limit, cursor])?;
            let pass = table.get("pass").and_then(|node| node.value.as_str()).map(str::to_owned);
            let status = table.get("status").and_then(|node: Node<'_>| node.word());
            Some((pass, status, PageRequest::read(&table)?))
        })?;
        Ok(Self { pass, status, page: PageRequest::resolve(List::Matches, page)? })
    }
}

impl Query for BreakQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let (side, kind, status, page) = request::read_query(parameters, |root| {
            let [limit, cursor] = PageRequest::PARAMETERS;
            let table = root.table(&["side", "kind", "status", limit, cursor])?;
            let side = table.get("side").and_then(|node| node.word());
            let kind = table.get("kind").and_then(|node| node.word());
            let status = table.get("status").and_then(|node| node.word());
            Some((side, kind, status, PageRequest::read(&table)?))
        })?;
        Ok(Self { side, kind, status, page: PageRequest::resolve(List::Breaks, page)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::page::Cursor;
    use crate::problem::Code;

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn lists_are_narrowed_and_paged_by_their_query() {
        let read = MatchQuery::from_parameters(&[]).unwrap();
        assert_eq!((read.pass, read.status, read.page), (None, None, PageRequest { limit: 50, after: None }));
        let cursor = Cursor { list: List::Breaks, position: 9 }.to_string();
        let query = [
            ("side", "left"),
            ("kind", "duplicate"),
            ("status", "open"),
            ("limit", "500"),
            ("cursor", &cursor),
        ];
        let read = BreakQuery::from_parameters(&pairs(&query)).unwrap();
        assert_eq!((read.side, read.kind), (Some(Side::Left), Some(BreakKind::Duplicate)));
        assert_eq!(
            (read.status, read.page),
            (Some(BreakStatus::Open), PageRequest { limit: 500, after: Some(9) })
        );
        let read =
            MatchQuery::from_parameters(&pairs(&[("pass", "by name"), ("status", "suggested")])).unwrap();
        assert_eq!((read.pass.as_deref(), read.status), (Some("by name"), Some(MatchStatus::Suggested)));
    }

    #[test]
    fn a_bad_query_says_which_parameter() {
        let check = |query: &[(&str, &str)], code: Code, pointers: &[&str]| {
            let problem = BreakQuery::from_parameters(&pairs(query)).unwrap_err();
            let found: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
            assert_eq!((problem.code, found.as_slice()), (code, pointers), "{query:?}");
        };
        check(&[("limit", "0")], Code::InvalidParameter, &["/limit"]);
        check(&[("limit", "501"), ("side", "lft")], Code::InvalidParameter, &["/side", "/limit"]);
        check(&[("limit", "ten")], Code::InvalidParameter, &["/limit"]);
        check(&[("kind", "late")], Code::InvalidParameter, &["/kind"]);
        check(&[("status", "confirmed")], Code::InvalidParameter, &["/status"]);
        check(&[("pass", "x")], Code::InvalidParameter, &["/pass"]);
        check(&[("side", "left"), ("side", "right")], Code::InvalidParameter, &[]);
        check(&[("cursor", "zz")], Code::InvalidCursor, &[]);
        let matches = Cursor { list: List::Matches, position: 9 }.to_string();
        check(&[("cursor", &matches)], Code::InvalidCursor, &[]);
    }

    #[test]
    fn matches_and_breaks_stand_on_the_wire_as_promised() {
        let id = "00000000-0000-8000-8000-000000000001";
        let json = json!({
            "id": id, "version": 1, "pass": "reference", "status": "confirmed", "ambiguity": 0,
            "left": [{"row": 1, "values": {"amount": "1.00", "note": null}}], "right": [],
            "variance": {"amount": "0.00", "days": null},
        });
        let read: Match = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), json);
        let failed = json!({"condition": "within:amount", "left": "1.00", "right": "-1.00", "by": "-2.00"});
        let json = json!({
            "id": id, "version": 1, "side": "left", "kind": "amount_out_of_tolerance", "row": 4,
            "values": {"amount": "1.00"},
            "nearest": {"row": 3, "values": {"amount": "-1.00"}, "failed": [failed], "cause": "sign_flipped"},
            "twin": null, "status": "explained",
            "resolution": {
                "status": "explained", "reason": "fee", "note": null, "by": id, "at": "2026-03-02T10:00:00Z",
            },
        });
        let read: Break = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), json);
    }
}

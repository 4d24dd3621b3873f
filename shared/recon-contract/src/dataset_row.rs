//! Rows of datasets on the wire.

use serde::{Deserialize, Serialize};

use crate::finding::Values;
use crate::page::{List, PageRequest};
use crate::problem::Problem;
use crate::request::{self, Query};
use crate::words::words;

words! { "row status",
    /// Whether a row of a file could be read.
    RowStatus {
        /// It is a row of the dataset.
        Accepted => "accepted",
        /// It could not be read, and is in no reconciliation.
        Rejected => "rejected",
    }
}

/// A row of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatasetRow {
    /// The row in the file, counted from 1 after the header.
    pub row: u64,
    /// The line of the file on which it starts, counted from 1.
    pub line: u64,
    /// Its cells as they stand in the file, by column; empty where the row could not be read.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, String>))]
    pub values: Values,
    /// Why it could not be read; `None` where it could.
    pub reason: Option<String>,
    /// The line as it stands in the file, cut where it is long; `None` where the row could be read.
    pub raw: Option<String>,
}

/// Which rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetRowQuery {
    /// Those that could be read, or those that could not.
    pub status: RowStatus,
    /// Which page of them.
    pub page: PageRequest,
}

impl RowStatus {
    /// The list of these rows.
    #[must_use]
    pub const fn list(self) -> List {
        match self {
            Self::Accepted => List::AcceptedRows,
            Self::Rejected => List::RejectedRows,
        }
    }
}

impl Query for DatasetRowQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let (status, page) = request::read_query(parameters, |root| {
            let [limit, cursor] = PageRequest::PARAMETERS;
            let table = root.table(&["status", limit, cursor])?;
            let status = table.get("status").map_or(Some(RowStatus::Accepted), |node| node.word());
            Some((status, PageRequest::read(&table)?))
        })?;
        let status = status.unwrap_or(RowStatus::Accepted);
        Ok(Self { status, page: PageRequest::resolve(status.list(), page)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::page::Cursor;
    use crate::problem::Code;

    fn ask(query: &[(&str, &str)]) -> Result<DatasetRowQuery, Problem> {
        let pairs: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        DatasetRowQuery::from_parameters(&pairs)
    }

    #[test]
    fn accepted_rows_are_shown_unless_the_rejected_ones_are_asked_for() {
        let page = PageRequest { limit: 50, after: None };
        assert_eq!(ask(&[]).unwrap(), DatasetRowQuery { status: RowStatus::Accepted, page });
        let rejected = ask(&[("status", "rejected")]).unwrap();
        assert_eq!(rejected, DatasetRowQuery { status: RowStatus::Rejected, page });
        for (name, value) in [("status", "ready"), ("side", "left"), ("limit", "0")] {
            let problem = ask(&[(name, value)]).unwrap_err();
            assert_eq!(
                (problem.code, problem.errors[0].pointer.clone()),
                (Code::InvalidParameter, format!("/{name}"),)
            );
        }
    }

    #[test]
    fn a_cursor_of_accepted_rows_is_none_of_rejected_ones() {
        let cursor = Cursor { list: List::AcceptedRows, position: 7 }.to_string();
        assert_eq!(ask(&[("cursor", &cursor)]).unwrap().page.after, Some(7));
        let other = ask(&[("cursor", &cursor), ("status", "rejected")]).unwrap_err();
        assert_eq!(other.code, Code::InvalidCursor);
    }

    #[test]
    fn rows_stand_on_the_wire_as_promised() {
        for json in [
            json!({"row": 1, "line": 2, "values": {"Betrag": "1,50", "Text": ""}, "reason": null, "raw": null}),
            json!({"row": 3, "line": 4, "values": {}, "reason": "2 cells, not 3", "raw": "a;b"}),
        ] {
            let read: DatasetRow = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), json);
        }
    }
}

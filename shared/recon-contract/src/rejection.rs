//! Rejected rows of a run on the wire.

use recon_domain::Side;
use serde::{Deserialize, Serialize};

use crate::finding::Values;
use crate::page::{List, PageRequest};
use crate::problem::Problem;
use crate::request::{self, Query};
use crate::text;

/// A row that could not become an entry of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rejection {
    /// Its side.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Side))]
    pub side: Side,
    /// The row in the file, counted from 1 after the header.
    pub row: u64,
    /// The line of the file on which it starts, counted from 1.
    pub line: u64,
    /// The column of the cell that does not fit; `None` where the row as a whole cannot be read.
    pub column: Option<String>,
    /// What does not fit.
    pub reason: String,
    /// Its mapped cells as they stand in the file, by column; empty where the row as a whole cannot be read.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Option<String>>))]
    pub values: Values,
    /// The line as it stands in the file, cut where it is long; `None` where its cells could be read.
    pub raw: Option<String>,
}

/// Which rejected rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectionQuery {
    /// Those of this side.
    pub side: Option<Side>,
    /// Which page of them.
    pub page: PageRequest,
}

impl Query for RejectionQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let (side, page) = request::read_query(parameters, |root| {
            let [limit, cursor] = PageRequest::PARAMETERS;
            let table = root.table(&["side", limit, cursor])?;
            let side = table.get("side").and_then(|node| node.word());
            Some((side, PageRequest::read(&table)?))
        })?;
        Ok(Self { side, page: PageRequest::resolve(List::Rejections, page)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::Code;

    #[test]
    fn rejected_rows_are_narrowed_to_a_side_and_paged() {
        let ask = |query: &[(&str, &str)]| {
            let pairs: Vec<_> =
                query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            RejectionQuery::from_parameters(&pairs)
        };
        assert_eq!(ask(&[]).unwrap().side, None);
        let read = ask(&[("side", "right"), ("limit", "2")]).unwrap();
        assert_eq!((read.side, read.page), (Some(Side::Right), PageRequest { limit: 2, after: None }));
        for (name, value) in [("side", "both"), ("kind", "x"), ("limit", "0")] {
            let problem = ask(&[(name, value)]).unwrap_err();
            assert_eq!(problem.code, Code::InvalidParameter);
            assert_eq!(problem.errors[0].pointer, format!("/{name}"));
        }
        let other = crate::Cursor { list: List::Breaks, position: 1 }.to_string();
        assert_eq!(ask(&[("cursor", &other)]).unwrap_err().code, Code::InvalidCursor);
    }

    #[test]
    fn a_rejected_row_stands_on_the_wire_as_promised() {
        let json = json!({
            "side": "left", "row": 3, "line": 4, "column": "Betrag", "reason": "`x` is not a number",
            "values": {"Betrag": "x"}, "raw": null,
        });
        let read: Rejection = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), json);
    }
}

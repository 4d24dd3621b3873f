//! A run's result as a file.

use crate::document::Node;
use crate::problem::Problem;
use crate::request::{self, Query};
use crate::words::words;

words! { "result",
    /// What of a result is asked for.
    ResultPart {
        /// The rows that belong together.
        Matches => "matches",
        /// The rows that are left over.
        Breaks => "breaks",
        /// The rows that could not be read.
        Rejections => "rejections",
    }
}

words! { "format of results",
    /// The format of a result file.
    ResultFormat {
        /// One line a row, safe to open in a spreadsheet.
        Csv => "csv",
        /// One array of objects, one a line.
        Json => "json",
        /// One line a row, with typed columns.
        Parquet => "parquet",
    }
}

/// Which file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportQuery {
    /// What it holds.
    pub what: ResultPart,
    /// Its format.
    pub format: ResultFormat,
}

impl ResultPart {
    /// The name of its files, without the ending.
    #[must_use]
    pub const fn file_stem(self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::Breaks => "breaks",
            Self::Rejections => "rejected",
        }
    }
}

impl ResultFormat {
    /// The media type of its files.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl Query for ExportQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        request::read_query(parameters, |root| {
            let table = root.table(&["what", "format"])?;
            let what = table.required("what").and_then(|node| node.word());
            let format = table.get("format").map_or(Some(ResultFormat::Csv), |node: Node<'_>| node.word());
            Some(Self { what: what?, format: format? })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    #[test]
    fn an_export_is_of_one_part_in_one_format() {
        let ask = |query: &[(&str, &str)]| {
            let pairs: Vec<_> =
                query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            ExportQuery::from_parameters(&pairs)
        };
        let query = ExportQuery { what: ResultPart::Matches, format: ResultFormat::Csv };
        assert_eq!(ask(&[("what", "matches")]).unwrap(), query);
        let query = ExportQuery { what: ResultPart::Rejections, format: ResultFormat::Parquet };
        assert_eq!(ask(&[("what", "rejections"), ("format", "parquet")]).unwrap(), query);
        for (query, pointer) in [
            (&[][..], ""),
            (&[("format", "csv")], ""),
            (&[("what", "match")], "/what"),
            (&[("what", "breaks"), ("format", "xml")], "/format"),
            (&[("what", "breaks"), ("limit", "1")], "/limit"),
        ] {
            let problem = ask(query).unwrap_err();
            assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidParameter, pointer));
        }
    }
}

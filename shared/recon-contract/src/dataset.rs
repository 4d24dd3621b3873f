//! Datasets on the wire.

use std::collections::BTreeMap;

use recon_domain::{DatasetId, Instant, ReadOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::{List, PageRequest};
use crate::problem::{FieldCode, FieldErrors, Problem};
use crate::request::{self, Query, Request};
use crate::words::words;
use crate::{options, text};

/// The most bytes of the name of a dataset or a reconciliation.
pub const NAME_BYTES_MAX: usize = 200;

words! { "format",
    /// The format of a file.
    Format {
        /// To be found out.
        Auto => "auto",
        /// Delimited text.
        Csv => "csv",
    }
}

words! { "dataset status",
    /// Where a dataset stands.
    DatasetStatus {
        /// Its content has not been completed.
        AwaitingUpload => "awaiting_upload",
        /// Its content is being read.
        Ingesting => "ingesting",
        /// It can be reconciled, and never changes again.
        Ready => "ready",
        /// Its content is not a table.
        Rejected => "rejected",
    }
}

/// How a column's cells read: for each type or format, how many non-empty cells fit it. What is zero is left
/// out.
///
/// - `empty`: empty cells and null values.
/// - `decimal`: numbers; `decimal.` and `decimal,` those that are one with this decimal mark, `decimal:either`
///   those that mean something else with the other, `decimal:coded` those with the code of a currency beside them.
///   `integer`: whole numbers.
/// - `places.` and `places,`: not a count, but the most digits after this decimal mark, without zeros at the end.
///   `whole.` and `whole,`: the most before it, of the numbers that have no more than 15.
/// - `date`: dates; `date:dmy`, `date:mdy`, `date:ymd` those that are one in this order.
/// - `timestamp`: points in time.
/// - `currency`: codes of three letters. `exponent`: not a count, but the most decimal places that one of these
///   currencies, or of those beside numbers, has.
pub type Fits = BTreeMap<String, u64>;

/// A column of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnProfile {
    /// The name in the header.
    pub name: String,
    /// Which types and formats fit how many cells.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, u64>))]
    pub fits: Fits,
    /// A few cells, as they stand in the file.
    pub samples: Vec<String>,
}

/// How a file was read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dialect {
    /// The format: `csv`.
    pub format: String,
    /// The encoding's WHATWG label.
    pub encoding: String,
    /// The delimiter.
    pub delimiter: String,
    /// The quote.
    pub quote: String,
    /// The line of the header, counted from 1; 0 where there is none.
    pub header_row: u32,
    /// Sentences that say what was decided, and from what.
    pub evidence: Vec<String>,
}

impl Dialect {
    /// How the header was read, and how to say it otherwise: for whoever misses a column.
    #[must_use]
    pub fn header_hint(&self) -> String {
        let delimiter = match self.delimiter.as_str() {
            "\t" => "a tab".to_owned(),
            delimiter => format!("`{delimiter}`"),
        };
        let header = match self.header_row {
            0 => "the file was read as one without a header".to_owned(),
            line => format!("its header was read from line {line}"),
        };
        format!(
            "{header}, divided by {delimiter}; `header_row` and `delimiter` in the file's options say it otherwise"
        )
    }
}

/// Which datasets are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetListQuery {
    /// Which page of them.
    pub page: PageRequest,
}

/// Announces a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDataset {
    /// Its name.
    pub name: String,
    /// Its format.
    pub format: Format,
    /// How to read it; the document is [`options::to_json`].
    pub options: ReadOptions,
}

/// Settles the content of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteDataset {
    /// The SHA-256 that the content must have, in lower-case hex.
    pub sha256: Option<String>,
}

/// Where and how to send a dataset's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upload {
    /// The method: `PUT`.
    pub method: String,
    /// The address: a path of this API, or a signed URL, which lets whoever has it upload once.
    pub url: String,
    /// Headers to send along; a signed URL does not work without them.
    pub headers: BTreeMap<String, String>,
    /// Until when the upload may begin. Of a path of this API: when the dataset is rejected unless its content is completed
    /// before; an upload that begins or ends puts it off. `None` where it is not told.
    #[serde(with = "text::instant::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Instant>,
}

/// A row of a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectedSample {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// The rows of a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectedRows {
    /// How many there are.
    pub count: u64,
    /// The first few.
    pub samples: Vec<RejectedSample>,
}

/// Why something ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// What went wrong, for programs.
    pub code: String,
    /// What went wrong, for people.
    pub detail: String,
}

/// A dataset. What reading the content finds out is `null` until it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dataset {
    /// Its id.
    #[serde(with = "text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub id: DatasetId,
    /// Its name.
    pub name: String,
    /// Its format: as announced, and as found once it is read.
    #[serde(with = "text")]
    pub format: Format,
    /// Where it stands.
    #[serde(with = "text")]
    pub status: DatasetStatus,
    /// How many rows were accepted.
    pub rows: Option<u64>,
    /// The rows that were not.
    pub rejected: Option<RejectedRows>,
    /// Its columns.
    pub columns: Option<Vec<ColumnProfile>>,
    /// How it was read.
    pub dialect: Option<Dialect>,
    /// The SHA-256 of its content, in lower-case hex.
    pub sha256: Option<String>,
    /// Why it was rejected.
    pub error: Option<Failure>,
    /// Where to send its content, while it awaits it.
    pub upload: Option<Upload>,
    /// When it was announced.
    #[serde(with = "text::instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
}

impl Query for DatasetListQuery {
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let page = request::read_query(parameters, |root| {
            PageRequest::read(&root.table(&PageRequest::PARAMETERS)?)
        })?;
        Ok(Self { page: PageRequest::resolve(List::Datasets, page)? })
    }
}

impl Request for NewDataset {
    fn from_document(document: &Value) -> Result<Self, FieldErrors> {
        request::read(document, |root| {
            let table = root.table(&["name", "format", "options"])?;
            let name = table.required("name").and_then(|node| node.name(NAME_BYTES_MAX));
            let format = table.get("format").map_or(Some(Format::Auto), |node| node.word());
            let given =
                table.get("options").map_or(Some(ReadOptions::default()), |node| options::read(&node));
            Some(Self { name: name?.to_owned(), format: format?, options: given? })
        })
    }
}

impl Request for CompleteDataset {
    fn from_document(document: &Value) -> Result<Self, FieldErrors> {
        request::read(document, |root| {
            let table = root.table(&["sha256"])?;
            let Some(node) = table.get("sha256") else { return Some(Self { sha256: None }) };
            let sum = node.text(usize::MAX)?;
            if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                node.fault(FieldCode::Malformed, "is not a SHA-256 in 64 hex digits");
            }
            Some(Self { sha256: Some(sum.to_ascii_lowercase()) })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults<T: Request>(document: &Value) -> Vec<(String, FieldCode)> {
        let errors = T::from_document(document).err().expect("a fault").0;
        errors.into_iter().map(|error| (error.pointer, error.code)).collect()
    }

    #[test]
    fn a_dataset_is_announced_by_its_name_alone() {
        let read = NewDataset::from_document(&json!({"name": "Bank", "options": null})).unwrap();
        assert_eq!((read.format, &read.options), (Format::Auto, &ReadOptions::default()));
        let read =
            NewDataset::from_document(&json!({"name": "B", "format": "csv", "options": {"quote": "'"}}))
                .unwrap();
        assert_eq!((read.format, read.options.quote), (Format::Csv, Some(b'\'')));
    }

    #[test]
    fn faults_of_a_new_dataset_have_their_place() {
        let check = |document: Value, pointer: &str, code: FieldCode| {
            assert_eq!(faults::<NewDataset>(&document), [(pointer.to_owned(), code)], "{document}");
        };
        check(json!({}), "", FieldCode::Missing);
        check(json!({"name": "\u{7}"}), "/name", FieldCode::Malformed);
        check(json!({"name": "x".repeat(201)}), "/name", FieldCode::TooMany);
        check(json!({"name": "B", "format": "cvs"}), "/format", FieldCode::UnknownWord);
        check(json!({"name": "B", "options": {"delimiter": 1}}), "/options/delimiter", FieldCode::WrongType);
        check(json!({"name": "B", "workspace": "x"}), "/workspace", FieldCode::UnknownField);
    }

    #[test]
    fn a_checksum_is_64_hex_digits_or_left_out() {
        let sum = "AB".repeat(32);
        let read = |document: Value| CompleteDataset::from_document(&document).unwrap().sha256;
        assert_eq!(read(json!({"sha256": sum})), Some("ab".repeat(32)));
        assert_eq!(read(json!({"sha256": null})), None);
        assert_eq!(read(json!({})), None);
        for bad in [json!("ab"), json!("zz".repeat(32))] {
            let document = json!({"sha256": bad});
            assert_eq!(faults::<CompleteDataset>(&document), [("/sha256".to_owned(), FieldCode::Malformed)]);
        }
    }

    #[test]
    fn a_dataset_says_null_for_what_is_not_known_yet() {
        let dataset = Dataset {
            id: DatasetId::from_uuid(uuid::Uuid::from_u128(1)),
            name: "Bank".into(),
            format: Format::Auto,
            status: DatasetStatus::AwaitingUpload,
            rows: None,
            rejected: None,
            columns: None,
            dialect: None,
            sha256: None,
            error: None,
            upload: None,
            created_at: Instant::from_micros(0),
        };
        let json = serde_json::to_value(&dataset).unwrap();
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001", "name": "Bank", "format": "auto",
            "status": "awaiting_upload", "rows": null, "rejected": null, "columns": null, "dialect": null,
            "sha256": null, "error": null, "upload": null, "created_at": "1970-01-01T00:00:00Z",
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Dataset>(json).unwrap(), dataset);
    }
}

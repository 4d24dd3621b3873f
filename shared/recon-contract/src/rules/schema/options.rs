//! Read options.

use recon_domain::DateOrder;
use serde_json::{Map, Value, json};

use super::{CURRENCY, Place, VISIBLE, nullable};
use crate::options::{HEADER_ROW_MAX, NULL_VALUES_MAX, TEXT_BYTES_MAX, THOUSANDS_MARKS};

/// A blank, a tab or a punctuation mark of ASCII.
const SEPARATOR: &str = r"^[\t !-/:-@\[-`{-~]$";

/// What may be said about a file.
pub(crate) fn options(place: Place) -> Value {
    let mut properties = Map::new();
    if let (Place::File, Value::Object(reading)) = (place, reading()) {
        properties.extend(reading);
    }
    if let Value::Object(meaning) = meaning() {
        properties.extend(meaning);
    }
    json!({
        "description": "How a file is read. What is left out is detected, and shown with its evidence.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// What only matters where bytes are read.
fn reading() -> Value {
    let mark = |what: &str| {
        nullable(json!({
            "description": format!("{what}: one punctuation mark, blank or tab."),
            "type": "string", "pattern": SEPARATOR,
        }))
    };
    json!({
        "delimiter": mark("What stands between cells"),
        "quote": mark("What stands around cells, another than the delimiter"),
        "encoding": nullable(json!({
            "description": "The label of an encoding (WHATWG), such as `windows-1252`.",
            "type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX, "pattern": VISIBLE,
        })),
        "header_row": nullable(json!({
            "description": "The line of the header, counted from 1; 0 where there is none.",
            "type": "integer", "minimum": 0, "maximum": HEADER_ROW_MAX,
        })),
        "null_values": nullable(json!({
            "description": "Texts that stand for an empty cell.",
            "type": "array",
            "maxItems": NULL_VALUES_MAX,
            "items": { "type": "string", "maxLength": TEXT_BYTES_MAX },
        })),
    })
}

/// What decides the meaning of cells.
fn meaning() -> Value {
    let thousands: Vec<String> = THOUSANDS_MARKS.iter().map(char::to_string).collect();
    let word = |about: &str, words: &[&str]| {
        nullable(json!({ "description": about, "type": "string", "enum": words }))
    };
    let thousands: Vec<&str> = thousands.iter().map(String::as_str).collect();
    json!({
        "decimal_mark": word("What stands before the cents.", &[".", ","]),
        "thousands_mark": word("What stands between thousands, another than the decimal mark.", &thousands),
        "date_order": word("The order of day, month and year.", DateOrder::SPELLINGS),
        "currency": nullable(json!({
            "description": "The currency of every amount that names none.",
            "type": "string", "pattern": CURRENCY,
        })),
        "sheet": { "description": "Kept for workbooks, which are not read yet.", "type": "null" },
    })
}

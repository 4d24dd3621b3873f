//! The shape of rule documents as a JSON Schema (draft 2020-12): for editors, for generators of documents, and for
//! the OpenAPI document.
//!
//! The schema says all that can be said without looking at two places at once: that a condition names a column which
//! exists and has a fitting type, or that names are unique, only [`super::from_json`] checks. Lengths are counted in
//! characters here and in bytes there, so that a text which is not ASCII may still be too long.

mod columns;
mod options;
mod passes;

use recon_domain::{Calendar, RuleSet, WEEKDAYS};
use serde_json::{Map, Value, json};

use super::{CALENDARS_MAX, NAME_BYTES_MAX};

/// A text with something to see in it and no control characters.
pub(crate) const VISIBLE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// The same, without blanks around it.
const TRIMMED: &str =
    r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";
/// Something to see in it.
const NOT_BLANK: &str = r"\S";
/// A date.
const DATE: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
/// A currency.
pub(crate) const CURRENCY: &str = "^[A-Za-z]{3}$";

/// Where rules are given, which decides what they may say about the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file, for files that are still to be read.
    File,
    /// In a request, for datasets that were read already.
    #[cfg(feature = "openapi")]
    Request,
}

/// The schema of rule documents in files.
///
/// `recon schema rules` prints it.
#[must_use]
pub fn schema() -> Value {
    let parts = Parts { at: "#/$defs/", place: Place::File };
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:recon:schema:rules",
        "title": "Rules of a reconciliation",
    });
    let defs: Map<String, Value> =
        parts.definitions().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    if let (Value::Object(root), Value::Object(document)) = (&mut root, parts.document()) {
        root.extend(document);
        root.insert("$defs".to_owned(), Value::Object(defs));
    }
    root
}

/// The same for requests, as components of an OpenAPI document: `RuleDocument` and what it refers to.
#[cfg(feature = "openapi")]
pub(crate) fn components() -> Vec<(&'static str, Value)> {
    let parts = Parts { at: "#/components/schemas/", place: Place::Request };
    let mut all = parts.definitions();
    all.push(("RuleDocument", parts.document()));
    all
}

/// What may be said about the file of a dataset.
#[cfg(feature = "openapi")]
pub(crate) fn dataset_options() -> Value {
    options::options(Place::File)
}

/// The parts of the schema, which refer to each other by name.
#[derive(Debug, Clone, Copy)]
struct Parts {
    /// Where named parts lie.
    at: &'static str,
    place: Place,
}

impl Parts {
    fn reference(self, name: &str) -> Value {
        json!({ "$ref": format!("{}{name}", self.at) })
    }

    fn definitions(self) -> Vec<(&'static str, Value)> {
        let mut all = columns::definitions();
        all.push(("RuleCalendar", calendar()));
        all.push(("RuleOptions", options::options(self.place)));
        all.extend(passes::definitions(self));
        all
    }

    fn document(self) -> Value {
        let side = |side: &str| {
            let about = format!("How cells of the {side} file read; what is left out is detected.");
            json!({ "description": about, "anyOf": [self.reference("RuleOptions"), { "type": "null" }] })
        };
        json!({
            "description": "Columns give roles to the columns of two files; passes, strictest first, say which rows \
                belong together. A row that an earlier pass took is out.",
            "type": "object",
            "additionalProperties": false,
            "required": ["columns", "passes"],
            "properties": {
                "default_currency": nullable(json!({
                    "description": "The currency where neither a column nor the file's options say one.",
                    "type": "string", "pattern": CURRENCY,
                })),
                "left": side("left"),
                "right": side("right"),
                "columns": columns::columns(self),
                "calendars": nullable(json!({
                    "description": "Calendars by name, for tolerances in business days.",
                    "type": "object",
                    "maxProperties": CALENDARS_MAX,
                    "propertyNames": { "minLength": 1, "maxLength": NAME_BYTES_MAX, "pattern": NOT_BLANK },
                    "additionalProperties": self.reference("RuleCalendar"),
                })),
                "passes": {
                    "description": "Strictest first. Names are unique.",
                    "type": "array",
                    "minItems": 1,
                    "maxItems": RuleSet::PASSES_MAX,
                    "items": self.reference("RulePass"),
                },
            },
        })
    }
}

fn calendar() -> Value {
    json!({
        "description": "Which days are business days.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "weekend": nullable(json!({
                "description": "Weekdays on which nothing is booked; Saturday and Sunday where it is left out.",
                "type": "array",
                // One day must be left.
                "maxItems": WEEKDAYS.len() - 1,
                "uniqueItems": true,
                "items": { "enum": WEEKDAYS },
            })),
            "holidays": nullable(json!({
                "description": "Days on which nothing is booked.",
                "type": "array",
                "maxItems": Calendar::HOLIDAYS_MAX,
                "items": { "type": "string", "format": "date", "pattern": DATE },
            })),
        },
    })
}

/// The same schema, which also takes `null`: as if the field were absent.
pub(crate) fn nullable(mut schema: Value) -> Value {
    if let Some(given) = schema.get_mut("type") {
        *given = json!([given.take(), "null"]);
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
    schema
}

#[cfg(test)]
mod tests;

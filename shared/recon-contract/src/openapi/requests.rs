//! Schemas of requests, with the limits of their parsers.

use serde_json::{Value, json};

use crate::dataset::{Format, NAME_BYTES_MAX};
use crate::rules::schema::{self, VISIBLE, nullable};
use crate::session::{EMAIL_BYTES_MAX, PASSWORD_BYTES_MAX};

/// What several requests refer to.
pub(super) fn parts() -> [(&'static str, Value); 1] {
    [("DatasetOptions", schema::dataset_options())]
}

/// An object of these properties and no others.
fn object(about: &str, required: &[&str], properties: &Value) -> Value {
    json!({
        "description": about,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn name(about: &str, bytes_max: usize) -> Value {
    json!({
        "description": about,
        "type": "string", "minLength": 1, "maxLength": bytes_max, "pattern": VISIBLE,
    })
}

fn id(about: &str) -> Value {
    json!({ "description": about, "type": "string", "format": "uuid" })
}

fn password() -> Value {
    json!({
        "description": "The user's password.",
        "type": "string", "format": "password", "minLength": 1, "maxLength": PASSWORD_BYTES_MAX,
    })
}

pub(super) fn new_session() -> Value {
    let properties = json!({
        "email": name("The user's email address.", EMAIL_BYTES_MAX),
        "password": password(),
    });
    object("Asks for a session.", &["email", "password"], &properties)
}

pub(super) fn new_dataset() -> Value {
    let format = json!({
        "description": "The file's format; `auto`, the default, finds it out.",
        "type": "string", "enum": Format::SPELLINGS,
    });
    let options = json!({
        "description": "How to read it; what is left out is detected.",
        "anyOf": [{ "$ref": "#/components/schemas/DatasetOptions" }, { "type": "null" }],
    });
    let properties = json!({
        "name": name("Its name, for people.", NAME_BYTES_MAX),
        "format": nullable(format),
        "options": options,
    });
    object("Announces a dataset.", &["name"], &properties)
}

pub(super) fn complete_dataset() -> Value {
    let sha256 = json!({
        "description": "The SHA-256 that the content must have, in hex: 409 when it has another.",
        "type": "string", "pattern": "^[0-9A-Fa-f]{64}$",
    });
    object("Settles the content of a dataset.", &[], &json!({ "sha256": nullable(sha256) }))
}

pub(super) fn new_reconciliation() -> Value {
    let properties = json!({
        "name": name("Its name, for people.", NAME_BYTES_MAX),
        "left": id("The dataset on the left."),
        "right": id("The dataset on the right."),
        "rules": { "$ref": "#/components/schemas/RuleDocument" },
    });
    object("Asks for a reconciliation.", &["name", "left", "right", "rules"], &properties)
}

pub(super) fn cancel_reconciliation() -> Value {
    object("Asks a reconciliation to stop. There is nothing to say beside that.", &[], &json!({}))
}

pub(super) fn suggest_rules() -> Value {
    let rules = json!({
        "description": "Rules to try out on a sample; without them rules are suggested.",
        "anyOf": [{ "$ref": "#/components/schemas/RuleDocument" }, { "type": "null" }],
    });
    let properties = json!({
        "left": id("The dataset on the left."),
        "right": id("The dataset on the right."),
        "rules": rules,
    });
    object("Asks for rules, or for what given rules would match.", &["left", "right"], &properties)
}

//! What is true of the whole API, in words.

use recon_idempotency::client::RULES;
use serde_json::{Value, json};

use crate::problem::Code;

/// The contract in words. The table of codes comes after it, and the rules for clients where their place is.
const WORDS: &str = include_str!("info.md");
const RULES_PLACE: &str = "<!-- rules for clients -->\n";

pub(super) fn info() -> Value {
    json!({
        "title": "Reconciliation",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Reconciles two datasets by rules, and explains every row that is left over.",
        "description": format!("{}\n{}", WORDS.replace(RULES_PLACE, RULES), codes()),
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    })
}

fn codes() -> String {
    let lines = Code::ALL.iter().map(|code| format!("| `{code}` | {} | {} |\n", code.status(), code.title()));
    format!("| code | status | title |\n| --- | --- | --- |\n{}", lines.collect::<String>())
}

pub(super) fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "`Authorization: Bearer` and the token that `POST /v1/sessions` answered with.",
        },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": "__Host-session",
            "description": "The session's cookie, for the service's own pages; over plain HTTP on this machine its \
                name is `session`. A request that changes something must come from the same origin.",
        },
    })
}

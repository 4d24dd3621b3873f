//! Parameters and headers.

use serde_json::{Map, Value, json};

use crate::page::{LIMIT_DEFAULT, LIMIT_MAX, List};

/// A key as a client may write it: a token, or a string between quotes.
const IDEMPOTENCY_KEY: &str = r#"^([A-Za-z0-9._:~+/=-]{1,255}|"([ !#-\[\]-~]|\\["\\]){1,255}")$"#;

/// A header of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// `Content-Disposition`.
    ContentDisposition,
    /// `ETag`.
    ETag,
    /// `Idempotency-Expires`.
    IdempotencyExpires,
    /// `Idempotency-Replayed`.
    IdempotencyReplayed,
    /// `Location`.
    Location,
    /// `Retry-After`.
    RetryAfter,
    /// `Set-Cookie`.
    SetCookie,
    /// `WWW-Authenticate`.
    WwwAuthenticate,
    /// `X-Request-Id`.
    RequestId,
}

impl Header {
    const ALL: [Self; 9] = [
        Self::ContentDisposition,
        Self::ETag,
        Self::IdempotencyExpires,
        Self::IdempotencyReplayed,
        Self::Location,
        Self::RetryAfter,
        Self::SetCookie,
        Self::WwwAuthenticate,
        Self::RequestId,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ContentDisposition => "Content-Disposition",
            Self::ETag => "ETag",
            Self::IdempotencyExpires => "Idempotency-Expires",
            Self::IdempotencyReplayed => "Idempotency-Replayed",
            Self::Location => "Location",
            Self::RetryAfter => "Retry-After",
            Self::SetCookie => "Set-Cookie",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::RequestId => "X-Request-Id",
        }
    }

    fn component(self) -> Value {
        let text = || json!({ "type": "string" });
        let (about, schema) = match self {
            Self::ContentDisposition => ("The name of the file.", text()),
            Self::ETag => ("What the answer is a version of: send it back as `If-None-Match`.", text()),
            Self::IdempotencyExpires => (
                "On a replay: until when the key keeps its answer.",
                json!({ "type": "string", "format": "date-time" }),
            ),
            Self::IdempotencyReplayed => (
                "`true` where this is the kept answer of an earlier request with the same key.",
                json!({ "type": "string", "enum": ["true"] }),
            ),
            Self::Location => (
                "The path of what was made, or the address of what is asked for.",
                json!({ "type": "string", "format": "uri-reference" }),
            ),
            Self::RetryAfter => {
                ("Seconds after which it is worth to ask again.", json!({ "type": "integer", "minimum": 0 }))
            }
            Self::SetCookie => ("The session's cookie, for browsers.", text()),
            Self::WwwAuthenticate => ("How to say who calls: `Bearer`.", text()),
            Self::RequestId => {
                ("The request's id, by which it is found in logs: the one it brought, or a new one.", text())
            }
        };
        json!({ "description": about, "schema": schema })
    }

    pub(super) fn reference(self) -> (String, Value) {
        (self.name().to_owned(), json!({ "$ref": format!("#/components/headers/{}", self.name()) }))
    }
}

/// Every header of answers, by name.
pub(super) fn headers() -> Map<String, Value> {
    Header::ALL.iter().map(|header| (header.name().to_owned(), header.component())).collect()
}

/// The parameters that many operations share, by name.
pub(super) fn shared() -> Value {
    json!({
        "Id": {
            "name": "id", "in": "path", "required": true,
            "description": "The id, in its hyphenated form. Another workspace's id is 404, as one that does not exist.",
            "schema": { "type": "string", "format": "uuid", "minLength": 36, "maxLength": 36 },
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "A text that no other request of yours has, such as a UUID. Send the same one when you \
                repeat the request; the rules are under \u{201c}Retries and idempotency keys\u{201d}. `\"abc\"` and `abc` are the same key.",
            "schema": { "type": "string", "pattern": IDEMPOTENCY_KEY },
            "example": "5e1c6a0f-3a58-4a0e-9d6c-5d8f7a3c2b10",
        },
        "Prefer": {
            "name": "Prefer", "in": "header", "required": false,
            "description": "`wait=n`: while the same request is still being executed elsewhere, wait up to n seconds for its answer, at \
                most 20, before 409 `idempotency_key_in_progress`.",
            "schema": { "type": "string" },
            "example": "wait=10",
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "The `ETag` of an earlier answer: 304 without a body while it is the current one.",
            "schema": { "type": "string" },
        },
    })
}

/// A reference to one of them.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// A parameter of a query, which may be left out.
pub(super) fn query(name: &str, about: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": about, "schema": schema })
}

/// The parameters of a list.
pub(super) fn page(lists: &[List]) -> [Value; 2] {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT });
    [
        query("limit", "The most items to answer with. A page may hold fewer.", &limit),
        query(
            "cursor",
            "The `next_cursor` of the page before, with the same other parameters.",
            &json!({ "type": "string", "pattern": List::cursor_pattern(lists) }),
        ),
    ]
}

/// A word of a closed set.
pub(super) fn word(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

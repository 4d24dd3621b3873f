//! Which problems an operation can answer with: what follows from its route, and what it says itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::{Body, Operation};
use super::parameters::Header;
use crate::problem::{Code, FieldCode, Problem};
use crate::route::{Access, LimitClass, Method, Route};

/// Statuses of problems, each with its codes in the order of [`Code::ALL`].
pub(super) fn by_status(operation: &Operation) -> BTreeMap<u16, Vec<Code>> {
    let mut codes = of_route(&operation.route);
    match &operation.body {
        Some(Body::Document(_)) => codes.extend([
            Code::MalformedBody,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::ValidationFailed,
        ]),
        Some(Body::Content) => {
            codes.extend([Code::MalformedBody, Code::RequestTimeout, Code::PayloadTooLarge]);
        }
        None => {}
    }
    codes.extend(&operation.codes);
    let mut statuses: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL.iter().filter(|code| codes.contains(code)) {
        statuses.entry(code.status()).or_default().push(*code);
    }
    statuses
}

fn of_route(route: &Route) -> Vec<Code> {
    let mut codes = vec![Code::InvalidParameter, Code::Internal];
    if route.access.needs_session() {
        codes.push(Code::Unauthenticated);
        if route.method != Method::Get {
            codes.push(Code::CrossOrigin);
        }
    }
    if recon_domain::UserRole::ALL.iter().any(|role| !route.access.admits(*role)) {
        codes.push(Code::Forbidden);
    }
    if route.path.contains('{') {
        codes.push(Code::NotFound);
    }
    if route.keyed {
        codes.extend([
            Code::IdempotencyKeyMissing,
            Code::IdempotencyKeyInvalid,
            Code::IdempotencyKeyInProgress,
            Code::IdempotencyKeyReused,
        ]);
    }
    match route.limit {
        LimitClass::Free => {}
        // An upload has a pace instead of a time.
        LimitClass::Upload => codes.extend([Code::RateLimited, Code::Unavailable]),
        LimitClass::SignIn | LimitClass::Read | LimitClass::Write => {
            codes.extend([Code::RateLimited, Code::Unavailable, Code::TimedOut]);
        }
    }
    codes
}

/// The least access of a route, in one word.
pub(super) const fn access(route: &Route) -> &'static str {
    match route.access {
        Access::Public => "public",
        Access::Own => "own",
        Access::Role(role) => role.as_str(),
    }
}

/// The name of the response that these codes share.
pub(super) fn component(codes: &[Code]) -> String {
    let names = codes.iter().map(|code| {
        let words = code.as_str().split('_');
        words.map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>()
    });
    names.collect::<Vec<_>>().join("Or")
}

/// Every response that the operations refer to, by name.
pub(super) fn responses<'a>(operations: impl Iterator<Item = &'a Operation>) -> Map<String, Value> {
    let mut all = BTreeMap::new();
    for operation in operations {
        for codes in by_status(operation).values() {
            all.entry(component(codes)).or_insert_with(|| response(codes));
        }
    }
    all.into_iter().collect()
}

fn response(codes: &[Code]) -> Value {
    let told: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}.", code.title())).collect();
    let mut headers = Map::from_iter([Header::RequestId.reference()]);
    if codes.contains(&Code::Unauthenticated) || codes.contains(&Code::InvalidCredentials) {
        headers.extend([Header::WwwAuthenticate.reference()]);
    }
    if codes.iter().any(|code| is_worth_a_retry(*code)) {
        headers.extend([Header::RetryAfter.reference()]);
    }
    let spellings: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let examples: Map<String, Value> =
        codes.iter().map(|code| (code.to_string(), json!({ "value": example(*code) }))).collect();
    json!({
        "description": told.join(" "),
        "headers": headers,
        "content": { Problem::MEDIA_TYPE: {
            "schema": {
                "$ref": "#/components/schemas/Problem",
                "properties": { "code": { "enum": spellings } },
            },
            "examples": examples,
        } },
    })
}

/// Whether a `Retry-After` may come with it.
const fn is_worth_a_retry(code: Code) -> bool {
    matches!(
        code,
        Code::IdempotencyKeyInProgress
            | Code::DatasetNotReady
            | Code::RateLimited
            | Code::Unavailable
            | Code::TimedOut
    )
}

fn example(code: Code) -> Value {
    let mut problem = match code {
        Code::ValidationFailed => {
            let fault =
                crate::problem::FieldError::new("/name", FieldCode::WrongType, "expected a text, found null");
            Problem::invalid(vec![fault])
        }
        code => Problem::new(code, code.title()),
    };
    problem.request_id = Some("0197a1c2-7b9e-7d30-9c55-1f4be02a6d11".to_owned());
    json!(problem)
}

/// The problem document, and a fault in it.
pub(super) fn schemas() -> [(&'static str, Value); 2] {
    let words = |all: &[&str]| json!({ "type": "string", "enum": all });
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let fields: Vec<&str> = FieldCode::ALL.iter().map(|code| code.as_str()).collect();
    let uris: Vec<String> = Code::ALL.iter().map(|code| code.type_uri()).collect();
    let problem = json!({
        "description": "An answer that is an error (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {
                "description": "Names the kind of problem. It is not meant to be fetched.",
                "type": "string", "format": "uri", "enum": uris,
            },
            "title": { "description": "The same for every problem of its code.", "type": "string" },
            "status": { "description": "The HTTP status.", "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "description": "What went wrong this time.", "type": "string" },
            "code": words(&codes),
            "request_id": { "description": "The request's id, by which it is found in logs.", "type": ["string", "null"] },
            "errors": {
                "description": "The places at fault, where the request is a document or has parameters.",
                "type": "array", "items": { "$ref": "#/components/schemas/FieldError" },
            },
        },
    });
    let field = json!({
        "description": "One fault in a request.",
        "type": "object",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {
                "description": "Where: a JSON pointer (RFC 6901); the empty one is the whole document.",
                "type": "string",
            },
            "code": words(&fields),
            "detail": { "description": "What is wrong, for people.", "type": "string" },
        },
    });
    [("Problem", problem), ("FieldError", field)]
}

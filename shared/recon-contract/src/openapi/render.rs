//! Operations as an OpenAPI document.

use serde_json::{Map, Value, json};

use super::operation::{Body, Content, Operation, Success};
use super::operations::{Described, Tag};
use super::parameters::{self, Header};
use super::{Error, info, problems, schemas};

/// The document of these operations.
pub(super) fn document(described: &[Described]) -> Result<Value, Error> {
    let operations = || described.iter().map(|described| &described.operation);
    Ok(json!({
        "openapi": "3.1.0",
        "info": info::info(),
        "servers": [{ "url": "/", "description": "The server that this document comes from." }],
        "security": [{ "bearer": [] }, { "cookie": [] }],
        "tags": Tag::ALL.map(|tag| json!({ "name": tag.name(), "description": tag.about() })),
        "paths": paths(described),
        "components": {
            "schemas": schemas::schemas(operations()),
            "responses": problems::responses(operations()),
            "parameters": parameters::shared(),
            "headers": parameters::headers(),
            "securitySchemes": info::security_schemes(),
        },
    }))
}

/// Paths in the order of the route table, each with all its methods.
fn paths(described: &[Described]) -> Map<String, Value> {
    let mut paths = Map::new();
    for Described { tag, operation } in described {
        let path = paths.entry(operation.route.path).or_insert_with(|| json!({}));
        path[operation.route.method.as_str().to_ascii_lowercase()] = rendered(*tag, operation);
    }
    paths
}

fn rendered(tag: Tag, operation: &Operation) -> Value {
    let route = &operation.route;
    let mut fields = json!({
        "operationId": operation.id,
        "tags": [tag.name()],
        "summary": operation.summary,
        "description": format!("{}\n\n{}", operation.description, who(operation)),
        "parameters": parameters_of(operation),
    });
    if let Some(body) = &operation.body {
        fields["requestBody"] = request_body(body);
    }
    fields["responses"] = Value::Object(responses(operation));
    if !route.access.needs_session() {
        fields["security"] = json!([]);
    }
    fields["x-access"] = json!(problems::access(route));
    fields["x-function"] = json!(route.function);
    if route.body_bytes_max > 0 {
        fields["x-body-bytes-max"] = json!(route.body_bytes_max);
    }
    fields
}

/// Who may call, and whether a key is needed, for readers of any viewer.
fn who(operation: &Operation) -> String {
    let who = match problems::access(&operation.route) {
        "public" => "Anybody may call.".to_owned(),
        "own" => "Any signed-in caller.".to_owned(),
        role => format!("Least role: `{role}`."),
    };
    if operation.route.keyed { format!("{who} Needs an `Idempotency-Key`.") } else { who }
}

fn parameters_of(operation: &Operation) -> Vec<Value> {
    let mut all = Vec::new();
    if operation.route.path.contains('{') {
        all.push(parameters::reference("Id"));
    }
    all.extend(operation.query.iter().cloned());
    if operation.route.keyed || operation.about_key {
        all.push(parameters::reference("IdempotencyKey"));
    }
    if operation.route.keyed {
        all.push(parameters::reference("Prefer"));
    }
    if operation.conditional {
        all.push(parameters::reference("IfNoneMatch"));
    }
    all
}

fn request_body(body: &Body) -> Value {
    match body {
        Body::Document(document) => json!({
            "required": !document.may_be_empty,
            "content": { "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{}", document.name) },
                "example": document.example,
            } },
        }),
        Body::Content => json!({ "required": true, "content": { "application/octet-stream": {} } }),
    }
}

fn responses(operation: &Operation) -> Map<String, Value> {
    let mut all = Map::new();
    for answer in &operation.answers {
        all.insert(answer.status.to_string(), success(operation, answer));
    }
    if operation.conditional {
        let headers = Map::from_iter([Header::ETag.reference(), Header::RequestId.reference()]);
        let about = "What `If-None-Match` names is the current version.";
        all.insert("304".to_owned(), json!({ "description": about, "headers": headers }));
    }
    for (status, codes) in problems::by_status(operation) {
        let name = problems::component(&codes);
        all.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    all
}

fn success(operation: &Operation, answer: &Success) -> Value {
    let mut headers = answer.headers.clone();
    if operation.conditional {
        headers.push(Header::ETag);
    }
    if operation.route.keyed {
        headers.extend([Header::IdempotencyReplayed, Header::IdempotencyExpires]);
    }
    headers.push(Header::RequestId);
    let headers: Map<String, Value> = headers.into_iter().map(Header::reference).collect();
    let mut fields = json!({ "description": answer.description, "headers": headers });
    match &answer.content {
        Some(Content::Json(wire)) => {
            fields["content"] = json!({ "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{}", wire.component()) },
                "example": wire.whole_example(),
            } });
        }
        Some(Content::Other(kinds)) => {
            let content: Map<String, Value> =
                kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect();
            fields["content"] = Value::Object(content);
        }
        None => {}
    }
    fields
}

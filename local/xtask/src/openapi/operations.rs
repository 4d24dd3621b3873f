//! Operations as HTML.

use serde_json::Value;

use super::html::{code, escaped, table};
use super::{markdown, schemas};

/// One operation, closed until a reader opens it.
pub(super) fn operation(document: &Value, method: &str, path: &str, operation: &Value) -> String {
    let text = |field: &str| operation[field].as_str().unwrap_or_default();
    let id = text("operationId");
    let (method, keyed) = (method.to_uppercase(), is_keyed(operation));
    let key = if keyed { "<span class=\"badge key\">key</span>" } else { "" };
    let access = text("x-access");
    let found_by = escaped(&format!("{method} {path} {id} {} {access}", text("summary")).to_lowercase());
    format!(
        "<details class=\"operation\" id=\"{id}\" data-words=\"{found_by}\">\n<summary><span class=\"method {class}\">{method}\
         </span> <span class=\"path\">{path}</span> <span class=\"about\">{summary}</span> <span class=\"badges\">\
         <span class=\"badge\">{access}</span>{key}</span></summary>\n<div class=\"body\">\n{description}{parameters}{body}\
         {responses}</div></details>\n",
        class = method.to_lowercase(),
        path = escaped(path),
        summary = escaped(text("summary")),
        description = markdown::html(text("description")),
        parameters = parameters(document, operation),
        body = request_body(operation),
        responses = responses(document, operation),
    )
}

fn is_keyed(operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array();
    parameters
        .is_some_and(|all| all.iter().any(|one| one["$ref"] == "#/components/parameters/IdempotencyKey"))
}

/// What a reference refers to; anything else is itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let pointer = value["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn parameters(document: &Value, operation: &Value) -> String {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = all
        .map(|parameter| {
            let parameter = resolved(document, parameter);
            let optional = if parameter["required"] == true { "" } else { " <small>optional</small>" };
            let about = parameter["description"].as_str().map(markdown::line).unwrap_or_default();
            let limits = schemas::limits(&parameter["schema"]);
            let gap = if limits.is_empty() { "" } else { "<br>" };
            vec![
                format!("{}{optional}", code(parameter["name"].as_str().unwrap_or_default())),
                escaped(parameter["in"].as_str().unwrap_or_default()),
                schemas::kind(&parameter["schema"]),
                format!("{about}{gap}{limits}"),
            ]
        })
        .collect();
    let table = table(&["parameter", "in", "type", "meaning"], &rows);
    if table.is_empty() { table } else { format!("<h4>Parameters</h4>\n{table}") }
}

fn request_body(operation: &Value) -> String {
    let Some(body) = operation.get("requestBody") else { return String::new() };
    let most = operation["x-body-bytes-max"].as_u64().map(bytes).unwrap_or_default();
    let may_be_left_out = if body["required"] == true { "" } else { ", may be left out" };
    let contents: String = body["content"].as_object().into_iter().flatten().map(content).collect();
    format!("<h4>Body <small>at most {most}{may_be_left_out}</small></h4>\n{contents}")
}

fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{} {name}", bytes / unit))
}

/// A media type with its schema and its example.
fn content((media_type, content): (&String, &Value)) -> String {
    let schema =
        content.get("schema").map(|schema| format!(" · {}", schemas::kind(schema))).unwrap_or_default();
    let example = content.get("example").map(|example| {
        format!(
            "<details class=\"example\" open><summary>Example</summary><pre>{}</pre></details>\n",
            escaped(&format!("{example:#}"))
        )
    });
    format!("<p>{}{schema}</p>\n{}", code(media_type), example.unwrap_or_default())
}

fn responses(document: &Value, operation: &Value) -> String {
    let all = operation["responses"].as_object().into_iter().flatten();
    let mut answers = String::new();
    let mut problems = Vec::new();
    for (status, response) in all {
        let response = resolved(document, response);
        match response.pointer("/content/application~1problem+json/schema/properties/code/enum") {
            Some(codes) => problems.push(problem(status, codes, document)),
            None => answers.push_str(&answer(status, response)),
        }
    }
    let problems = table(&["status", "code", "meaning"], &problems.concat());
    format!("<h4>Answers</h4>\n{answers}<h4>Problems</h4>\n{problems}")
}

fn answer(status: &str, response: &Value) -> String {
    let about = response["description"].as_str().map(markdown::line).unwrap_or_default();
    let headers: Vec<String> =
        response["headers"].as_object().into_iter().flatten().map(|(name, _)| code(name)).collect();
    let contents: String = response["content"].as_object().into_iter().flatten().map(content).collect();
    let headers =
        if headers.is_empty() { String::new() } else { format!("<p>Headers: {}</p>\n", headers.join(" ")) };
    format!(
        "<p><strong class=\"status\">{status}</strong> {about}</p>\n<div class=\"answer\">{headers}{contents}</div>\n"
    )
}

/// The codes of a status, one row each.
fn problem(status: &str, codes: &Value, document: &Value) -> Vec<Vec<String>> {
    let codes = codes.as_array().into_iter().flatten().filter_map(Value::as_str);
    let row = |name: &str| {
        vec![escaped(status), code(name), title(document, name).map(escaped).unwrap_or_default()]
    };
    codes.map(row).collect()
}

/// The title of a problem, from any of its examples.
fn title<'d>(document: &'d Value, code: &str) -> Option<&'d str> {
    let mut responses = document["components"]["responses"].as_object()?.values();
    responses.find_map(|response| {
        let examples = response.pointer("/content/application~1problem+json/examples")?;
        examples[code]["value"]["title"].as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_their_unit() {
        for (size, words) in [(65_536, "64 KiB"), (1 << 36, "64 GiB"), (1000, "1000 bytes")] {
            assert_eq!(bytes(size), words);
        }
    }
}

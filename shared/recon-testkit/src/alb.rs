//! Events as an Application Load Balancer sends them to a Lambda target.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use recon_contract::route::{self, Route};
use serde_json::{Map, Value, json};

use crate::{Call, Reply};

/// Whether the target group has multi-value headers switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headers {
    /// `headers` and `queryStringParameters`: the last of several values wins.
    Single,
    /// `multiValueHeaders` and `multiValueQueryStringParameters`.
    Multi,
}

/// The rule of the load balancer for this request: the route whose method and path fit.
#[must_use]
pub fn rule(method: &str, path: &str) -> Option<&'static Route> {
    let segments: Vec<&str> = path.split('/').collect();
    route::ALL.iter().find(|route| {
        let template: Vec<&str> = route.path.split('/').collect();
        route.method.as_str() == method
            && template.len() == segments.len()
            && template.iter().zip(&segments).all(|(part, segment)| part.starts_with('{') || part == segment)
    })
}

/// The event for a request.
#[must_use]
pub fn event(call: &Call, headers: Headers) -> Value {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let parameters = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name.to_owned(), value.to_owned())
    });
    let mut sent = vec![
        ("host".to_owned(), "recon.example.com".to_owned()),
        ("x-forwarded-for".to_owned(), "192.0.2.7".to_owned()),
        ("x-forwarded-port".to_owned(), "443".to_owned()),
        ("x-forwarded-proto".to_owned(), "https".to_owned()),
        ("x-amzn-trace-id".to_owned(), "Root=1-5bdb40ca-556d8b0c50dc66f0511bf520".to_owned()),
    ];
    sent.extend(call.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
    let text = is_text(&sent).then(|| std::str::from_utf8(&call.body).ok()).flatten();
    let mut event = json!({
        "requestContext": { "elb": { "targetGroupArn":
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/recon/6d0ecf831eec9f09" } },
        "httpMethod": call.method,
        "path": path,
        "body": text.map_or_else(|| STANDARD.encode(&call.body), str::to_owned),
        "isBase64Encoded": text.is_none(),
    });
    let (header_key, query_key) = match headers {
        Headers::Single => ("headers", "queryStringParameters"),
        Headers::Multi => ("multiValueHeaders", "multiValueQueryStringParameters"),
    };
    event[header_key] = collect(sent.into_iter(), headers);
    event[query_key] = collect(parameters, headers);
    event
}

/// The load balancer sends a body as it is when its type says text, else as base64.
fn is_text(headers: &[(String, String)]) -> bool {
    let kind = headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value);
    kind.is_empty()
        || kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"]
            .iter()
            .any(|known| kind.starts_with(known))
}

fn collect(pairs: impl Iterator<Item = (String, String)>, headers: Headers) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        match headers {
            Headers::Single => {
                map.insert(name, value.into());
            }
            Headers::Multi => match map.entry(name).or_insert_with(|| json!([])) {
                Value::Array(values) => values.push(value.into()),
                _ => unreachable!("only arrays are put in"),
            },
        }
    }
    Value::Object(map)
}

/// What the client gets for a function's answer.
///
/// # Errors
/// When it is not an answer that a load balancer takes (it would answer 502).
pub fn reply(answer: &Value) -> anyhow::Result<Reply> {
    use anyhow::Context as _;
    let status = answer["statusCode"].as_u64().context("the answer has no statusCode")?;
    let mut headers = Vec::new();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        headers.push((name.to_lowercase(), value.as_str().context("a header is no text")?.to_owned()));
    }
    for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
        let name = name.to_lowercase();
        headers.retain(|(known, _)| *known != name);
        for value in values.as_array().context("a multi-value header is no list")? {
            headers.push((name.clone(), value.as_str().context("a header is no text")?.to_owned()));
        }
    }
    let body = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true {
        STANDARD.decode(body).context("the body is not base64")?
    } else {
        body.as_bytes().to_vec()
    };
    Ok(Reply { status: u16::try_from(status)?, headers, body })
}

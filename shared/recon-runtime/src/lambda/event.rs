//! Events of a load balancer or an HTTP API, checked and turned into the request that a container would have got.
//!
//! Nothing is resolved, decoded or guessed here: the path and the query reach the router byte for byte as the
//! client sent them. What could not have come over a connection is refused.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_LENGTH, COOKIE, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use recon_contract::{Code, Problem};
use serde_json::{Map, Value};

use crate::ClientAddress;

/// The dialect of an event, in which it must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A load balancer with `headers`.
    SingleValue,
    /// A load balancer with `multiValueHeaders`.
    MultiValue,
    /// An HTTP API, which is what `cargo lambda watch` sends.
    HttpApi,
}

impl Dialect {
    pub(super) fn of(event: &Value) -> Self {
        if event["version"] == "2.0" {
            Self::HttpApi
        } else if event["multiValueHeaders"].is_object() {
            Self::MultiValue
        } else {
            Self::SingleValue
        }
    }
}

/// The request of an event.
///
/// # Errors
/// When the event could not have come from a well-formed request.
pub(super) fn request(event: &Value, dialect: Dialect) -> Result<Request<Body>, Problem> {
    let event = event.as_object().ok_or_else(|| malformed("the event is not an object"))?;
    let (method, path, query) = match dialect {
        Dialect::SingleValue | Dialect::MultiValue => {
            (text(event, "httpMethod")?, text(event, "path")?, joined_query(event)?)
        }
        Dialect::HttpApi => {
            let context = event.get("requestContext").and_then(|context| context.get("http"));
            let context =
                context.and_then(Value::as_object).ok_or_else(|| malformed("the event has no context"))?;
            (text(context, "method")?, text(event, "rawPath")?, text(event, "rawQueryString")?.to_owned())
        }
    };
    let mut request = Request::new(body(event)?);
    *request.method_mut() =
        Method::from_bytes(method.as_bytes()).map_err(|_| malformed("the method is malformed"))?;
    *request.uri_mut() = uri(path, &query)?;
    *request.headers_mut() = headers(event)?;
    if let Some(address) = client_address(event, request.headers(), dialect) {
        request.extensions_mut().insert(ClientAddress(address));
    }
    Ok(request)
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Code::InvalidParameter, detail)
}

/// A text of the event; the empty one where it is absent or null.
fn text<'e>(event: &'e Map<String, Value>, name: &str) -> Result<&'e str, Problem> {
    match event.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(malformed(&format!("`{name}` of the event is not a text"))),
    }
}

/// Names with their values, from a map of texts or of lists of texts.
fn pairs<'e>(event: &'e Map<String, Value>, name: &str) -> Result<Vec<(&'e str, &'e str)>, Problem> {
    let odd = || malformed(&format!("`{name}` of the event is not a map of texts"));
    let entries = match event.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(entries) => entries.as_object().ok_or_else(odd)?,
    };
    let mut pairs = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in values {
            pairs.push((key.as_str(), value.as_str().ok_or_else(odd)?));
        }
    }
    Ok(pairs)
}

/// The query as it stood in the request line: a load balancer takes it apart and decodes nothing.
fn joined_query(event: &Map<String, Value>) -> Result<String, Problem> {
    let mut parameters = pairs(event, "multiValueQueryStringParameters")?;
    if parameters.is_empty() {
        parameters = pairs(event, "queryStringParameters")?;
    }
    let separated = parameters.iter().any(|(name, value)| name.contains(['&', '=']) || value.contains('&'));
    if separated {
        return Err(malformed("the query has a separator inside a parameter"));
    }
    let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(parameters.join("&"))
}

fn uri(path: &str, query: &str) -> Result<Uri, Problem> {
    if !path.starts_with('/') || path.contains(['?', '#']) || query.contains('#') {
        return Err(malformed("the path is malformed"));
    }
    let target = if query.is_empty() { Cow::Borrowed(path) } else { format!("{path}?{query}").into() };
    let target = PathAndQuery::try_from(target.as_ref())
        .map_err(|_| malformed("the path or the query is malformed"))?;
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).map_err(|_| malformed("the path or the query is malformed"))
}

fn headers(event: &Map<String, Value>) -> Result<HeaderMap, Problem> {
    let mut fields = pairs(event, "multiValueHeaders")?;
    if fields.is_empty() {
        fields = pairs(event, "headers")?;
    }
    let odd = |_| malformed("a header is malformed");
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed("a header's name is malformed"))?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).map_err(odd)?);
    }
    let cookies = match event.get("cookies") {
        Some(Value::Array(cookies)) => {
            cookies.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        _ => String::new(),
    };
    if !cookies.is_empty() {
        headers.insert(COOKIE, HeaderValue::from_bytes(cookies.as_bytes()).map_err(odd)?);
    }
    // These describe a transfer that is over; the body in hand says its own length.
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    Ok(headers)
}

fn body(event: &Map<String, Value>) -> Result<Body, Problem> {
    let body = text(event, "body")?;
    match event.get("isBase64Encoded") {
        Some(Value::Bool(true)) => {
            let odd = |_| Problem::new(Code::MalformedBody, "the body of the event is not base64");
            Ok(Body::from(STANDARD.decode(body).map_err(odd)?))
        }
        _ => Ok(Body::from(body.to_owned())),
    }
}

/// Who sent the request: a load balancer puts its own peer last, and everything before it is hearsay.
fn client_address(event: &Map<String, Value>, headers: &HeaderMap, dialect: Dialect) -> Option<IpAddr> {
    let said = match dialect {
        Dialect::SingleValue | Dialect::MultiValue => {
            let forwarded = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            forwarded.rsplit(',').next()
        }
        Dialect::HttpApi => event.get("requestContext")?.get("http")?.get("sourceIp")?.as_str(),
    };
    said?.trim().parse().ok()
}

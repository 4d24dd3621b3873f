//! Responses, in the dialect of the event that they answer.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::SET_COOKIE;
use http::response::Parts;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use recon_contract::{Code, Problem};
use serde_json::{Map, Value, json};

use super::event::Dialect;

/// The most bytes of an answer's body: what is left of a load balancer's 1 MB after the answer's own words.
pub(super) const ANSWER_BYTES_MAX: usize = 1_000_000 - 32 * 1024;

/// The body of a response in one piece.
///
/// # Errors
/// When it breaks off, or is larger than a load balancer takes.
pub(super) async fn collect(body: Body, is_file: bool) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = match is_file {
            true => {
                "the file is larger than a function may send: fetch it from a server on the same store \
                 (`recon serve`), or read the lists of the same reconciliation page by page"
            }
            false => {
                "the answer is larger than a function may send: ask for fewer items, with `limit`; \
                 if one alone is too large, map no columns of long texts"
            }
        };
        Problem::new(Code::AnswerTooLarge, detail)
    };
    let collected = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => return Err(Problem::new(Code::Internal, "the answer broke off; the log has the cause")),
    };
    let length = match std::str::from_utf8(&collected) {
        Ok(text) => text.bytes().map(bytes_in_json).sum(),
        Err(_) => collected.len().div_ceil(3) * 4,
    };
    if length > ANSWER_BYTES_MAX { Err(too_large()) } else { Ok(collected) }
}

/// How many bytes a byte of text takes as a part of the answer, which is JSON itself.
const fn bytes_in_json(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0x00..0x20 => 6,
        _ => 1,
    }
}

/// The answer of a function.
pub(super) fn answer(parts: &Parts, body: &Bytes, dialect: Dialect) -> Value {
    let (text, encoded) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    let mut answer = json!({
        "statusCode": parts.status.as_u16(),
        "body": text,
        "isBase64Encoded": encoded,
    });
    match dialect {
        Dialect::SingleValue => {
            answer["statusDescription"] = parts.status.to_string().into();
            answer["headers"] = single(&parts.headers);
        }
        Dialect::MultiValue => {
            answer["statusDescription"] = parts.status.to_string().into();
            answer["multiValueHeaders"] = multiple(&parts.headers);
        }
        Dialect::HttpApi => {
            let mut headers = parts.headers.clone();
            headers.remove(SET_COOKIE);
            answer["headers"] = single(&headers);
            answer["cookies"] = parts.headers.get_all(SET_COOKIE).iter().map(words).collect();
        }
    }
    answer
}

fn words(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// One value a name. Several are joined as HTTP allows, but of cookies only the first can be kept.
fn single(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for name in headers.keys() {
        let mut values = headers.get_all(name).iter().map(words);
        let value = if name == SET_COOKIE {
            values.next().unwrap_or_default()
        } else {
            values.collect::<Vec<_>>().join(", ")
        };
        map.insert(name.to_string(), value.into());
    }
    Value::Object(map)
}

fn multiple(headers: &HeaderMap) -> Value {
    let values = |name| headers.get_all(name).iter().map(words).collect::<Value>();
    headers.keys().map(|name| (name.to_string(), values(name))).collect::<Map<_, _>>().into()
}

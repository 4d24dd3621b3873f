//! What makes two requests the same.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::json;
use crate::key::put;

/// The headers that change what a request asks for.
const CONDITIONAL_HEADERS: [&str; 4] =
    ["if-match", "if-modified-since", "if-none-match", "if-unmodified-since"];

/// The parts of a request that its fingerprint covers. The host is not among them: behind a load balancer it varies.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, for example `POST`.
    pub method: &'a str,
    /// The path as the client sent it, without the query.
    pub path: &'a str,
    /// The query without its `?`; empty when there is none.
    pub query: &'a str,
    /// The value of `Content-Type`; empty when there is none. Its parameters don't count.
    pub media_type: &'a str,
    /// Header names and values, which may be any bytes. Only the conditional ones count (`If-Match`, `If-None-Match`, `If-Modified-Since`,
    /// `If-Unmodified-Since`), so giving all headers is fine.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body. Of JSON neither the order of fields nor white space counts.
    pub body: &'a [u8],
}

/// A SHA-256 over a request: a key with another fingerprint is a key used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a request.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        let mut hasher = Sha256::new_with_prefix(b"idempotency fingerprint\0");
        put(&mut hasher, request.method.to_ascii_uppercase().as_bytes());
        put(&mut hasher, normalised_path(request.path).as_bytes());
        put_pairs(&mut hasher, &query_pairs(request.query));
        let media_type = essence(request.media_type);
        put(&mut hasher, media_type.as_bytes());
        put_pairs(&mut hasher, &conditions(request.headers));
        let canonical = is_json(&media_type).then(|| json::canonical(request.body)).flatten();
        match canonical {
            Some(document) => {
                put(&mut hasher, b"json");
                put(&mut hasher, &document);
            }
            None => {
                put(&mut hasher, b"bytes");
                put(&mut hasher, request.body);
            }
        }
        Self(hasher.finalize().into())
    }

    /// The fingerprint with these bytes, as a store kept them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The path in one spelling: unreserved characters bare, the rest escaped with capital digits.
pub(crate) fn normalised_path(path: &str) -> String {
    normalised(path, b"/:@!$&'()*+,;=")
}

/// Decodes what needs no escape and escapes what does. `kept` are the reserved characters that stay bare where they
/// stand bare; escaped they mean something else and stay escaped. A `%` that escapes nothing becomes `%25`.
fn normalised(text: &str, kept: &[u8]) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let escaped = (byte == b'%').then(|| escape_at(bytes, at)).flatten();
        let value = escaped.unwrap_or(byte);
        let bare = value.is_ascii_alphanumeric()
            || matches!(value, b'-' | b'.' | b'_' | b'~')
            || (escaped.is_none() && kept.contains(&value));
        if bare {
            out.push(char::from(value));
        } else {
            out.push_str(&format!("%{value:02X}"));
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |offset| bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

/// Names and values sorted by name. Several values of one name keep their order, which may mean something.
fn query_pairs(query: &str) -> Vec<(String, String)> {
    let part = |text: &str| normalised(&text.replace('+', "%20"), b"");
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (part(name), part(value)))
        .collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    pairs
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

fn conditions(headers: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_ascii().to_owned()))
        .filter(|(name, _)| CONDITIONAL_HEADERS.contains(&name.as_str()))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn put_pairs(hasher: &mut Sha256, pairs: &[(String, impl AsRef<[u8]>)]) {
    hasher.update(u64::try_from(pairs.len()).unwrap_or(u64::MAX).to_be_bytes());
    for (name, value) in pairs {
        put(hasher, name.as_bytes());
        put(hasher, value.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Request<'static> = Request {
        method: "POST",
        path: "/v1/things",
        query: "a=1&b=2",
        media_type: "application/json",
        headers: &[("If-Match", b"\"1\""), ("Host", b"one.example"), ("User-Agent", b"client")],
        body: br#"{"name":"n","options":{"x":1,"y":[1,2]}}"#,
    };

    fn same(changed: Request<'_>) -> bool {
        Fingerprint::of(&REQUEST) == Fingerprint::of(&changed)
    }

    #[test]
    fn fault_13_order_of_query_and_host_do_not_count() {
        assert!(same(Request { query: "b=2&a=1", ..REQUEST }));
        assert!(same(Request { query: "%61=%31&&b=2", ..REQUEST }));
        assert!(same(Request { headers: &[("host", b"two.example"), ("if-match", b" \"1\" ")], ..REQUEST }));
    }

    #[test]
    fn spellings_of_one_request_have_one_fingerprint() {
        assert!(same(Request { method: "post", ..REQUEST }));
        assert!(same(Request { path: "/v1/%74hings", ..REQUEST }));
        assert!(same(Request { media_type: "Application/JSON; charset=utf-8", ..REQUEST }));
        assert!(same(Request { body: br#" {"options":{"y":[1,2],"x":1}, "name":"n"}"#, ..REQUEST }));
    }

    #[test]
    fn every_part_that_means_something_changes_the_fingerprint() {
        for changed in [
            Request { method: "PATCH", ..REQUEST },
            Request { path: "/v1/thing", ..REQUEST },
            Request { path: "/v1%2Fthings", ..REQUEST },
            Request { path: "/v1/things/", ..REQUEST },
            Request { query: "a=1&b=3", ..REQUEST },
            Request { query: "a=1", ..REQUEST },
            Request { query: "a=1%26b=2", ..REQUEST },
            Request { query: "a=1&b=2&b=3", ..REQUEST },
            Request { media_type: "text/plain", ..REQUEST },
            Request { headers: &[("If-Match", b"\"2\"")], ..REQUEST },
            Request { headers: &[("If-Match", b"\"1\"\xff")], ..REQUEST },
            Request { headers: &[], ..REQUEST },
            Request { headers: &[("If-None-Match", b"\"1\"")], ..REQUEST },
            Request { body: br#"{"name":"n","options":{"x":1,"y":[2,1]}}"#, ..REQUEST },
            Request { body: b"", ..REQUEST },
        ] {
            assert!(!same(changed), "{changed:?}");
        }
        let values = |query| Fingerprint::of(&Request { query, ..REQUEST });
        assert_ne!(values("a=1&a=2"), values("a=2&a=1"));
        assert_eq!(values("a"), values("a="));
        assert_eq!(values("a=x+y"), values("a=x%20y"));
    }

    #[test]
    fn bodies_that_are_not_json_count_byte_by_byte() {
        let plain = |body| Fingerprint::of(&Request { media_type: "text/csv", body, ..REQUEST });
        assert_ne!(plain(b"{\"a\":1}"), plain(b"{ \"a\":1}"));
        let broken = |body| Fingerprint::of(&Request { body, ..REQUEST });
        assert_ne!(broken(b"{"), broken(b"{ "));
    }

    #[test]
    fn paths_normalise_and_odd_escapes_stay_apart() {
        for (path, expected) in [
            ("/a/%7euser", "/a/~user"),
            ("/a%2fb", "/a%2Fb"),
            ("/100%", "/100%25"),
            ("/%zz", "/%25zz"),
            ("/é", "/%C3%A9"),
            ("/%c3%a9", "/%C3%A9"),
        ] {
            assert_eq!(normalised_path(path), expected);
        }
    }
}

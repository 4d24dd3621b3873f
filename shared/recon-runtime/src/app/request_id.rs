//! The id by which a request is found in logs.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Ids;

/// The id of a request: the caller's own, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

/// The longest id that is taken from a caller.
const ID_BYTES_MAX: usize = 128;

impl RequestId {
    /// Where it travels, in requests and in responses.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// The id that the request brings, if it is one line of letters, digits and `._:~+/=-`; else a new one.
    pub(crate) fn of(headers: &HeaderMap, ids: &Ids) -> Self {
        let mut lines = headers.get_all(Self::HEADER).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) if is_id(line.as_bytes()) => Self(line.clone()),
            _ => Self::new(ids),
        }
    }

    fn new(ids: &Ids) -> Self {
        // Without randomness the request fails later, where it needs some; until then it has no id worth the name.
        let id = ids.next().unwrap_or_default();
        Self(HeaderValue::try_from(id.to_string()).unwrap_or(HeaderValue::from_static("-")))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(super) fn value(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_id(line: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:~+/=-".contains(byte);
    !line.is_empty() && line.len() <= ID_BYTES_MAX && line.iter().all(known)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

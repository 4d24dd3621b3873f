//! The answer that is kept for a key.

use uuid::Uuid;

/// The headers that are kept and replayed, in lower case. Anything else, above all `Set-Cookie`, is left out
/// when a [`StoredResponse`] is made.
pub const HEADERS_ALLOWED: [&str; 11] = [
    "cache-control",
    "content-disposition",
    "content-language",
    "content-location",
    "content-type",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "vary",
];

/// The longest body in bytes that a store keeps; what is longer is kept as a reference.
pub const INLINE_BYTES_MAX: usize = 256 * 1024;

/// An answer as it is stored and replayed: status, allow-listed headers, body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

/// The body of a stored answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The bytes, at most [`INLINE_BYTES_MAX`] of them.
    Inline(Vec<u8>),
    /// The id of what the body shows: it is rendered again on replay.
    Reference(Uuid),
}

/// Why an answer can't be kept. The effect has to be rolled back: without its answer it would run twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unstorable {
    /// A status of 500 and above says that the outcome is unknown, so replaying it would be a lie; one under 200 ends nothing.
    #[error("an answer with status {status} is never stored")]
    Status {
        /// The status.
        status: u16,
    },
    /// The body is longer than [`INLINE_BYTES_MAX`].
    #[error("an answer of {bytes} bytes is too long to be stored, {INLINE_BYTES_MAX} are allowed")]
    TooLong {
        /// The length of the body.
        bytes: usize,
    },
}

impl StoredResponse {
    /// An answer with its whole body. Headers that are not in [`HEADERS_ALLOWED`] are left out; names become lower case.
    #[must_use]
    pub fn new<N: AsRef<str>, V: Into<String>>(
        status: u16,
        headers: impl IntoIterator<Item = (N, V)>,
        body: Vec<u8>,
    ) -> Self {
        Self { status, headers: allowed(headers), body: Body::Inline(body) }
    }

    /// An answer whose body is too large to keep: it is rendered again from `id` on replay.
    #[must_use]
    pub fn reference<N: AsRef<str>, V: Into<String>>(
        status: u16,
        headers: impl IntoIterator<Item = (N, V)>,
        id: Uuid,
    ) -> Self {
        Self { status, headers: allowed(headers), body: Body::Reference(id) }
    }

    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Names in lower case, and values.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Status, headers and body.
    #[must_use]
    pub fn into_parts(self) -> (u16, Vec<(String, String)>, Body) {
        (self.status, self.headers, self.body)
    }

    /// Checks that this answer may be kept.
    ///
    /// # Errors
    /// [`Unstorable`].
    pub fn storable(&self) -> Result<(), Unstorable> {
        if !(200..500).contains(&self.status) {
            return Err(Unstorable::Status { status: self.status });
        }
        match &self.body {
            Body::Inline(bytes) if bytes.len() > INLINE_BYTES_MAX => {
                Err(Unstorable::TooLong { bytes: bytes.len() })
            }
            Body::Inline(_) | Body::Reference(_) => Ok(()),
        }
    }
}

fn allowed<N: AsRef<str>, V: Into<String>>(
    headers: impl IntoIterator<Item = (N, V)>,
) -> Vec<(String, String)> {
    headers
        .into_iter()
        .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into()))
        .filter(|(name, _)| HEADERS_ALLOWED.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_12_cookies_are_never_kept() {
        let headers = [
            ("Set-Cookie", "session=secret"),
            ("Location", "/v1/things/1"),
            ("Date", "now"),
            ("X-Secret", "s"),
        ];
        let response = StoredResponse::new(201, headers, Vec::new());
        assert_eq!(response.headers(), [("location".to_owned(), "/v1/things/1".to_owned())]);
        let response = StoredResponse::reference(201, headers, Uuid::nil());
        assert_eq!(response.headers(), [("location".to_owned(), "/v1/things/1".to_owned())]);
    }

    #[test]
    fn answers_of_unknown_outcome_and_long_ones_are_not_storable() {
        let of = |status, bytes| StoredResponse::new(status, [("etag", "1")], vec![0; bytes]).storable();
        assert_eq!(of(201, INLINE_BYTES_MAX), Ok(()));
        assert_eq!(of(201, INLINE_BYTES_MAX + 1), Err(Unstorable::TooLong { bytes: INLINE_BYTES_MAX + 1 }));
        for status in [0, 100, 500, 503] {
            assert_eq!(of(status, 0), Err(Unstorable::Status { status }));
        }
        assert_eq!(StoredResponse::reference(200, [("etag", "1")], Uuid::nil()).storable(), Ok(()));
    }
}

//! Problem documents (RFC 9457): the one shape of every error a client sees.

mod code;

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

pub use self::code::{Code, FieldCode};
use crate::route::Method;

/// One fault in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901); the empty one is the whole document.
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: FieldCode,
    /// What is wrong, for people.
    pub detail: String,
}

impl FieldError {
    /// A fault at a place.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: FieldCode, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }

    /// The same fault of a document that stands inside another one, at `prefix`.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.pointer, self.detail)
        }
    }
}

/// Every fault that was found in a document; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// The same faults of a document that stands inside another one, at `prefix`.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        Self(self.0.into_iter().map(|error| error.within(prefix)).collect())
    }
}

impl fmt::Display for FieldErrors {
    /// One fault a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

impl From<FieldErrors> for Problem {
    fn from(errors: FieldErrors) -> Self {
        Self::invalid(errors.0)
    }
}

/// An answer that is an error.
///
/// Serialises as `type`, `title`, `status`, `detail`, `code`, `request_id` and, where there are any,
/// `errors`. The other fields become headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong; decides `type`, `title` and `status`.
    pub code: Code,
    /// What went wrong this time: a sentence for the caller, without internals.
    pub detail: String,
    /// The places at fault, where the request is a document.
    pub errors: Vec<FieldError>,
    /// The request's id; put in where the answer is made.
    pub request_id: Option<String>,
    /// Seconds after which a retry makes sense: the header `Retry-After`.
    pub retry_after: Option<u32>,
    /// The methods of the path: the header `Allow`.
    pub allow: Vec<Method>,
}

impl Problem {
    /// The media type of a problem document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem of this code.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            request_id: None,
            retry_after: None,
            allow: Vec::new(),
        }
    }

    /// [`Code::ValidationFailed`] at these places. The detail repeats the first.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [] => Code::ValidationFailed.title().to_owned(),
            [only] => only.to_string(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        };
        Self { errors, ..Self::new(Code::ValidationFailed, detail) }
    }

    /// The same problem, worth a retry after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }

    /// The title.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.code.title()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status(), self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.code.type_uri())?;
        map.serialize_entry("title", self.title())?;
        map.serialize_entry("status", &self.status())?;
        map.serialize_entry("detail", &self.detail)?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("request_id", &self.request_id)?;
        if !self.errors.is_empty() {
            map.serialize_entry("errors", &self.errors)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_serialises_as_rfc_9457() {
        let mut problem = Problem::new(Code::NotFound, "no dataset of this id").retry_after(3);
        problem.request_id = Some("r-1".into());
        let expected = serde_json::json!({
            "type": "urn:recon:problem:not_found", "title": "There is nothing here", "status": 404,
            "detail": "no dataset of this id", "code": "not_found", "request_id": "r-1",
        });
        assert_eq!(serde_json::to_value(&problem).unwrap(), expected);
    }

    #[test]
    fn faults_are_listed_and_the_first_one_is_the_detail() {
        let fault = |pointer: &str| FieldError::new(pointer, FieldCode::Missing, "`left` is missing");
        let problem = Problem::invalid(vec![fault("/columns/amount").within("/rules"), fault("/a")]);
        assert_eq!(problem.detail, "/rules/columns/amount: `left` is missing (and 1 more)");
        let json = serde_json::to_value(&problem).unwrap();
        let first = serde_json::json!({"pointer": "/rules/columns/amount", "code": "missing", "detail": "`left` is missing"});
        assert_eq!(json["errors"][0], first);
        assert_eq!(Problem::invalid(vec![fault("")]).detail, "`left` is missing");
    }
}

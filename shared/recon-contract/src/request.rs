//! Requests: documents and queries that become typed values, with every fault at its place.

use serde_json::{Map, Value};

use crate::document::{Faults, Node};
use crate::json;
use crate::problem::{Code, FieldError, FieldErrors, Problem};

/// A request body.
pub trait Request: Sized {
    /// Whether a body of no bytes says the same as `{}`.
    const MAY_BE_EMPTY: bool = false;

    /// Reads the body, which is a JSON document.
    ///
    /// # Errors
    /// Every fault, with a JSON pointer into the body.
    fn from_document(document: &Value) -> Result<Self, FieldErrors>;
}

/// The query of a request.
pub trait Query: Sized {
    /// Reads the parameters, which are decoded already.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`] naming every parameter that is unknown, repeated or malformed, or
    /// [`Code::InvalidCursor`].
    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Problem>;
}

/// Reads a request body from its bytes.
///
/// # Errors
/// [`Code::MalformedBody`] when the bytes are not JSON, or JSON with a repeated field, whose place is named;
/// [`Code::ValidationFailed`] with every fault else.
pub fn parse<T: Request>(body: &[u8]) -> Result<T, Problem> {
    let document = match body {
        [] if T::MAY_BE_EMPTY => Value::Object(Map::new()),
        body => json::parse(body).map_err(malformed)?,
    };
    T::from_document(&document).map_err(Problem::from)
}

fn malformed(fault: FieldError) -> Problem {
    if fault.pointer.is_empty() {
        return Problem::new(Code::MalformedBody, format!("the body is not JSON: {fault}"));
    }
    let detail = fault.to_string();
    Problem { errors: vec![fault], ..Problem::new(Code::MalformedBody, detail) }
}

/// Reads a document with a function over its root.
pub(crate) fn read<T>(document: &Value, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, FieldErrors> {
    let faults = Faults::default();
    let value = read(&Node::root(document, &faults));
    faults.settle(value)
}

/// Reads a query with a function over the object of its parameters.
pub(crate) fn read_query<T>(
    parameters: &[(String, String)],
    read: impl FnOnce(&Node<'_>) -> Option<T>,
) -> Result<T, Problem> {
    let mut map = Map::new();
    for (name, value) in parameters {
        if map.insert(name.clone(), Value::String(value.clone())).is_some() {
            let name = crate::document::quoted(name);
            return Err(Problem::new(
                Code::InvalidParameter,
                format!("the parameter `{name}` is given twice"),
            ));
        }
    }
    self::read(&Value::Object(map), read)
        .map_err(|errors| Problem { code: Code::InvalidParameter, ..Problem::from(errors) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CompleteDataset, FieldCode, NewDataset};

    #[test]
    fn a_body_that_is_not_json_is_malformed_and_one_that_is_wrong_is_invalid() {
        let deep = "[".repeat(10_000);
        for body in ["", "{", "{'a': 1}", "{} {}", "\u{feff}{}", deep.as_str()] {
            let problem = parse::<CompleteDataset>(body.as_bytes()).unwrap_err();
            assert_eq!((problem.code, problem.errors.len()), (Code::MalformedBody, 0), "{body:.20}");
        }
        assert_eq!(parse::<CompleteDataset>(b"\xff\xfe").unwrap_err().code, Code::MalformedBody);
        let problem = parse::<NewDataset>(br#"{"nmae": "x", "format": 1}"#).unwrap_err();
        assert_eq!((problem.code, problem.status()), (Code::ValidationFailed, 422));
        let places: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(places, ["/nmae", "", "/format"]);
        assert_eq!(problem.detail, "/nmae: unknown field `nmae`, did you mean `name`? (and 2 more)");
    }

    #[test]
    fn a_body_that_says_a_thing_twice_is_malformed_and_the_place_is_named() {
        let body = br#"{"name": "x", "options": {"currency": "EUR", "currency": "USD"}}"#;
        let problem = parse::<NewDataset>(body).unwrap_err();
        assert_eq!((problem.code, problem.status()), (Code::MalformedBody, 400));
        let places: Vec<_> =
            problem.errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
        assert_eq!(places, [("/options/currency", FieldCode::Duplicate)]);
        assert!(problem.detail.starts_with("/options/currency: the field `currency` is repeated"));
    }
}

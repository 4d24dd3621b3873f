//! The OpenAPI 3.1 document: the route table, and beside it one entry an operation.
//!
//! What follows from a route is derived from it: who may call, which problems a body, a key, an id in the path or a
//! limit can bring. The entries add the rest: words, parameters, bodies with examples, answers, further codes. Schemas of
//! answers come from the wire types themselves; requests are read by hand, and so their schemas are written by hand, with
//! the limits of their parsers.

mod domain;
mod info;
mod operation;
mod operations;
mod parameters;
mod problems;
mod render;
mod requests;
mod schemas;

use serde_json::Value;

pub(crate) use self::domain::{BreakKind, BreakStatus, Cause, MatchStatus, RuleDocument, Side, UserRole};

/// A route without an operation, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The route table has a route that no operation describes.
    #[error(
        "`{0}` has no operation: add an entry for it to the file of its resource in \
         shared/recon-contract/src/openapi/operations/, then run `cargo xtask openapi`"
    )]
    Undescribed(String),
    /// An operation describes a route that the route table does not have, or has another way.
    #[error(
        "the operation `{0}` describes a route that is not in `route::ALL`: add the route there, or delete the entry \
         in shared/recon-contract/src/openapi/operations/"
    )]
    Unrouted(&'static str),
    /// Two operations describe one route, or bear one name.
    #[error("the operation `{0}` is described twice in shared/recon-contract/src/openapi/operations/")]
    Twice(&'static str),
}

/// The document.
///
/// # Errors
/// Routes and operations that do not belong together; see [`Error`].
pub fn document() -> Result<Value, Error> {
    render::document(&operations::paired()?)
}

/// The document as `openapi.json` holds it: indented, in a stable order, with a line end at its end.
///
/// # Errors
/// See [`document`].
pub fn text() -> Result<String, Error> {
    document().map(|document| format!("{document:#}\n"))
}

#[cfg(test)]
mod tests;

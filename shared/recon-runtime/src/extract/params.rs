//! Queries.

use axum::extract::FromRequestParts;
use axum::extract::Query;
use http::request::Parts;
use recon_contract::{Code, request};

use crate::Refusal;

/// The query as what it means. 400 that names every parameter which is unknown, repeated or malformed.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: request::Query> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(parameters) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Refusal::new(Code::InvalidParameter, "the query does not read"))?;
        Ok(Self(T::from_parameters(&parameters)?))
    }
}

//! Ids in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use recon_contract::Code;

use crate::Refusal;

/// The id in the path.
///
/// 400 that names the parameter when it is no id; whether the id is anybody's is the store's to say.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

/// An id as it is written everywhere: a UUID in hyphenated form.
const ID_BYTES: usize = 36;

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for PathId<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| malformed("id"))?;
        let (name, value) = params.iter().next().ok_or_else(|| malformed("id"))?;
        // UUIDs have other spellings, which would make two paths of one thing.
        let id = (value.len() == ID_BYTES).then(|| value.parse().ok()).flatten();
        id.map(Self).ok_or_else(|| malformed(name))
    }
}

fn malformed(name: &str) -> Refusal {
    Refusal::new(Code::InvalidParameter, format!("`{name}` in the path is not an id (a UUID)"))
}

//! A row of the table.

use uuid::Uuid;

use super::Read;
use crate::found::Found;
use crate::transition::{Record, State};
use crate::{Body, ClaimToken, Error, Fingerprint, Seed, StoreTime, StoredResponse};

pub(super) const IN_PROGRESS: &str = "in_progress";
pub(super) const COMPLETED: &str = "completed";

/// The clock, and beside it the columns of the record where there is one.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) now: i64,
    pub(crate) fingerprint: Option<Vec<u8>>,
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) fence: Option<i64>,
    pub(crate) claim_token: Option<Vec<u8>>,
    pub(crate) seed: Option<Vec<u8>>,
    pub(crate) lease_until: Option<i64>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) status: Option<i64>,
    pub(crate) headers: Option<String>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) reference: Option<Vec<u8>>,
}

impl Row {
    pub(crate) fn read(self) -> Result<Read, Error> {
        let now = StoreTime::from_micros(self.now);
        let found = match self.state.as_deref() {
            None => None,
            Some(IN_PROGRESS) => {
                let lease_until = StoreTime::from_micros(present(self.lease_until, "lease_until")?);
                Some(self.found(State::InProgress { lease_until })?)
            }
            Some(COMPLETED) => Some(self.found(State::Completed)?),
            Some(_) => return Err(Error::Corrupt { column: "state" }),
        };
        Ok((found, now))
    }

    fn found(self, state: State) -> Result<Found, Error> {
        let fence = present(self.fence, "fence")?;
        let record = Record {
            fingerprint: Fingerprint::from_bytes(bytes(self.fingerprint, "fingerprint")?),
            fence: u64::try_from(fence).map_err(|_| Error::Corrupt { column: "fence" })?,
            claim_token: ClaimToken::from_bytes(bytes(self.claim_token, "claim_token")?),
            state,
            expires_at: StoreTime::from_micros(present(self.expires_at, "expires_at")?),
        };
        let response = match state {
            State::InProgress { .. } => None,
            State::Completed => Some(response(self.status, self.headers, self.body, self.reference)?),
        };
        Ok(Found {
            record,
            seed: Seed::from_bytes(bytes(self.seed, "seed")?),
            method: present(self.method, "method")?,
            path: present(self.path, "path")?,
            response,
        })
    }
}

fn response(
    status: Option<i64>,
    headers: Option<String>,
    body: Option<Vec<u8>>,
    reference: Option<Vec<u8>>,
) -> Result<StoredResponse, Error> {
    let status =
        u16::try_from(present(status, "status")?).map_err(|_| Error::Corrupt { column: "status" })?;
    let headers: Vec<(String, String)> = serde_json::from_str(&present(headers, "headers")?)
        .map_err(|_| Error::Corrupt { column: "headers" })?;
    match body {
        Some(body) => Ok(StoredResponse::new(status, headers, body)),
        None => {
            let id = Uuid::from_bytes(bytes(reference, "reference")?);
            Ok(StoredResponse::reference(status, headers, id))
        }
    }
}

fn present<T>(value: Option<T>, column: &'static str) -> Result<T, Error> {
    value.ok_or(Error::Corrupt { column })
}

fn bytes<const N: usize>(value: Option<Vec<u8>>, column: &'static str) -> Result<[u8; N], Error> {
    value.and_then(|bytes| bytes.try_into().ok()).ok_or(Error::Corrupt { column })
}

/// A fence as a database keeps it: no record is ever claimed 2^63 times.
pub(super) fn integer(fence: u64) -> i64 {
    i64::try_from(fence).unwrap_or(i64::MAX)
}

/// The columns of an answer.
#[derive(Debug, Default)]
pub(crate) struct AnswerColumns<'a> {
    pub(crate) status: Option<i64>,
    pub(crate) headers: Option<String>,
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) reference: Option<&'a [u8]>,
}

impl<'a> AnswerColumns<'a> {
    pub(crate) fn of(response: &'a StoredResponse) -> Self {
        let (body, reference) = match response.body() {
            Body::Inline(bytes) => (Some(bytes.as_slice()), None),
            Body::Reference(id) => (None, Some(id.as_bytes().as_slice())),
        };
        let headers = serde_json::json!(response.headers()).to_string();
        Self { status: Some(i64::from(response.status())), headers: Some(headers), body, reference }
    }
}

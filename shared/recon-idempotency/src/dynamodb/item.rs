//! A record as an item of the table.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::found::Found;
use crate::transition::{Record, State};
use crate::{
    Body, Claim, ClaimToken, Error, Fingerprint, RecordId, Seed, StoreTime, StoredResponse, Unanswered,
    Unstorable,
};

/// The names of attributes and their values.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The key of the table.
pub(super) const PK: &str = "pk";
/// When the table may delete the item, in seconds since 1970.
pub(super) const TTL: &str = "ttl";
pub(super) const FENCE: &str = "fence";
pub(super) const CLAIM_TOKEN: &str = "claim_token";
pub(super) const STATE: &str = "state";
pub(super) const LEASE_UNTIL: &str = "lease_until";
pub(super) const EXPIRES_AT: &str = "expires_at";
pub(super) const IN_PROGRESS: &str = "in_progress";
const COMPLETED: &str = "completed";

/// How many bytes of a method and of a path are kept; the fingerprint covers all of them.
const METHOD_BYTES_MAX: usize = 1024;
const PATH_BYTES_MAX: usize = 32 * 1024;
/// What is left of the 400 KB of an item for the answer's headers and body.
const ANSWER_BYTES_MAX: usize = 400 * 1024 - PATH_BYTES_MAX - 2 * METHOD_BYTES_MAX;
/// A lease that was given back has ended on every clock.
const GIVEN_BACK: StoreTime = StoreTime::from_micros(0);

/// An attribute that a write sets.
pub(super) type Attribute = (&'static str, AttributeValue);

pub(super) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(super) fn number(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

pub(super) fn key(id: RecordId) -> Attribute {
    (PK, bytes(id.as_bytes()))
}

/// A record that is claimed for a lease.
pub(super) fn in_progress(request: &Unanswered, claim: &Claim, lease: &Lease, skew_max: Duration) -> Item {
    let mut item = claimed(request, claim);
    item.extend(owned(vec![(STATE, text(IN_PROGRESS))]));
    item.extend(owned(lease.attributes(skew_max)));
    item
}

/// A record that is completed from its beginning.
pub(super) fn completed(
    request: &Unanswered,
    claim: &Claim,
    answer: &Answer<'_>,
    skew_max: Duration,
) -> Item {
    let mut item = claimed(request, claim);
    item.extend(owned(answer.attributes(skew_max)));
    item
}

fn claimed(request: &Unanswered, claim: &Claim) -> Item {
    owned(vec![
        key(claim.id),
        ("fingerprint", bytes(claim.proof.fingerprint.as_bytes())),
        ("method", text(cut(&request.method, METHOD_BYTES_MAX))),
        ("path", text(cut(&request.path, PATH_BYTES_MAX))),
        (FENCE, number(claim.proof.fence)),
        (CLAIM_TOKEN, bytes(claim.proof.claim_token.as_bytes())),
        ("seed", bytes(claim.seed.as_bytes())),
    ])
    .collect()
}

fn owned(attributes: Vec<Attribute>) -> impl Iterator<Item = (String, AttributeValue)> {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value))
}

fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

/// When a lease and its record end.
pub(super) struct Lease {
    pub(super) lease_until: StoreTime,
    expires_at: StoreTime,
}

impl Lease {
    /// The record lasts at least until somebody may take it over: after that somebody else's key would have other ids.
    pub(super) fn new(now: StoreTime, lease: Duration, retention: Duration, skew_max: Duration) -> Self {
        let lease_until = now.plus(lease);
        Self { lease_until, expires_at: lease_until.plus(skew_max).max(now.plus(retention)) }
    }

    pub(super) fn attributes(&self, skew_max: Duration) -> Vec<Attribute> {
        let mut attributes = expiry(self.expires_at, skew_max);
        attributes.push((LEASE_UNTIL, number(self.lease_until.micros())));
        attributes
    }
}

/// What a lease becomes that is given back while the record stays.
pub(super) fn given_back() -> Vec<Attribute> {
    vec![(LEASE_UNTIL, number(GIVEN_BACK.micros()))]
}

/// An answer that is kept until then.
pub(super) struct Answer<'a> {
    response: &'a StoredResponse,
    headers: String,
    pub(super) expires_at: StoreTime,
}

impl<'a> Answer<'a> {
    /// Refuses what must not be kept, or has no room in an item.
    pub(super) fn new(response: &'a StoredResponse, expires_at: StoreTime) -> Result<Self, Unstorable> {
        response.storable()?;
        let headers = serde_json::json!(response.headers()).to_string();
        let body = match response.body() {
            Body::Inline(body) => body.len(),
            Body::Reference(id) => id.as_bytes().len(),
        };
        match headers.len().saturating_add(body) {
            bytes if bytes > ANSWER_BYTES_MAX => Err(Unstorable::TooLong { bytes }),
            _ => Ok(Self { response, headers, expires_at }),
        }
    }

    pub(super) fn attributes(&self, skew_max: Duration) -> Vec<Attribute> {
        let mut attributes = expiry(self.expires_at, skew_max);
        attributes.extend([
            (STATE, text(COMPLETED)),
            ("status", number(self.response.status())),
            ("headers", text(&self.headers)),
            match self.response.body() {
                Body::Inline(body) => ("body", bytes(body)),
                Body::Reference(id) => ("reference", bytes(id.as_bytes())),
            },
        ]);
        attributes
    }

    /// Whether this very answer is what a claim has left there: by a request that came twice.
    pub(super) fn is_left_by(&self, claim: &Claim, found: &Found) -> bool {
        let record = &found.record;
        record.state == State::Completed
            && record.claim_token == claim.proof.claim_token
            && record.expires_at == self.expires_at
            && found.response.as_ref() == Some(self.response)
    }
}

/// The table's own clock decides about `ttl`, in whole seconds, so it is later than the end for any caller. That clock differs
/// from theirs as well, also where all of them have one.
fn expiry(expires_at: StoreTime, skew_max: Duration) -> Vec<Attribute> {
    let seconds = expires_at.plus(skew_max.max(super::SKEW_MAX)).micros() / 1_000_000;
    vec![(EXPIRES_AT, number(expires_at.micros())), (TTL, number(seconds + 1))]
}

/// Reads an item. Callers' clocks may differ by so much: only then has a lease ended for all of them.
pub(super) fn read(item: &Item, skew_max: Duration) -> Result<Found, Error> {
    let state = match as_text(item, STATE)?.as_str() {
        IN_PROGRESS => State::InProgress { lease_until: as_time(item, LEASE_UNTIL)?.plus(skew_max) },
        COMPLETED => State::Completed,
        _ => return Err(Error::Corrupt { column: STATE }),
    };
    let record = Record {
        fingerprint: Fingerprint::from_bytes(as_bytes(item, "fingerprint")?),
        fence: as_number(item, FENCE)?,
        claim_token: ClaimToken::from_bytes(as_bytes(item, CLAIM_TOKEN)?),
        state,
        expires_at: as_time(item, EXPIRES_AT)?,
    };
    let response = match state {
        State::InProgress { .. } => None,
        State::Completed => Some(response(item)?),
    };
    Ok(Found {
        record,
        seed: Seed::from_bytes(as_bytes(item, "seed")?),
        method: as_text(item, "method")?,
        path: as_text(item, "path")?,
        response,
    })
}

fn response(item: &Item) -> Result<StoredResponse, Error> {
    let status = as_number(item, "status")?;
    let headers: Vec<(String, String)> =
        serde_json::from_str(&as_text(item, "headers")?).map_err(|_| Error::Corrupt { column: "headers" })?;
    match item.get("body") {
        Some(AttributeValue::B(body)) => Ok(StoredResponse::new(status, headers, body.as_ref().to_vec())),
        Some(_) => Err(Error::Corrupt { column: "body" }),
        None => {
            let id = Uuid::from_bytes(as_bytes(item, "reference")?);
            Ok(StoredResponse::reference(status, headers, id))
        }
    }
}

fn as_text(item: &Item, column: &'static str) -> Result<String, Error> {
    match item.get(column) {
        Some(AttributeValue::S(text)) => Ok(text.clone()),
        _ => Err(Error::Corrupt { column }),
    }
}

fn as_number<N: std::str::FromStr>(item: &Item, column: &'static str) -> Result<N, Error> {
    match item.get(column) {
        Some(AttributeValue::N(digits)) => digits.parse().map_err(|_| Error::Corrupt { column }),
        _ => Err(Error::Corrupt { column }),
    }
}

fn as_time(item: &Item, column: &'static str) -> Result<StoreTime, Error> {
    as_number(item, column).map(StoreTime::from_micros)
}

fn as_bytes<const N: usize>(item: &Item, column: &'static str) -> Result<[u8; N], Error> {
    match item.get(column) {
        Some(AttributeValue::B(bytes)) => bytes.as_ref().try_into().map_err(|_| Error::Corrupt { column }),
        _ => Err(Error::Corrupt { column }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_cut_between_characters() {
        assert_eq!((cut("/ü", 3), cut("/ü", 2), cut("", 2)), ("/ü", "/", ""));
    }

    #[test]
    fn headers_and_body_together_have_room_in_an_item_or_are_refused() {
        let body = vec![b' '; crate::INLINE_BYTES_MAX];
        let at = StoreTime::from_micros(0);
        let answer = |link: usize| StoredResponse::new(200, [("link", "x".repeat(link))], body.clone());
        let left = ANSWER_BYTES_MAX - body.len() - r#"[["link",""]]"#.len();
        assert!(Answer::new(&answer(left), at).is_ok());
        let refused = Answer::new(&answer(left + 1), at).err();
        assert_eq!(refused, Some(Unstorable::TooLong { bytes: ANSWER_BYTES_MAX + 1 }));
    }

    #[test]
    fn the_table_deletes_nothing_that_counts_on_any_clock() {
        let at = StoreTime::from_micros(1_790_000_000_999_999);
        for (skew_max, later) in [(0, 6), (5, 6), (60, 61)] {
            let expiry = expiry(at, Duration::from_secs(skew_max));
            assert_eq!(expiry[1], (TTL, number(1_790_000_000 + later)), "{skew_max} s");
        }
        let never = expiry(StoreTime::from_micros(i64::MAX), Duration::ZERO);
        assert_eq!(never[1], (TTL, number(i64::MAX / 1_000_000 + 1)));
    }
}

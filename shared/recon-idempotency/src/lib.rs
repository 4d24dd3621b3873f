#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(any(
        feature = "embedded",
        feature = "postgres",
        feature = "redis",
        feature = "memory",
        feature = "aws"
    )),
    expect(dead_code, reason = "without a store only the types and the transition function are left")
)]

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "aws")]
pub mod dynamodb;
mod error;
mod fingerprint;
mod found;
mod guard;
mod json;
mod key;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(any(feature = "embedded", feature = "postgres", feature = "memory", feature = "aws"))]
pub mod message;
pub mod metrics;
mod open;
#[cfg(feature = "postgres")]
pub mod postgres;
mod prefer;
mod record;
#[cfg(feature = "redis")]
pub mod redis;
mod response;
#[cfg(any(feature = "embedded", feature = "postgres"))]
mod sql;
#[cfg(feature = "embedded")]
pub mod sqlite;
mod store;
mod time;
pub mod transition;
#[cfg(any(feature = "embedded", feature = "postgres", feature = "memory", feature = "aws"))]
pub mod work;

pub use error::Error;
pub use fingerprint::{Fingerprint, Request};
pub use guard::{ClaimOutcome, Guard, RETENTION_DEFAULT, Unanswered};
pub use key::{IdempotencyKey, KEY_BYTES_MAX, KeyError, RecordId, Scope};
pub use open::{OpenError, open};
pub use prefer::{WAIT_MAX, preferred_wait};
pub use record::{Claim, ClaimToken, Claimed, Completion, Entry, EntryState, Extension, Held, Release, Seed};
pub use response::{Body, HEADERS_ALLOWED, INLINE_BYTES_MAX, StoredResponse, Unstorable};
pub use store::ClaimStore;
pub use time::StoreTime;

#![doc = include_str!("../README.md")]

mod fingerprint;
mod guard;
mod json;
mod key;
mod record;
mod response;
pub mod sqlite;
mod time;
pub mod transition;

pub use fingerprint::{Fingerprint, Request};
pub use guard::{ClaimOutcome, Guard, RETENTION_DEFAULT, Unanswered};
pub use key::{IdempotencyKey, KEY_BYTES_MAX, KeyError, RecordId, Scope};
pub use record::{Claim, ClaimToken, Claimed, Completion, Entry, EntryState, Extension, Held, Release, Seed};
pub use response::{Body, HEADERS_ALLOWED, INLINE_BYTES_MAX, StoredResponse, Unstorable};
pub use time::StoreTime;

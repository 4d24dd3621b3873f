#![doc = include_str!("../README.md")]

mod attributes;
pub mod backend;
mod error;
mod lifetimes;
pub mod password;
#[cfg(feature = "cluster")]
pub mod postgres;
mod record;
mod sessions;
#[cfg(feature = "embedded")]
pub mod sqlite;
mod token;

pub use attributes::{ATTRIBUTES_BYTES_MAX, Attributes, Patch};
pub use error::Error;
pub use lifetimes::{AbsoluteLifetime, IdleTimeout, LifetimeError, Lifetimes};
pub use record::{NewSession, Opened, SessionRecord};
pub use sessions::{Revocation, Rotation, SESSIONS_LISTED_MAX, SessionPage, SessionSeek, Sessions, Touch};
pub use token::{SessionToken, Tag, TokenError, TokenHash};

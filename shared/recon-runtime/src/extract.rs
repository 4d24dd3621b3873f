//! What handlers take: parsed, checked, and with the refusal ready when it is not.
//!
//! The order of the checks is the order of the handler's arguments, after those that the route table demands of
//! every request (size, session, role): `State`, then `Caller`, then `PathId` and `Params`, and the body last.

mod content;
mod if_none_match;
mod keyed;
mod params;
mod path_id;
mod payload;

pub use content::Content;
pub use if_none_match::IfNoneMatch;
pub use keyed::{Keyed, OwnKey, Repeatable};
pub use params::Params;
pub use path_id::PathId;
pub use payload::Payload;

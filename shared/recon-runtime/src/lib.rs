#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod caller;
mod client_address;
mod clock;
pub mod config;
mod consume;
mod container;
mod cookie;
mod environment;
mod extract;
mod gate;
mod ids;
mod lambda;
mod mount;
mod platform;
mod problem;
mod process;
mod refusals;
mod serve;
pub mod setting;
mod telemetry;
#[cfg(test)]
mod tests;
pub mod wire;

pub use answer::{Answer, Reply};
pub use app::{RequestId, app};
pub use caller::Caller;
pub use client_address::ClientAddress;
pub use clock::Clock;
pub use consume::{FAILURE_PAUSE_MAX, POLL_PAUSE, Turn, consume, consume_jobs};
pub use container::{listen, serve_router};
pub use cookie::SessionCookie;
pub use environment::{Effective, Environment, SettingError};
pub use extract::{Content, IfNoneMatch, Keyed, Params, PathId, Payload, Repeatable};
pub use gate::REQUEST_TIME;
pub use ids::Ids;
pub use mount::Mount;
pub use platform::{Platform, store_config};
pub use problem::{Outcome, Refusal, because};
pub use process::{DRAIN_WAIT, GRACE, Process};
pub use serve::serve;
pub use telemetry::start as start_telemetry;

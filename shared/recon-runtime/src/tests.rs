//! The runtime as handlers and clients meet it: requests through `app`, on a store of their own.

mod admin;
mod agreement;
mod answers;
mod bodies;
mod container;
mod downloads;
mod events;
mod gate;
mod generated_events;
mod metrics;
mod probes;
mod surroundings;
mod wire;
pub(crate) mod world;

//! Every end-to-end test, in one binary: real processes, private folders, free ports.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bad_requests;
mod buckets;
mod cancel;
mod chaos;
mod command_line;
mod crash;
mod datasets;
mod flow;
mod idempotency;
mod isolation;
mod match_files;
mod metrics;
mod openapi;
mod parity;
mod payloads;
mod program;
mod push;
mod reconciliation_export;
mod rejection_list;
mod restaurants;
mod rolling;
mod runs;
mod schema;
mod sessions;
mod startup;
mod suggest;
mod support;
mod sweeper;
mod verify;
mod worker;

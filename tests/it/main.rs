//! Every end-to-end test, in one binary: real processes, private folders, free ports.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bad_requests;
mod crash;
mod flow;
mod isolation;
mod match_files;
mod restaurants;
mod support;
mod worker;

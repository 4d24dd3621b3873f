//! Every end-to-end test, in one binary: real processes, private folders, free ports.

mod bad_requests;
mod crash;
mod flow;
mod isolation;
mod match_files;
mod restaurants;
mod support;
mod worker;

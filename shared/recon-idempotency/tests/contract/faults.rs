//! The faults that other implementations had. Each has a check that every store passes, and that finds a store, a layer or
//! a client with the fault: a check that cannot fail proves nothing.

mod faulty;
mod holder;
mod layer;
mod time;

use std::fmt::Debug;

/// What a check found.
type Found = Result<(), String>;

/// Whether what was found is what the contract says.
fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Found {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} and not {expected:?}")) }
}

/// Asserts that a check found the fault, and this one.
#[track_caller]
fn red(found: Found, what: &str) {
    let error = found.expect_err("the fault is not found");
    assert!(error.starts_with(what), "another fault is found: {error}");
}

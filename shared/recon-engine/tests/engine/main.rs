//! The engine against its specification: a slow oracle, properties, and one case for each kind of break.
#![cfg(test)]
#![expect(unreachable_pub, reason = "modules of a test binary")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the oracle counts a handful of rows, days and letters"
)]

mod breaks;
mod case;
mod checking;
mod limits;
mod oracle;
mod properties;
mod recounting;
mod stopping;
mod strategies;

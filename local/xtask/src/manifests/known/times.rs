//! How long the program waits, by the rows of the table of times in SCALING.md. Read from where it is written.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::number_after;

/// A number in the source: its file, and what stands before it.
type Place = (&'static str, &'static str);

/// The rows that the program alone is behind, and its numbers in their order.
const ROWS: [(&str, &[Place]); 7] = [
    (
        "client",
        &[(
            "local/server/src/command/push/client.rs",
            "const ANSWER_TIME_MAX: Duration = Duration::from_secs(",
        )],
    ),
    (
        "server keeps an idle connection",
        &[(
            "shared/recon-runtime/src/container/connection.rs",
            "const KEEP_ALIVE: Duration = Duration::from_secs(",
        )],
    ),
    (
        "a request in the server",
        &[
            ("shared/recon-runtime/src/gate.rs", "const REQUEST_TIME: Duration = Duration::from_secs("),
            ("shared/recon-contract/src/reconciliation.rs", "const WAIT_SECONDS_MAX: u32 = "),
            ("shared/recon-runtime/src/download.rs", "const CLIENT_WAIT: Duration = Duration::from_secs("),
        ],
    ),
    ("a statement; a lock", &[(DATABASE, "\"set statement_timeout = '"), (DATABASE, "set lock_timeout = '")]),
    (
        "whatever the database does, a commit that waits for a replica too",
        &[(DATABASE, "const ANSWER_MAX: Duration = Duration::from_secs(")],
    ),
    ("a connection from the pool", &[(DATABASE, "const POOL_WAIT_MAX: Duration = Duration::from_secs(")]),
    (
        "a job's lease; its heartbeat",
        &[
            ("shared/recon-store/src/job.rs", "const LEASE_DURATION: Duration = Duration::from_secs("),
            ("shared/recon-store/src/job.rs", "const HEARTBEAT_INTERVAL: Duration = Duration::from_secs("),
        ],
    ),
];
const DATABASE: &str = "shared/recon-store/src/postgres.rs";

/// Each row with the program's seconds.
pub(super) fn read(root: &Path) -> Result<Vec<(String, Vec<u64>)>> {
    let number = |(file, begin): &Place| {
        let text = fs::read_to_string(root.join(file)).with_context(|| format!("read {file}"))?;
        number_after(&text, begin).with_context(|| format!("read {file}"))
    };
    let row = |(who, places): &(&str, &[Place])| {
        Ok(((*who).to_owned(), places.iter().map(number).collect::<Result<_>>()?))
    };
    ROWS.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_still_where_it_is_looked_for() {
        let found = read(&crate::workspace::root()).unwrap();
        assert_eq!(found.len(), ROWS.len());
        assert!(found.iter().all(|(_, seconds)| seconds.iter().all(|seconds| *seconds > 0)), "{found:?}");
    }
}

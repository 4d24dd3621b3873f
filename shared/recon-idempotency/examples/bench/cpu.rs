//! How long threads were on a processor: what tells two shapes apart on a machine that others use as well.

use std::fs;
use std::time::Duration;

/// The time of every thread that a process has now; nothing where the system does not tell.
pub(crate) fn of_process(pid: &str) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.map(|thread| on_processor(&format!("{}/schedstat", thread.path().display()))).sum()
}

/// The time of the thread that asks.
pub(crate) fn of_thread() -> Duration {
    on_processor("/proc/thread-self/schedstat")
}

/// The first number of such a file, in nanoseconds.
fn on_processor(file: &str) -> Duration {
    let text = fs::read_to_string(file).unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.map_or(Duration::ZERO, Duration::from_nanos)
}

//! What workers count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::metrics::{counter, describe_counter};
use recon_store::JobKind;

use super::text::Metric;

const FINISHED: &str = "recon_jobs_finished_total";
const TAKEOVERS: &str = "recon_lease_takeovers_total";
const ROWS: &str = "recon_engine_rows_total";
const ENGINE: Metric = Metric {
    name: "recon_engine_seconds_total",
    kind: "counter",
    about: "Seconds that the engine took to match and classify the rows of recon_engine_rows_total.",
};

/// Counters of the recorder are whole numbers.
static ENGINE_MICROS: AtomicU64 = AtomicU64::new(0);

/// How a worker came to the end of a job that it had taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The job is done, also where its data are at fault, which its subject says.
    Succeeded,
    /// The attempt failed for a reason on this side: it is tried again, or given up.
    Failed,
    /// It was given back, for another worker to take.
    Released,
    /// Somebody stopped what the job is about.
    Cancelled,
    /// The lease was lost, or the end could not be written down, so that the lease will run out.
    Lost,
}

impl Ended {
    const ALL: [Self; 5] = [Self::Succeeded, Self::Failed, Self::Released, Self::Cancelled, Self::Lost];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}

/// Counts a job that a worker of this process had taken, once.
pub fn job_finished(kind: JobKind, ended: Ended) {
    counter!(FINISHED, "kind" => kind.as_str(), "outcome" => ended.as_str()).increment(1);
}

/// Counts a job that was taken because the lease of the worker before had run out.
pub fn lease_taken_over() {
    counter!(TAKEOVERS).increment(1);
}

/// Counts a run of the engine that came to its end: the rows of the left and of the right side, and how long it took.
pub fn engine_ran([left, right]: [u64; 2], took: Duration) {
    counter!(ROWS, "side" => "left").increment(left);
    counter!(ROWS, "side" => "right").increment(right);
    ENGINE_MICROS.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

pub(super) fn describe() {
    let about = "Jobs that workers of this process had taken, by how that ended; several attempts at a job are several.";
    describe_counter!(FINISHED, about);
    for kind in JobKind::ALL {
        for ended in Ended::ALL {
            counter!(FINISHED, "kind" => kind.as_str(), "outcome" => ended.as_str()).increment(0);
        }
    }
    let about = "Jobs that were taken because the lease of the worker before had run out.";
    describe_counter!(TAKEOVERS, about);
    counter!(TAKEOVERS).increment(0);
    describe_counter!(ROWS, "Rows that the engine was given, in runs that it finished.");
    for side in ["left", "right"] {
        counter!(ROWS, "side" => side).increment(0);
    }
}

pub(super) fn render_engine(text: &mut String) {
    let took = Duration::from_micros(ENGINE_MICROS.load(Ordering::Relaxed));
    ENGINE.render(text, &[("", took.as_secs_f64())]);
}

//! What this process counts, for Prometheus: the one place where it is described. Every series that can be known beforehand is
//! there at its first value, so that no query meets one that is not there yet. Where nothing is recorded, counting does nothing.

mod database;
mod requests;
mod text;
mod work;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::metrics::{Unit, describe_gauge, gauge, set_global_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use self::database::Watched;
pub(crate) use self::requests::InFlight;
pub use self::work::{Ended, engine_ran, job_finished, lease_taken_over};
use crate::Platform;

/// The limits of histograms of seconds: from a statement to the longest lease.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// How often values that nobody has fetched are put together.
const UPKEEP_PAUSE: Duration = Duration::from_secs(5);

/// What was counted, in one place for the process.
static RECORDED: OnceLock<PrometheusHandle> = OnceLock::new();
/// Whether this process answers requests.
static SERVES: AtomicBool = AtomicBool::new(false);

/// What a scrape is answered with.
pub(crate) struct Metrics {
    recorded: &'static PrometheusHandle,
    database: Watched,
}

impl Metrics {
    /// Starts counting. What the process counts it counts once, however often this is called.
    pub(crate) fn start(platform: &Platform) -> Self {
        let recorded = RECORDED.get_or_init(record);
        describe(platform);
        if SERVES.load(Ordering::SeqCst) {
            requests::start();
        }
        let metrics = Self { recorded, database: Watched::of(platform) };
        metrics.database.describe();
        work::describe();
        metrics
    }

    /// Everything, in the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        self.database.look_at_pools();
        let mut text = self.recorded.render();
        self.database.render_backlog(&mut text);
        work::render_engine(&mut text);
        text
    }

    /// Keeps the metrics true for as long as it is polled.
    pub(crate) async fn keep(&self) {
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP_PAUSE).await;
                self.recorded.run_upkeep();
            }
        };
        tokio::join!(upkeep, self.database.refresh());
    }
}

/// Says that this process answers requests, which are counted if anything is, now or later.
pub(crate) fn serves() {
    SERVES.store(true, Ordering::SeqCst);
    if RECORDED.get().is_some() {
        requests::start();
    }
}

fn record() -> PrometheusHandle {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    // Only a histogram without any limits is refused.
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS);
    let recorder = builder.unwrap_or_default().build_recorder();
    let handle = recorder.handle();
    if set_global_recorder(recorder).is_err() {
        tracing::warn!("metrics are recorded elsewhere already");
    }
    handle
}

fn describe(platform: &Platform) {
    describe_gauge!("recon_build_info", "The version of this process; always 1.");
    gauge!("recon_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    let about = "When this process started, in seconds since 1970.";
    describe_gauge!("process_start_time_seconds", Unit::Seconds, about);
    let started = Duration::from_micros(platform.clock.now().micros().try_into().unwrap_or(0));
    gauge!("process_start_time_seconds").set(started.as_secs_f64());
    recon_idempotency::metrics::describe(&[platform.store.keys().kind()]);
}

//! What this process counts, for Prometheus. Every metric that the process has is described here and starts at its first
//! value, so that no query meets a series that is not there yet.

use std::sync::OnceLock;

use ::metrics::{Unit, describe_gauge, gauge, set_global_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Platform;

/// The limits of histograms of seconds: from a statement to the longest lease.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Starts counting. A second call in a process starts nothing new.
pub(crate) fn start(platform: &Platform) -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        // Only a histogram without any limits is refused.
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS);
        let recorder = builder.unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        if set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics are recorded elsewhere already");
        }
        handle
    });
    describe(platform);
    handle
}

fn describe(platform: &Platform) {
    describe_gauge!("recon_build_info", "The version of this process; always 1.");
    gauge!("recon_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    let about = "When this process started, in seconds since 1970.";
    describe_gauge!("process_start_time_seconds", Unit::Seconds, about);
    let started = std::time::Duration::from_micros(platform.clock.now().micros().try_into().unwrap_or(0));
    gauge!("process_start_time_seconds").set(started.as_secs_f64());
    recon_idempotency::metrics::describe(&[platform.store.keys().kind()]);
}

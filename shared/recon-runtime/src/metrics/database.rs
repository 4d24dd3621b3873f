//! What is asked of the database and of the connections to it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::metrics::{counter, describe_counter, describe_gauge, gauge};
use recon_store::{Backlog, POOL_WAIT_TIMEOUTS, Store};
use tokio::time::Instant;

use super::text::Metric;
use crate::{Platform, Process, because};

/// How often the jobs are counted.
const REFRESH_PAUSE: Duration = Duration::from_secs(10);
/// How old a count may be. Once the database does not answer it is older after this at the latest.
const KNOWN_MAX: Duration = Duration::from_secs(30);

const JOBS: Metric = Metric {
    name: "recon_jobs",
    kind: "gauge",
    about: "Jobs of the whole database that wait or that a worker has; absent while the database does not answer.",
};
const OLDEST: Metric = Metric {
    name: "recon_jobs_oldest_age_seconds",
    kind: "gauge",
    about: "For how long the oldest of these jobs is due, by the database's clock; 0 without any, absent with recon_jobs.",
};
const REFRESH_ERRORS: &str = "recon_jobs_refresh_errors_total";
const CONNECTIONS: &str = "recon_database_pool_connections";
const CONNECTIONS_MAX: &str = "recon_database_pool_connections_max";

/// A database, and what is known of it.
pub(super) struct Watched {
    store: Store,
    process: Process,
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    backlog: Backlog,
    since: Instant,
}

impl Watched {
    pub(super) fn of(platform: &Platform) -> Self {
        let Platform { store, process, .. } = platform;
        Self { store: store.clone(), process: process.clone(), known: Mutex::default() }
    }

    pub(super) fn describe(&self) {
        describe_counter!(REFRESH_ERRORS, "How often the database did not say how many jobs there are.");
        counter!(REFRESH_ERRORS).increment(0);
        describe_gauge!(CONNECTIONS, "Open connections to the database, and those that are being opened.");
        describe_gauge!(CONNECTIONS_MAX, "The most connections that the pool opens.");
        let about = "Callers that waited for a connection until they gave up, also because the database was not there.";
        describe_counter!(POOL_WAIT_TIMEOUTS, about);
        counter!(POOL_WAIT_TIMEOUTS).increment(0);
        self.look_at_pools();
    }

    /// Takes down how many connections there are.
    pub(super) fn look_at_pools(&self) {
        for pool in self.store.pools() {
            gauge!(CONNECTIONS, "pool" => pool.name, "state" => "idle").set(pool.idle);
            gauge!(CONNECTIONS, "pool" => pool.name, "state" => "used").set(pool.used);
            gauge!(CONNECTIONS_MAX, "pool" => pool.name).set(pool.max);
        }
    }

    /// Counts the jobs again and again.
    pub(super) async fn refresh(&self) {
        loop {
            self.look_at_jobs().await;
            tokio::time::sleep(REFRESH_PAUSE).await;
        }
    }

    async fn look_at_jobs(&self) {
        let jobs = self.store.jobs();
        // On a task of its own: nobody ends it in the middle.
        let counted = match tokio::spawn(async move { jobs.backlog().await }).await {
            Ok(Ok(backlog)) => Some(backlog),
            Ok(Err(error)) => {
                self.not_counted(&error);
                None
            }
            Err(panic) => {
                self.not_counted(&panic);
                None
            }
        };
        let known = counted.map(|backlog| Known { backlog, since: Instant::now() });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    fn not_counted(&self, error: &(dyn std::error::Error + 'static)) {
        // A process that ends has closed its connections.
        if !self.process.is_draining() {
            tracing::warn!(%error, because = because(error), "jobs not counted");
        }
        counter!(REFRESH_ERRORS).increment(1);
    }

    /// Writes the jobs, unless it is not known how many there are: what was true once says nothing.
    pub(super) fn render_backlog(&self, text: &mut String) {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Known { backlog: Backlog { queued, running }, .. }) =
            known.filter(|known| known.since.elapsed() < KNOWN_MAX)
        else {
            return;
        };
        let both = |queued, running| [(r#"{state="queued"}"#, queued), (r#"{state="running"}"#, running)];
        let number = |jobs| f64::from(u32::try_from(jobs).unwrap_or(u32::MAX));
        JOBS.render(text, &both(number(queued.jobs), number(running.jobs)));
        OLDEST.render(text, &both(queued.oldest_age.as_secs_f64(), running.oldest_age.as_secs_f64()));
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::tests::world::World;

    fn told(watched: &Watched) -> String {
        let mut text = String::new();
        watched.render_backlog(&mut text);
        text
    }

    #[tokio::test]
    async fn jobs_are_told_only_while_the_database_tells_them() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let _recording = ::metrics::set_default_local_recorder(&recorder);
        let world = World::empty();
        let watched = Watched::of(&world.platform);
        watched.describe();
        let errors = || {
            let text = recorder.handle().render();
            let line = text.lines().find_map(|line| line.strip_prefix("recon_jobs_refresh_errors_total "));
            line.unwrap().parse::<u32>().unwrap()
        };
        assert_eq!((told(&watched), errors()), (String::new(), 0));
        watched.look_at_jobs().await;
        assert_eq!((told(&watched), errors()), (String::new(), 1), "there is no database");
        world.platform.store.migrate().await.unwrap();
        watched.look_at_jobs().await;
        let (text, empty) =
            (told(&watched), "recon_jobs{state=\"queued\"} 0\nrecon_jobs{state=\"running\"} 0\n");
        assert!(text.contains(empty), "{text}");
        assert!(text.contains("recon_jobs_oldest_age_seconds{state=\"queued\"} 0\n"), "{text}");
        assert_eq!(errors(), 1);
        tokio::time::pause();
        tokio::time::advance(KNOWN_MAX).await;
        assert_eq!(told(&watched), "", "it is too old");
        tokio::time::resume();
        watched.look_at_jobs().await;
        assert_ne!(told(&watched), "");
        world.platform.store.close().await;
        watched.look_at_jobs().await;
        assert_eq!((told(&watched), errors()), (String::new(), 2), "what was true once is not told");
    }
}

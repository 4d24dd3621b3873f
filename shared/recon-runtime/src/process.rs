//! The life of a process: it runs, it drains, it ends.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

/// How long what is in flight may take once the process was asked to stop.
pub const GRACE: Duration = Duration::from_secs(30);
/// How long a process that gets signals goes on accepting requests once it was asked to stop: until those who send
/// them have seen that it is not ready any more. A part of [`GRACE`].
pub const DRAIN_WAIT: Duration = Duration::from_secs(2);

/// Owns the end of the process. Every loop of it holds a clone and watches it; a server and a worker in one
/// process drain together.
#[derive(Debug, Clone)]
pub struct Process {
    drained_since: watch::Sender<Option<Instant>>,
    drain_wait: Duration,
}

impl Process {
    /// A process that nothing but [`Process::stop`] ends. It stops accepting requests with it.
    #[must_use]
    pub fn new() -> Self {
        Self::accepting_for(Duration::ZERO)
    }

    /// A process that goes on accepting requests for this long once it was asked to stop.
    pub(crate) fn accepting_for(drain_wait: Duration) -> Self {
        Self { drained_since: watch::Sender::new(None), drain_wait }
    }

    /// A process that drains on SIGTERM or SIGINT, and ends at once on the second of them. It accepts requests for
    /// [`DRAIN_WAIT`] more.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub fn with_signals() -> std::io::Result<Self> {
        crate::fail_points::arm();
        let process = Self::accepting_for(DRAIN_WAIT);
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let drained = process.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if drained.is_draining() {
                    tracing::warn!("asked to stop again, ending at once");
                    std::process::exit(EXIT_CODE_INTERRUPTED);
                }
                tracing::info!("asked to stop, draining");
                drained.stop();
            }
        });
        Ok(process)
    }

    /// Asks the process to drain.
    pub fn stop(&self) {
        self.drained_since.send_if_modified(|since| match since {
            Some(_) => false,
            None => {
                *since = Some(Instant::now());
                true
            }
        });
    }

    /// Whether the process was asked to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drained_since.borrow().is_some()
    }

    /// Waits until the process is asked to stop.
    pub async fn draining(&self) {
        self.drained_since_when().await;
    }

    /// Waits until the process was asked to stop and accepts no more requests.
    pub async fn accepting_over(&self) {
        let since = self.drained_since_when().await;
        tokio::time::sleep_until(since + self.drain_wait).await;
    }

    /// Waits until it is this long ago that the process was asked to stop.
    pub async fn drained_for(&self, time: Duration) {
        let since = self.drained_since_when().await;
        tokio::time::sleep_until(since + time).await;
    }

    /// Waits until the process was asked to stop and its grace is over: what still runs gives up its leases now.
    pub async fn grace_over(&self) {
        let since = self.drained_since_when().await;
        tokio::time::sleep_until(since + GRACE).await;
    }

    async fn drained_since_when(&self) -> Instant {
        let mut receiver = self.drained_since.subscribe();
        loop {
            if let Some(since) = *receiver.borrow_and_update() {
                return since;
            }
            if receiver.changed().await.is_err() {
                // Only without any sender left, and this very value is one.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// What a shell shows for a process ended by SIGINT.
const EXIT_CODE_INTERRUPTED: i32 = 130;

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn clones_drain_together_and_grace_counts_from_the_first_stop() {
        let process = Process::new();
        let clone = process.clone();
        assert!(!clone.is_draining());
        let asked = Instant::now();
        process.stop();
        clone.draining().await;
        tokio::time::advance(GRACE / 2).await;
        clone.stop();
        clone.grace_over().await;
        assert!(clone.is_draining());
        assert_eq!(asked.elapsed().as_secs(), GRACE.as_secs());
    }
}

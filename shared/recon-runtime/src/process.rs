//! The life of a process: it runs, it drains, it ends.

mod ladder;

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) use self::ladder::DRAIN_WAIT_MAX;
use self::ladder::{Event, Ladder};
pub use self::ladder::{GRACE, State};
use crate::config::DrainConfig;

/// Owns the end of the process. Every loop of it holds a clone and watches it; a server and a worker in one
/// process drain together.
#[derive(Debug, Clone)]
pub struct Process {
    ladder: Ladder,
    happened: watch::Sender<Happened>,
}

/// What happened to a process that brings it to its end.
#[derive(Debug, Clone, Copy, Default)]
struct Happened {
    asked_at: Option<Instant>,
    finished: bool,
}

impl Process {
    /// A process that nothing but [`Process::stop`] ends. It stops accepting requests with it.
    #[must_use]
    pub fn new() -> Self {
        Self::accepting_for(Duration::ZERO)
    }

    /// A process that goes on accepting requests for this long once it was asked to stop.
    pub(crate) fn accepting_for(drain_wait: Duration) -> Self {
        Self { ladder: Ladder::new(drain_wait), happened: watch::Sender::default() }
    }

    /// A process that drains on SIGTERM or SIGINT, and ends at once on the second of them.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub fn with_signals(config: &DrainConfig) -> std::io::Result<Self> {
        crate::fail_points::arm();
        let process = Self::accepting_for(config.wait);
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = process.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                match asked.ladder.after(asked.state(), Event::Asked) {
                    State::Over => {
                        tracing::warn!("asked to stop again, ending at once");
                        std::process::exit(EXIT_CODE_INTERRUPTED);
                    }
                    State::Running | State::Accepting | State::Closing | State::Releasing => {
                        tracing::info!("asked to stop, draining");
                        asked.stop();
                    }
                }
            }
        });
        Ok(process)
    }

    /// Asks the process to drain.
    pub fn stop(&self) {
        self.happened.send_if_modified(|happened| {
            let is_first = happened.asked_at.is_none();
            happened.asked_at.get_or_insert_with(Instant::now);
            is_first
        });
    }

    /// How far it is on its way to its end.
    #[must_use]
    pub fn state(&self) -> State {
        let Happened { asked_at, finished } = *self.happened.borrow();
        let asked = asked_at.iter().flat_map(|at| [Event::Asked, Event::Elapsed(at.elapsed())]);
        let events = asked.chain(finished.then_some(Event::Finished));
        events.fold(State::Running, |state, event| self.ladder.after(state, event))
    }

    /// Whether the process was asked to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.state() != State::Running
    }

    /// Waits until the process is asked to stop.
    pub async fn draining(&self) {
        self.reaches(State::Accepting).await;
    }

    /// Waits until the process is in this state, or further down.
    pub async fn reaches(&self, state: State) {
        let Some(begins) = self.ladder.begins(state) else { return };
        let asked_at = self.asked_at().await;
        tokio::time::sleep_until(asked_at + begins).await;
    }

    /// Says that nothing is in flight any more, as the last thing that is done: what the log of a process ends with that
    /// was stopped in order.
    pub fn finished(&self) {
        let (state, asked_at) = (self.state(), self.happened.borrow().asked_at);
        self.happened.send_modify(|happened| happened.finished = true);
        let Some(seconds) = asked_at.map(|at| at.elapsed().as_secs_f64()) else { return };
        match state {
            State::Over => tracing::warn!(seconds, "stopped; what was not at its end by then is cut"),
            State::Running | State::Accepting | State::Closing | State::Releasing => {
                tracing::info!(seconds, "stopped; everything was finished");
            }
        }
    }

    async fn asked_at(&self) -> Instant {
        let mut receiver = self.happened.subscribe();
        loop {
            let asked_at = receiver.borrow_and_update().asked_at;
            if let Some(at) = asked_at {
                return at;
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
        let process = Process::accepting_for(Duration::from_secs(2));
        let clone = process.clone();
        assert_eq!((clone.state(), clone.is_draining()), (State::Running, false));
        clone.reaches(State::Running).await;
        let asked = Instant::now();
        process.stop();
        clone.draining().await;
        assert_eq!((clone.state(), clone.is_draining()), (State::Accepting, true));
        for (state, seconds) in [(State::Closing, 2), (State::Releasing, 20), (State::Over, 30)] {
            clone.stop();
            clone.reaches(state).await;
            assert_eq!((clone.state(), asked.elapsed().as_secs()), (state, seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_whose_work_is_done_is_over_before_its_grace_is() {
        let process = Process::accepting_for(Duration::from_secs(2));
        process.stop();
        process.clone().finished();
        assert_eq!(process.state(), State::Over);
        let asked = Instant::now();
        process.reaches(State::Closing).await;
        assert_eq!(asked.elapsed().as_secs(), 2, "what waits for a state is not hurried");
    }
}

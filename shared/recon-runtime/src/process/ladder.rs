//! How a process ends, as a ladder that is only gone down: what each step lets the process do, and when the next one
//! comes. No clock and no signal is in here, so all of it can be tried.

use std::time::Duration;

/// How long what is in flight may take once the process was asked to stop. What is not at its end then is cut.
pub const GRACE: Duration = Duration::from_secs(30);
/// How long jobs go on by themselves after the process was asked to stop. What is left of [`GRACE`] is for computations
/// to notice, and for leases to be given back.
const JOBS: Duration = Duration::from_secs(20);
/// The longest time for which requests may be accepted after the process was asked to stop: less than [`GRACE`], so that
/// the last of them have some of it.
pub(crate) const DRAIN_WAIT_MAX: Duration = Duration::from_secs(25);

/// A step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nobody asked the process to stop.
    Running,
    /// It was asked to stop and still accepts requests, because those who send them may not know yet.
    Accepting,
    /// It accepts no more, and finishes what it has.
    Closing,
    /// Requests are finished still; jobs stop and give their leases back.
    Releasing,
    /// Everything is finished, or cut.
    Over,
}

/// What may bring a process further down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody asked it to stop, by a signal or otherwise.
    Asked,
    /// It is this long ago that it was first asked. Nothing where nobody asked.
    Elapsed(Duration),
    /// Nothing is in flight any more, and nothing further comes.
    Finished,
}

/// When each step comes. Every limit is at least the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ladder {
    drain_wait: Duration,
}

impl State {
    /// The steps, downwards.
    pub const ALL: [Self; 5] = [Self::Running, Self::Accepting, Self::Closing, Self::Releasing, Self::Over];

    /// Whether `/ready` may say so. From the first signal on it does not, so that no more requests are sent here.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Running)
    }

    /// Whether an answer leaves its connection open for the next request. Later each answer is its connection's last, and
    /// whoever sent the request learns to send the next one elsewhere.
    #[must_use]
    pub const fn keeps_connections(self) -> bool {
        matches!(self, Self::Running)
    }

    /// Whether new connections are accepted.
    #[must_use]
    pub const fn accepts_connections(self) -> bool {
        matches!(self, Self::Running | Self::Accepting)
    }

    /// Whether further jobs are leased. The first signal ends that: others are there for them.
    #[must_use]
    pub const fn takes_jobs(self) -> bool {
        matches!(self, Self::Running)
    }

    /// Whether jobs that run go on.
    #[must_use]
    pub const fn runs_jobs(self) -> bool {
        matches!(self, Self::Running | Self::Accepting | Self::Closing)
    }
}

impl Ladder {
    /// One that accepts requests for this long, [`DRAIN_WAIT_MAX`] at most.
    pub(crate) fn new(drain_wait: Duration) -> Self {
        Self { drain_wait: drain_wait.min(DRAIN_WAIT_MAX) }
    }

    /// How long after it was first asked to stop a process is in this state at the latest. `None` while nobody asked.
    pub(crate) fn begins(self, state: State) -> Option<Duration> {
        match state {
            State::Running => None,
            State::Accepting => Some(Duration::ZERO),
            State::Closing => Some(self.drain_wait),
            State::Releasing => Some(self.drain_wait.max(JOBS)),
            State::Over => Some(GRACE),
        }
    }

    /// The state that time alone has brought this long after the process was first asked to stop.
    pub(crate) fn at(self, elapsed: Duration) -> State {
        let reached = |state: &State| self.begins(*state).is_some_and(|begins| begins <= elapsed);
        State::ALL.into_iter().rev().find(reached).unwrap_or(State::Accepting)
    }

    /// The state after an event. Who asks a second time does not want to wait.
    pub(crate) fn after(self, state: State, event: Event) -> State {
        match (state, event) {
            (State::Running, Event::Asked) => self.at(Duration::ZERO),
            (State::Running, Event::Elapsed(_)) => State::Running,
            (_, Event::Asked | Event::Finished) => State::Over,
            (state, Event::Elapsed(elapsed)) => state.max(self.at(elapsed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What a pod gives its process, as the manifests have it: the sleep before the signal, in which nobody is told to
    /// send requests here any more, and the time from its begin until the kill.
    const PRE_STOP: Duration = Duration::from_secs(20);
    const TERMINATION_GRACE: Duration = Duration::from_secs(60);
    /// What a process needs beside its grace: connections to the database are closed, for 5 s at most.
    const MARGIN: Duration = Duration::from_secs(5);

    fn seconds(max: u64) -> impl Strategy<Value = Duration> {
        (0..=max * 10).prop_map(|tenths| Duration::from_millis(tenths * 100))
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![Just(Event::Asked), Just(Event::Finished), seconds(40).prop_map(Event::Elapsed)]
    }

    #[test]
    fn a_pod_gives_its_process_the_whole_grace() {
        for wait in 0..=DRAIN_WAIT_MAX.as_secs() {
            let ladder = Ladder::new(Duration::from_secs(wait));
            let limits = [State::Accepting, State::Closing, State::Releasing, State::Over];
            let limits = limits.map(|state| ladder.begins(state).unwrap());
            assert!(limits.is_sorted(), "{limits:?}");
            // What is accepted last has time to be answered, and leases to be given back.
            assert!(limits[2] + MARGIN <= GRACE, "{limits:?}");
        }
        assert!(PRE_STOP + GRACE + MARGIN <= TERMINATION_GRACE);
    }

    #[test]
    fn each_state_says_what_the_process_does() {
        let row = |state: State| {
            [
                state.is_ready(),
                state.keeps_connections(),
                state.takes_jobs(),
                state.accepts_connections(),
                state.runs_jobs(),
            ]
        };
        assert_eq!(row(State::Running), [true; 5]);
        assert_eq!(row(State::Accepting), [false, false, false, true, true]);
        assert_eq!(row(State::Closing), [false, false, false, false, true]);
        assert_eq!(row(State::Releasing), [false; 5]);
        assert_eq!(row(State::Over), [false; 5]);
    }

    #[test]
    fn nothing_happens_before_somebody_asks_and_the_second_time_ends_it_at_once() {
        let ladder = Ladder::new(Duration::from_secs(2));
        assert_eq!(ladder.after(State::Running, Event::Elapsed(GRACE)), State::Running);
        let asked = ladder.after(State::Running, Event::Asked);
        assert_eq!(asked, State::Accepting);
        assert_eq!(ladder.after(asked, Event::Elapsed(Duration::from_secs(2))), State::Closing);
        assert_eq!(ladder.after(asked, Event::Asked), State::Over);
        // One without a wait accepts nothing more from the first signal on.
        assert_eq!(Ladder::new(Duration::ZERO).after(State::Running, Event::Asked), State::Closing);
    }

    proptest! {
        #[test]
        fn no_event_leads_back_up(wait in seconds(40), events in vec(event(), 0..20)) {
            let ladder = Ladder::new(wait);
            let mut state = State::Running;
            for event in events {
                let next = ladder.after(state, event);
                prop_assert!(next >= state, "{state:?} {event:?} {next:?}");
                // What a state forbids, no later one allows.
                for allows in [State::is_ready, State::keeps_connections, State::takes_jobs,
                    State::accepts_connections, State::runs_jobs]
                {
                    prop_assert!(allows(state) || !allows(next), "{state:?} {next:?}");
                }
                state = next;
            }
        }

        #[test]
        fn time_alone_goes_down_every_step_and_is_over_with_the_grace(
            wait in seconds(40), mut times in vec(seconds(40), 1..20),
        ) {
            let ladder = Ladder::new(wait);
            times.sort_unstable();
            let states: Vec<State> = times.iter().map(|time| ladder.at(*time)).collect();
            prop_assert!(states.is_sorted(), "{states:?}");
            for (time, state) in times.iter().zip(states) {
                prop_assert_eq!(state == State::Over, *time >= GRACE);
                prop_assert!(ladder.begins(state).is_some_and(|begins| begins <= *time));
            }
        }
    }
}

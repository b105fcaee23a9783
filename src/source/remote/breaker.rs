//! A circuit breaker: a server that does not answer is left alone for a while, longer each time, and then tried again.
//! Time is handed in, so that nothing here has to be waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::fault::{Fault, FaultKind};

/// How long a server is left alone at first, and at most.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

/// Failures in a row after which a server that can be reached counts as away.
const FAILURES: u32 = 3;

/// Whether a server is asked.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// How long it was left alone the last time.
    pause: Duration,
    open: Option<Open>,
}

#[derive(Debug, Clone)]
struct Open {
    until: Instant,
    why: String,
    trying: bool,
}

/// Whether a request may go to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gate {
    /// It may.
    Closed,
    /// The time is over in which it was left alone, and nobody tries it yet.
    Trial,
    /// It is left alone, and why.
    Open(String),
}

impl Breaker {
    /// Says whether the server is asked now. After [`Gate::Trial`] nobody else is told to try until that has an outcome.
    pub(super) fn gate(&self, now: Instant) -> Gate {
        match &mut self.lock().open {
            None => Gate::Closed,
            Some(open) if open.until <= now && !open.trying => {
                open.trying = true;
                Gate::Trial
            }
            Some(open) => Gate::Open(open.why.clone()),
        }
    }

    /// Returns why the server is not asked, if it is not.
    pub(super) fn away(&self) -> Option<String> {
        self.lock().open.as_ref().map(|open| open.why.clone())
    }

    /// The server answered.
    pub(super) fn succeeded(&self) {
        let was_open = {
            let mut state = self.lock();
            let was_open = state.open.is_some();
            *state = State::default();
            was_open
        };
        if was_open {
            tracing::info!("the remote source answers again");
        }
    }

    /// The server did not.
    pub(super) fn failed(&self, fault: &Fault, now: Instant) {
        if fault.kind == FaultKind::Request {
            // It answers, only not this.
            return self.given_up();
        }
        let mut state = self.lock();
        state.failures += 1;
        let at_once = matches!(
            fault.kind,
            FaultKind::NoConnection
                | FaultKind::Unreachable
                | FaultKind::Refused
                | FaultKind::Missing
                | FaultKind::Loading
        );
        if state.open.is_none() && !at_once && state.failures < FAILURES {
            return;
        }
        state.pause = (state.pause * 2).clamp(FIRST, LONGEST);
        let pause = fault.retry_after.map_or(state.pause, |asked| asked.clamp(state.pause, LONGEST));
        if state.open.is_none() {
            tracing::warn!(why = fault.message, ?pause, "the remote source is away");
        }
        state.open = Some(Open { until: now + pause, why: fault.message.clone(), trying: false });
    }

    /// A trial came to no outcome: whoever made it went away.
    pub(super) fn given_up(&self) {
        if let Some(open) = &mut self.lock().open {
            open.trying = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: FaultKind) -> Fault {
        Fault::new(kind, "why")
    }

    #[test]
    fn a_server_that_is_not_there_is_left_alone_longer_each_time_and_tried_by_one() {
        let (breaker, mut now) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.gate(now), Gate::Closed);
        for pause in [2, 4, 8, 16, 32, 60, 60] {
            breaker.failed(&fault(FaultKind::NoConnection), now);
            now += Duration::from_secs(pause) - Duration::from_millis(1);
            assert_eq!(breaker.gate(now), Gate::Open("why".into()), "{pause}");
            now += Duration::from_millis(1);
            assert_eq!(breaker.gate(now), Gate::Trial, "{pause}");
            assert_eq!(breaker.gate(now), Gate::Open("why".into()), "{pause}");
        }
        breaker.succeeded();
        assert_eq!((breaker.gate(now), breaker.away()), (Gate::Closed, None));
    }

    #[test]
    fn what_goes_wrong_once_or_twice_is_no_reason() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..5 {
            breaker.failed(&fault(FaultKind::Cut), now);
            breaker.failed(&fault(FaultKind::Nonsense), now);
            assert_eq!(breaker.gate(now), Gate::Closed);
            breaker.succeeded();
        }
        for _ in 0..3 {
            breaker.failed(&fault(FaultKind::Silent), now);
        }
        assert_eq!(breaker.gate(now), Gate::Open("why".into()));
    }

    #[test]
    fn a_trial_that_is_given_up_lets_another_try() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.failed(&fault(FaultKind::NoConnection), now);
        let later = now + Duration::from_secs(2);
        assert_eq!(breaker.gate(later), Gate::Trial);
        breaker.given_up();
        assert_eq!(breaker.gate(later), Gate::Trial);
        // One request that it cannot do says that it is there.
        breaker.failed(&fault(FaultKind::Request), later);
        assert_eq!(breaker.gate(later), Gate::Trial);
    }

    #[test]
    fn the_server_says_when_it_wants_to_be_asked_again() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        let busy = Fault::of_status(429, "", Some(Duration::from_secs(30)));
        for _ in 0..3 {
            breaker.failed(&busy, now);
        }
        assert_ne!(breaker.gate(now + Duration::from_secs(29)), Gate::Trial);
        assert_eq!(breaker.gate(now + Duration::from_secs(30)), Gate::Trial);
    }
}

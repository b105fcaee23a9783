//! How long it is waited for a server, in time in which this process ran. A laptop sleeps, and a process is stopped: the clock
//! may have gone on meanwhile, but the server had no chance to be heard.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

/// Steps in which a time is counted: however late the end of one is noticed, it counts as one.
const STEPS: u32 = 4;

/// A sleep of the machine that counts: what is shorter is an adjustment of the clock, and connections outlive it.
const SLEEP: Duration = Duration::from_secs(10);

/// Waits for `work`, but not longer than `limit`; `None` when it was not done by then.
pub(super) async fn patient<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    for _ in 0..STEPS {
        // Where both are there, the work and the end of its time, the work counts.
        if let Ok(done) = tokio::time::timeout(limit / STEPS, &mut work).await {
            return Some(done);
        }
    }
    None
}

/// A moment by the clock that stands still while the machine sleeps, and by the one that goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) awake: Instant,
    pub(super) wall: SystemTime,
}

impl Moment {
    /// Returns this moment.
    pub(super) fn now() -> Self {
        Self { awake: Instant::now(), wall: SystemTime::now() }
    }

    /// Returns whether the machine slept between this moment and a later one.
    pub(super) fn slept_until(self, later: Self) -> bool {
        let awake = later.awake.saturating_duration_since(self.awake);
        let wall = later.wall.duration_since(self.wall).unwrap_or_default();
        SLEEP <= wall.saturating_sub(awake)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::sync::oneshot;
    use tokio::time::{advance, sleep};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(4);

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_time_comes_and_what_does_not_is_given_up() {
        assert_eq!(patient(LIMIT, sleep(Duration::from_secs(3))).await, Some(()));
        let begun = tokio::time::Instant::now();
        assert_eq!(patient(LIMIT, std::future::pending::<()>()).await, None);
        assert!((LIMIT..LIMIT * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_was_stopped_for_an_hour_goes_on_waiting() {
        let (server, answer) = oneshot::channel();
        let waiting = tokio::spawn(patient(LIMIT, answer));
        tokio::task::yield_now().await;
        // As after SIGCONT: all timers are due at once, and the server has said nothing yet.
        advance(Duration::from_secs(3600)).await;
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        server.send("there").unwrap();
        assert_eq!(waiting.await.unwrap(), Some(Ok("there")));
    }

    #[test]
    fn the_machine_slept_when_one_clock_went_on_without_the_other() {
        let begun = Moment::now();
        let after = |awake, wall| Moment {
            awake: begun.awake + Duration::from_secs(awake),
            wall: begun.wall + Duration::from_secs(wall),
        };
        assert!(begun.slept_until(after(5, 3600)));
        assert!(!begun.slept_until(after(3600, 3600)));
        assert!(!begun.slept_until(after(30, 33)), "a clock that was put right");
        assert!(!begun.slept_until(after(30, 0)), "a clock that was put back");
    }
}

//! Why what runs stops before its end: nobody wants it any more, something newer takes its place, or it is another one's
//! turn. Who says so is the queue; who looks is the one that computes.

use std::time::{Duration, Instant};

use super::CancelToken;

/// The reasons for which what runs stops early.
#[derive(Clone)]
pub(super) struct Interrupt {
    pub(super) cancelled: CancelToken,
    pub(super) overtaken: CancelToken,
    /// Set while a job of another branch waits that has not run yet.
    wanted: CancelToken,
    began: Instant,
    turn: Duration,
    /// The turn where those that wait have run already.
    longer_turn: Option<Duration>,
}

impl Interrupt {
    /// Returns those of something that begins now and has a turn of this length.
    pub(super) fn new(cancelled: CancelToken, turn: Duration) -> Self {
        let (overtaken, wanted) = (CancelToken::new(), CancelToken::new());
        Self { cancelled, overtaken, wanted, began: Instant::now(), turn, longer_turn: None }
    }

    /// Says that a job of another branch waits, which has run for so long.
    pub(super) fn let_know(&mut self, worked: Duration, own: Duration) {
        match worked {
            Duration::ZERO => self.wanted.cancel(),
            worked => self.longer_turn = Some(worked.saturating_sub(own).max(self.turn)),
        }
    }

    /// Says that a job of another branch has come.
    pub(super) fn want(&self) {
        self.wanted.cancel();
    }

    /// Returns whether a job that can go on later is to let another one run: one that has not run yet after a turn, one
    /// that has run when it has run for as long. So a short one is held up once by a long one, not again and again.
    pub(super) fn gives_way(&self) -> bool {
        let is_over = |turn| turn <= self.began.elapsed();
        self.wanted.is_cancelled() && is_over(self.turn) || self.longer_turn.is_some_and(is_over)
    }

    /// Returns how long it has run.
    pub(super) fn worked(&self) -> Duration {
        self.began.elapsed()
    }

    /// Returns whether to stop.
    pub(super) fn is_set(&self) -> bool {
        self.cancelled.is_cancelled() || self.overtaken.is_cancelled()
    }

    /// Returns the time since the first of the reasons came up.
    pub(super) fn since(&self) -> Option<Duration> {
        self.cancelled.since().max(self.overtaken.since())
    }
}

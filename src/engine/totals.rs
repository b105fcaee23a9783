//! Running totals of the engine, read by `doctor` and by the tests while it works.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What was computed since the start.
#[derive(Debug, Default)]
pub struct Totals {
    requests: AtomicU64,
    cancelled: AtomicU64,
    prefill_tokens: AtomicU64,
    reused_tokens: AtomicU64,
    decoded_tokens: AtomicU64,
    drafted_tokens: AtomicU64,
    accepted_tokens: AtomicU64,
    last_cancel_us: AtomicU64,
    max_cancel_us: AtomicU64,
    busy: AtomicBool,
    prepared_tokens: AtomicU64,
    /// Prompt tokens a second, as bits of an `f64`; 0 until something was measured.
    speed: AtomicU64,
}

/// Prompt tokens a second where nothing was measured yet: a laptop's two cores without AVX-512.
const FIRST_SPEED: f64 = 150.0;

/// Shorter chunks say more about the reading of weights than about the speed of prompts.
const MEASURABLE: usize = 32;

/// The totals at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    /// Requests taken.
    pub requests: u64,
    /// Requests that were cancelled or overtaken.
    pub cancelled: u64,
    /// Prompt tokens computed.
    pub prefill_tokens: u64,
    /// Prompt tokens found in the cache.
    pub reused_tokens: u64,
    /// Tokens generated.
    pub decoded_tokens: u64,
    /// Tokens guessed from the text and checked.
    pub drafted_tokens: u64,
    /// Of these, tokens that were right.
    pub accepted_tokens: u64,
    /// The last time from a cancel to the end of its computation, in microseconds.
    pub last_cancel_us: u64,
    /// The longest such time, in microseconds.
    pub max_cancel_us: u64,
    /// Whether a generation is running now.
    pub busy: bool,
    /// Tokens computed ahead of requests, in idle time.
    pub prepared_tokens: u64,
    /// Prompt tokens computed in a second, measured on the way.
    pub prefill_per_second: u64,
    /// Whether that was measured already; before, it is a guess.
    pub prefill_measured: bool,
}

impl Totals {
    /// Returns the totals at this moment.
    pub fn counters(&self) -> Counters {
        Counters {
            requests: self.requests.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            prefill_tokens: self.prefill_tokens.load(Relaxed),
            reused_tokens: self.reused_tokens.load(Relaxed),
            decoded_tokens: self.decoded_tokens.load(Relaxed),
            drafted_tokens: self.drafted_tokens.load(Relaxed),
            accepted_tokens: self.accepted_tokens.load(Relaxed),
            last_cancel_us: self.last_cancel_us.load(Relaxed),
            max_cancel_us: self.max_cancel_us.load(Relaxed),
            busy: self.busy.load(Relaxed),
            prepared_tokens: self.prepared_tokens.load(Relaxed),
            prefill_per_second: self.prefill_per_second() as u64,
            prefill_measured: self.speed.load(Relaxed) != 0,
        }
    }

    /// Returns how many prompt tokens are computed in a second.
    pub fn prefill_per_second(&self) -> f64 {
        match f64::from_bits(self.speed.load(Relaxed)) {
            0.0 => FIRST_SPEED,
            speed => speed,
        }
    }

    /// Learns the speed of prompts from a run of tokens; newer runs count for a third.
    pub(super) fn measured(&self, tokens: usize, time: Duration) {
        if tokens < MEASURABLE || time.is_zero() {
            return;
        }
        let now = tokens as f64 / time.as_secs_f64();
        let before = f64::from_bits(self.speed.load(Relaxed));
        let learnt = if before == 0.0 { now } else { before + (now - before) / 3.0 };
        self.speed.store(learnt.to_bits(), Relaxed);
    }

    /// Counts tokens that were computed ahead.
    pub(super) fn prepared(&self, tokens: usize, time: Duration) {
        self.prepared_tokens.fetch_add(tokens as u64, Relaxed);
        self.measured(tokens, time);
    }

    pub(super) fn took_job(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Relaxed);
    }

    /// Counts a job that ended early, `since` the asking when it was running by then.
    pub(super) fn cancelled(&self, since: Option<Duration>) {
        self.cancelled.fetch_add(1, Relaxed);
        if let Some(since) = since {
            let us = since.as_micros() as u64;
            self.last_cancel_us.store(us, Relaxed);
            self.max_cancel_us.fetch_max(us, Relaxed);
        }
    }

    pub(super) fn reused(&self, tokens: usize) {
        self.reused_tokens.fetch_add(tokens as u64, Relaxed);
    }

    pub(super) fn prefilled(&self, tokens: usize) {
        self.prefill_tokens.fetch_add(tokens as u64, Relaxed);
    }

    pub(super) fn decoded(&self) {
        self.decoded_tokens.fetch_add(1, Relaxed);
    }

    pub(super) fn drafted(&self, tokens: usize) {
        self.drafted_tokens.fetch_add(tokens as u64, Relaxed);
    }

    /// Counts a drafted token that was right.
    pub(super) fn accepted(&self) {
        self.accepted_tokens.fetch_add(1, Relaxed);
    }
}

//! How the user types and how long a suggestion takes, and from both how long to wait before one is generated.
//!
//! Where the next key is likely to come before the suggestion is there, computing it wastes the machine: the wait is a
//! little longer than from key to key, so that it ends where the user pauses. Everywhere else there is none.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::text::TextEdit;

/// Times from key to key that are remembered.
const KEYS: usize = 8;

/// The fewest of them that make a rhythm.
const FEWEST: usize = 3;

/// A longer time between two keys is a pause, and says nothing about the rhythm.
const PAUSE: Duration = Duration::from_millis(800);

/// What was seen lately.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    last_key: Option<Instant>,
    intervals: VecDeque<Duration>,
    /// How long a suggestion takes: a moving average.
    suggestion: Duration,
}

impl Rhythm {
    /// A document was edited.
    pub(super) fn edited(&mut self, edits: &[TextEdit], now: Instant) {
        if !is_typed(edits) {
            return;
        }
        let interval = self.last_key.replace(now).map(|last| now - last);
        if let Some(interval) = interval.filter(|&interval| interval < PAUSE) {
            if self.intervals.len() == KEYS {
                self.intervals.pop_front();
            }
            self.intervals.push_back(interval);
        }
    }

    /// A suggestion was generated in this time.
    pub(super) fn generated(&mut self, took: Duration) {
        self.suggestion = match self.suggestion.is_zero() {
            true => took,
            false => (self.suggestion * 3 + took) / 4,
        };
    }

    /// One was given up after this time: it would have taken longer.
    pub(super) fn given_up(&mut self, after: Duration) {
        if self.suggestion < after {
            self.generated(after);
        }
    }

    /// Returns how long to wait from now on, `longest` at most.
    pub(super) fn pause(&self, longest: Duration, now: Instant) -> Duration {
        let (Some(key), Some(last)) = (self.key_to_key(), self.last_key) else {
            return Duration::ZERO;
        };
        // Who types slower than the longest wait is pausing at each key; who gets suggestions between keys wants them.
        if longest <= key || self.suggestion <= key {
            return Duration::ZERO;
        }
        (key * 3 / 2).min(longest).saturating_sub(now - last)
    }

    /// Returns the middle one of the last times from key to key.
    fn key_to_key(&self) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.intervals.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= FEWEST)
    }
}

/// Returns whether edits are what one key makes of a text: a character, or a new line with its indentation.
fn is_typed(edits: &[TextEdit]) -> bool {
    let is_line = |text: &str| text.starts_with(['\r', '\n']) && text.trim().is_empty();
    matches!(edits, [edit] if edit.text.chars().count() == 1 || is_line(&edit.text))
}

//! What users got to see, counted, and the figures of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::bench::typing::report::quantile;
use crate::complete::Reason;

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Keys pressed.
    pub keys: u64,
    /// Requests sent.
    pub requests: u64,
    /// Milliseconds from the key to each new suggestion.
    pub shown_ms: Vec<f64>,
    /// Keys that an earlier suggestion answered.
    pub typed_through: u64,
    /// Keys that agreed with what a request was writing, which went on.
    pub joined: u64,
    /// Requests dropped, for another key came than what they were writing.
    pub dropped: u64,
    /// Requests that showed nothing, by reason.
    pub silent: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Takes over what another one has counted.
    pub fn add(&mut self, other: Self) {
        self.keys += other.keys;
        self.requests += other.requests;
        self.shown_ms.extend(other.shown_ms);
        self.typed_through += other.typed_through;
        self.joined += other.joined;
        self.dropped += other.dropped;
        for (reason, count) in other.silent {
            *self.silent.entry(reason).or_default() += count;
        }
    }

    /// Counts a request that showed nothing.
    pub fn silent(&mut self, reason: Reason) {
        *self.silent.entry(reason.code()).or_default() += 1;
    }

    /// Returns how many requests failed; the other silences are decisions.
    pub fn errors(&self) -> u64 {
        let failures = [Reason::RemoteAway, Reason::Failed, Reason::TimedOut, Reason::Private];
        failures.iter().filter_map(|reason| self.silent.get(reason.code())).sum()
    }

    fn quantile(&self, q: f64) -> Option<f64> {
        quantile(self.shown_ms.iter().copied(), q)
    }

    /// Returns the figures with names that stay.
    pub fn figures(&self, users: u64, seconds: f64) -> Value {
        json!({
            "users": users,
            "seconds": seconds,
            "keys": self.keys,
            "requests": self.requests,
            "suggestions": self.shown_ms.len(),
            "suggestions_per_second": self.shown_ms.len() as f64 / seconds,
            "typed_through": self.typed_through,
            "ms": { "p50": self.quantile(0.5), "p95": self.quantile(0.95) },
            "joined": self.joined,
            "dropped": self.dropped,
            "errors": self.errors(),
            "silent": self.silent,
        })
    }

    /// Returns the lines of a table.
    pub fn rows(&self, seconds: f64) -> Vec<Vec<String>> {
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let ms = |q| self.quantile(q).map_or("-".into(), |ms| format!("{ms:.0}"));
        let mut rows = vec![
            row("keys", self.keys.to_string()),
            row("requests", self.requests.to_string()),
            row("suggestions", self.shown_ms.len().to_string()),
            row("suggestions per second", format!("{:.1}", self.shown_ms.len() as f64 / seconds)),
            row("key to suggestion, ms p50", ms(0.5)),
            row("key to suggestion, ms p95", ms(0.95)),
            row("keys answered by the last suggestion", self.typed_through.to_string()),
            row("keys that a request went on with", self.joined.to_string()),
            row("requests dropped, for other keys came", self.dropped.to_string()),
            row("errors", self.errors().to_string()),
        ];
        rows.extend(
            self.silent.iter().map(|(reason, count)| row(&format!("silent: {reason}"), count.to_string())),
        );
        rows
    }
}

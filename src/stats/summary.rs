//! Outcomes added up: by language and by day.

use std::collections::BTreeMap;

use serde::Serialize;

use super::acceptance::Acceptance;
use super::outcome::{Fate, Outcome};

/// The share of an accepted text that must still be there for it to count as kept: more than a mended name or two may
/// go, but not a third of it.
const KEPT: f32 = 0.67;

/// All outcomes, added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// All together.
    pub all: Row,
    /// By language, most shown first.
    pub languages: Vec<Row>,
    /// By day, oldest first.
    pub days: Vec<Row>,
    /// How often suggestions were wanted, by language and by how sure the model was in tenths.
    pub confidence: Acceptance,
}

/// What happened to some suggestions.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// The language id, or the day.
    pub name: String,
    /// Suggestions shown, without those that were gone before they could be read.
    pub shown: usize,
    /// Accepted whole.
    pub accepted: usize,
    /// Accepted in part.
    pub partly: usize,
    /// Accepted, whole or in part, as the edits say; of the others the editor said so.
    pub inferred: usize,
    /// Typed by hand to their end.
    pub typed: usize,
    /// Characters accepted.
    pub characters: usize,
    /// Keys saved.
    pub keys_saved: usize,
    /// Still there after 30 seconds.
    pub kept_30s: Kept,
    /// Still there after five minutes.
    pub kept_5min: Kept,
    /// Milliseconds from a request to its suggestion where one was generated: the middle one.
    pub ms_p50: Option<u64>,
    /// The same: nineteen in twenty took no longer.
    pub ms_p95: Option<u64>,
}

/// How many accepted suggestions are still there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// So many are.
    pub kept: usize,
    /// Of so many that were looked after.
    pub of: usize,
}

impl Summary {
    /// Adds up.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let group = |name: fn(&Outcome) -> &str| {
            let mut groups = BTreeMap::<&str, Vec<&Outcome>>::new();
            for outcome in outcomes {
                groups.entry(name(outcome)).or_default().push(outcome);
            }
            groups.into_iter().map(|(name, group)| Row::of(name, &group)).collect::<Vec<_>>()
        };
        let mut languages = group(|outcome| &outcome.facts.language);
        languages.sort_by_key(|row| std::cmp::Reverse(row.shown));
        Self {
            all: Row::of("all", &outcomes.iter().collect::<Vec<_>>()),
            languages,
            days: group(|outcome| &outcome.day),
            confidence: Acceptance::of(outcomes),
        }
    }
}

impl Row {
    fn of(name: &str, outcomes: &[&Outcome]) -> Self {
        let mut row = Self { name: name.into(), ..Self::default() };
        let mut times = Vec::new();
        for outcome in outcomes {
            if outcome.facts.tokens > 0 {
                times.push(outcome.facts.ms);
            }
            row.add(outcome);
        }
        times.sort_unstable();
        row.ms_p50 = quantile(&times, 50);
        row.ms_p95 = quantile(&times, 95);
        row
    }

    fn add(&mut self, outcome: &Outcome) {
        if outcome.fate == Fate::Glimpsed {
            return;
        }
        self.shown += 1;
        match outcome.fate {
            Fate::Accepted => self.accepted += 1,
            Fate::Partly => self.partly += 1,
            Fate::Typed => self.typed += 1,
            Fate::Passed | Fate::Glimpsed => {}
        }
        self.inferred += usize::from(outcome.accepted > 0 && outcome.inferred);
        self.characters += outcome.accepted;
        self.keys_saved += outcome.keys_saved;
        self.kept_30s.add(outcome.kept_30s);
        self.kept_5min.add(outcome.kept_5min);
    }

    /// Returns the accepted, whole or in part, in per cent of the shown.
    pub fn accepted_percent(&self) -> Option<usize> {
        ((self.accepted + self.partly) * 100).checked_div(self.shown)
    }
}

impl Kept {
    fn add(&mut self, share: Option<f32>) {
        let Some(share) = share else { return };
        self.of += 1;
        self.kept += usize::from(share >= KEPT);
    }

    /// Returns the kept in per cent; `None` where none was looked after.
    pub fn percent(self) -> Option<usize> {
        (self.kept * 100).checked_div(self.of)
    }
}

/// Returns the value that `percent` of the sorted values do not exceed.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last * percent).div_ceil(100)).copied()
}

//! How often a user accepts what is shown, by language and by how sure the model was: what a threshold of confidence can
//! follow, so that it suits this user.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outcome::{Fate, Outcome};

/// Levels of confidence; the tenth is from 0.9 to 1.
pub const LEVELS: usize = 10;

/// Suggestions below which a share says nothing.
const FEWEST: usize = 20;

/// The share of wanted suggestions below which a level is worth nothing to a user, and above which the one below it is worth
/// a try.
const UNWANTED: f32 = 0.1;
const WANTED: f32 = 0.5;

/// How far below a threshold that was set one is tried.
const LOWER: usize = 2;

/// Shown and accepted suggestions, by language id and level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Acceptance(BTreeMap<String, [Level; LEVELS]>);

/// The suggestions of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Shown for long enough to be read.
    pub shown: usize,
    /// Accepted, whole or in part, or typed by hand to their end: the user wanted them.
    pub wanted: usize,
}

impl Acceptance {
    /// Counts outcomes whose confidence is known.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut acceptance = Self::default();
        for outcome in outcomes {
            acceptance.add(outcome);
        }
        acceptance
    }

    /// Counts one more.
    pub fn add(&mut self, outcome: &Outcome) {
        let Some(confidence) = outcome.facts.confidence.filter(|_| outcome.fate != Fate::Glimpsed) else {
            return;
        };
        let levels = self.0.entry(outcome.facts.language.clone()).or_default();
        let level = &mut levels[level(confidence)];
        level.shown += 1;
        level.wanted += usize::from(outcome.fate != Fate::Passed);
    }

    /// Returns the share of suggestions that were wanted, in a language and at the level of a confidence from 0 to 1;
    /// `None` where too few were shown to tell.
    pub fn rate(&self, language: &str, confidence: f32) -> Option<f32> {
        let level = self.0.get(language)?[level(confidence)];
        (FEWEST <= level.shown).then(|| level.wanted as f32 / level.shown as f32)
    }

    /// Returns the threshold of mean confidence that suits this user where `set` is the one that was set: above the levels
    /// of which next to nothing was wanted, and below `set` where most of what comes right above it is. In between, and
    /// where too little was shown to tell, it is `set`.
    pub fn threshold(&self, language: &str, set: f64) -> f64 {
        let edge = |level: usize| level as f64 / LEVELS as f64;
        let rate = |level: usize| self.rate(language, (level as f32 + 0.5) / LEVELS as f32);
        // The level that a suggestion just sure enough is in.
        let first = level(set as f32);
        let unwanted =
            (first..LEVELS - 1).take_while(|&level| rate(level).is_some_and(|rate| rate < UNWANTED));
        if let Some(last) = unwanted.last() {
            return edge(last + 1);
        }
        let mut threshold = set;
        for above in (1..=first).rev().take(LOWER) {
            let is_worth_a_try = rate(above).is_some_and(|rate| rate >= WANTED);
            let was_in_vain = rate(above - 1).is_some_and(|rate| rate < UNWANTED);
            if !is_worth_a_try || was_in_vain {
                break;
            }
            threshold = threshold.min(edge(above - 1));
        }
        threshold
    }

    /// Returns the levels of all languages together.
    pub fn levels(&self) -> [Level; LEVELS] {
        let mut all = [Level::default(); LEVELS];
        for (sum, level) in self.0.values().flat_map(|levels| levels.iter().enumerate()) {
            all[sum].shown += level.shown;
            all[sum].wanted += level.wanted;
        }
        all
    }
}

fn level(confidence: f32) -> usize {
    ((confidence.clamp(0.0, 1.0) * LEVELS as f32) as usize).min(LEVELS - 1)
}

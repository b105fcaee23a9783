//! What a person at the keyboard sees of one side, key by key: which suggestion is on screen, how it came there, whether
//! it is what the author wrote next. It knows neither side's protocol.

use std::time::{Duration, Instant};

/// How a key was answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// With a new suggestion.
    Computed(Work),
    /// With the rest of an earlier suggestion, without computing.
    TypedThrough,
    /// With nothing to show.
    Empty,
    /// Not before the next key.
    Unanswered,
}

/// What a new suggestion cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Milliseconds from the key to the whole text.
    pub ms: f64,
    /// Prompt tokens computed.
    pub prefill: u64,
    /// Tokens generated.
    pub decoded: u64,
}

/// The screen between a key and the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// How the key was answered.
    pub outcome: Outcome,
    /// Characters of the suggestion on screen before the next key; 0 for none.
    pub shown: usize,
    /// Whether all of it is what the author wrote next.
    pub right: bool,
}

/// A task as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// The first is the cursor's arrival at the hole, for which no key was pressed; each further one is a key.
    pub screens: Vec<Key>,
}

/// How fast the keys come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From key to key; `None` waits for each answer, but not longer than `patience`.
    ///
    /// A fixed pause, where people's vary: the sides are compared over the same keys, and a constant needs no seed.
    pub interval: Option<Duration>,
    /// How long the answer at the cursor's arrival is waited for: a person reads before typing.
    pub patience: Duration,
    /// The most characters typed of a task.
    pub keys: usize,
}

impl Pace {
    /// Returns when the next key is pressed at the latest; `first` is the cursor's arrival.
    pub fn next_key(&self, key: Instant, first: bool) -> Instant {
        key + self.interval.filter(|_| !first).unwrap_or(self.patience)
    }

    /// Returns when the next key is pressed if the answer to this one is there.
    pub fn next_key_if_answered(&self, key: Instant, first: bool) -> Instant {
        key + self.interval.filter(|_| !first).unwrap_or_default()
    }
}

/// A task being typed.
#[derive(Debug)]
pub struct Screen<'a> {
    typed: &'a str,
    at: usize,
    keys: usize,
    ghost: String,
    screens: Vec<Key>,
}

impl<'a> Screen<'a> {
    /// The cursor arrives where `typed` is going to be written, at most `keys` characters of it.
    pub fn new(typed: &'a str, keys: usize) -> Self {
        Self { typed, at: 0, keys, ghost: String::new(), screens: Vec::new() }
    }

    /// Returns what is written so far.
    pub fn written(&self) -> &'a str {
        &self.typed[..self.at]
    }

    /// Presses the next key, unless that was the last one that shows anything. A suggestion that begins with it stays.
    pub fn press(&mut self) -> Option<char> {
        let mut rest = self.typed[self.at..].chars();
        let key = rest.next().filter(|_| self.screens.len() < self.keys)?;
        // After the last character there is nothing left to suggest.
        rest.next()?;
        self.at += key.len_utf8();
        self.ghost = self.ghost.strip_prefix(key).unwrap_or_default().into();
        Some(key)
    }

    /// Puts a suggestion on screen in place of what is there; an empty one clears it.
    pub fn show(&mut self, suggestion: &str) {
        self.ghost = suggestion.into();
    }

    /// Notes what is on screen, before the next key.
    pub fn note(&mut self, outcome: Outcome) {
        let ghost = self.ghost.trim_end();
        let right = !ghost.is_empty() && self.typed[self.at..].starts_with(ghost);
        self.screens.push(Key { outcome, shown: ghost.chars().count(), right });
    }

    /// Returns all that was noted.
    pub fn end(self) -> Typed {
        Typed { screens: self.screens }
    }
}

impl Typed {
    /// Returns the keys that would have been pressed, had each right suggestion of two and more characters been taken with
    /// one key.
    pub fn presses(&self) -> usize {
        let (mut at, mut presses) = (0, 0);
        while let Some(screen) = self.screens.get(at) {
            presses += 1;
            at += if screen.right && screen.shown >= 2 { screen.shown } else { 1 };
        }
        presses
    }
}

//! An answer while it is written: the beginning that is no part of it taken off, each piece shown to the watcher, and the
//! odds of its tokens kept.

use std::ops::ControlFlow;

use super::protocol::{Beginning, Delta, Finish, Odds};
use crate::complete::TokenOdds;
use crate::engine::{FinishReason, Usage, Watch};
use crate::source::Generation;

/// Bytes of a token at most: what a server sends beyond its bound of tokens times this is cut.
const LONGEST_TOKEN: usize = 64;

/// What was written by now.
pub(super) struct Writing {
    begins_with: Beginning,
    /// Texts that end it.
    cut_at: &'static [&'static str],
    /// All that came, the beginning included.
    raw: String,
    /// How far `raw` was shown.
    shown: usize,
    /// Where the answer proper begins in `raw`, once that is known.
    start: Option<usize>,
    /// The odds of the tokens, by where they end in `raw`.
    ends: Vec<(usize, Odds)>,
    pieces: usize,
    most_bytes: usize,
    finish: Option<Finish>,
    prompt: (usize, usize),
}

impl Writing {
    pub(super) fn new(begins_with: Beginning, cut_at: &'static [&'static str], max_tokens: usize) -> Self {
        let most_bytes = max_tokens.saturating_mul(LONGEST_TOKEN);
        Self {
            begins_with,
            cut_at,
            raw: String::new(),
            shown: 0,
            start: None,
            ends: Vec::new(),
            pieces: 0,
            most_bytes,
            finish: None,
            prompt: (0, 0),
        }
    }

    /// Returns whether any of the answer has come.
    pub(super) fn has_begun(&self) -> bool {
        !self.raw.is_empty() || self.finish.is_some()
    }

    /// Returns whether the server has said that the answer is over.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Takes a piece, shows it to the watcher, and returns why the answer ends here, if it does.
    pub(super) fn push(&mut self, delta: Delta, watch: &mut Watch) -> Option<FinishReason> {
        self.pieces += delta.tokens.len().max(usize::from(!delta.text.is_empty()));
        let mut end = self.ends.last().map_or(0, |(end, _)| *end);
        for odds in delta.tokens {
            end += odds.bytes;
            self.ends.push((end, odds));
        }
        self.raw.push_str(&delta.text);
        let cut = self.cut(delta.text.len()).then_some(Finish::End).or(delta.cut);
        self.finish = self.finish.or(delta.finish);
        self.prompt = delta.prompt.unwrap_or(self.prompt);
        if self.start.is_none() && !self.find_start() {
            return Some(FinishReason::EndOfText);
        }
        if let Some(start) = self.start {
            let is_over = cut.is_some() || self.finish.is_some();
            let end = self.raw.len() - if is_over { 0 } else { self.perhaps_an_end() };
            let from = self.shown.max(start);
            if from < end {
                self.shown = end;
                if watch(&self.raw[from..end]) == ControlFlow::Break(()) {
                    return Some(FinishReason::Stop);
                }
            }
        }
        match cut.or(self.finish) {
            Some(Finish::End) => Some(FinishReason::EndOfText),
            Some(Finish::Length) => Some(FinishReason::Length),
            None => (self.most_bytes < self.raw.len()).then_some(FinishReason::Length),
        }
    }

    /// Cuts what was written at the first text that ends it, in which one of the last `new` bytes is; returns whether it did.
    fn cut(&mut self, new: usize) -> bool {
        let longest = self.cut_at.iter().map(|end| end.len()).max().unwrap_or_default();
        let mut from = self.raw.len().saturating_sub(new + longest);
        while !self.raw.is_char_boundary(from) {
            from -= 1;
        }
        let at = self.cut_at.iter().filter_map(|end| self.raw[from..].find(end)).min();
        self.raw.truncate(at.map_or(self.raw.len(), |at| from + at));
        at.is_some()
    }

    /// Returns how many of the last bytes may be the beginning of a text that ends it.
    fn perhaps_an_end(&self) -> usize {
        let begun = |end: &&str| {
            (1..end.len())
                .rev()
                .find(|&length| end.get(..length).is_some_and(|beginning| self.raw.ends_with(beginning)))
        };
        self.cut_at.iter().filter_map(begun).max().unwrap_or_default()
    }

    /// Looks where the answer proper begins; returns whether it may still begin somewhere.
    fn find_start(&mut self) -> bool {
        let (Beginning::Held(beginning) | Beginning::Perhaps(beginning)) = &self.begins_with;
        if self.raw.starts_with(beginning) {
            self.start = Some(beginning.len());
            return true;
        }
        let may_follow = beginning.starts_with(&self.raw) && self.finish.is_none();
        match &self.begins_with {
            _ if may_follow => true,
            Beginning::Held(_) => false,
            Beginning::Perhaps(_) => {
                self.start = Some(0);
                true
            }
        }
    }

    /// Returns what came of it.
    pub(super) fn end(self, finish: FinishReason) -> Generation {
        let start = self.start.unwrap_or(self.raw.len());
        let text = self.raw.get(start..).unwrap_or_default().to_owned();
        let held = self.raw.get(..start).unwrap_or_default();
        let mut tokens = Vec::new();
        let mut from = 0;
        for (end, odds) in self.ends {
            if start < end && end <= self.raw.len() {
                let probability = among_agreeing(&odds, held.get(from..).unwrap_or_default());
                tokens.push(TokenOdds { end: end - start, probability, ended: 0.0 });
            }
            from = end;
        }
        let (prompt_tokens, reused_tokens) = self.prompt;
        let usage = Usage {
            prompt_tokens,
            reused_tokens,
            prefill_tokens: prompt_tokens - reused_tokens.min(prompt_tokens),
            decoded_tokens: self.pieces,
            ..Usage::default()
        };
        Generation { text, tokens, finish, usage }
    }
}

/// Returns the probability of a token among those that agree with the letters that it had to begin with.
fn among_agreeing(odds: &Odds, held: &str) -> f32 {
    if held.is_empty() {
        return odds.probability;
    }
    let agrees = |text: &str| text.starts_with(held) || (!text.is_empty() && held.starts_with(text));
    let others: f32 = odds.others.iter().filter(|(text, _)| agrees(text)).map(|(_, odds)| odds).sum();
    let all = odds.probability + others;
    if 0.0 < all { odds.probability / all } else { odds.probability }
}

//! What is on the screen of one document, and what becomes of it: followed through the edits, until it was accepted, typed
//! or passed over, and then for five minutes more. Knows nothing of requests and of how it is written down.

use std::time::Duration;

use tokio::time::Instant;

use super::following::Following;
use crate::complete::Completion;
use crate::stats::{Facts, Fate, Outcome, today};
use crate::text::{Snapshot, TextEdit};

/// A suggestion that stood for a shorter time was not read.
const GLANCE: Duration = Duration::from_millis(300);

/// Characters that come in one edit and were not typed one by one.
const AT_ONCE: usize = 2;

/// The suggestion on the screen, and those of which something was accepted.
#[derive(Debug, Default)]
pub(super) struct Screen {
    live: Option<Live>,
    following: Vec<Following>,
}

/// What stands on the screen.
#[derive(Debug)]
struct Live {
    id: u64,
    facts: Facts,
    /// Where the texts begin, in the document as it is.
    at: usize,
    /// The candidates, each from `at` on; the first is shown until the user chooses.
    candidates: Vec<Candidate>,
    /// The candidate that agrees best with what stands in the document.
    chosen: usize,
    /// Bytes of it that stand there.
    standing: usize,
    /// Bytes accepted, and in how many steps; the others were typed.
    accepted: usize,
    steps: usize,
    /// The editor was sent an edit that accepts something, and it has not come back yet.
    is_expected: bool,
    /// Nobody told that it was accepted: it is concluded from the edits.
    is_inferred: bool,
    since: Instant,
}

#[derive(Debug)]
struct Candidate {
    text: String,
    /// Bytes behind the cursor that the text replaces: brackets that were closed already.
    replaced: usize,
}

/// What can be accepted at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// Where.
    pub at: usize,
    /// What is not there yet.
    pub text: String,
    /// Bytes behind it that go when all of it is accepted.
    pub replaced: usize,
}

impl Screen {
    /// A suggestion is shown, best candidate first, of which `typed` bytes stand there already; returns its number: `id`,
    /// or the old one where it is what is left of the one on the screen.
    pub(super) fn show(
        &mut self,
        id: u64,
        completions: &[&Completion],
        typed: usize,
        facts: Facts,
        now: Instant,
    ) -> (u64, Option<Outcome>) {
        let Some(offset) = completions.first().map(|completion| completion.range.start) else {
            return (id, None);
        };
        if let Some(live) = &mut self.live
            && live.goes_on(offset, completions)
        {
            return (live.id, None);
        }
        let candidates = completions.iter().map(|completion| Candidate {
            text: completion.text.clone(),
            replaced: completion.range.len() - typed.min(completion.range.len()),
        });
        let live = Live {
            id,
            facts,
            at: offset,
            candidates: candidates.collect(),
            chosen: 0,
            standing: typed,
            accepted: 0,
            steps: 0,
            is_expected: false,
            is_inferred: true,
            since: now,
        };
        let settled = self.live.replace(live).and_then(|live| self.settle(live, now));
        (id, settled)
    }

    /// The document was edited and is `snapshot` now; returns what is settled by that.
    pub(super) fn edited(&mut self, edits: &[TextEdit], snapshot: &Snapshot, now: Instant) -> Vec<Outcome> {
        for following in &mut self.following {
            for edit in edits {
                following.edited(edit);
            }
        }
        let goes_on = self.live.as_mut().is_some_and(|live| live.edited(edits, snapshot));
        match self.live.take_if(|_| !goes_on) {
            Some(live) => self.settle(live, now).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The editor told that a candidate was accepted; returns what is settled by that.
    pub(super) fn accepted(&mut self, id: u64, candidate: usize, now: Instant) -> Option<Outcome> {
        if let Some(following) = self.following.iter_mut().find(|following| following.id == id) {
            following.outcome.inferred = false;
            return None;
        }
        // The text is not there as it was suggested, but the editor knows what it did.
        let mut live = self.live.take_if(|live| live.id == id)?;
        live.chosen = candidate.min(live.candidates.len() - 1);
        let whole = live.chosen().text.len();
        live.accepted += whole.saturating_sub(live.standing);
        live.standing = whole;
        live.steps += 1;
        live.is_inferred = false;
        self.settle(live, now)
    }

    /// The editor is sent an edit that accepts what stands here, or a part of it; or it has refused it.
    pub(super) fn expect(&mut self, is_expected: bool) {
        if let Some(live) = &mut self.live {
            live.is_expected = is_expected;
        }
    }

    /// Looks at what was accepted: to be called before the text changes, and at the end. Returns what was followed for
    /// long enough, or all of it where `is_over`.
    pub(super) fn look(&mut self, snapshot: &Snapshot, now: Instant, is_over: bool) -> Vec<Outcome> {
        let mut settled = Vec::new();
        if is_over && let Some(live) = self.live.take() {
            settled.extend(self.settle(live, now));
        }
        self.following.retain_mut(|following| {
            let goes_on = following.look(snapshot, now) && !is_over;
            if !goes_on {
                settled.push(following.outcome.clone());
            }
            goes_on
        });
        settled
    }

    /// Returns what can be accepted of a candidate; without one, of that which the edits agree with.
    pub(super) fn rest(&self, candidate: Option<usize>) -> Option<Rest> {
        let live = self.live.as_ref()?;
        let candidate = live.candidates.get(candidate.unwrap_or(live.chosen))?;
        let standing = &live.chosen().text[..live.standing];
        let text = candidate.text.strip_prefix(standing).filter(|text| !text.is_empty())?;
        Some(Rest { at: live.at + live.standing, text: text.into(), replaced: candidate.replaced })
    }

    /// Begins to follow what was accepted, or returns the outcome where nothing was.
    fn settle(&mut self, live: Live, now: Instant) -> Option<Outcome> {
        let outcome = live.outcome(now);
        if outcome.accepted == 0 {
            return Some(outcome);
        }
        let range = live.at..live.at + live.standing;
        let text = live.chosen().text[..live.standing].to_owned();
        // What was accepted is looked after together with what was typed before it.
        self.following.push(Following::new(live.id, range, text, outcome, now));
        None
    }
}

impl Live {
    /// Returns whether what is shown now is what is left of this; takes over candidates that are new.
    fn goes_on(&mut self, offset: usize, completions: &[&Completion]) -> bool {
        if offset != self.at + self.standing {
            return false;
        }
        let standing = self.chosen().text[..self.standing].to_owned();
        let first = completions.first().map(|completion| completion.text.as_str());
        let is_rest = |candidate: &Candidate| candidate.text.strip_prefix(&standing) == first;
        if !self.candidates.iter().any(is_rest) {
            return false;
        }
        self.candidates = completions
            .iter()
            .map(|completion| Candidate {
                text: format!("{standing}{}", completion.text),
                replaced: completion.range.end.saturating_sub(offset),
            })
            .collect();
        self.chosen = 0;
        true
    }

    /// Follows edits; returns whether it still stands there and something of it is left.
    fn edited(&mut self, edits: &[TextEdit], snapshot: &Snapshot) -> bool {
        let mut at_once = 0;
        let mut reach = self.at + self.standing + self.chosen().replaced;
        // Where the last edit to it ended.
        let mut touched = None;
        for edit in edits {
            let (start, end, length) = (edit.range.start, edit.range.end, edit.text.len());
            let moved = |place: usize| place - (end - start) + length;
            let is_item = |candidate: &&Candidate| edit.text.ends_with(&candidate.text);
            let item = self.candidates.iter().find(is_item).filter(|_| start < self.at && self.at <= end);
            if let Some(item) = item {
                // An item of the menu replaces the word before the cursor, too.
                self.at = start + length - item.text.len();
                at_once = keys(&edit.text);
                touched = Some(start + length);
                reach = start + length;
            } else if start < self.at && end <= self.at {
                self.at = moved(self.at);
                reach = moved(reach);
                touched = touched.map(moved);
            } else if start < self.at {
                return false;
            } else if start <= reach {
                at_once = at_once.max(keys(&edit.text));
                touched = Some(start + length);
                reach = moved(reach.max(end));
            }
        }
        let Some(touched) = touched else { return true };
        let stood = self.standing;
        self.stand(snapshot);
        let grown = self.standing.saturating_sub(stood);
        if grown > 0 && (self.is_expected || (AT_ONCE <= at_once && AT_ONCE <= grown)) {
            self.accepted += grown;
            self.steps += 1;
            self.is_inferred &= !self.is_expected;
            self.is_expected = false;
        }
        self.accepted = self.accepted.min(self.standing);
        let is_whole = self.standing == self.chosen().text.len();
        let behind = self.at + self.standing;
        // An editor closes a bracket that is typed; anything else behind is another text than this.
        let other = snapshot.slice(behind..touched.max(behind));
        !is_whole && other.chars().all(|c| ")]}>\"'`".contains(c))
    }

    /// Looks how much of the candidates stands in the document; the one that agrees best counts from then on.
    fn stand(&mut self, snapshot: &Snapshot) {
        let text = snapshot.slice(self.at..self.at + self.longest());
        let in_common = |candidate: &Candidate| common(&candidate.text, &text);
        // Of those that agree as well the first counts.
        let best = (0..self.candidates.len()).rev().max_by_key(|&index| in_common(&self.candidates[index]));
        self.chosen = best.unwrap_or(0);
        self.standing = in_common(self.chosen());
    }

    fn chosen(&self) -> &Candidate {
        &self.candidates[self.chosen]
    }

    fn longest(&self) -> usize {
        self.candidates.iter().map(|candidate| candidate.text.len()).max().unwrap_or(0)
    }

    fn outcome(&self, now: Instant) -> Outcome {
        let chosen = self.chosen();
        let is_whole = self.standing == chosen.text.len();
        let characters = |bytes: usize| chosen.text.get(..bytes).map_or(bytes, |text| text.chars().count());
        let accepted = characters(self.accepted);
        let stood = now - self.since;
        let fate = match (is_whole, accepted) {
            (true, 0) => Fate::Typed,
            (true, _) => Fate::Accepted,
            (false, 0) if stood < GLANCE => Fate::Glimpsed,
            (false, 0) => Fate::Passed,
            (false, _) => Fate::Partly,
        };
        Outcome {
            day: today(),
            facts: self.facts.clone(),
            fate,
            inferred: self.is_inferred,
            candidates: self.candidates.len(),
            characters: chosen.text.chars().count(),
            lines: chosen.text.lines().count(),
            accepted,
            keys_saved: accepted.saturating_sub(self.steps),
            stood_ms: stood.as_millis().try_into().unwrap_or(u64::MAX),
            kept_30s: None,
            kept_5min: None,
        }
    }
}

/// Returns how many keys a text takes at most: a new line brings its indentation with it.
fn keys(text: &str) -> usize {
    let line = text.trim_start_matches(['\r', '\n']);
    match line.len() == text.len() {
        true => text.chars().count(),
        false => 1 + line.trim_start().chars().count(),
    }
}

/// Returns how many bytes two texts have in common at their beginning.
fn common(a: &str, b: &str) -> usize {
    let pairs = a.char_indices().zip(b.chars());
    let different = pairs.clone().find(|((_, x), y)| x != y).map(|((at, _), _)| at);
    different.unwrap_or_else(|| pairs.last().map_or(0, |((at, x), _)| at + x.len_utf8()))
}

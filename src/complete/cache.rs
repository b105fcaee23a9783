//! Recent suggestions: one that the user is typing along is answered from here, with what is left of it, and so is one
//! whose typed part was taken back. Knows nothing of requests; what was generated but never finished is not kept.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

use crate::complete::Completion;
use crate::complete::brackets::Brackets;
use crate::complete::overlap::closers_in_common;
use crate::text::{Language, Snapshot};

/// Bytes before and after the cursor that must be unchanged for a suggestion to hold. Hashing more would cost more at
/// every keystroke in a large file, and a change further away does not make a suggestion wrong.
const BEFORE: usize = 4 * 1024;
const AFTER: usize = 1024;

/// Bytes of a line's rest that are compared.
const REST: usize = 1024;

/// Suggestions kept, of all documents together.
const CAPACITY: usize = 64;

/// The recent suggestions, the latest used last.
#[derive(Debug, Default)]
pub struct Cache {
    entries: VecDeque<(u64, Entry)>,
}

impl Cache {
    /// Returns an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps what was suggested for byte `offset` of a document, the best candidate first, in place of what was suggested
    /// there before; `document` is any number that names it.
    pub fn remember(&mut self, document: u64, snapshot: &Snapshot, offset: usize, candidates: &[Completion]) {
        let entry = Entry::new(snapshot, offset, candidates);
        self.entries.retain(|(other, old)| *other != document || old.place() != entry.place());
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back((document, entry));
    }

    /// Returns what is left of a suggestion that the text at byte `offset` has been typed along, with its other candidates
    /// that agree with it; of several suggestions the longest known.
    pub fn lookup(&mut self, document: u64, snapshot: &Snapshot, offset: usize) -> Option<Vec<Completion>> {
        let mut found: Option<(usize, Vec<Completion>)> = None;
        for (index, (owner, entry)) in self.entries.iter().enumerate() {
            if *owner != document {
                continue;
            }
            let candidates = entry.rest_at(snapshot, offset);
            let length = |candidates: &[Completion]| candidates.first().map(|first| first.text.len());
            if length(found.as_ref().map_or(&[], |(_, best)| best)) <= length(&candidates) {
                found = Some((index, candidates));
            }
        }
        let (index, candidates) = found.filter(|(_, candidates)| !candidates.is_empty())?;
        let used = self.entries.remove(index)?;
        self.entries.push_back(used);
        Some(candidates)
    }

    /// Forgets a document, as when it is closed.
    pub fn forget(&mut self, document: u64) {
        self.entries.retain(|(owner, _)| *owner != document);
    }
}

/// Carries a suggestion made for `offset` of an older snapshot over to a newer one with the cursor at `now`: what is
/// left of it where the user typed along, `None` where anything else changed near it.
pub fn interpolate(
    completion: &Completion,
    old: &Snapshot,
    offset: usize,
    new: &Snapshot,
    now: usize,
) -> Option<Completion> {
    Entry::new(old, offset, std::slice::from_ref(completion)).rest_at(new, now).pop()
}

/// Returns what was typed between two snapshots, if nothing else happened: the cursor went from `offset` to `now`, and
/// the text around it is the same.
pub fn typed_since(old: &Snapshot, offset: usize, new: &Snapshot, now: usize) -> Option<String> {
    let typed = now.checked_sub(offset)?;
    let same = new.len().checked_sub(typed) == Some(old.len())
        && text_before(new, offset) == text_before(old, offset)
        && text_after(new, now) == text_after(old, offset);
    same.then(|| new.slice(offset..now))
}

/// The candidates of a suggestion and the text that they were made for.
#[derive(Debug, Clone)]
struct Entry {
    offset: usize,
    before: u64,
    rest: String,
    after: u64,
    candidates: Vec<Completion>,
    language: Language,
}

impl Entry {
    fn new(snapshot: &Snapshot, offset: usize, candidates: &[Completion]) -> Self {
        let (rest, after) = text_after(snapshot, offset);
        Self {
            offset,
            before: text_before(snapshot, offset),
            rest,
            after,
            candidates: candidates.to_vec(),
            language: snapshot.language(),
        }
    }

    fn place(&self) -> (usize, u64, &str, u64) {
        (self.offset, self.before, &self.rest, self.after)
    }

    /// Returns what is left of the candidates that the text up to `offset` agrees with.
    fn rest_at(&self, snapshot: &Snapshot, offset: usize) -> Vec<Completion> {
        let Some(typed) = offset.checked_sub(self.offset) else { return Vec::new() };
        let goes_on = |completion: &&Completion| {
            completion.text.get(typed..).is_some_and(|left| !left.trim().is_empty())
        };
        // Most entries are of another place, and this is what tells it without reading much.
        if !self.candidates.iter().any(|completion| goes_on(&completion)) {
            return Vec::new();
        }
        let written = snapshot.slice(self.offset..offset);
        let mut agreeing =
            self.candidates.iter().filter(goes_on).filter(|it| it.text.starts_with(&written)).peekable();
        if agreeing.peek().is_none() || text_before(snapshot, self.offset) != self.before {
            return Vec::new();
        }
        let (rest, after) = text_after(snapshot, offset);
        let Some(added) = rest.strip_suffix(self.rest.as_str()).filter(|_| after == self.after) else {
            return Vec::new();
        };
        let left = |completion: &Completion| {
            let closed = self.closed_by_editor(&completion.text, typed, added)?;
            let replaced = completion.range.end.saturating_sub(self.offset);
            let text = completion.text[typed..].to_owned();
            Some(Completion { range: offset..offset + closed + replaced, text })
        };
        agreeing.filter_map(left).collect()
    }

    /// Returns the bytes of `added`, which came after the cursor since, that the suggestion itself closes: the editor
    /// puts a `)` there when a `(` is typed. `None` when anything else was added.
    fn closed_by_editor(&self, text: &str, typed: usize, added: &str) -> Option<usize> {
        if added.is_empty() {
            return Some(0);
        }
        let string = Brackets::of(&text[..typed], self.language, None).string;
        let closing = Brackets::of(&text[typed..], self.language, string).closing;
        let (closed, _) = closers_in_common(&closing, added);
        (closed == added.len()).then_some(closed)
    }
}

fn text_before(snapshot: &Snapshot, offset: usize) -> u64 {
    hash(&snapshot.slice(offset.saturating_sub(BEFORE)..offset))
}

/// Returns the rest of the line, and the hash of what follows it.
fn text_after(snapshot: &Snapshot, offset: usize) -> (String, u64) {
    let end = snapshot.line_end(snapshot.line_of(offset));
    let rest = snapshot.slice(offset..end.min(offset.saturating_add(REST)));
    (rest, hash(&snapshot.slice(end..end.saturating_add(AFTER))))
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

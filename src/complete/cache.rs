//! Recent suggestions: one that the user is typing along is answered from here, with what is left of it, and so is one
//! whose typed part was taken back. Knows nothing of requests; what was generated but never finished is not kept.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;

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

    /// Keeps a suggestion that was made for byte `offset` of a document; `document` is any number that names it.
    pub fn remember(&mut self, document: u64, snapshot: &Snapshot, offset: usize, completion: &Completion) {
        let entry = Entry::new(snapshot, offset, completion);
        self.entries.retain(|(other, old)| *other != document || old.place() != entry.place());
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back((document, entry));
    }

    /// Returns what is left of a suggestion that the text at byte `offset` has been typed along, the longest known if
    /// there are several.
    pub fn lookup(&mut self, document: u64, snapshot: &Snapshot, offset: usize) -> Option<Completion> {
        let mut found: Option<(usize, Completion)> = None;
        for (index, (owner, entry)) in self.entries.iter().enumerate() {
            if *owner != document {
                continue;
            }
            let Some(completion) = entry.rest_at(snapshot, offset) else { continue };
            if found.as_ref().is_none_or(|(_, best)| best.text.len() <= completion.text.len()) {
                found = Some((index, completion));
            }
        }
        let (index, completion) = found?;
        let used = self.entries.remove(index)?;
        self.entries.push_back(used);
        Some(completion)
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
    Entry::new(old, offset, completion).rest_at(new, now)
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

/// A suggestion and the text that it was made for.
#[derive(Debug, Clone)]
struct Entry {
    offset: usize,
    before: u64,
    rest: String,
    after: u64,
    replaced: usize,
    text: String,
    language: Language,
}

impl Entry {
    fn new(snapshot: &Snapshot, offset: usize, completion: &Completion) -> Self {
        let (rest, after) = text_after(snapshot, offset);
        Self {
            offset,
            before: text_before(snapshot, offset),
            rest,
            after,
            replaced: completion.range.end.saturating_sub(offset),
            text: completion.text.clone(),
            language: snapshot.language(),
        }
    }

    fn place(&self) -> (usize, u64, &str, u64) {
        (self.offset, self.before, &self.rest, self.after)
    }

    fn rest_at(&self, snapshot: &Snapshot, offset: usize) -> Option<Completion> {
        let typed = offset.checked_sub(self.offset)?;
        let left = self.text.get(typed..).filter(|left| !left.trim().is_empty())?;
        if snapshot.slice(self.offset..offset) != self.text[..typed]
            || text_before(snapshot, self.offset) != self.before
        {
            return None;
        }
        let (rest, after) = text_after(snapshot, offset);
        if after != self.after {
            return None;
        }
        let added = rest.strip_suffix(self.rest.as_str())?;
        let closed = self.closed_by_editor(typed, added)?;
        Some(Completion { range: replaced(offset, closed + self.replaced), text: left.to_owned() })
    }

    /// Returns the bytes of `added`, which came after the cursor since, that the suggestion itself closes: the editor
    /// puts a `)` there when a `(` is typed. `None` when anything else was added.
    fn closed_by_editor(&self, typed: usize, added: &str) -> Option<usize> {
        if added.is_empty() {
            return Some(0);
        }
        let string = Brackets::of(&self.text[..typed], self.language, None).string;
        let closing = Brackets::of(&self.text[typed..], self.language, string).closing;
        let (closed, _) = closers_in_common(&closing, added);
        (closed == added.len()).then_some(closed)
    }
}

fn replaced(offset: usize, bytes: usize) -> Range<usize> {
    offset..offset + bytes
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

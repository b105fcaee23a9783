//! Where the prefix of a prompt ends. Not at the cursor: what has been typed since the anchor stands after the middle
//! marker, as the beginning of what the model writes, so that a keystroke adds a token or two to the prompt instead of
//! moving the whole suffix. The order of a prompt's parts as tokens is the source's business.

use std::sync::Arc;

use crate::complete::surroundings::with_newlines;
use crate::complete::{Context, Prompt};
use crate::text::Snapshot;

/// The most bytes after the anchor. Beyond, what a prompt saves is little beside what the model loses: its training
/// had the middle empty.
const LONGEST_RUN: usize = 240;

/// A prompt and the place in the document that it was made for, kept for the keystrokes that follow.
#[derive(Debug, Clone)]
pub struct Anchored {
    /// The prompt.
    pub prompt: Prompt,
    /// Where its prefix begins in the document.
    start: usize,
    /// Where its prefix ends.
    anchor: usize,
    /// Where its suffix begins: the cursor.
    cursor: usize,
    /// Where its suffix ends.
    end: usize,
    /// Bytes of the document without what was typed since the anchor.
    rest: usize,
    /// How much of the file it reads.
    pub reach: Reach,
}

/// How much of the file a prompt reads. The better first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// All that the settings allow.
    Whole,
    /// As much before the cursor, which is there already, and after it what can be computed within the latency.
    Before,
    /// What can be computed within the latency when nothing is there.
    Short,
}

/// Returns where the prefix for a cursor at `offset` ends: behind the indentation of the cursor's line. The indentation
/// itself stays in the prefix; a model that has to write it too is right less often.
pub(super) fn place(snapshot: &Snapshot, offset: usize) -> usize {
    let line = snapshot.line_start(snapshot.line_of(offset));
    if offset - line > LONGEST_RUN {
        return offset;
    }
    let before = snapshot.slice(line..offset);
    line + (before.len() - before.trim_start_matches([' ', '\t']).len())
}

/// Returns what prompts begin with in a file that nothing was completed in yet: the first `bytes` of it as a prefix.
pub fn file_prompt(snapshot: &Snapshot, path: Option<String>, bytes: usize) -> Prompt {
    Prompt { path, prefix: with_newlines(&snapshot.slice(0..bytes)), ..Prompt::default() }
}

impl Anchored {
    /// Keeps a prompt that was made of these places.
    pub(super) fn new(prompt: Prompt, snapshot: &Snapshot, [start, anchor, cursor, end]: [usize; 4]) -> Self {
        let rest = snapshot.len() - (cursor - anchor);
        Self { prompt, start, anchor, cursor, end, rest, reach: Reach::Whole }
    }

    /// Returns the prompt for a cursor at `offset` of a newer text with the same prefix and suffix, if all that
    /// happened since is that something was typed, or deleted, behind the anchor.
    pub fn continued(&self, snapshot: &Snapshot, offset: usize) -> Option<Self> {
        let run = offset.checked_sub(self.anchor).filter(|&run| run <= LONGEST_RUN)?;
        if snapshot.len().checked_sub(run) != Some(self.rest) {
            return None;
        }
        let end = offset + (self.end - self.cursor);
        let same = with_newlines(&snapshot.slice(self.start..self.anchor)) == self.prompt.prefix
            && with_newlines(&snapshot.slice(offset..end)) == self.prompt.suffix;
        if !same {
            return None;
        }
        let typed = with_newlines(&snapshot.slice(self.anchor..offset));
        let prompt = Prompt { typed, ..self.prompt.clone() };
        Some(Self { prompt, cursor: offset, end, ..self.clone() })
    }

    /// Moves the anchor to the cursor: the usual order, in which the prefix holds all that is before it.
    pub fn at_cursor(mut self) -> Self {
        self.prompt.prefix += &std::mem::take(&mut self.prompt.typed);
        Self { anchor: self.cursor, rest: self.rest + (self.cursor - self.anchor), ..self }
    }

    /// Returns where prefix, run, suffix begin, and where the suffix ends.
    pub(super) fn places(&self) -> [usize; 4] {
        [self.start, self.anchor, self.cursor, self.end]
    }

    /// Returns where the cursor was.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Says how much of the file it reads.
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// Puts other files before it.
    pub fn behind(mut self, context: Option<Arc<Context>>) -> Self {
        self.prompt.context = context;
        self
    }

    /// Returns what prompts of this part of the file begin with: a prefix that is `bytes` long or goes to its end.
    pub fn file_prompt(&self, snapshot: &Snapshot, bytes: usize) -> Prompt {
        let prefix = with_newlines(&snapshot.slice(self.start..self.start.saturating_add(bytes)));
        let Prompt { path, requirement, .. } = self.prompt.clone();
        Prompt { path, requirement, prefix, ..Prompt::default() }
    }

    /// Returns whether the run has left the line in which it began, so that a new anchor would serve better.
    pub fn is_stale(&self) -> bool {
        self.prompt.typed.contains('\n')
    }
}

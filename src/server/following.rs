//! An accepted text, followed through the edits: is it still there after 30 seconds, and after five minutes?
//!
//! No timer runs: a text changes only by an edit, so it is looked at before the first edit after the time is up, and at
//! the end of the document.

use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

use crate::stats::{Outcome, kept_share};
use crate::text::{Snapshot, TextEdit};

/// When it is looked at.
const SOON: Duration = Duration::from_secs(30);
const LATER: Duration = Duration::from_secs(5 * 60);

/// An accepted text.
#[derive(Debug)]
pub(super) struct Following {
    /// The suggestion's number.
    pub id: u64,
    /// What is known so far.
    pub outcome: Outcome,
    /// Where it stands in the document as it is.
    range: Range<usize>,
    text: String,
    since: Instant,
}

impl Following {
    pub(super) fn new(id: u64, range: Range<usize>, text: String, outcome: Outcome, now: Instant) -> Self {
        Self { id, outcome, range, text, since: now }
    }

    /// Moves with an edit. What is written inside belongs to it, what is written at its borders does not.
    pub(super) fn edited(&mut self, edit: &TextEdit) {
        let Range { start, end } = self.range;
        let (from, to, length) = (edit.range.start, edit.range.end, edit.text.len());
        let moved = |place: usize| place - (to - from) + length;
        self.range = if to <= start {
            moved(start)..moved(end)
        } else if end <= from {
            start..end
        } else if start <= from && to <= end {
            start..moved(end)
        } else if from < start && to < end {
            // Its beginning was replaced together with what stood before it.
            from + length..moved(end)
        } else {
            start.min(from)..from
        };
    }

    /// Looks at it where the time has come; returns whether it is to be followed further.
    pub(super) fn look(&mut self, snapshot: &Snapshot, now: Instant) -> bool {
        let age = now - self.since;
        let share = || kept_share(&self.text, &snapshot.slice(self.range.clone()));
        if SOON <= age && self.outcome.kept_30s.is_none() {
            self.outcome.kept_30s = Some(share());
        }
        if LATER <= age {
            self.outcome.kept_5min = Some(share());
        }
        age < LATER
    }
}

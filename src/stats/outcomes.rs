//! The outcomes of suggestions, in a bounded file beside the request log.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::acceptance::Acceptance;
use super::journal::{Book, Journal};
use super::outcome::Outcome;

/// Some 15,000 suggestions in each of the two: a month or more of typing.
pub(super) const BOOK: Book = Book {
    name: "outcomes.jsonl",
    older: "outcomes.1.jsonl",
    bound: 4 * 1024 * 1024,
    about: "outcomes of suggestions",
};

/// Writes outcomes down, and knows how often this user accepts what is shown.
#[derive(Debug)]
pub struct OutcomeLog {
    dir: Option<PathBuf>,
    journal: Option<Journal>,
    acceptance: Arc<Mutex<Acceptance>>,
}

impl OutcomeLog {
    /// Returns a log that writes to a file in `dir`, or keeps nothing where there is none.
    pub fn new(dir: Option<&Path>) -> Self {
        let acceptance = Arc::default();
        let journal = dir.map(|dir| {
            // It may be megabytes, and nobody waits for it. On the thread that writes, or what was added meanwhile would be
            // counted twice.
            let known = Arc::clone(&acceptance);
            Journal::after(dir, &BOOK, move |dir| remember(dir, &known))
        });
        Self { dir: dir.map(Path::to_path_buf), journal, acceptance }
    }

    /// Looks at how often this user accepts what is shown.
    pub fn acceptance<T>(&self, look: impl FnOnce(&Acceptance) -> T) -> T {
        look(&lock(&self.acceptance))
    }

    /// Takes down what happened to one suggestion.
    pub fn add(&self, outcome: &Outcome) {
        if let Some(journal) = &self.journal {
            journal.write(outcome);
        }
        lock(&self.acceptance).add(outcome);
    }

    /// Waits until all of it is in the file. Blocks, for a second at most.
    pub fn flush(&self) {
        if let Some(journal) = &self.journal {
            journal.flush();
        }
    }

    /// Returns all that is in the file, oldest first. Blocks while it is read.
    pub fn all(&self) -> Vec<Outcome> {
        self.flush();
        self.dir.as_deref().map(all_outcomes).unwrap_or_default()
    }
}

/// Counts what was written down before.
fn remember(dir: &Path, acceptance: &Mutex<Acceptance>) {
    let before: Vec<Outcome> = BOOK.read(dir);
    let mut acceptance = lock(acceptance);
    before.iter().for_each(|outcome| acceptance.add(outcome));
}

fn lock(acceptance: &Mutex<Acceptance>) -> MutexGuard<'_, Acceptance> {
    acceptance.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns all outcomes written in `dir`, oldest first.
pub fn all_outcomes(dir: &Path) -> Vec<Outcome> {
    BOOK.read(dir)
}

//! The outcomes of suggestions, in a bounded file beside the request log.

use std::path::{Path, PathBuf};

use super::journal::{Book, Journal};
use super::outcome::Outcome;

/// Some 15,000 suggestions in each of the two: a month or more of typing.
pub(super) const BOOK: Book = Book {
    name: "outcomes.jsonl",
    older: "outcomes.1.jsonl",
    bound: 4 * 1024 * 1024,
    about: "outcomes of suggestions",
};

/// Writes outcomes down.
#[derive(Debug)]
pub struct OutcomeLog {
    dir: Option<PathBuf>,
    journal: Option<Journal>,
}

impl OutcomeLog {
    /// Returns a log that writes to a file in `dir`, or keeps nothing where there is none.
    pub fn new(dir: Option<&Path>) -> Self {
        Self { dir: dir.map(Path::to_path_buf), journal: dir.map(|dir| Journal::new(dir, &BOOK)) }
    }

    /// Takes down what happened to one suggestion.
    pub fn add(&self, outcome: &Outcome) {
        if let Some(journal) = &self.journal {
            journal.write(outcome);
        }
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

/// Returns all outcomes written in `dir`, oldest first.
pub fn all_outcomes(dir: &Path) -> Vec<Outcome> {
    BOOK.read(dir)
}

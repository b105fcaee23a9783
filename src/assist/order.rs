//! What every task is done with, and why one comes to nothing: shared by all that asks the model in its chat form.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::CancelToken;
use crate::source::SourceError;

/// Hears how a task goes on, while it does. Called on the engine's thread: it must be quick.
pub type Heard = Arc<dyn Fn(Step<'_>) + Send + Sync>;

/// A step of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The model begins an answer, the nth.
    Attempt(usize),
    /// The piece that the model has just written, and all of its answer with it.
    Piece(&'a str, &'a str),
    /// What is done beside writing, in a few words.
    Note(&'a str),
    /// The next answer is prose for a page that can be read while it grows: the page's title, and what stands above it.
    Page(&'a str, &'a str),
}

/// What a task is done with.
#[derive(Clone)]
pub struct Order {
    /// The path of the file as the model is to see it.
    pub path: Option<String>,
    /// The files whose text is part of it.
    pub files: Vec<PathBuf>,
    /// A branch of the source's that nothing else uses.
    pub branch: u64,
    /// The most tokens of one answer.
    pub max_tokens: usize,
    /// What the user raises for longer answers: a setting or a flag.
    pub bound: &'static str,
    /// Stops it.
    pub cancel: CancelToken,
    /// Hears how it goes on.
    pub heard: Heard,
}

impl Order {
    /// Returns what stands behind an answer in prose that was cut, after it was heard; nothing for one that was not.
    pub(super) fn cut_note(&self, answer: &str, cut: bool) -> String {
        if !cut {
            return String::new();
        }
        let note = format!("\n\n… (cut: raise `{}` for longer answers)", self.bound);
        (self.heard)(Step::Piece(&note, &format!("{answer}{note}")));
        note
    }
}

/// Why a task came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssistError {
    /// The source could not.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There is nothing in the document for this task.
    #[error("{0}")]
    NothingToDo(String),
    /// The answer held nothing that could be used; the message says what was missing and what to try.
    #[error("{0}")]
    NoUse(String),
    /// What is to be read is too long.
    #[error("{lines} lines are selected, more than fit ({most}); select less")]
    TooLong {
        /// Lines selected.
        lines: usize,
        /// About how many fit.
        most: usize,
    },
}

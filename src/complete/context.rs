//! What of other files stands before this one in a prompt: chosen once, in idle time, and then frozen, since a change of it
//! means computing the whole file again. [`choose`] says what would be best now, [`Context::lacks`] whether that is worth it.
//!
//! Least-changing first: the user's notes, then the definitions that this file uses, then places in other open documents.

mod definitions;
mod nearby;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::complete::TokenCount;
use crate::complete::window::first_lines_within;
use crate::text::Snapshot;
use crate::workspace::Workspace;
use definitions::Chooser;

pub use nearby::OpenDocument;

/// One part in this many of the tokens is what the user's notes may take, and what places in open documents may.
const SHARE: usize = 4;

/// The other files of a prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The project's name.
    pub project: String,
    /// The parts, in the order in which they are sent; parts of one file stand together.
    pub pieces: Vec<Piece>,
    /// The names that the pieces define, each with how much it counts in this file.
    pub names: Vec<(String, f32)>,
}

/// A part of another file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// The file's path below its workspace folder.
    pub path: String,
    /// Where the file lies.
    pub file: PathBuf,
    /// The text, with `\n` for line ends and one at its end.
    pub text: String,
    /// Where it comes from.
    pub source: PieceSource,
    /// Why it was chosen, for a person.
    pub reason: String,
    /// Tokens of the text.
    pub tokens: usize,
}

/// Where a piece comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PieceSource {
    /// The user's notes.
    Notes,
    /// Definitions that the file imports or names.
    Definitions,
    /// A place that was edited in another document.
    Edited,
    /// A place in another open document that uses the same names.
    Similar,
}

impl PieceSource {
    /// Returns it in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notes => "notes",
            Self::Definitions => "definitions",
            Self::Edited => "edited",
            Self::Similar => "similar",
        }
    }
}

/// What a context is chosen for.
pub struct ContextRequest<'a> {
    /// The document.
    pub snapshot: &'a Snapshot,
    /// Where it lies.
    pub path: &'a Path,
    /// The cursor, in bytes, where it is known.
    pub cursor: Option<usize>,
    /// Tokens that all pieces may have together.
    pub tokens: usize,
    /// The other open documents, the one that was worked in last first.
    pub open: &'a [OpenDocument],
}

/// Chooses what of other files helps most with a document. Takes milliseconds: not for a request's way.
pub fn choose(request: &ContextRequest<'_>, workspace: &Workspace, count: &dyn TokenCount) -> Context {
    let root = workspace.root_of(request.path);
    let project = root.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let mut left = request.tokens;
    let notes = notes(request, workspace, count);
    left -= notes.iter().map(|piece| piece.tokens).sum::<usize>().min(left);
    let nearby = nearby::pieces(request, request.tokens / SHARE, count);
    left -= nearby.iter().map(|piece| piece.tokens).sum::<usize>().min(left);
    let (definitions, names) = Chooser::new(request, workspace, count).choose(left);
    let pieces = notes.into_iter().chain(definitions).chain(nearby).collect();
    Context { project, pieces, names }
}

fn notes(request: &ContextRequest<'_>, workspace: &Workspace, count: &dyn TokenCount) -> Option<Piece> {
    let (path, text) = workspace.notes(request.path)?;
    let text = first_lines_within(&text, request.tokens / SHARE, count).replace("\r\n", "\n");
    let reason = "notes of the project".to_owned();
    let file = workspace.root_of(request.path)?.join(path);
    (!text.is_empty()).then(|| Piece::new((path.into(), file), text, PieceSource::Notes, reason, count))
}

impl Context {
    /// Returns how much of what `better` tells is lacking here: 0 nothing, 1 everything.
    pub fn lacks(&self, better: &Self) -> f32 {
        let known = |name: &str| self.names.iter().any(|(own, _)| own == name);
        let all: f32 = better.names.iter().map(|(_, weight)| weight).sum();
        let new: f32 = better.names.iter().filter(|(name, _)| !known(name)).map(|(_, weight)| weight).sum();
        let notes =
            |context: &Self| context.pieces.iter().find(|piece| piece.source == PieceSource::Notes).cloned();
        if notes(self) != notes(better) {
            // Somebody has written them for this very purpose.
            return 1.0;
        }
        if all > 0.0 { new / all } else { 0.0 }
    }
}

impl Piece {
    pub(super) fn new(
        (path, file): (String, PathBuf),
        mut text: String,
        source: PieceSource,
        reason: String,
        count: &dyn TokenCount,
    ) -> Self {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let tokens = count.count(&text);
        Self { path, file, text, source, reason, tokens }
    }
}

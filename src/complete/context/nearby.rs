//! Places in other open documents: where something was edited last, and what uses the same names as the text at the
//! cursor. A place that reads like the text at the cursor itself is left out, since a small model copies it.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{ContextRequest, Piece, PieceSource};
use crate::complete::TokenCount;
use crate::complete::surroundings::with_newlines;
use crate::complete::window::first_lines_within;
use crate::syntax;
use crate::text::Snapshot;

/// Lines of a place.
const LINES: usize = 24;

/// Bytes of a document that are looked through for places.
const READ: usize = 100_000;

/// Open documents that are looked through.
const DOCUMENTS: usize = 8;

/// Bytes on each side of the cursor whose names are compared.
const AROUND: usize = 1_000;

/// Names in common, as a part of all, from which a place counts as similar.
const SIMILAR: f32 = 0.15;

/// Lines in common, as a part of a place's, from which it reads like the text at the cursor.
const ECHO: f32 = 0.4;

/// Another document that is open.
#[derive(Debug, Clone)]
pub struct OpenDocument {
    /// Its path as a model is shown it.
    pub shown: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Its text.
    pub snapshot: Snapshot,
    /// Where it was edited last, in bytes.
    pub edited: Option<usize>,
}

/// Returns the best place of each open document, as many as fit.
pub(super) fn pieces(request: &ContextRequest<'_>, tokens: usize, count: &dyn TokenCount) -> Vec<Piece> {
    let Some(cursor) = request.cursor else { return Vec::new() };
    let text =
        request.snapshot.slice(cursor.saturating_sub(AROUND)..(cursor + AROUND).min(request.snapshot.len()));
    let here = Here::of(request.snapshot, &text);
    let mut left = tokens;
    let mut pieces = Vec::new();
    for document in request.open.iter().take(DOCUMENTS) {
        let Some((place, source)) = here.best_place(document) else { continue };
        let text = first_lines_within(&place, left, count);
        if text.is_empty() {
            break;
        }
        let reason = match source {
            PieceSource::Edited => "edited a while ago".to_owned(),
            _ => "open, and uses the same names".to_owned(),
        };
        let piece = Piece::new(
            (document.shown.clone(), document.file.clone()),
            text.to_owned(),
            source,
            reason,
            count,
        );
        left -= piece.tokens.min(left);
        pieces.push(piece);
    }
    // Those that were worked in last change soonest.
    pieces.reverse();
    pieces
}

/// The text at the cursor, as others are compared with it.
struct Here {
    names: HashSet<String>,
    lines: HashSet<String>,
}

impl Here {
    fn of(snapshot: &Snapshot, text: &str) -> Self {
        let names =
            syntax::names(snapshot.language(), text).into_iter().map(|name| name.text.to_owned()).collect();
        Self { names, lines: telling_lines(text).map(str::to_owned).collect() }
    }

    fn best_place(&self, document: &OpenDocument) -> Option<(String, PieceSource)> {
        let snapshot = &document.snapshot;
        if let Some(edited) = document.edited {
            let line = snapshot.line_of(edited.min(snapshot.len()));
            let place = lines(snapshot, line.saturating_sub(LINES / 2));
            if !place.trim().is_empty() && !self.is_echo(&place) {
                return Some((place, PieceSource::Edited));
            }
        }
        let count = snapshot.line_of(snapshot.len().min(READ));
        let places = (0..=count).step_by(LINES / 2).map(|line| lines(snapshot, line));
        let rated = places.map(|place| (self.likeness(snapshot, &place), place));
        let best = rated.filter(|(likeness, place)| *likeness >= SIMILAR && !self.is_echo(place));
        best.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, place)| (place, PieceSource::Similar))
    }

    fn likeness(&self, snapshot: &Snapshot, place: &str) -> f32 {
        let names: HashSet<&str> =
            syntax::names(snapshot.language(), place).into_iter().map(|name| name.text).collect();
        let common = names.iter().filter(|name| self.names.contains(**name)).count();
        let all = names.len() + self.names.len() - common;
        if all == 0 { 0.0 } else { common as f32 / all as f32 }
    }

    fn is_echo(&self, place: &str) -> bool {
        let telling: Vec<&str> = telling_lines(place).collect();
        let common = telling.iter().filter(|line| self.lines.contains(**line)).count();
        common as f32 >= ECHO * telling.len().max(1) as f32
    }
}

/// The lines of a text that say more than a bracket does.
fn telling_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| line.len() > 8)
}

fn lines(snapshot: &Snapshot, from: usize) -> String {
    let start = snapshot.line_start(from);
    let last = from + LINES;
    let end = if last < snapshot.line_count() { snapshot.line_start(last) } else { snapshot.len() };
    with_newlines(&snapshot.slice(start..end))
}

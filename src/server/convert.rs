//! Between the protocol's vocabulary and the crate's: the only code that sees both.

use std::ops::Range;
use std::path::{Path, PathBuf};

use tower_lsp::lsp_types::{
    self as lsp, DocumentChanges, InitializeParams, OptionalVersionedTextDocumentIdentifier,
    TextDocumentContentChangeEvent, TextDocumentEdit, Url, WorkspaceEdit,
};

use super::capabilities::Negotiated;
use crate::text::{Change, Position, PositionEncoding, Snapshot, TextEdit};

/// Returns a position as the documents take it.
pub(super) fn position(position: lsp::Position) -> Position {
    Position { line: position.line, character: position.character }
}

/// Returns a change as the documents take it.
pub(super) fn change(event: TextDocumentContentChangeEvent) -> Change {
    let range = event.range.map(|range| (position(range.start), position(range.end)));
    Change { range, text: event.text }
}

/// Returns a byte range as the protocol has it.
pub(super) fn to_range(snapshot: &Snapshot, range: &Range<usize>, encoding: PositionEncoding) -> lsp::Range {
    let place = |offset| {
        let Position { line, character } = snapshot.position(offset, encoding);
        lsp::Position { line, character }
    };
    lsp::Range { start: place(range.start), end: place(range.end) }
}

/// Returns the byte range of a range of the protocol.
pub(super) fn from_range(snapshot: &Snapshot, range: lsp::Range, encoding: PositionEncoding) -> Range<usize> {
    let place = |at| snapshot.offset(position(at), encoding);
    place(range.start)..place(range.end)
}

/// Returns the edits of one document as the protocol has it, for the version they were made for where the editor can tell.
pub(super) fn to_workspace_edit(
    uri: &Url,
    snapshot: &Snapshot,
    edits: &[TextEdit],
    negotiated: Negotiated,
) -> WorkspaceEdit {
    let to_edit = |edit: &TextEdit| lsp::TextEdit {
        range: to_range(snapshot, &edit.range, negotiated.encoding),
        new_text: edit.text.clone(),
    };
    let edits = edits.iter().map(to_edit);
    if !negotiated.document_changes {
        return WorkspaceEdit::new([(uri.clone(), edits.collect())].into());
    }
    let text_document =
        OptionalVersionedTextDocumentIdentifier { uri: uri.clone(), version: Some(snapshot.version()) };
    let change = TextDocumentEdit { text_document, edits: edits.map(lsp::OneOf::Left).collect() };
    WorkspaceEdit { document_changes: Some(DocumentChanges::Edits(vec![change])), ..WorkspaceEdit::default() }
}

/// Returns the folders that the editor has open.
pub(super) fn roots(params: &InitializeParams) -> Vec<PathBuf> {
    let folders = params.workspace_folders.iter().flatten().map(|folder| &folder.uri);
    folders.chain(&params.root_uri).filter_map(|uri| uri.to_file_path().ok()).collect()
}

/// Returns a document's path as a model is to see it: below the workspace folder, or only its name. What lies above
/// says who the user is and nothing about the code.
pub(super) fn shown_path(uri: &Url, roots: &[PathBuf]) -> Option<String> {
    let path = uri.to_file_path().ok()?;
    let inside = roots.iter().find_map(|root| path.strip_prefix(root).ok());
    let shown = inside.or_else(|| path.file_name().map(Path::new))?;
    Some(shown.to_string_lossy().replace('\\', "/"))
}

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

/// Returns an edit whose changes the editor shows before it makes them, where it can: each can be taken or left.
pub(super) fn to_confirmed(edit: WorkspaceEdit, label: &str, negotiated: Negotiated) -> WorkspaceEdit {
    const ID: &str = "infill-ls";
    let Some(DocumentChanges::Edits(changes)) =
        edit.document_changes.as_ref().filter(|_| negotiated.annotations)
    else {
        return edit;
    };
    let annotated = |text_edit: &lsp::OneOf<lsp::TextEdit, lsp::AnnotatedTextEdit>| match text_edit {
        lsp::OneOf::Left(text_edit) => lsp::OneOf::Right(lsp::AnnotatedTextEdit {
            text_edit: text_edit.clone(),
            annotation_id: ID.into(),
        }),
        lsp::OneOf::Right(already) => lsp::OneOf::Right(already.clone()),
    };
    let confirmed = changes.iter().map(|change| TextDocumentEdit {
        text_document: change.text_document.clone(),
        edits: change.edits.iter().map(annotated).collect(),
    });
    let annotation =
        lsp::ChangeAnnotation { label: label.into(), needs_confirmation: Some(true), description: None };
    WorkspaceEdit {
        document_changes: Some(DocumentChanges::Edits(confirmed.collect())),
        change_annotations: Some([(ID.to_owned(), annotation)].into()),
        changes: None,
    }
}

/// Returns the edit that makes a file which is not there yet.
pub(super) fn to_new_file(uri: &Url, text: &str) -> WorkspaceEdit {
    let create = lsp::CreateFile { uri: uri.clone(), options: None, annotation_id: None };
    let text_document = OptionalVersionedTextDocumentIdentifier { uri: uri.clone(), version: None };
    let insert = lsp::TextEdit { range: lsp::Range::default(), new_text: text.into() };
    let edits = vec![lsp::OneOf::Left(insert)];
    let operations = vec![
        lsp::DocumentChangeOperation::Op(lsp::ResourceOp::Create(create)),
        lsp::DocumentChangeOperation::Edit(TextDocumentEdit { text_document, edits }),
    ];
    WorkspaceEdit {
        document_changes: Some(DocumentChanges::Operations(operations)),
        ..WorkspaceEdit::default()
    }
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

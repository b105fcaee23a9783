//! What the editor can do and what is offered to it, decided once at `initialize`; nothing later reads its JSON.

use serde_json::{Value, json};
use tower_lsp::lsp_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability,
    CompletionItemCapability, CompletionOptions, ExecuteCommandOptions, PositionEncodingKind, Registration,
    ResourceOperationKind, SaveOptions, ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::accept;
use super::protocol::{ASK, DO_TASK, INLINE_COMPLETION, OPEN, WRITE_FUNCTION};
use crate::text::PositionEncoding;

/// How inline completion is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum InlineOffer {
    /// In the answer to `initialize`.
    #[default]
    Static,
    /// By `client/registerCapability`, since the editor said that it takes that. Not both: it would ask twice.
    Dynamic,
}

/// What was agreed with the editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Negotiated {
    /// The unit of columns.
    pub encoding: PositionEncoding,
    /// The server may show progress of its own.
    pub progress: bool,
    /// Code actions may get their edit later.
    pub resolve_edit: bool,
    /// Code actions may get a command with that.
    pub resolve_command: bool,
    /// Code actions may be more than commands.
    pub action_literals: bool,
    /// Edits may name the version that they are for.
    pub document_changes: bool,
    /// Edits may make files.
    pub create_files: bool,
    /// Edits may ask to be looked at first, each for itself.
    pub annotations: bool,
    /// The editor opens files for the server.
    pub show_document: bool,
    /// The editor shows pages while they are written.
    pub pages: bool,
    /// The editor tells of files that change on disk, once it is asked to.
    pub watches_files: bool,
    /// Documentation may be Markdown.
    pub markdown: bool,
    /// Completion items may be snippets.
    pub snippets: bool,
}

/// Returns how inline completion is announced, from the raw parameters: lsp-types drops what it does not know.
pub(super) fn inline_offer(initialize: Option<&Value>) -> InlineOffer {
    let dynamic = initialize
        .and_then(|params| params.pointer("/capabilities/textDocument/inlineCompletion/dynamicRegistration"));
    match dynamic {
        Some(Value::Bool(true)) => InlineOffer::Dynamic,
        _ => InlineOffer::Static,
    }
}

/// Returns the registration of inline completion for all documents. They are named by a pattern, since `null` means the
/// client's own list, and not every client has one.
pub(super) fn inline_registration() -> Registration {
    Registration {
        id: "infill-ls.inlineCompletion".into(),
        method: INLINE_COMPLETION.into(),
        register_options: Some(json!({ "documentSelector": [{ "pattern": "**" }] })),
    }
}

/// Returns what is agreed and what is offered.
pub(super) fn negotiate(client: &ClientCapabilities) -> (Negotiated, ServerCapabilities) {
    let negotiated = Negotiated::from(client);
    let offered = ServerCapabilities {
        position_encoding: Some(encoding_kind(negotiated.encoding)),
        text_document_sync: Some(synchronisation()),
        completion_provider: Some(CompletionOptions::default()),
        code_action_provider: Some(code_actions(negotiated)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: accept::COMMANDS
                .iter()
                .chain(&[WRITE_FUNCTION, DO_TASK, ASK, OPEN])
                .map(ToString::to_string)
                .collect(),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(tower_lsp::lsp_types::OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        ..ServerCapabilities::default()
    };
    (negotiated, offered)
}

impl From<&ClientCapabilities> for Negotiated {
    fn from(client: &ClientCapabilities) -> Self {
        let document = client.text_document.as_ref();
        let actions = document.and_then(|document| document.code_action.as_ref());
        let resolve = actions.and_then(|actions| actions.resolve_support.as_ref());
        let resolves =
            |property| resolve.is_some_and(|resolve| resolve.properties.iter().any(|name| name == property));
        let edits = client.workspace.as_ref().and_then(|workspace| workspace.workspace_edit.as_ref());
        let window = client.window.as_ref();
        Self {
            encoding: encoding(client),
            progress: window.and_then(|window| window.work_done_progress).unwrap_or(false),
            // Without its `data` the resolve request would not say which function.
            resolve_edit: actions.and_then(|actions| actions.data_support).unwrap_or(false)
                && resolves("edit"),
            resolve_command: resolves("command"),
            action_literals: actions.is_some_and(|actions| actions.code_action_literal_support.is_some()),
            watches_files: client
                .workspace
                .as_ref()
                .and_then(|workspace| workspace.did_change_watched_files)
                .and_then(|watched| watched.dynamic_registration)
                .unwrap_or(false),
            document_changes: edits.and_then(|edits| edits.document_changes).unwrap_or(false),
            create_files: edits
                .and_then(|edits| edits.resource_operations.as_ref())
                .is_some_and(|kinds| kinds.contains(&ResourceOperationKind::Create)),
            annotations: edits.is_some_and(|edits| edits.change_annotation_support.is_some()),
            show_document: window
                .and_then(|window| window.show_document.as_ref())
                .is_some_and(|show_document| show_document.support),
            pages: client
                .experimental
                .as_ref()
                .is_some_and(|experimental| experimental["infillPage"] == true),
            markdown: takes_markdown(client),
            snippets: completion_item(client).and_then(|item| item.snippet_support).unwrap_or(false),
        }
    }
}

/// Returns the best unit that both sides know; UTF-16 is what everybody knows.
fn encoding(client: &ClientCapabilities) -> PositionEncoding {
    let offered = client.general.as_ref().and_then(|general| general.position_encodings.as_deref());
    let known = offered.unwrap_or_default().iter().filter_map(|kind| match kind.as_str() {
        "utf-8" => Some(PositionEncoding::Utf8),
        "utf-16" => Some(PositionEncoding::Utf16),
        "utf-32" => Some(PositionEncoding::Utf32),
        _ => None,
    });
    known.max().unwrap_or_default()
}

fn encoding_kind(encoding: PositionEncoding) -> PositionEncodingKind {
    match encoding {
        PositionEncoding::Utf8 => PositionEncodingKind::UTF8,
        PositionEncoding::Utf16 => PositionEncodingKind::UTF16,
        PositionEncoding::Utf32 => PositionEncodingKind::UTF32,
    }
}

fn completion_item(client: &ClientCapabilities) -> Option<&CompletionItemCapability> {
    client.text_document.as_ref()?.completion.as_ref()?.completion_item.as_ref()
}

fn takes_markdown(client: &ClientCapabilities) -> bool {
    completion_item(client)
        .and_then(|item| item.documentation_format.as_ref())
        .is_some_and(|formats| formats.contains(&tower_lsp::lsp_types::MarkupKind::Markdown))
}

fn synchronisation() -> TextDocumentSyncCapability {
    TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
        ..TextDocumentSyncOptions::default()
    })
}

fn code_actions(negotiated: Negotiated) -> CodeActionProviderCapability {
    CodeActionProviderCapability::Options(CodeActionOptions {
        code_action_kinds: Some(vec![CodeActionKind::REFACTOR_REWRITE, CodeActionKind::QUICKFIX]),
        resolve_provider: Some(negotiated.resolve_edit),
        work_done_progress_options: WorkDoneProgressOptions::default(),
    })
}

//! Messages that the protocol crate does not have: inline completion (LSP 3.18), and ours, which begin with `infill/`.
//!
//! | message | direction | what |
//! | --- | --- | --- |
//! | `textDocument/inlineCompletion` | request to the server | ghost text; several candidates where a person asked (`triggerKind` 1) |
//! | `infill/status` | notification to the editor | [`StatusParams`], for a status line |
//! | `infill/page` | notification to an editor with the experimental capability `infillPage` | [`PageParams`]: a text to read, while it is written |
//! | `infill/doctor` | request to the server, no parameters | [`DoctorReport`] |
//! | `infill/stats` | request to the server, no parameters | [`StatsReport`]: what happened to suggestions |
//!
//! Commands, for `workspace/executeCommand`:
//!
//! | command | argument | what |
//! | --- | --- | --- |
//! | `infill-ls.accepted` | [`Accepted`] | tells that an item was accepted; it is the `command` of each item, so clients execute it by themselves |
//! | `infill-ls.accept` | [`AcceptAt`], optional | inserts all of the suggestion that was shown last, through `workspace/applyEdit`; the result is whether there was one |
//! | `infill-ls.acceptWord` | the same | inserts its next word (blanks, then a word or a run of signs); the rest is answered at the next request without the model |
//! | `infill-ls.acceptLine` | the same | inserts it up to the end of its line |
//! | `infill-ls.writeFunction` | [`WriteFunction`] | writes a function from its comment |
//! | `infill-ls.task` | [`TaskAt`] | does any of the tasks that code actions offer; the result is a [`TaskResult`] where something is to be read |
//! | `infill-ls.open` | [`TextDocumentIdentifier`] | opens a document; the command of an action whose edit is of another file |
//! | `infill-ls.ask` | [`AskParams`] | answers a question; the result is a [`TaskResult`] |
//!
//! A silence is a status with `state` "silent", the `reason` as a code and the explanation for a person as `message`.

use serde::{Deserialize, Serialize};
use tower_lsp::lsp_types::notification::Notification;
use tower_lsp::lsp_types::request::Request;
use tower_lsp::lsp_types::{
    Command, Position, ProgressToken, Range, TextDocumentIdentifier, WorkDoneProgressCreateParams,
};

use crate::assist::Task;
use crate::config::Settings;
use crate::source::{Counters, EngineReport, RemoteReport};
use crate::stats::{Summary, Totals};

/// The method of inline completion.
pub const INLINE_COMPLETION: &str = "textDocument/inlineCompletion";

/// The method of the doctor's report.
pub const DOCTOR: &str = "infill/doctor";

/// The command that writes a function from its comment; its argument is [`WriteFunction`].
pub const WRITE_FUNCTION: &str = "infill-ls.writeFunction";

/// The command that does any task; its argument is [`TaskAt`]. Its result is [`TaskResult`].
pub const DO_TASK: &str = "infill-ls.task";

/// The command that answers a question; its argument is [`AskParams`]. Its result is [`TaskResult`].
pub const ASK: &str = "infill-ls.ask";

/// The command that opens a document, for a person to see what was written there; its argument is
/// [`TextDocumentIdentifier`].
pub const OPEN: &str = "infill-ls.open";

/// The method of the statistics.
pub const STATS: &str = "infill/stats";

/// The command that tells that an item was accepted; its argument is [`Accepted`].
pub const ACCEPTED: &str = "infill-ls.accepted";

/// The command that inserts what is suggested; its argument, where there is one, is [`AcceptAt`].
pub const ACCEPT: &str = "infill-ls.accept";

/// The command that inserts the next word of what is suggested.
pub const ACCEPT_WORD: &str = "infill-ls.acceptWord";

/// The command that inserts what is suggested up to the end of its line.
pub const ACCEPT_LINE: &str = "infill-ls.acceptLine";

/// What is asked with `textDocument/inlineCompletion`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InlineCompletionParams {
    /// The document.
    pub text_document: TextDocumentIdentifier,
    /// The cursor.
    pub position: Position,
    /// How it came about; optional here, since not every client sends it.
    #[serde(default)]
    pub context: InlineCompletionContext,
}

/// How an inline completion came about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InlineCompletionContext {
    /// Whether a person asked for it.
    #[serde(default)]
    pub trigger_kind: InlineTrigger,
    /// What is selected in the completion menu, when it is open.
    #[serde(default)]
    pub selected_completion_info: Option<SelectedCompletionInfo>,
}

/// Whether a person asked for it. On the wire 1 is invoked; what else there is counts as automatic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "u32")]
pub enum InlineTrigger {
    /// Asked for with a key.
    Invoked,
    /// Asked for by the editor, while typing.
    #[default]
    Automatic,
}

impl From<u32> for InlineTrigger {
    fn from(kind: u32) -> Self {
        match kind {
            1 => Self::Invoked,
            _ => Self::Automatic,
        }
    }
}

/// The item selected in the completion menu.
#[derive(Debug, Clone, Deserialize)]
pub struct SelectedCompletionInfo {
    /// What it would replace.
    pub range: Range,
    /// What it would insert.
    pub text: String,
}

/// The answer to an inline completion request.
#[derive(Debug, Clone, Serialize)]
pub struct InlineCompletionList {
    /// The suggestions, best first.
    pub items: Vec<InlineCompletionItem>,
}

/// One suggestion.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InlineCompletionItem {
    /// What is inserted.
    pub insert_text: String,
    /// What it replaces. The protocol makes it optional; Neovim pastes at the cursor without it, so it is always sent.
    pub range: Range,
    /// Executed by the client when the item was accepted: [`ACCEPTED`]. Absent where no statistics are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
}

/// The argument of [`ACCEPTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which suggestion, by a number that means nothing outside of this connection.
    pub id: u64,
    /// Which of its candidates, from zero.
    #[serde(default)]
    pub candidate: usize,
}

/// The argument of [`ACCEPT`], [`ACCEPT_WORD`] and [`ACCEPT_LINE`]: where. Without it, where something was shown last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptAt {
    /// The document.
    pub text_document: TextDocumentIdentifier,
    /// The cursor, where the client tells it: nothing is inserted if the suggestion does not stand there.
    #[serde(default)]
    pub position: Option<Position>,
    /// Which of the candidates, from zero; without it the one that was typed along, or the first.
    #[serde(default)]
    pub candidate: Option<usize>,
}

/// The arguments of [`WRITE_FUNCTION`], and the data of its code action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteFunction {
    /// The document and its version when the action was offered.
    pub text_document: VersionedDocument,
    /// A place in the comment.
    pub position: Position,
}

/// The argument of [`DO_TASK`], and the data of its code actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskAt {
    /// The document and its version when the task was offered.
    pub text_document: VersionedDocument,
    /// What it is about: a selection, or a cursor.
    pub range: Range,
    /// What is to be done.
    #[serde(flatten)]
    pub task: Task,
}

/// The argument of [`ASK`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskParams {
    /// The question.
    pub question: String,
    /// A document that it is about.
    pub text_document: Option<TextDocumentIdentifier>,
    /// What was asked and answered before, in turn, oldest first.
    #[serde(default)]
    pub earlier: Vec<EarlierTurn>,
}

/// A question that was asked before.
#[derive(Debug, Clone, Deserialize)]
pub struct EarlierTurn {
    /// The question.
    pub question: String,
    /// Its answer.
    pub answer: String,
}

/// What a command answers: what it made to read, if that is what it made.
#[derive(Debug, Clone, Serialize)]
pub struct TaskResult {
    /// What it is.
    pub title: String,
    /// The text; Markdown, if `extension` is `md`.
    pub text: String,
    /// The extension of a file with such a text.
    pub extension: &'static str,
}

/// A document at a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionedDocument {
    /// The document.
    pub uri: tower_lsp::lsp_types::Url,
    /// The version.
    pub version: i32,
}

/// `infill/status`.
#[derive(Debug)]
pub enum StatusNotification {}

impl Notification for StatusNotification {
    type Params = StatusParams;
    const METHOD: &'static str = "infill/status";
}

/// What the server is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusParams {
    /// In one word.
    pub state: State,
    /// In a few words, for a person.
    pub message: String,
    /// The code of the reason, when the last request stayed silent; the message explains it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `infill/page`.
#[derive(Debug)]
pub enum PageNotification {}

impl Notification for PageNotification {
    type Params = PageParams;
    const METHOD: &'static str = "infill/page";
}

/// A text to read, as far as it is written. Editors that show none get `window/showDocument` with the file when it is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageParams {
    /// The file that holds it once it is whole; the same in all messages about one page.
    pub uri: tower_lsp::lsp_types::Url,
    /// What it is, in a few words.
    pub title: String,
    /// All of it so far.
    pub text: String,
    /// Nothing more comes, and the file is written.
    pub done: bool,
}

/// What the server is doing, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The model is being fetched or loaded.
    Loading,
    /// Waiting for a request.
    Ready,
    /// Generating.
    Thinking,
    /// The last request showed nothing.
    Silent,
    /// There is no model.
    Failed,
}

/// The answer to `infill/stats`.
#[derive(Debug, Clone, Serialize)]
pub struct StatsReport {
    /// The figures, as `infill-ls stats --json` prints them.
    #[serde(flatten)]
    pub summary: Summary,
    /// The tables and bars, as `infill-ls stats` prints them.
    pub text: String,
}

/// The answer to `infill/doctor`.
#[derive(Debug, Clone, Serialize)]
pub struct DoctorReport {
    /// The program's version.
    pub version: &'static str,
    /// What the server is doing.
    pub status: StatusParams,
    /// What the engine has computed.
    pub counters: Counters,
    /// What became of requests.
    pub requests: Totals,
    /// How the remote source fares, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteReport>,
    /// The engine, where the model runs on this machine: whether it is shared, its process, its windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineReport>,
    /// The open documents, by their names; those that have fallen out of step are not among them.
    pub documents: Vec<OpenDocument>,
    /// The settings in force.
    pub settings: Settings,
}

/// A document as the server has it: enough to compare it with the editor's, and nothing of what is in it.
#[derive(Debug, Clone, Serialize)]
pub struct OpenDocument {
    /// The document.
    pub uri: tower_lsp::lsp_types::Url,
    /// The version that the editor gave to the last change.
    pub version: i32,
    /// The length of its text in UTF-8.
    pub bytes: usize,
    /// The SHA-256 of that, in hexadecimal.
    pub sha256: String,
}

/// `window/workDoneProgress/create`, which tower-lsp's client has no method for.
#[derive(Debug)]
pub enum CreateProgress {}

impl Request for CreateProgress {
    type Params = WorkDoneProgressCreateParams;
    type Result = ();
    const METHOD: &'static str = "window/workDoneProgress/create";
}

/// `$/progress` with any value.
#[derive(Debug)]
pub enum ProgressNotification {}

impl Notification for ProgressNotification {
    type Params = ProgressMessage;
    const METHOD: &'static str = "$/progress";
}

/// The parameters of `$/progress`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProgressMessage {
    /// Which progress.
    pub token: ProgressToken,
    /// How far.
    pub value: tower_lsp::lsp_types::WorkDoneProgress,
}

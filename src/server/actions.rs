//! Code actions: "Write the function this comment describes", as an action whose edit comes when it is chosen, and as a
//! command that applies it, for editors that cannot resolve.

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::Client;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, Command,
    ExecuteCommandParams, MessageType, Position,
};

use super::answer::{self, Answer};
use super::convert;
use super::flight::Flight;
use super::progress::{Progress, Work};
use super::protocol::{VersionedDocument, WRITE_FUNCTION, WriteFunction};
use super::session::{Session, View};
use crate::assist::implement::{self, Order, Plan, WriteError};
use crate::complete::Reason;
use crate::source::{Source, SourceError};
use crate::text::TextEdit;

/// What the action is called.
const TITLE: &str = "Write the function this comment describes";

/// The protocol's RequestFailed, which tower-lsp has no name for.
const REQUEST_FAILED: ErrorCode = ErrorCode::ServerError(-32803);

/// What came of writing a function.
#[derive(Debug, Clone)]
pub(super) struct Written(std::result::Result<implement::Written, Refusal>);

/// Why there is no edit: the reason for the record, and the message for a person.
#[derive(Debug, Clone)]
struct Refusal {
    reason: Reason,
    message: String,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, message: reason.explain().into() }
    }
}

impl From<Reason> for Written {
    fn from(reason: Reason) -> Self {
        Self(Err(reason.into()))
    }
}

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        let reason = match &error {
            WriteError::NoCode => Reason::Empty,
            WriteError::Source(SourceError::Loading) => Reason::Loading,
            WriteError::Source(SourceError::Cancelled) => Reason::Cancelled,
            WriteError::Source(SourceError::Overtaken) => Reason::Overtaken,
            WriteError::Source(_) => Reason::Failed,
        };
        Self { reason, message: error.to_string() }
    }
}

/// Offers the action where the cursor is on a comment that describes a function.
pub(super) fn offer(session: &Session, params: CodeActionParams) -> Option<CodeActionResponse> {
    let only = params.context.only.as_deref();
    if only.is_some_and(|kinds| !kinds.iter().any(includes_rewrite)) {
        return None;
    }
    let view = session.view(&params.text_document.uri, params.range.start).ok()?;
    if !view.settings.actions.enabled {
        return None;
    }
    implement::plan(&view.snapshot, view.offset)?;
    Some(vec![action(&view, params.range.start)])
}

/// Returns whether a kind that the editor wants is ours or stands above it.
fn includes_rewrite(kind: &CodeActionKind) -> bool {
    let ours = CodeActionKind::REFACTOR_REWRITE;
    ours.as_str().strip_prefix(kind.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn action(view: &View, position: Position) -> CodeActionOrCommand {
    let document = VersionedDocument { uri: view.uri.clone(), version: view.snapshot.version() };
    let which = serde_json::to_value(WriteFunction { text_document: document, position }).unwrap_or_default();
    let command = || Command {
        title: TITLE.into(),
        command: WRITE_FUNCTION.into(),
        arguments: Some(vec![which.clone()]),
    };
    if !view.negotiated.action_literals {
        return CodeActionOrCommand::Command(command());
    }
    let resolves = view.negotiated.resolve_edit;
    CodeActionOrCommand::CodeAction(CodeAction {
        title: TITLE.into(),
        kind: Some(CodeActionKind::REFACTOR_REWRITE),
        command: (!resolves).then(command),
        data: resolves.then_some(which.clone()),
        ..CodeAction::default()
    })
}

/// `codeAction/resolve`: adds the edit.
pub(super) async fn resolve(
    session: &Arc<Session>,
    client: &Client,
    mut action: CodeAction,
) -> Result<CodeAction> {
    // An action without our data is another server's, or complete already.
    let Some(data) = action.data.clone() else { return Ok(action) };
    let which = read(data)?;
    let (view, edits) = write(session, client, "codeAction/resolve", which).await?;
    action.edit = Some(convert::to_workspace_edit(&view.uri, &view.snapshot, &edits, view.negotiated));
    Ok(action)
}

/// `workspace/executeCommand`: writes the function and has the editor apply it.
pub(super) async fn execute(
    session: &Arc<Session>,
    client: &Client,
    params: ExecuteCommandParams,
) -> Result<Option<Value>> {
    if params.command != WRITE_FUNCTION {
        return Err(Error::invalid_params(format!("there is no command `{}`", params.command)));
    }
    let which = read(params.arguments.into_iter().next().unwrap_or_default())?;
    let (view, edits) = write(session, client, "workspace/executeCommand", which).await?;
    let edit = convert::to_workspace_edit(&view.uri, &view.snapshot, &edits, view.negotiated);
    let applied = client.apply_edit(edit).await?;
    if !applied.applied {
        let why = applied.failure_reason.unwrap_or_else(|| "it gave no reason".into());
        session
            .outbox
            .show(MessageType::WARNING, format!("infill-ls: the editor did not apply the function: {why}"));
    }
    Ok(None)
}

fn read(arguments: Value) -> Result<WriteFunction> {
    serde_json::from_value(arguments).map_err(|error| Error::invalid_params(error.to_string()))
}

/// Writes a function, with progress, and keeps the record.
async fn write(
    session: &Arc<Session>,
    client: &Client,
    method: &'static str,
    which: WriteFunction,
) -> Result<(View, Vec<TextEdit>)> {
    let answer = Answer::begin(session, method, &which.text_document.uri);
    match attempt(session, client, which).await {
        Ok((view, written)) => {
            answer.shown(written.tokens);
            Ok((view, written.edits))
        }
        Err(refusal) => {
            answer.silent(refusal.reason, 0);
            Err(refuse(session, refusal))
        }
    }
}

async fn attempt(
    session: &Arc<Session>,
    client: &Client,
    which: WriteFunction,
) -> std::result::Result<(View, implement::Written), Refusal> {
    let document = which.text_document;
    let view = session.view(&document.uri, which.position)?;
    if view.snapshot.version() != document.version {
        return Err(changed());
    }
    let plan = implement::plan(&view.snapshot, view.offset).ok_or_else(changed)?;
    let source = session.source().cloned().ok_or(Reason::Loading)?;
    let progress = Arc::new(Progress::begin(client, view.negotiated.progress, TITLE, Work::Cancellable));
    session.say(answer::thinking());
    let order = order(session, &view, Arc::clone(&progress));
    let work = Flight::start(|cancel| run(plan, source, Order { cancel, ..order }));
    let _link = session.cancels().link(progress.token().clone(), &work);
    let Written(written) = work.landed().await;
    let written = written?;
    // The edit is for the text that the function was planned in.
    match session.snapshot(&view.uri)?.version() == view.snapshot.version() {
        true => Ok((view, written)),
        false => Err(changed()),
    }
}

async fn run(plan: Plan, source: Arc<dyn Source>, order: Order) -> Written {
    let branch = order.branch;
    let written = implement::write(plan, &*source, order).await;
    source.forget(branch);
    Written(written.map_err(Refusal::from))
}

fn order(session: &Session, view: &View, progress: Arc<Progress>) -> Order {
    Order {
        path: view.path.clone(),
        // A branch of its own: writing a function neither overtakes the document's completions nor is overtaken.
        branch: session.with_documents(|documents| documents.new_branch()),
        max_tokens: view.settings.actions.tokens.get(),
        cancel: crate::engine::CancelToken::new(),
        progress: Box::new(move |lines| progress.report(format!("line {lines}"), None)),
    }
}

fn changed() -> Refusal {
    Refusal {
        reason: Reason::Overtaken,
        message: "the document has changed since the action was chosen; choose it again".into(),
    }
}

/// Tells a person why there is no function, and returns the error that answers the request.
fn refuse(session: &Session, refusal: Refusal) -> Error {
    let code = match refusal.reason {
        Reason::Cancelled => return Error::request_cancelled(),
        Reason::Overtaken => ErrorCode::ContentModified,
        _ => REQUEST_FAILED,
    };
    session.outbox.show(MessageType::WARNING, format!("infill-ls: {}", refusal.message));
    Error { code, message: refusal.message.into(), data: None }
}

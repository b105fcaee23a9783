//! Code actions and commands: what is offered at a place, as an action whose edit comes when it is chosen, or as a command
//! for what is to be read and for editors that cannot resolve. What the tasks are is `assist`'s matter.

mod growing;
mod offer;
mod refusal;
mod run;
mod show;
mod ways;

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::Client;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{
    CodeAction, Command, ExecuteCommandParams, MessageType, Range, TextDocumentIdentifier, WorkspaceEdit,
};

use super::protocol::{ASK, AskParams, DO_TASK, OPEN, TaskAt, TaskResult, WRITE_FUNCTION, WriteFunction};
use super::session::Session;
use crate::assist::Task;
pub(super) use offer::offer;
pub(super) use run::Landed;
use run::Outcome;
pub(super) use ways::Ways;

/// `codeAction/resolve`: adds the edit.
pub(super) async fn resolve(
    session: &Arc<Session>,
    client: &Client,
    mut action: CodeAction,
) -> Result<CodeAction> {
    // An action without our data is another server's, or complete already.
    let Some(data) = action.data.clone() else { return Ok(action) };
    let which: TaskAt = read(data)?;
    let title = action.title.clone();
    match run::task(session, client, "codeAction/resolve", which, &title).await? {
        Outcome::Edit(edit) => action.edit = Some(*edit),
        Outcome::Beside(edit, uri) => {
            action.edit = Some(*edit);
            // Without it an editor changes the other file and shows nothing of it.
            if session.negotiated().resolve_command && session.negotiated().show_document {
                let argument = serde_json::to_value(TextDocumentIdentifier { uri }).ok();
                let arguments = argument.into_iter().collect();
                action.command = Some(Command::new("Open".into(), OPEN.into(), Some(arguments)));
            }
        }
        // The editor asks for edits; what is to be read is opened beside.
        Outcome::Page(page) => show::page(session, client, &page).await,
    }
    Ok(action)
}

/// `workspace/executeCommand`: does a task, and has the editor apply or open what comes of it.
pub(super) async fn execute(
    session: &Arc<Session>,
    client: &Client,
    params: ExecuteCommandParams,
) -> Result<Option<Value>> {
    let argument = params.arguments.into_iter().next().unwrap_or_default();
    let method = "workspace/executeCommand";
    let outcome = match params.command.as_str() {
        ASK => {
            let asked: AskParams = read(argument)?;
            run::ask(session, client, method, asked).await?
        }
        DO_TASK => {
            let which: TaskAt = read(argument)?;
            let title = offer::title(&which.task);
            run::task(session, client, method, which, title).await?
        }
        WRITE_FUNCTION => {
            let WriteFunction { text_document, position } = read(argument)?;
            let (task, range) = (Task::Implement { variant: 0 }, Range::new(position, position));
            let title = offer::title(&task);
            run::task(session, client, method, TaskAt { text_document, range, task }, title).await?
        }
        OPEN => {
            let TextDocumentIdentifier { uri } = read(argument)?;
            show::document(session, client, uri).await;
            return Ok(None);
        }
        unknown => return Err(Error::invalid_params(format!("there is no command `{unknown}`"))),
    };
    match outcome {
        Outcome::Page(page) => {
            show::page(session, client, &page).await;
            let result = TaskResult { title: page.title, text: page.text, extension: page.extension };
            Ok(serde_json::to_value(result).ok())
        }
        Outcome::Edit(edit) => {
            apply(session, client, *edit).await?;
            Ok(None)
        }
        Outcome::Beside(edit, uri) => {
            if apply(session, client, *edit).await? {
                show::document(session, client, uri).await;
            }
            Ok(None)
        }
    }
}

/// Has the editor apply an edit, and tells a person when it does not. Returns whether it did.
async fn apply(session: &Arc<Session>, client: &Client, edit: WorkspaceEdit) -> Result<bool> {
    let applied = client.apply_edit(edit).await?;
    if !applied.applied {
        let why = applied.failure_reason.unwrap_or_else(|| "it gave no reason".into());
        let message = format!("infill-ls: the editor did not apply the edit: {why}");
        session.outbox.show(MessageType::WARNING, message);
    }
    Ok(applied.applied)
}

fn read<T: serde::de::DeserializeOwned>(arguments: Value) -> Result<T> {
    serde_json::from_value(arguments).map_err(|error| Error::invalid_params(error.to_string()))
}

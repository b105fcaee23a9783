//! The commands that accept a suggestion, or its next word or line, for every editor that can bind a key to a command; and
//! the one with which an editor tells that it has accepted one by itself.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_lsp::Client;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::MessageType;

use super::convert;
use super::protocol::{ACCEPT, ACCEPT_LINE, ACCEPT_WORD, ACCEPTED, AcceptAt, Accepted};
use super::session::Session;
use crate::complete::Portion;
use crate::text::TextEdit;

/// The commands of this module.
pub(super) const COMMANDS: [&str; 4] = [ACCEPTED, ACCEPT, ACCEPT_WORD, ACCEPT_LINE];

/// Executes one of [`COMMANDS`]; the result is whether something was inserted.
pub(super) async fn execute(
    session: &Arc<Session>,
    client: &Client,
    command: &str,
    arguments: Vec<Value>,
) -> Result<Option<Value>> {
    let argument = arguments.into_iter().next().filter(|argument| !argument.is_null());
    let portion = match command {
        ACCEPTED => {
            let Accepted { id, candidate } = read(argument.unwrap_or_default())?;
            session.with_documents(|documents| documents.accepted(id, candidate));
            return Ok(None);
        }
        ACCEPT_WORD => Portion::Word,
        ACCEPT_LINE => Portion::Line,
        _ => Portion::Whole,
    };
    let place: Option<AcceptAt> = argument.map(read).transpose()?;
    insert(session, client, portion, place).await.map(|inserted| Some(json!(inserted)))
}

fn read<T: DeserializeOwned>(argument: Value) -> Result<T> {
    serde_json::from_value(argument).map_err(|error| Error::invalid_params(error.to_string()))
}

/// Has the editor insert a part of what is suggested.
async fn insert(
    session: &Session,
    client: &Client,
    portion: Portion,
    place: Option<AcceptAt>,
) -> Result<bool> {
    let negotiated = session.negotiated();
    let accepted = session.with_documents(|documents| {
        let uri = match &place {
            Some(place) => place.text_document.uri.clone(),
            None => documents.shown_last()?,
        };
        let cursor = place.as_ref().and_then(|place| place.position).map(convert::position);
        let candidate = place.and_then(|place| place.candidate);
        let (snapshot, rest) = documents.rest(&uri, candidate)?;
        if cursor.is_some_and(|cursor| snapshot.offset(cursor, negotiated.encoding) != rest.at) {
            return None;
        }
        documents.expect(&uri, true);
        Some((uri, snapshot, rest))
    });
    let Some((uri, snapshot, rest)) = accepted else { return Ok(false) };
    let text = portion.of(&rest.text);
    // The brackets behind the cursor go when the suggestion has come to them.
    let replaced = if text.len() == rest.text.len() { rest.replaced } else { 0 };
    let edit = TextEdit { range: rest.at..rest.at + replaced, text: text.into() };
    let edit = convert::to_workspace_edit(&uri, &snapshot, &[edit], negotiated);
    let applied = client.apply_edit(edit).await;
    if !applied.as_ref().is_ok_and(|applied| applied.applied) {
        session.with_documents(|documents| documents.expect(&uri, false));
    }
    let applied = applied?;
    if !applied.applied {
        let why = applied.failure_reason.unwrap_or_else(|| "it gave no reason".into());
        let message = format!("infill-ls: the editor did not insert the suggestion: {why}");
        session.outbox.show(MessageType::WARNING, message);
    }
    Ok(applied.applied)
}

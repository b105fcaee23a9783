//! `textDocument/inlineCompletion`: ghost text.
//!
//! `null` is the answer wherever nothing is to be shown: Neovim ignores it, while an empty list would clear what a newer
//! answer has put on the screen.

use std::sync::Arc;

use serde_json::json;
use tower_lsp::lsp_types::Command;

use super::answer::Answer;
use super::convert;
use super::protocol::{
    ACCEPTED, Accepted, INLINE_COMPLETION, InlineCompletionItem, InlineCompletionList,
    InlineCompletionParams, InlineTrigger,
};
use super::session::{Session, View};
use super::suggest::{Asked, Silence, Suggestion, suggest};
use crate::complete::{Completion, Reason};
use crate::stats::{Facts, Place};
use crate::text::{Snapshot, TextEdit};

/// Answers one request.
pub(super) async fn inline_completion(
    session: &Arc<Session>,
    params: InlineCompletionParams,
) -> Option<InlineCompletionList> {
    let answer = Answer::begin(session, INLINE_COMPLETION, &params.text_document.uri);
    match find(session, params).await {
        Ok((view, suggestion)) => {
            let facts = answer.facts(Place::Inline, &suggestion);
            let items = items(session, &view, &suggestion, facts);
            answer.shown(suggestion.tokens);
            Some(InlineCompletionList { items })
        }
        Err(silence) => {
            answer.silent(silence.reason, silence.tokens);
            None
        }
    }
}

async fn find(session: &Arc<Session>, params: InlineCompletionParams) -> Result<(View, Suggestion), Silence> {
    let uri = &params.text_document.uri;
    let is_asked = params.context.trigger_kind == InlineTrigger::Invoked;
    let mut view = match is_asked {
        true => session.asked_view(uri, params.position)?,
        false => session.view(uri, params.position)?,
    };
    if !view.settings.inline.enabled {
        return Err(Reason::Disabled.into());
    }
    if !is_asked && !view.settings.inline.automatic {
        return Err(Reason::NotAsked.into());
    }
    if let Some(selected) = params.context.selected_completion_info {
        let range = convert::from_range(&view.snapshot, selected.range, view.negotiated.encoding);
        view = view.with_selected(TextEdit { range, text: selected.text });
    }
    let asked = match is_asked {
        true => Asked::ByHand(view.settings.inline.candidates.get()),
        false => Asked::Automatically,
    };
    let suggestion = suggest(session, view.clone(), asked).await?;
    Ok((view, suggestion))
}

/// Returns the items, the best candidate first, and notes that they are shown.
fn items(session: &Session, view: &View, suggestion: &Suggestion, facts: Facts) -> Vec<InlineCompletionItem> {
    let (snapshot, candidates) = in_document(view, suggestion);
    let shown: Vec<&Completion> = candidates.iter().collect();
    let typed = view.selected.as_ref().map_or(0, |selected| {
        let word = selected.without.slice(selected.edit.range.clone());
        if selected.edit.text.starts_with(&word) { word.len() } else { 0 }
    });
    let id = session.with_documents(|documents| documents.show(&view.uri, snapshot, &shown, typed, facts));
    let item = |(candidate, completion): (usize, &Completion)| InlineCompletionItem {
        insert_text: completion.text.clone(),
        range: convert::to_range(snapshot, &completion.range, view.negotiated.encoding),
        command: id.filter(|_| view.settings.stats.enabled).map(|id| accepted(id, candidate)),
    };
    candidates.iter().enumerate().map(item).collect()
}

/// Returns the candidates as edits of the document as it is: with what is selected in the completion menu before them.
fn in_document<'a>(view: &'a View, suggestion: &'a Suggestion) -> (&'a Snapshot, Vec<Completion>) {
    let candidates = suggestion.candidates().into_iter().cloned();
    let Some(selected) = &view.selected else {
        return (&suggestion.snapshot, candidates.collect());
    };
    let edit = &selected.edit;
    let with_selected = |completion: Completion| Completion {
        range: edit.range.start..edit.range.end + completion.range.len(),
        text: edit.text.clone() + &completion.text,
    };
    (&selected.without, candidates.map(with_selected).collect())
}

/// Returns the command with which an editor tells that an item was accepted.
pub(super) fn accepted(id: u64, candidate: usize) -> Command {
    Command {
        title: "Count the accepted suggestion".into(),
        command: ACCEPTED.into(),
        arguments: Some(vec![json!(Accepted { id, candidate })]),
    }
}

//! `textDocument/inlineCompletion`: ghost text.
//!
//! `null` is the answer wherever nothing is to be shown: Neovim ignores it, while an empty list would clear what a newer
//! answer has put on the screen.

use std::sync::Arc;

use super::answer::Answer;
use super::convert;
use super::protocol::{
    INLINE_COMPLETION, InlineCompletionItem, InlineCompletionList, InlineCompletionParams, InlineTrigger,
    SelectedCompletionInfo,
};
use super::session::{Session, View};
use super::suggest::{Silence, Suggestion, suggest};
use crate::complete::Reason;

/// Answers one request.
pub(super) async fn inline_completion(
    session: &Arc<Session>,
    params: InlineCompletionParams,
) -> Option<InlineCompletionList> {
    let answer = Answer::begin(session, INLINE_COMPLETION, &params.text_document.uri);
    match find(session, params).await {
        Ok((item, tokens)) => {
            answer.shown(tokens);
            Some(InlineCompletionList { items: vec![item] })
        }
        Err(silence) => {
            answer.silent(silence.reason, silence.tokens);
            None
        }
    }
}

async fn find(
    session: &Arc<Session>,
    params: InlineCompletionParams,
) -> Result<(InlineCompletionItem, usize), Silence> {
    let view = session.view(&params.text_document.uri, params.position)?;
    if !view.settings.inline.enabled {
        return Err(Reason::Disabled.into());
    }
    let explicit = params.context.trigger_kind == InlineTrigger::Invoked;
    let suggestion = suggest(session, view.clone(), explicit).await?;
    let item = item(&view, &suggestion, params.context.selected_completion_info.as_ref());
    let tokens = suggestion.tokens;
    item.map(|item| (item, tokens)).ok_or(Silence { reason: Reason::Empty, tokens })
}

/// Returns the item, unless something is selected in the completion menu that it does not extend.
fn item(
    view: &View,
    suggestion: &Suggestion,
    selected: Option<&SelectedCompletionInfo>,
) -> Option<InlineCompletionItem> {
    let Suggestion { completion, snapshot, .. } = suggestion;
    let encoding = view.negotiated.encoding;
    let mut range = completion.range.clone();
    let mut text = completion.text.clone();
    if let Some(selected) = selected {
        let start = convert::from_range(snapshot, selected.range, encoding).start.min(range.start);
        text = snapshot.slice(start..range.start) + &text;
        range.start = start;
        if !text.starts_with(&selected.text) {
            return None;
        }
    }
    let range = convert::to_range(snapshot, &range, encoding);
    Some(InlineCompletionItem { insert_text: text, range, command: None })
}

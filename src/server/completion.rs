//! `textDocument/completion`: one item with the whole text, for editors without ghost text. It sorts last, is never
//! preselected, and takes no key away, so that the items of another server come first.

use std::sync::Arc;

use tower_lsp::lsp_types::{
    CompletionItem, CompletionItemKind, CompletionList, CompletionParams, CompletionResponse,
    CompletionTextEdit, Documentation, InsertTextFormat, InsertTextMode, MarkupContent, MarkupKind, TextEdit,
};

use super::answer::Answer;
use super::session::{Session, View};
use super::suggest::{Asked, Silence, Suggestion, suggest};
use super::{convert, inline, snippet};
use crate::complete::Reason;
use crate::stats::{Facts, Place};

/// The method, for the record.
const METHOD: &str = "textDocument/completion";

/// Sorts behind everything that is written in ASCII.
const LAST: &str = "~~~~infill";

/// Characters of a label; a menu is narrow.
const LABEL_BOUND: usize = 48;

/// Answers one request.
pub(super) async fn completion(
    session: &Arc<Session>,
    params: CompletionParams,
) -> Option<CompletionResponse> {
    let answer = Answer::begin(session, METHOD, &params.text_document_position.text_document.uri);
    match find(session, params).await {
        Ok((view, suggestion)) => {
            let facts = answer.facts(Place::Menu, &suggestion);
            let item = item(session, &view, &suggestion, facts);
            answer.shown(suggestion.tokens);
            let list = CompletionList { is_incomplete: true, items: vec![item] };
            Some(CompletionResponse::List(list))
        }
        Err(silence) => {
            answer.silent(silence.reason, silence.tokens);
            None
        }
    }
}

async fn find(session: &Arc<Session>, params: CompletionParams) -> Result<(View, Suggestion), Silence> {
    let place = params.text_document_position;
    let view = session.view(&place.text_document.uri, place.position)?;
    if !view.settings.items.enabled {
        return Err(Reason::Disabled.into());
    }
    // The protocol calls typing "invoked" too, so nothing here says that a person asked.
    let suggestion = suggest(session, view.clone(), Asked::Automatically).await?;
    Ok((view, suggestion))
}

/// Returns the item, and notes that it is shown.
fn item(session: &Session, view: &View, suggestion: &Suggestion, facts: Facts) -> CompletionItem {
    let Suggestion { completion, snapshot, .. } = suggestion;
    let shown = [completion];
    let id = session.with_documents(|documents| documents.show(&view.uri, snapshot, &shown, 0, facts));
    // The edit begins with the word before the cursor, because editors compare that word with the filter text.
    let line_start = snapshot.line_start(snapshot.line_of(completion.range.start));
    let before = snapshot.slice(line_start..completion.range.start);
    let word = &before[word_start(&before)..];
    let range = completion.range.start - word.len()..completion.range.end;
    let text = format!("{word}{}", completion.text);
    let snippet = snippet::with_cursor(&text).filter(|_| view.negotiated.snippets);
    let format = if snippet.is_some() { InsertTextFormat::SNIPPET } else { InsertTextFormat::PLAIN_TEXT };
    let edit = TextEdit {
        range: convert::to_range(snapshot, &range, view.negotiated.encoding),
        new_text: snippet.unwrap_or_else(|| text.clone()),
    };
    CompletionItem {
        label: label(&text),
        kind: Some(kind(&text)),
        detail: Some("infill-ls".into()),
        documentation: Some(preview(view, &text)),
        sort_text: Some(LAST.into()),
        filter_text: Some(first_line(&text).to_owned()),
        insert_text_format: Some(format),
        insert_text_mode: Some(InsertTextMode::AS_IS),
        text_edit: Some(CompletionTextEdit::Edit(edit)),
        command: id.filter(|_| view.settings.stats.enabled).map(|id| inline::accepted(id, 0)),
        ..CompletionItem::default()
    }
}

/// Returns where the word at the end of a line begins.
fn word_start(line: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.rfind(|c| !is_word(c)).map_or(0, |at| at + line[at..].chars().next().map_or(0, char::len_utf8))
}

fn first_line(text: &str) -> &str {
    text.trim_start().lines().next().unwrap_or_default()
}

fn label(text: &str) -> String {
    let line = first_line(text).trim_end();
    let is_whole = line == text.trim() && line.chars().count() <= LABEL_BOUND;
    let short: String = line.chars().take(LABEL_BOUND).collect();
    if is_whole { short } else { short + " …" }
}

fn kind(text: &str) -> CompletionItemKind {
    match text.trim().contains('\n') {
        true => CompletionItemKind::SNIPPET,
        false => CompletionItemKind::TEXT,
    }
}

/// Returns the whole text as documentation, in a fence that the text itself cannot close.
fn preview(view: &View, text: &str) -> Documentation {
    if !view.negotiated.markdown {
        return Documentation::String(text.into());
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let language = view.snapshot.language().id();
    Documentation::MarkupContent(MarkupContent {
        kind: MarkupKind::Markdown,
        value: format!("{fence}{language}\n{}\n{fence}", text.trim_end()),
    })
}

//! What the menu of code actions holds at a place. Reading the code for it takes milliseconds, so it is done aside.

use std::sync::Arc;

use tower_lsp::lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, Command,
    Diagnostic,
};

use super::ways::difference;
use crate::assist::{Fault, Offer, Task, offers};
use crate::server::convert;
use crate::server::protocol::{DO_TASK, TaskAt, VersionedDocument, WRITE_FUNCTION, WriteFunction};
use crate::server::session::{Session, View};

/// Diagnostics of a place for which mending is offered.
const MOST_FAULTS: usize = 3;

/// Returns what a task is called while it is done.
pub(super) fn title(task: &Task) -> &'static str {
    match task {
        Task::Implement { .. } => "Write the function this comment describes",
        Task::Mend { .. } => "Mend",
        Task::Explain { .. } => "Explain",
        Task::Document => "Document",
        Task::WriteTests => "Write tests",
        Task::Rename => "Name this better",
        Task::Simplify => "Simplify",
        Task::Translate { .. } => "Translate",
        Task::Edit { .. } => "Edit as told",
    }
}

/// What an action's kind is; explanations and translations change nothing, so they have none.
fn kind(task: &Task) -> CodeActionKind {
    match task {
        Task::Mend { .. } => CodeActionKind::QUICKFIX,
        Task::Explain { .. } | Task::Translate { .. } => CodeActionKind::EMPTY,
        _ => CodeActionKind::REFACTOR_REWRITE,
    }
}

/// Offers what a place has to offer.
pub(in crate::server) async fn offer(
    session: &Arc<Session>,
    params: CodeActionParams,
) -> Option<CodeActionResponse> {
    let view = session.view(&params.text_document.uri, params.range.start).ok()?;
    if !view.settings.actions.enabled {
        return None;
    }
    let only = params.context.only;
    let wanted = |kind: &CodeActionKind| {
        only.as_deref().is_none_or(|kinds| kinds.iter().any(|wanted| includes(wanted, kind)))
    };
    let faults = faults(&view, &params.context.diagnostics);
    let range = convert::from_range(&view.snapshot, params.range, view.negotiated.encoding);
    let (snapshot, settings) = (view.snapshot.clone(), Arc::clone(&view.settings));
    let stated: Vec<Fault> = faults.iter().map(|(fault, _)| fault.clone()).collect();
    let found = tokio::task::spawn_blocking(move || {
        let text = snapshot.text();
        (offers(&snapshot, range, &stated, &settings.actions), text)
    });
    let (found, text) = found.await.ok()?;
    let mut actions = other_ways(session, &view, &text);
    actions.retain(|_| wanted(&CodeActionKind::REFACTOR_REWRITE));
    let offered = found.into_iter().filter(|offer| wanted(&kind(&offer.task)));
    actions.extend(offered.map(|offer| action(&view, offer, &faults)));
    (!actions.is_empty()).then_some(actions)
}

/// Returns whether a kind that the editor wants is ours or stands above it.
fn includes(wanted: &CodeActionKind, ours: &CodeActionKind) -> bool {
    ours.as_str().strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Returns what compilers and linters say here, as faults and as the editor knows them.
fn faults(view: &View, diagnostics: &[Diagnostic]) -> Vec<(Fault, Diagnostic)> {
    let to_fault = |diagnostic: &Diagnostic| {
        let range = convert::from_range(&view.snapshot, diagnostic.range, view.negotiated.encoding);
        (Fault { message: diagnostic.message.clone(), range }, diagnostic.clone())
    };
    diagnostics.iter().take(MOST_FAULTS).map(to_fault).collect()
}

fn action(view: &View, offer: Offer, faults: &[(Fault, Diagnostic)]) -> CodeActionOrCommand {
    let Offer { title, task, range } = offer;
    let kind = kind(&task);
    let place = convert::to_range(&view.snapshot, &range, view.negotiated.encoding);
    let text_document = VersionedDocument { uri: view.uri.clone(), version: view.snapshot.version() };
    let is_page = kind == CodeActionKind::EMPTY;
    let diagnostics = match &task {
        Task::Mend { message } => {
            let same = |(fault, _): &&(Fault, Diagnostic)| fault.message == *message && fault.range == range;
            Some(faults.iter().filter(same).map(|(_, diagnostic)| diagnostic.clone()).collect())
        }
        _ => None,
    };
    let (name, argument) = match task {
        // An older name of one of the tasks, which editors' plugins know.
        Task::Implement { variant: 0 } if !view.negotiated.resolve_edit => {
            let which = WriteFunction { text_document, position: place.start };
            (WRITE_FUNCTION, serde_json::to_value(which))
        }
        task => (DO_TASK, serde_json::to_value(TaskAt { text_document, range: place, task })),
    };
    let argument = argument.unwrap_or_default();
    let command =
        || Command { title: title.clone(), command: name.into(), arguments: Some(vec![argument.clone()]) };
    if !view.negotiated.action_literals {
        return CodeActionOrCommand::Command(command());
    }
    let resolves = view.negotiated.resolve_edit && !is_page;
    CodeActionOrCommand::CodeAction(CodeAction {
        title: title.clone(),
        kind: Some(kind),
        diagnostics,
        command: (!resolves).then(command),
        data: resolves.then_some(argument),
        ..CodeAction::default()
    })
}

/// Returns the other ways in which the function that was written last can stand in the text, and the wish for one more.
fn other_ways(session: &Session, view: &View, text: &str) -> Vec<CodeActionOrCommand> {
    let Some(written) = session.ways().of(&view.uri, text) else { return Vec::new() };
    if !view.negotiated.action_literals {
        return Vec::new();
    }
    let count = written.after.len();
    let others = written.after.iter().enumerate().filter(|(_, after)| *after != text);
    let to_action = |(number, after): (usize, &String)| {
        let edit = difference(text, after);
        let edit = convert::to_workspace_edit(&view.uri, &view.snapshot, &[edit], view.negotiated);
        CodeActionOrCommand::CodeAction(CodeAction {
            title: format!("Write this function as in version {} of {count}", number + 1),
            kind: Some(CodeActionKind::REFACTOR_REWRITE),
            edit: Some(edit),
            ..CodeAction::default()
        })
    };
    let mut actions: Vec<CodeActionOrCommand> = others.map(to_action).collect();
    let task = Task::Implement { variant: count as u64 };
    let offer = Offer { title: "Write this function in another way".into(), task, range: written.range };
    // Where it is asked for is a place in the text before: the task finds that by itself.
    actions.push(action(view, Offer { range: 0..0, ..offer }, &[]));
    actions
}

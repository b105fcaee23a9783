//! Does a task for the editor: with progress and a way to stop it, from the text that it was offered for to an edit of the
//! text as it is then.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tower_lsp::Client;
use tower_lsp::lsp_types::{Position, Url, WorkspaceEdit};

use super::growing::{Growing, Reading};
use super::refusal::Refusal;
use super::ways::{Written, difference};
use crate::assist::{
    self, AssistError, Attached, Done, Options, Order, Page, Product, Step, Task, Turn, moved, perform,
};
use crate::complete::Reason;
use crate::engine::CancelToken;
use crate::server::answer::{self, Answer};
use crate::server::convert;
use crate::server::flight::Flight;
use crate::server::progress::{Progress, Work};
use crate::server::protocol::{AskParams, TaskAt};
use crate::server::session::{Session, View};
use crate::text::{Snapshot, TextEdit};

/// What came of a task's work.
#[derive(Debug, Clone)]
pub(in crate::server) struct Landed(Result<Done, Refusal>);

impl From<Reason> for Landed {
    fn from(reason: Reason) -> Self {
        Self(Err(reason.into()))
    }
}

/// What a task comes to for the editor.
pub(super) enum Outcome {
    /// An edit to apply.
    Edit(Box<WorkspaceEdit>),
    /// An edit of another document, to apply and to open.
    Beside(Box<WorkspaceEdit>, Url),
    /// A text to open.
    Page(Page),
}

/// Does a task, and keeps the record.
pub(super) async fn task(
    session: &Arc<Session>,
    client: &Client,
    method: &'static str,
    which: TaskAt,
    title: &str,
) -> tower_lsp::jsonrpc::Result<Outcome> {
    let answer = Answer::begin(session, method, &which.text_document.uri);
    recorded(session, answer, attempt(session, client, which, title).await)
}

/// Answers a question, and keeps the record.
pub(super) async fn ask(
    session: &Arc<Session>,
    client: &Client,
    method: &'static str,
    asked: AskParams,
) -> tower_lsp::jsonrpc::Result<Outcome> {
    let nowhere = || Url::parse("infill:question").map_err(|_| tower_lsp::jsonrpc::Error::internal_error());
    let uri = asked.text_document.as_ref().map_or_else(nowhere, |document| Ok(document.uri.clone()))?;
    let answer = Answer::begin(session, method, &uri);
    recorded(session, answer, answered(session, client, asked).await)
}

fn recorded(
    session: &Arc<Session>,
    answer: Answer,
    outcome: Result<(Outcome, usize), Refusal>,
) -> tower_lsp::jsonrpc::Result<Outcome> {
    match outcome {
        Ok((result, tokens)) => {
            answer.shown(tokens);
            Ok(result)
        }
        Err(refusal) => {
            answer.silent(refusal.reason, 0);
            Err(refusal.told(session))
        }
    }
}

async fn attempt(
    session: &Arc<Session>,
    client: &Client,
    which: TaskAt,
    title: &str,
) -> Result<(Outcome, usize), Refusal> {
    let TaskAt { text_document, range, task } = which;
    let view = session.view(&text_document.uri, range.start)?;
    if view.snapshot.version() != text_document.version {
        return Err(Refusal::changed());
    }
    let (snapshot, range) = asked_for(session, &view, &task, range);
    let options = options(session, &view);
    let source = session.source().cloned().ok_or(Reason::Loading)?;
    let (working, at, wish) = (snapshot.clone(), range.clone(), task.clone());
    let done = fly(
        session,
        client,
        title,
        (view.path.clone(), view.files()),
        view.settings.actions.tokens.get(),
        move |order| async move { perform(&wish, &working, at, &*source, &order, &options).await },
    )
    .await?;
    // The edits are for the text that they were made in; the document may have gone on.
    let now = session.snapshot(&view.uri)?;
    let view = View { snapshot: now, ..view };
    let result = match done.product {
        Product::Page(page) => Outcome::Page(page),
        Product::NewFile(path, text) => beside(&view, &path, &text, true)?,
        Product::Append(path, text) => beside(&view, &path, &text, false)?,
        Product::Edits(ways) => {
            let edits = placed(session, &view, &snapshot, range, &task, ways)?;
            let edit = convert::to_workspace_edit(&view.uri, &view.snapshot, &edits, view.negotiated);
            Outcome::Edit(Box::new(if asks_first(&task) {
                convert::to_confirmed(edit, title, view.negotiated)
            } else {
                edit
            }))
        }
    };
    Ok((result, done.tokens))
}

/// Returns whether an edit is one that a person wants to look at, change by change.
fn asks_first(task: &Task) -> bool {
    matches!(task, Task::Edit { .. } | Task::Simplify)
}

/// Returns the text and the place that a task is about. One more way of writing a function is asked for where the function
/// stands already: it is about the text before.
fn asked_for(
    session: &Session,
    view: &View,
    task: &Task,
    range: tower_lsp::lsp_types::Range,
) -> (Snapshot, Range<usize>) {
    let now = || {
        let range = convert::from_range(&view.snapshot, range, view.negotiated.encoding);
        (view.snapshot.clone(), range)
    };
    let Task::Implement { variant: 1.. } = task else { return now() };
    match session.ways().of(&view.uri, &view.snapshot.text()) {
        Some(written) => (Snapshot::new(view.snapshot.language(), &written.before), written.range),
        None => now(),
    }
}

/// Returns the edits of the document as it is now, and keeps the ways of writing a function.
fn placed(
    session: &Session,
    view: &View,
    made_for: &Snapshot,
    range: Range<usize>,
    task: &Task,
    ways: Vec<Vec<TextEdit>>,
) -> Result<Vec<TextEdit>, Refusal> {
    let (before, now) = (made_for.text(), view.snapshot.text());
    let first = ways.first().cloned().unwrap_or_default();
    if !matches!(task, Task::Implement { .. }) {
        return if before == now {
            Ok(first)
        } else {
            moved(&before, &now, &first).ok_or_else(Refusal::changed)
        };
    }
    let apply = |edits: &Vec<TextEdit>| {
        let mut edits = edits.clone();
        edits.sort_by_key(|edit| edit.range.start);
        edits.iter().rev().fold(before.clone(), |text, edit| edit.apply(&text))
    };
    let after: Vec<String> = ways.iter().map(apply).collect();
    let new = after.first().cloned().unwrap_or_default();
    let known = session.ways().of(&view.uri, &now);
    let replaces = known.is_some_and(|known| known.before == before) && now != before;
    session.ways().keep(&view.uri, Written { before: before.clone(), range, after });
    match () {
        () if before == now => Ok(first),
        () if replaces => Ok(vec![difference(&now, &new)]),
        () => moved(&before, &now, &first).ok_or_else(Refusal::changed),
    }
}

/// Returns the edit of another file, or the text to read where the editor cannot make files.
fn beside(view: &View, path: &Path, text: &str, is_new: bool) -> Result<Outcome, Refusal> {
    let uri = Url::from_file_path(path).map_err(|()| Reason::Failed)?;
    if is_new && view.negotiated.create_files && view.negotiated.document_changes {
        return Ok(Outcome::Beside(Box::new(convert::to_new_file(&uri, text)), uri));
    }
    if !is_new {
        let there = std::fs::read_to_string(path).map_err(|_| Reason::Failed)?;
        let end = Snapshot::new(view.snapshot.language(), &there);
        let at = convert::to_range(&end, &(there.len()..there.len()), view.negotiated.encoding);
        let edit = tower_lsp::lsp_types::TextEdit { range: at, new_text: text.into() };
        let edit = WorkspaceEdit::new([(uri.clone(), vec![edit])].into());
        return Ok(Outcome::Beside(Box::new(edit), uri));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = view.snapshot.language().extension();
    Ok(Outcome::Page(Page { title: name, text: text.into(), extension, tokens: 0 }))
}

async fn answered(
    session: &Arc<Session>,
    client: &Client,
    asked: AskParams,
) -> Result<(Outcome, usize), Refusal> {
    let source = session.source().cloned().ok_or(Reason::Loading)?;
    let (mut files, mut of) = (Vec::new(), Vec::new());
    if let Some(document) = &asked.text_document {
        let view = session.view(&document.uri, Position::default())?;
        let name = view.path.clone().unwrap_or_else(|| "the file".into());
        of = view.files();
        files.push(Attached { name, text: view.snapshot.text(), language: view.snapshot.language() });
    }
    let turns = asked.earlier.into_iter().map(|turn| Turn { question: turn.question, answer: turn.answer });
    let (turns, question): (Vec<Turn>, String) = (turns.collect(), asked.question);
    let tokens = session.settings().actions.tokens.get();
    let done = fly(session, client, "Answer", (None, of), tokens, move |order| async move {
        let page = assist::ask(&question, &files, &turns, &*source, &order).await?;
        Ok(Done { tokens: page.tokens, product: Product::Page(page) })
    })
    .await?;
    match done.product {
        Product::Page(page) => Ok((Outcome::Page(page), done.tokens)),
        _ => Err(Reason::Failed.into()),
    }
}

/// Runs work on a task of its own, with progress that can be cancelled.
async fn fly<W, F>(
    session: &Arc<Session>,
    client: &Client,
    title: &str,
    (path, of): (Option<String>, Vec<PathBuf>),
    max_tokens: usize,
    work: W,
) -> Result<Done, Refusal>
where
    W: FnOnce(Order) -> F + Send + 'static,
    F: Future<Output = Result<Done, AssistError>> + Send + 'static,
{
    let source = session.source().cloned().ok_or(Reason::Loading)?;
    let progress = Arc::new(Progress::begin(client, session.negotiated().progress, title, Work::Cancellable));
    session.say(answer::thinking());
    // A branch of its own: a task neither overtakes the document's completions nor is overtaken.
    let branch = session.with_documents(|documents| documents.new_branch());
    let token = progress.token().clone();
    let growing = Arc::new(Growing::new(session.negotiated().pages.then(|| session.outbox.clone())));
    let (cancel, heard) = (CancelToken::new(), heard(progress, Arc::clone(&growing)));
    let order = Order { path, files: of, branch, max_tokens, bound: "actions.tokens", cancel, heard };
    let flight = Flight::start(|cancel| async move {
        let done = work(Order { cancel, ..order }).await;
        source.forget(branch);
        Landed(done.map_err(Refusal::from))
    });
    let _link = session.cancels().link(token, &flight);
    let reading = Reading(growing);
    let Landed(done) = flight.landed().await;
    match &done {
        Ok(_) => reading.0.end(),
        Err(refusal) => reading.0.give_up(refusal.message()),
    }
    done
}

/// Returns what tells a person how a task goes on, by its progress and by the page that grows.
fn heard(progress: Arc<Progress>, growing: Arc<Growing>) -> assist::Heard {
    let attempt = AtomicUsize::new(1);
    let said = move |lines: usize, attempt: usize| match attempt {
        1 => format!("line {lines}"),
        _ => format!("attempt {attempt}, line {lines}"),
    };
    Arc::new(move |step| {
        growing.hear(step);
        match step {
            Step::Attempt(number) => attempt.store(number, Ordering::Relaxed),
            Step::Note(note) => progress.report(note, None),
            Step::Piece(piece, answer) if piece.contains('\n') => {
                progress.report(said(answer.lines().count(), attempt.load(Ordering::Relaxed)), None);
            }
            Step::Piece(..) | Step::Page(..) => {}
        }
    })
}

fn options(session: &Session, view: &View) -> Options {
    let file = view.uri.to_file_path().ok();
    let workspace = session.workspace();
    let is_around = |root: &&PathBuf| file.as_ref().is_some_and(|file| file.starts_with(root));
    let folder = workspace.roots().iter().find(is_around).cloned();
    Options { settings: view.settings.actions.clone(), folder, file }
}

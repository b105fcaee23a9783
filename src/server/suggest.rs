//! The way of a completion request, the same for ghost text and for completion items: a view of the document, a recent
//! suggestion or a generation, and what is left of it by the time it is there.

use std::sync::Arc;

use super::flight::{Flight, Landing, Waiting};
use super::session::{Session, View};
use super::turn::Turn;
use super::{accepted, answer};
use crate::assist::infill::{Infill, InfillRequest, Written, infill};
use crate::complete::{self, Completion, Reason, TokenCount};
use crate::engine::CancelToken;
use crate::source::{Ahead, Source, Status};
use crate::text::Snapshot;

/// A completion and the text that its range is in.
pub(super) struct Suggestion {
    /// What is suggested.
    pub completion: Completion,
    /// The document as it is now.
    pub snapshot: Snapshot,
    /// Tokens generated for it; none when it was known already.
    pub tokens: usize,
}

/// Silence: why, and the tokens that were generated all the same.
pub(super) struct Silence {
    /// Why.
    pub reason: Reason,
    /// Tokens generated.
    pub tokens: usize,
}

impl From<Reason> for Silence {
    fn from(reason: Reason) -> Self {
        Self { reason, tokens: 0 }
    }
}

/// Returns the completion for a place in a document.
///
/// Everything up to the first `.await` happens in the order in which the editor sent its messages.
pub(super) async fn suggest(
    session: &Arc<Session>,
    view: View,
    explicit: bool,
) -> Result<Suggestion, Silence> {
    let mut turn =
        session.with_documents(|documents| documents.take_turn(&view.uri, &view.snapshot, view.offset))?;
    let recalled =
        session.with_documents(|documents| documents.recall(&view.uri, &view.snapshot, view.offset));
    if let Some(completion) = recalled {
        return Ok(Suggestion { completion, snapshot: view.snapshot, tokens: 0 });
    }
    if let Some(reason) = complete::silence(&view.snapshot, view.offset).filter(|_| !explicit) {
        return Err(reason.into());
    }
    // A generation that was joined may turn out to write something else than what was typed meanwhile.
    let settled = match land(session, &view, &mut turn).await {
        Err(Silence { reason: Reason::Overtaken | Reason::Cancelled, .. }) if turn.is_mine() => {
            land(session, &view, &mut turn).await
        }
        settled => settled,
    };
    if let Ok(suggestion) = &settled {
        accepted::go_on(session, &view, suggestion);
    }
    settled
}

async fn land(session: &Arc<Session>, view: &View, turn: &mut Turn) -> Result<Suggestion, Silence> {
    let waiting = Waiting(board(session, view)?);
    let landing = tokio::select! {
        biased;
        landing = waiting.0.landed() => landing,
        () = turn.over() => return Err(Reason::Overtaken.into()),
    };
    settle(session, view, landing)
}

/// Joins or begins the generation for a view.
fn board(session: &Arc<Session>, view: &View) -> Result<Arc<Flight<Landing>>, Reason> {
    let source = Arc::clone(session.source().ok_or(Reason::Loading)?);
    let counter = match (source.counter(), source.status()) {
        (_, Status::Failed { .. }) => return Err(Reason::NoModel),
        (Some(counter), Status::Ready { .. }) => counter,
        _ => return Err(Reason::Loading),
    };
    session.say(answer::thinking());
    let begin = |written| Flight::start(|cancel| generate(view.clone(), source, counter, cancel, written));
    session.with_documents(|documents| documents.board(&view.uri, &view.snapshot, view.offset, begin))
}

/// Takes the outcome, keeps it for those who type along, and carries it over to the text as it is now.
fn settle(session: &Session, view: &View, landing: Landing) -> Result<Suggestion, Silence> {
    let Landing { result, tokens, anchors, made_for } = landing;
    let silence = |reason| Silence { reason, tokens };
    let made = session.with_documents(|documents| {
        documents.keep_anchors(&view.uri, anchors);
        result.map_err(silence)
    })?;
    let (then, offset) = made_for.unwrap_or_else(|| (view.snapshot.clone(), view.offset));
    let snapshot = session.with_documents(|documents| {
        documents.remember(view.branch, &then, offset, &made);
        documents.find(&view.uri).map(|open| open.snapshot())
    });
    let snapshot = snapshot.map_err(silence)?;
    let completion = match snapshot.version() == then.version() {
        true => Some(made),
        false => typed_along(&then, offset, &made, &snapshot),
    };
    let completion = completion.ok_or(silence(Reason::Overtaken))?;
    Ok(Suggestion { completion, snapshot, tokens })
}

/// Returns what is left of a completion if all that was changed since is that its beginning was typed.
fn typed_along(then: &Snapshot, offset: usize, made: &Completion, now: &Snapshot) -> Option<Completion> {
    let typed = now.len().checked_sub(then.len())?;
    complete::interpolate(made, then, offset, now, offset + typed)
}

type Counter = Arc<dyn TokenCount + Send + Sync>;

async fn generate(
    view: View,
    source: Arc<dyn Source>,
    counter: Counter,
    cancel: CancelToken,
    written: Written,
) -> Landing {
    let made_for = Some((view.snapshot.clone(), view.offset));
    let View { snapshot, offset, path, branch, settings, anchors, .. } = view;
    let request = InfillRequest { snapshot, offset, path, branch, settings, anchors, idle: false, written };
    let Infill { result, usage, anchors } = infill(request, source.clone(), counter, cancel).await;
    if let Some(best) = anchors.first().filter(|_| result.is_ok()) {
        // Where a shorter prompt served, or one of an earlier line, the better one is ready after a pause.
        source.prepare(branch, Ahead::Prompt(best.prompt.clone()));
    }
    Landing { result, tokens: usage.decoded_tokens, anchors, made_for }
}

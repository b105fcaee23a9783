//! The way of a completion request, the same for ghost text and for completion items: a view of the document, a recent
//! suggestion or a generation, and what is left of it by the time it is there.

use std::sync::Arc;

use tokio::time::{Duration, Instant};

use super::flight::{Flight, Landing, Waiting};
use super::session::{Session, View};
use super::turn::Turn;
use super::{accepted, answer, candidates};
use crate::assist::infill::{Infill, InfillRequest, Written, infill};
use crate::complete::{self, Completion, Reason, TokenCount};
use crate::config::Settings;
use crate::engine::CancelToken;
use crate::source::{Ahead, Source, Status};
use crate::text::Snapshot;

/// The longest wait for a model that is being read from the disk, which takes about a second. For one that is being
/// fetched nobody waits.
const LOADING: Duration = Duration::from_secs(3);

/// How often it is looked whether the model is there.
const LOOK: Duration = Duration::from_millis(10);

/// How a request came about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// By typing: one suggestion, and only where it is likely to be wanted.
    Automatically,
    /// By a person, who wants to choose among so many at most.
    ByHand(usize),
}

/// A completion and the text that its range is in.
pub(super) struct Suggestion {
    /// What is suggested.
    pub completion: Completion,
    /// What else could be, the better ones first.
    pub others: Vec<Completion>,
    /// The document as it is now; where an item is selected in the completion menu, as it would be with that.
    pub snapshot: Snapshot,
    /// The mean probability of the completion's tokens, where it is known.
    pub confidence: Option<f32>,
    /// Tokens generated for it; none when it was known already.
    pub tokens: usize,
}

impl Suggestion {
    /// Returns all candidates, the best one first.
    pub(super) fn candidates(&self) -> Vec<&Completion> {
        std::iter::once(&self.completion).chain(&self.others).collect()
    }
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
pub(super) async fn suggest(session: &Arc<Session>, view: View, asked: Asked) -> Result<Suggestion, Silence> {
    let begun = Instant::now();
    let mut turn = session.with_documents(|documents| documents.take_turn(&view))?;
    let suggestion = match recall(session, &view) {
        Some(known) => known,
        None => {
            if let Asked::Automatically = asked {
                silence(session, &view)?;
                wait(session, &view, &mut turn).await?;
            }
            match recall(session, &view) {
                Some(known) => known,
                None => {
                    loaded(session, &mut turn).await?;
                    generated(session, &view, &mut turn).await?
                }
            }
        }
    };
    let suggestion = match asked {
        Asked::Automatically => suggestion,
        Asked::ByHand(wanted) => {
            candidates::complete(session, &view, &mut turn, suggestion, wanted, begun).await?
        }
    };
    if suggestion.tokens > 0 {
        accepted::go_on(session, &view, &suggestion);
    }
    Ok(suggestion)
}

/// Returns what is left of a recent suggestion.
fn recall(session: &Session, view: &View) -> Option<Suggestion> {
    let known = session.with_documents(|documents| documents.recall(view))?;
    let mut known = known.into_iter();
    let completion = known.next()?;
    let (others, snapshot) = (known.collect(), view.snapshot.clone());
    Some(Suggestion { completion, others, snapshot, confidence: None, tokens: 0 })
}

/// Says that nothing is to be generated where nobody asked.
fn silence(session: &Session, view: &View) -> Result<(), Reason> {
    let was_deleted = session.with_documents(|documents| {
        documents.find(&view.uri).is_ok_and(|open| open.was_deleted_at(view.offset))
    });
    if was_deleted && !view.settings.automatic.after_deletion {
        return Err(Reason::AfterDeletion);
    }
    complete::silence(&view.snapshot, view.offset).map_or(Ok(()), Err)
}

/// Waits for a pause in fast typing.
async fn wait(session: &Session, view: &View, turn: &mut Turn) -> Result<(), Reason> {
    let pause = session.with_documents(|documents| documents.pause(view));
    if pause.is_zero() {
        return Ok(());
    }
    tokio::select! {
        biased;
        () = turn.over() => Err(Reason::Overtaken),
        () = tokio::time::sleep(pause) => Ok(()),
    }
}

/// Waits for the model where it will be there in a moment, so that the first request after a start is answered.
async fn loaded(session: &Session, turn: &mut Turn) -> Result<(), Reason> {
    let source = session.source().ok_or(Reason::Loading)?;
    let read = async {
        while matches!(source.status(), Status::Loading { total: 0, .. }) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        biased;
        () = turn.over() => Err(Reason::Overtaken),
        _ = tokio::time::timeout(LOADING, read) => Ok(()),
    }
}

/// Returns what the model writes.
async fn generated(session: &Arc<Session>, view: &View, turn: &mut Turn) -> Result<Suggestion, Silence> {
    // A generation that was joined may turn out to write something else than what was typed meanwhile.
    match land(session, view, turn).await {
        Err(Silence { reason: Reason::Overtaken | Reason::Cancelled, .. }) if turn.is_mine() => {
            land(session, view, turn).await
        }
        settled => settled,
    }
}

async fn land(session: &Arc<Session>, view: &View, turn: &mut Turn) -> Result<Suggestion, Silence> {
    let begun = Instant::now();
    let waiting = Waiting(board(session, view)?);
    let landing = tokio::select! {
        biased;
        landing = waiting.0.landed() => landing,
        () = turn.over() => {
            session.with_documents(|documents| documents.rhythm().given_up(begun.elapsed()));
            return Err(Reason::Overtaken.into());
        }
    };
    if landing.tokens > 0 {
        session.with_documents(|documents| documents.rhythm().generated(begun.elapsed()));
    }
    settle(session, view, landing)
}

/// Joins or begins the generation for a view.
fn board(session: &Arc<Session>, view: &View) -> Result<Arc<Flight<Landing>>, Reason> {
    let (source, counter) = ready(session)?;
    session.say(answer::thinking());
    let suited = View { settings: suited(session, view), ..view.clone() };
    let begin = |written| Flight::start(|cancel| generate(suited, source, counter, cancel, written));
    session.with_documents(|documents| documents.board(view, begin))
}

/// Returns the settings with the threshold of confidence that suits what this user accepts.
fn suited(session: &Session, view: &View) -> Arc<Settings> {
    let set = view.settings.completion.min_mean_probability;
    // All is shown to who wants to see all.
    if !view.settings.completion.follow_acceptance || set == 0.0 {
        return Arc::clone(&view.settings);
    }
    let language = view.snapshot.language().id();
    let suited = session.outcomes.acceptance(|acceptance| acceptance.threshold(language, set));
    if suited == set {
        return Arc::clone(&view.settings);
    }
    let mut settings = Settings::clone(&view.settings);
    settings.completion.min_mean_probability = suited;
    Arc::new(settings)
}

/// Returns the source and its count of tokens, if it can answer.
pub(super) fn ready(session: &Session) -> Result<(Arc<dyn Source>, Counter), Reason> {
    let source = Arc::clone(session.source().ok_or(Reason::Loading)?);
    match (source.counter(), source.status()) {
        (_, Status::Failed { .. }) => Err(Reason::NoModel),
        (Some(counter), Status::Ready { .. }) => Ok((source, counter)),
        _ => Err(Reason::Loading),
    }
}

/// Takes the outcome, keeps it for those who type along, and carries it over to the text as it is now.
fn settle(session: &Session, view: &View, landing: Landing) -> Result<Suggestion, Silence> {
    let Landing { result, confidence, tokens, anchors, made_for } = landing;
    let silence = |reason| Silence { reason, tokens };
    let made = session.with_documents(|documents| {
        documents.keep_anchors(&view.uri, anchors);
        result.map_err(silence)
    })?;
    let (then, offset) = made_for.unwrap_or_else(|| (view.snapshot.clone(), view.offset));
    let now = session.with_documents(|documents| {
        documents.remember(view.branch, &then, offset, std::slice::from_ref(&made));
        documents.find(&view.uri).map(|open| open.snapshot())
    });
    let now = now.map_err(silence)?;
    let is_same = now.version() == view.snapshot.version();
    // While the text is the same, an item of the completion menu may be selected that is not in it.
    let now = if is_same { view.snapshot.clone() } else { now };
    let completion = match is_same && now.version() == then.version() {
        true => Some(made),
        false => typed_along(&then, offset, &made, &now),
    };
    let completion = completion.ok_or(silence(Reason::Overtaken))?;
    Ok(Suggestion { completion, others: Vec::new(), snapshot: now, confidence, tokens })
}

/// Returns what is left of a completion if all that was changed since is that its beginning was typed.
fn typed_along(then: &Snapshot, offset: usize, made: &Completion, now: &Snapshot) -> Option<Completion> {
    let typed = now.len().checked_sub(then.len())?;
    complete::interpolate(made, then, offset, now, offset + typed)
}

pub(super) type Counter = Arc<dyn TokenCount + Send + Sync>;

async fn generate(
    view: View,
    source: Arc<dyn Source>,
    counter: Counter,
    cancel: CancelToken,
    written: Written,
) -> Landing {
    let made_for = Some((view.snapshot.clone(), view.offset));
    let (branch, request) = (view.branch, InfillRequest { written, ..view.request() });
    let Infill { result, confidence, usage, anchors, next } =
        infill(request, source.clone(), counter, cancel).await;
    if let Some(next) = next.filter(|_| result.is_ok()) {
        // Where a shorter prompt served, or one of an earlier line, the better one is ready after a pause.
        source.prepare(branch, Ahead::Prompt(next));
    }
    Landing { result, confidence, tokens: usage.decoded_tokens, anchors, made_for }
}

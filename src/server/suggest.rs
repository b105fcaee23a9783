//! The way of a completion request, the same for ghost text and for completion items: a view of the document, a recent
//! suggestion or a generation, and what is left of it by the time it is there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::answer;
use super::flight::{Flight, Landing};
use super::session::{Session, View};
use crate::complete::{self, Budget, Completion, Mode, Prompt, Reason, StopCondition, TokenCount};
use crate::config::Settings;
use crate::engine::{CancelToken, FinishReason, GenerationParams};
use crate::source::{Input, Request, Source, SourceError, Status};
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
    let recalled =
        session.with_documents(|documents| documents.recall(&view.uri, &view.snapshot, view.offset));
    if let Some(completion) = recalled {
        return Ok(Suggestion { completion, snapshot: view.snapshot, tokens: 0 });
    }
    if let Some(reason) = complete::silence(&view.snapshot, view.offset).filter(|_| !explicit) {
        return Err(reason.into());
    }
    let flight = board(session, &view)?;
    let landing = flight.landed().await;
    settle(session, &view, landing)
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
    let begin = || Flight::start(|cancel| generate(view.clone(), source, counter, cancel));
    session
        .with_documents(|documents| documents.board(&view.uri, view.snapshot.version(), view.offset, begin))
}

/// Takes the outcome, keeps it for those who type along, and carries it over to the text as it is now.
fn settle(session: &Session, view: &View, landing: Landing) -> Result<Suggestion, Silence> {
    let Landing { result, tokens } = landing;
    let silence = |reason| Silence { reason, tokens };
    let made = result.map_err(silence)?;
    let snapshot = session.with_documents(|documents| {
        documents.remember(view.branch, &view.snapshot, view.offset, &made);
        documents.find(&view.uri).map(|open| open.snapshot())
    });
    let snapshot = snapshot.map_err(silence)?;
    let completion = match snapshot.version() == view.snapshot.version() {
        true => Some(made),
        false => typed_along(view, &made, &snapshot),
    };
    let completion = completion.ok_or(silence(Reason::Overtaken))?;
    Ok(Suggestion { completion, snapshot, tokens })
}

/// Returns what is left of a completion if all that was changed since is that its beginning was typed.
fn typed_along(view: &View, made: &Completion, now: &Snapshot) -> Option<Completion> {
    let typed = now.len().checked_sub(view.snapshot.len())?;
    complete::interpolate(made, &view.snapshot, view.offset, now, view.offset + typed)
}

type Counter = Arc<dyn TokenCount + Send + Sync>;

/// Makes the prompt, lets the source write, and makes a completion of what counts.
async fn generate(view: View, source: Arc<dyn Source>, counter: Counter, cancel: CancelToken) -> Landing {
    // Counting tokens and parsing the file take milliseconds, too long for the task that also reads the edits.
    let (view, mode, prompt) = match tokio::task::spawn_blocking(move || prepare(view, &*counter)).await {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::error!(%error, "no prompt could be made");
            return Reason::Failed.into();
        }
    };
    let stop = Arc::new(Mutex::new(StopCondition::new(mode, &view.snapshot, view.offset)));
    let watched = Arc::clone(&stop);
    let request = Request {
        branch: view.branch,
        input: Input::Infill(prompt),
        params: params(&view.settings, mode),
        watch: Box::new(move |piece| lock(&watched).push(piece)),
        cancel,
    };
    match source.generate(request).await {
        Ok(generation) => {
            let result = finish(&view, &lock(&stop), generation.finish);
            Landing { result, tokens: generation.usage.decoded_tokens }
        }
        Err(error) => reason(&error).into(),
    }
}

fn prepare(view: View, counter: &dyn TokenCount) -> (View, Mode, Prompt) {
    let budget = Budget {
        prefix_tokens: view.settings.prompt.prefix_tokens.get(),
        suffix_tokens: view.settings.prompt.suffix_tokens,
    };
    let mode = complete::mode(&view.snapshot, view.offset);
    let prompt = complete::prompt(&view.snapshot, view.offset, view.path.as_deref(), &budget, counter);
    (view, mode, prompt)
}

fn params(settings: &Settings, mode: Mode) -> GenerationParams {
    let completion = &settings.completion;
    let max_tokens = match mode {
        Mode::Line => completion.line_tokens,
        Mode::Block => completion.block_tokens,
    };
    GenerationParams {
        max_tokens: max_tokens.get(),
        temperature: completion.temperature,
        time_budget: Some(Duration::from_millis(completion.time_ms.get() as u64)),
        ..GenerationParams::default()
    }
}

fn finish(view: &View, stop: &StopCondition, finish: FinishReason) -> Result<Completion, Reason> {
    let text = match finish {
        FinishReason::Stop | FinishReason::EndOfText => stop.text(),
        FinishReason::Length | FinishReason::Time => stop.text_cut_short(),
    };
    if finish == FinishReason::Time && text.trim().is_empty() {
        return Err(Reason::TimedOut);
    }
    complete::finish(&view.snapshot, view.offset, text)
}

/// Returns why a source that refused leaves the user without a completion.
fn reason(error: &SourceError) -> Reason {
    match error {
        SourceError::Loading => Reason::Loading,
        SourceError::Cancelled => Reason::Cancelled,
        SourceError::Overtaken => Reason::Overtaken,
        SourceError::TooLong { .. } | SourceError::Failed(_) => {
            tracing::error!(%error, "nothing was generated");
            Reason::Failed
        }
    }
}

fn lock(stop: &Mutex<StopCondition>) -> std::sync::MutexGuard<'_, StopCondition> {
    stop.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

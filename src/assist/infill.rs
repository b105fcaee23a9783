//! One completion at a place in a text: prompt, generation, what is kept of it. The way is the same for the server and
//! the command line; who asks, and what happened to the document meanwhile, is not known here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::complete::{self, Budget, Completion, Mode, Prompt, Reason, StopCondition, TokenCount};
use crate::config::{CompletionSettings, Settings};
use crate::engine::{CancelToken, FinishReason, GenerationParams, Usage};
use crate::source::{Input, Request, Source, SourceError};
use crate::text::Snapshot;

/// Where to complete, and within which bounds.
#[derive(Clone)]
pub struct InfillRequest {
    /// The text.
    pub snapshot: Snapshot,
    /// The cursor, in bytes.
    pub offset: usize,
    /// The file's name as the model is shown it.
    pub path: Option<String>,
    /// Whose cache is used: one number for each document.
    pub branch: u64,
    /// How much is read and written.
    pub settings: Arc<Settings>,
}

/// What came of a request, and what it cost.
pub struct Infill {
    /// The completion, or why there is none.
    pub result: Result<Completion, Reason>,
    /// The cost; nothing when it never ran.
    pub usage: Usage,
}

impl From<Reason> for Infill {
    fn from(reason: Reason) -> Self {
        Self { result: Err(reason), usage: Usage::default() }
    }
}

/// Completes; cancelling `cancel` or dropping the future stops it.
pub async fn infill(
    request: InfillRequest,
    source: Arc<dyn Source>,
    counter: Arc<dyn TokenCount + Send + Sync>,
    cancel: CancelToken,
) -> Infill {
    // Counting tokens and parsing the file take milliseconds, too long for the task that also reads the edits.
    let (request, mode, prompt) = match tokio::task::spawn_blocking(move || prepare(request, &*counter)).await
    {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::error!(%error, "no prompt could be made");
            return Reason::Failed.into();
        }
    };
    let stop = Arc::new(Mutex::new(StopCondition::new(mode, &request.snapshot, request.offset)));
    let watched = Arc::clone(&stop);
    let generation = source.generate(Request {
        branch: request.branch,
        input: Input::Infill(prompt),
        params: params(&request.settings.completion, mode),
        watch: Box::new(move |piece| lock(&watched).push(piece)),
        cancel,
    });
    match generation.await {
        Ok(generation) => {
            let result = kept(&request, &lock(&stop), generation.finish);
            Infill { result, usage: generation.usage }
        }
        Err(error) => reason(&error).into(),
    }
}

fn prepare(request: InfillRequest, counter: &dyn TokenCount) -> (InfillRequest, Mode, Prompt) {
    let InfillRequest { snapshot, offset, path, settings, .. } = &request;
    let budget = Budget {
        prefix_tokens: settings.prompt.prefix_tokens.get(),
        suffix_tokens: settings.prompt.suffix_tokens,
    };
    let mode = complete::mode(snapshot, *offset);
    let prompt = complete::prompt(snapshot, *offset, path.as_deref(), &budget, counter);
    (request, mode, prompt)
}

fn params(settings: &CompletionSettings, mode: Mode) -> GenerationParams {
    let max_tokens = match mode {
        Mode::Line => settings.line_tokens,
        Mode::Block => settings.block_tokens,
    };
    GenerationParams {
        max_tokens: max_tokens.get(),
        temperature: settings.temperature,
        time_budget: Some(Duration::from_millis(settings.time_ms.get() as u64)),
        ..GenerationParams::default()
    }
}

fn kept(request: &InfillRequest, stop: &StopCondition, finish: FinishReason) -> Result<Completion, Reason> {
    let text = match finish {
        FinishReason::Stop | FinishReason::EndOfText => stop.text(),
        FinishReason::Length | FinishReason::Time => stop.text_cut_short(),
    };
    if finish == FinishReason::Time && text.trim().is_empty() {
        return Err(Reason::TimedOut);
    }
    complete::finish(&request.snapshot, request.offset, text)
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
    stop.lock().unwrap_or_else(PoisonError::into_inner)
}

//! One completion at a place in a text: prompt, generation, what is kept of it. The way is the same for the server and
//! the command line; who asks, and what happened to the document meanwhile, is not known here.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::prompts::{latency, next, prompts};
use crate::complete::{
    self, Anchored, Completion, Confidence, Context, Mode, Prompt, Reason, StopCondition, TokenCount,
    TokenOdds,
};
use crate::config::{CompletionSettings, Settings};
use crate::engine::{CancelToken, FinishReason, GenerationParams, Usage};
use crate::source::{Generation, Input, Request, Source, SourceError};
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
    /// Where the file lies, if it is one.
    pub file: Option<PathBuf>,
    /// Whose cache is used: one number for each document.
    pub branch: u64,
    /// How much is read and written.
    pub settings: Arc<Settings>,
    /// The prompts of the document's last completion: those that still fit are gone on with.
    pub anchors: Vec<Anchored>,
    /// What of other files may stand before it: the best, then what serves until that is computed. Without any, nothing.
    pub contexts: Vec<Option<Arc<Context>>>,
    /// Whether nobody waits for it: it runs in idle time only.
    pub idle: bool,
    /// Where the text can be read while it is written.
    pub written: Written,
}

/// The text that a running completion has written by now, and what its user has typed meanwhile.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<Mutex<Texts>>);

#[derive(Debug, Default)]
struct Texts {
    written: String,
    typed: String,
}

impl Written {
    /// Takes over what the user has typed since, if it may still be what is being written; returns whether it may.
    pub fn agrees_with(&self, typed: &str) -> bool {
        let mut texts = self.lock();
        let agrees = agree(&texts.written, typed);
        if agrees {
            typed.clone_into(&mut texts.typed);
        }
        agrees
    }

    /// Adds a piece and returns whether it is still what the user has typed.
    fn push(&self, piece: &str) -> bool {
        let mut texts = self.lock();
        texts.written.push_str(piece);
        agree(&texts.written, &texts.typed)
    }

    fn lock(&self) -> MutexGuard<'_, Texts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether one is the beginning of the other: where the user is ahead, the model may still write the same.
fn agree(written: &str, typed: &str) -> bool {
    written.starts_with(typed) || typed.starts_with(written)
}

/// What came of a request, and what it cost.
pub struct Infill {
    /// The completion, or why there is none.
    pub result: Result<Completion, Reason>,
    /// The mean probability of the tokens that were kept, where the source tells it.
    pub confidence: Option<f32>,
    /// The cost; nothing when it never ran.
    pub usage: Usage,
    /// The prompts that would have done, the best one first; for the next request of the document.
    pub anchors: Vec<Anchored>,
    /// The prompt to be made ready: where a shorter one served, or one of an earlier line, the better is there next time.
    pub next: Option<Prompt>,
}

impl From<Reason> for Infill {
    fn from(reason: Reason) -> Self {
        Self {
            result: Err(reason),
            confidence: None,
            usage: Usage::default(),
            anchors: Vec::new(),
            next: None,
        }
    }
}

/// Returns the request that a completion makes of a remote source first, for a person who wants to see what is sent.
pub fn source_request(request: &InfillRequest, counter: &dyn TokenCount) -> Request {
    let mut prompts = prompts(request, u64::MAX, counter).into_iter().map(|anchored| anchored.prompt);
    Request {
        branch: request.branch,
        input: Input::Infill(prompts.next().unwrap_or_default()),
        others: Vec::new(),
        latency: Duration::MAX,
        params: params(&request.settings.completion),
        watch: Box::new(|_| ControlFlow::Continue(())),
        cancel: CancelToken::new(),
        idle: false,
        files: request.file.iter().cloned().collect(),
    }
}

/// Completes; cancelling `cancel` or dropping the future stops it.
pub async fn infill(
    request: InfillRequest,
    source: Arc<dyn Source>,
    counter: Arc<dyn TokenCount + Send + Sync>,
    cancel: CancelToken,
) -> Infill {
    let speed = source.counters().prefill_per_second;
    // Counting tokens and parsing the file take milliseconds, too long for the task that also reads the edits.
    let prepared = tokio::task::spawn_blocking(move || {
        let prompts = prompts(&request, speed, &*counter);
        (complete::mode(&request.snapshot, request.offset), prompts, request)
    });
    let (mode, anchors, request) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::error!(%error, "no prompt could be made");
            return Reason::Failed.into();
        }
    };
    let stop = Arc::new(Mutex::new(StopCondition::new(mode, &request.snapshot, request.offset)));
    let (watched, written, stop_it) = (Arc::clone(&stop), request.written.clone(), cancel.clone());
    let mut left_in_line = line_pieces(&request.settings.completion, mode);
    let mut prompts = anchors.iter().map(|anchored| anchored.prompt.clone());
    let generation = source.generate(Request {
        branch: request.branch,
        input: Input::Infill(prompts.next().unwrap_or_default()),
        others: prompts.collect(),
        latency: latency(&request.settings, speed),
        params: params(&request.settings.completion),
        watch: Box::new(move |piece| {
            if !written.push(piece) {
                // Nobody wants the rest: the user went another way.
                stop_it.cancel();
            }
            let mut stop = lock(&watched);
            stop.push(piece)?;
            left_in_line = left_in_line.saturating_sub(usize::from(stop.is_in_first_line()));
            if left_in_line == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }),
        cancel,
        idle: request.idle,
        files: request.file.iter().cloned().collect(),
    });
    match generation.await {
        Ok(generation) => {
            let usage = generation.usage;
            let next = next(&anchors, &request.contexts);
            // Whether the text brings syntax errors takes a parse of the file.
            let checked = tokio::task::spawn_blocking(move || {
                let stop = lock(&stop);
                let confidence = TokenOdds::mean(&generation.tokens, stop.text().len());
                (kept(&request, &stop, &generation), confidence)
            });
            let (result, confidence) = checked.await.unwrap_or_else(|error| {
                tracing::error!(%error, "the text could not be checked");
                (Err(Reason::Failed), None)
            });
            Infill { result, confidence, usage, anchors, next }
        }
        Err(error) => Infill { anchors, ..reason(&error).into() },
    }
}

fn params(settings: &CompletionSettings) -> GenerationParams {
    GenerationParams {
        max_tokens: settings.block_tokens.max(settings.line_tokens).get(),
        temperature: settings.temperature,
        seed: settings.seed,
        time_budget: Some(Duration::from_millis(settings.time_ms.get() as u64)),
        ..GenerationParams::default()
    }
}

/// Returns how many pieces of text the first line may take: where the rest of a line is asked for and it leaves something
/// open, more lines follow, and those are bounded like a block.
fn line_pieces(settings: &CompletionSettings, mode: Mode) -> usize {
    match mode {
        Mode::Line => settings.line_tokens.get(),
        Mode::Block => usize::MAX,
    }
}

fn kept(
    request: &InfillRequest,
    stop: &StopCondition,
    generation: &Generation,
) -> Result<Completion, Reason> {
    let text = match generation.finish {
        FinishReason::Stop | FinishReason::EndOfText => stop.text(),
        FinishReason::Length | FinishReason::Time => stop.text_cut_short(),
    };
    if generation.finish == FinishReason::Time && text.trim().is_empty() {
        return Err(Reason::TimedOut);
    }
    let settings = &request.settings.completion;
    let wanted = Confidence { mean: settings.min_mean_probability, lowest: settings.min_probability };
    // What is drawn at random is as unsure as it was asked to be.
    let is_drawn = 0.0 < settings.temperature;
    let sure = match is_drawn {
        true => text.len(),
        false => complete::sure_part(text, stop.skipped(), &generation.tokens, wanted),
    };
    if sure == 0 && !text.trim().is_empty() {
        return Err(Reason::LowConfidence);
    }
    complete::finish(&request.snapshot, request.offset, text.get(..sure).unwrap_or(text))
}

/// Returns why a source that refused leaves the user without a completion.
fn reason(error: &SourceError) -> Reason {
    match error {
        SourceError::Loading => Reason::Loading,
        SourceError::Cancelled => Reason::Cancelled,
        SourceError::Overtaken => Reason::Overtaken,
        SourceError::Private => Reason::Private,
        SourceError::Away(why) => {
            // That it is away was said once, when it was found out.
            tracing::debug!(why, "the remote source gave no answer");
            Reason::RemoteAway
        }
        SourceError::TooLong { .. } | SourceError::Failed(_) => {
            tracing::error!(%error, "nothing was generated");
            Reason::Failed
        }
    }
}

fn lock(stop: &Mutex<StopCondition>) -> MutexGuard<'_, StopCondition> {
    stop.lock().unwrap_or_else(PoisonError::into_inner)
}

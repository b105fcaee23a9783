//! One completion at a place in a text: prompt, generation, what is kept of it. The way is the same for the server and
//! the command line; who asks, and what happened to the document meanwhile, is not known here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::complete::{
    self, Anchored, Budget, Completion, Mode, Reason, StopCondition, TokenCount, TokenOdds,
};
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
    /// The prompts of the document's last completion: those that still fit are gone on with.
    pub anchors: Vec<Anchored>,
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
}

impl From<Reason> for Infill {
    fn from(reason: Reason) -> Self {
        Self { result: Err(reason), confidence: None, usage: Usage::default(), anchors: Vec::new() }
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
    let mut prompts = anchors.iter().map(|anchored| anchored.prompt.clone());
    let generation = source.generate(Request {
        branch: request.branch,
        input: Input::Infill(prompts.next().unwrap_or_default()),
        others: prompts.collect(),
        latency: latency(&request.settings),
        params: params(&request.settings.completion, mode),
        watch: Box::new(move |piece| {
            if !written.push(piece) {
                // Nobody wants the rest: the user went another way.
                stop_it.cancel();
            }
            lock(&watched).push(piece)
        }),
        cancel,
        idle: request.idle,
    });
    match generation.await {
        Ok(generation) => {
            let stop = lock(&stop);
            let result = kept(&request, &stop, generation.finish);
            let confidence = TokenOdds::mean(&generation.tokens, stop.text().len());
            Infill { result, confidence, usage: generation.usage, anchors }
        }
        Err(error) => Infill { anchors, ..reason(&error).into() },
    }
}

/// Returns the prompts that would do, the best one first: the whole context anchored on this line, the same from an
/// earlier line of the run, and both again as short as a request can afford when nothing is held.
fn prompts(request: &InfillRequest, speed: u64, counter: &dyn TokenCount) -> Vec<Anchored> {
    let InfillRequest { snapshot, offset, path, settings, anchors, .. } = request;
    let whole = Budget {
        prefix_tokens: settings.prompt.prefix_tokens.get(),
        suffix_tokens: settings.prompt.suffix_tokens,
    };
    if !settings.prompt.anchored {
        return vec![complete::prompt(snapshot, *offset, path.as_deref(), &whole, counter).at_cursor()];
    }
    let mut prompts: Vec<Anchored> =
        anchors.iter().filter_map(|anchored| anchored.continued(snapshot, *offset)).collect();
    for (budget, short) in [(Some(whole), false), (short_budget(&whole, settings, speed), true)] {
        let Some(budget) = budget else { continue };
        if !prompts.iter().any(|anchored| anchored.short == short && !anchored.is_stale()) {
            let fresh = complete::prompt(snapshot, *offset, path.as_deref(), &budget, counter);
            prompts.push(if short { fresh.shortened() } else { fresh });
        }
    }
    prompts.sort_by_key(|anchored| (anchored.short, anchored.is_stale()));
    prompts.dedup_by(|a, b| a.prompt == b.prompt);
    prompts
}

/// Returns what can be read within the latency when nothing is held, where that is less than the whole.
fn short_budget(whole: &Budget, settings: &Settings, speed: u64) -> Option<Budget> {
    let affordable = (speed as f64 * latency(settings).as_secs_f64()) as usize;
    let suffix_tokens = whole.suffix_tokens.min(affordable / 4);
    let prefix_tokens = affordable.saturating_sub(suffix_tokens).max(16);
    (affordable < whole.prefix_tokens + whole.suffix_tokens)
        .then_some(Budget { prefix_tokens, suffix_tokens })
}

fn latency(settings: &Settings) -> Duration {
    Duration::from_millis(settings.completion.latency_ms.get() as u64)
}

fn params(settings: &CompletionSettings, mode: Mode) -> GenerationParams {
    let max_tokens = match mode {
        Mode::Line => settings.line_tokens,
        Mode::Block => settings.block_tokens,
    };
    GenerationParams {
        max_tokens: max_tokens.get(),
        temperature: settings.temperature,
        seed: settings.seed,
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

fn lock(stop: &Mutex<StopCondition>) -> MutexGuard<'_, StopCondition> {
    stop.lock().unwrap_or_else(PoisonError::into_inner)
}

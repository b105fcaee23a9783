//! One generation from prompt to finish: prefill what the cache lacks in chunks, then decode.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::draft::Pace;
use super::job::{FinishReason, JobError, JobOutput, JobRequest, Usage};
use super::queue::Interrupt;
use super::totals::Totals;
use crate::model::{ForwardError, LanguageModel, Logits, Output, Sequence, TokenId, Tokenizer};

/// Tokens of a prefill chunk. Longer chunks use the weights better; a cancel is seen before each layer of one, and a
/// layer of 128 tokens is a few milliseconds.
const CHUNK: usize = 128;

/// What every generation needs.
pub(super) struct Generator<'a> {
    pub(super) model: &'a dyn LanguageModel,
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) totals: &'a Totals,
    pub(super) pace: Mutex<Pace>,
    /// The tokens that end a text.
    pub(super) ends: Vec<TokenId>,
}

/// A generation that is under way.
pub(super) struct Run<'a> {
    pub(super) generator: &'a Generator<'a>,
    pub(super) sequence: Sequence<'a>,
    pub(super) written: Vec<TokenId>,
    pub(super) request: JobRequest,
    interrupt: &'a Interrupt,
    pub(super) usage: Usage,
}

/// What ended a run before its own end.
pub(super) enum Break {
    Finished(FinishReason),
    Failed(ForwardError),
}

impl From<ForwardError> for Break {
    fn from(error: ForwardError) -> Self {
        match error {
            ForwardError::Full { .. } => Self::Finished(FinishReason::Length),
            other => Self::Failed(other),
        }
    }
}

impl<'a> Generator<'a> {
    pub(super) fn new(model: &'a dyn LanguageModel, tokenizer: &'a Tokenizer, totals: &'a Totals) -> Self {
        let tokens = 0..tokenizer.vocabulary() as TokenId;
        let ends = tokens.filter(|&token| tokenizer.is_end(token)).collect();
        Self { model, tokenizer, totals, pace: Mutex::default(), ends }
    }

    pub(super) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a request on a sequence that holds the beginning of its prompt, and afterwards all of it and what was
    /// written. `written` is what an earlier run had written there; it is checked like any draft.
    pub(super) fn generate(
        &self,
        sequence: Sequence<'_>,
        written: Vec<TokenId>,
        request: JobRequest,
        interrupt: &Interrupt,
    ) -> Result<JobOutput, JobError> {
        let (tokens, context) = (request.prompt.tokens.len(), sequence.capacity());
        if tokens == 0 || tokens >= context {
            return Err(JobError::TooLong { tokens, context });
        }
        let queued = request.since.elapsed();
        let usage = Usage { prompt_tokens: tokens, queued, ..Usage::default() };
        Run { generator: self, sequence, written, request, interrupt, usage }.run()
    }
}

impl Run<'_> {
    fn run(mut self) -> Result<JobOutput, JobError> {
        let mut output = JobOutput {
            text: String::new(),
            tokens: Vec::new(),
            finish: FinishReason::Stop,
            usage: Usage::default(),
        };
        output.finish = match self.write(&mut output) {
            Ok(finish) | Err(Break::Finished(finish)) => finish,
            Err(Break::Failed(ForwardError::Interrupted)) if self.interrupt.overtaken.is_cancelled() => {
                return Err(JobError::Overtaken);
            }
            Err(Break::Failed(ForwardError::Interrupted)) => return Err(JobError::Cancelled),
            Err(Break::Failed(error)) => return Err(JobError::Failed(error.to_string())),
        };
        output.usage = self.usage;
        Ok(output)
    }

    fn write(&mut self, output: &mut JobOutput) -> Result<FinishReason, Break> {
        let started = Instant::now();
        let logits = self.prefill();
        self.usage.prefill = started.elapsed();
        if !self.request.idle {
            self.generator.totals.measured(self.usage.prefill_tokens, self.usage.prefill);
        }
        let started = Instant::now();
        let finish = self.decode(logits?, output);
        self.usage.decode = started.elapsed();
        finish
    }

    /// Computes what the sequence does not hold of the prompt; the last token always, for its logits.
    fn prefill(&mut self) -> Result<Logits, Break> {
        let tokens = std::mem::take(&mut self.request.prompt.tokens);
        let kept = self.sequence.len();
        self.usage.reused_tokens = kept;
        if !self.request.idle {
            self.generator.totals.reused(kept);
        }
        let mut logits = None;
        let mut chunks = tokens[kept..].chunks(CHUNK).peekable();
        while let Some(chunk) = chunks.next() {
            let output = if chunks.peek().is_some() { Output::Nothing } else { Output::Last };
            let started = Instant::now();
            logits = self.forward(chunk, output)?;
            self.usage.prefill_tokens += chunk.len();
            match self.request.idle {
                true => self.generator.totals.prepared(chunk.len(), started.elapsed()),
                false => self.generator.totals.prefilled(chunk.len()),
            }
        }
        self.request.prompt.tokens = tokens;
        logits.ok_or(Break::Finished(FinishReason::EndOfText))
    }

    pub(super) fn forward(&mut self, tokens: &[TokenId], output: Output) -> Result<Option<Logits>, Break> {
        let (interrupt, deadline) = (self.interrupt, self.deadline());
        let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let stop = || interrupt.is_set() || late();
        match self.generator.model.forward(&mut self.sequence, tokens, output, &stop) {
            Err(ForwardError::Interrupted) if !interrupt.is_set() => Err(Break::Finished(FinishReason::Time)),
            result => Ok(result?),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.request.params.time_budget.map(|budget| self.request.since + budget)
    }
}

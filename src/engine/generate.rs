//! One generation from prompt to finish: prefill what the cache lacks in chunks, then decode. Between two chunks, and
//! between two tokens, it can give way to another job: what it has is kept in its request, and the rows in the cache.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::decode::Writing;
use super::draft::{Drafting, Paces};
use super::interrupt::Interrupt;
use super::job::{FinishReason, JobError, JobOutput, JobRequest, Usage};
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
    paces: Mutex<Paces>,
    /// The tokens that end a text.
    pub(super) ends: Vec<TokenId>,
}

/// A generation that is under way.
pub(super) struct Run<'a> {
    pub(super) generator: &'a Generator<'a>,
    pub(super) sequence: Sequence<'a>,
    /// The smaller model, where there is one and it has the prompt.
    pub(super) small: Option<Drafting<'a>>,
    pub(super) written: Vec<TokenId>,
    pub(super) request: JobRequest,
    pub(super) interrupt: &'a Interrupt,
    pub(super) usage: Usage,
}

/// What came of a run.
pub(super) enum Outcome {
    /// It is over.
    Ended(Result<JobOutput, JobError>),
    /// It gave way; running the request again goes on from there.
    GaveWay(JobRequest),
}

/// What a request that gave way has so far. The tokens of its prompt are then all those that are to be held when it
/// goes on.
pub(super) struct Begun {
    usage: Usage,
    /// `None` while the prompt was computed.
    writing: Option<Writing>,
}

/// What ended a run before its own end.
pub(super) enum Break {
    Finished(FinishReason),
    Failed(ForwardError),
    /// Another job's turn came.
    GaveWay(Option<Box<Writing>>),
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
        Self { model, tokenizer, totals, paces: Mutex::default(), ends }
    }

    pub(super) fn paces(&self) -> MutexGuard<'_, Paces> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a request on a sequence that holds the beginning of its prompt, and afterwards all of it and what was
    /// written. `written` is what an earlier run had written there; it is checked like any draft.
    pub(super) fn generate(
        &self,
        sequence: Sequence<'_>,
        written: Vec<TokenId>,
        small: Option<Drafting<'_>>,
        request: JobRequest,
        interrupt: &Interrupt,
    ) -> Outcome {
        let (tokens, context) = (request.prompt.tokens.len(), sequence.capacity());
        if tokens == 0 || tokens >= context {
            return Outcome::Ended(Err(JobError::TooLong { tokens, context }));
        }
        let queued = request.since.elapsed();
        let usage = Usage { prompt_tokens: tokens, queued, ..Usage::default() };
        Run { generator: self, sequence, small, written, request, interrupt, usage }.run()
    }
}

impl Run<'_> {
    fn run(mut self) -> Outcome {
        let result = match self.request.begun.take().map(|begun| *begun) {
            Some(Begun { usage, writing }) => {
                self.usage = usage;
                match writing {
                    Some(writing) => self.rewrite(writing),
                    None => self.write(false),
                }
            }
            None => self.write(true),
        };
        Outcome::Ended(match result {
            Ok(output) => Ok(JobOutput { usage: self.usage, ..output }),
            // Before a token was written there is no text.
            Err(Break::Finished(finish)) => {
                Ok(JobOutput { text: String::new(), tokens: Vec::new(), finish, usage: self.usage })
            }
            Err(Break::Failed(ForwardError::Interrupted)) if self.interrupt.overtaken.is_cancelled() => {
                Err(JobError::Overtaken)
            }
            Err(Break::Failed(ForwardError::Interrupted)) => Err(JobError::Cancelled),
            Err(Break::Failed(error)) => Err(JobError::Failed(error.to_string())),
            Err(Break::GaveWay(writing)) => {
                let writing = writing.map(|writing| *writing);
                self.request.worked += self.interrupt.worked();
                self.request.begun = Some(Box::new(Begun { usage: self.usage, writing }));
                return Outcome::GaveWay(self.request);
            }
        })
    }

    fn write(&mut self, is_new: bool) -> Result<JobOutput, Break> {
        if is_new {
            self.usage.reused_tokens = self.sequence.len();
            if !self.request.idle {
                self.generator.totals.reused(self.sequence.len());
            }
        }
        let started = Instant::now();
        let logits = self.prefill(true);
        self.usage.prefill += started.elapsed();
        let logits = match logits {
            Err(gave_way @ Break::GaveWay(_)) => return Err(gave_way),
            ended => {
                if !self.request.idle {
                    self.generator.totals.measured(self.usage.prefill_tokens, self.usage.prefill);
                }
                ended?
            }
        };
        let started = Instant::now();
        let result = self.decode(logits);
        self.usage.decode += started.elapsed();
        result
    }

    /// Goes on with what was written before it gave way. What other jobs took from the cache meanwhile is computed again,
    /// and that is not the prompt's cost.
    fn rewrite(&mut self, writing: Writing) -> Result<JobOutput, Break> {
        let (started, usage) = (Instant::now(), self.usage);
        let logits = self.prefill(false)?;
        self.usage = usage;
        let result = self.go_on(writing, logits);
        self.usage.decode += started.elapsed();
        result
    }

    /// Computes what the sequence does not hold of the prompt; the last token always, for its logits.
    fn prefill(&mut self, may_give_way: bool) -> Result<Logits, Break> {
        let tokens = std::mem::take(&mut self.request.prompt.tokens);
        let result = self.compute_chunks(&tokens[self.sequence.len()..], may_give_way);
        self.request.prompt.tokens = tokens;
        result
    }

    fn compute_chunks(&mut self, tokens: &[TokenId], may_give_way: bool) -> Result<Logits, Break> {
        let mut logits = None;
        let mut chunks = tokens.chunks(CHUNK).peekable();
        while let Some(chunk) = chunks.next() {
            let output = if chunks.peek().is_some() { Output::Nothing } else { Output::Last };
            let started = Instant::now();
            logits = self.forward(chunk, output)?;
            self.usage.prefill_tokens += chunk.len();
            match self.request.idle {
                true => self.generator.totals.prepared(chunk.len(), started.elapsed()),
                false => self.generator.totals.prefilled(chunk.len()),
            }
            if may_give_way && chunks.peek().is_some() && self.interrupt.gives_way() {
                return Err(Break::GaveWay(None));
            }
        }
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

//! What a generation is asked for and what is told of it afterwards: plain data, shared with the sources.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::CancelToken;
use crate::model::TokenId;

/// Sees each new piece of generated text, on the engine thread, and says whether to go on.
pub type Watch = Box<dyn FnMut(&str) -> ControlFlow<()> + Send>;

/// One generation to run.
pub struct Job {
    /// Whose cache it uses; a newer job of the same branch overtakes it.
    pub branch: u64,
    /// What to compute.
    pub request: JobRequest,
    /// Stops it.
    pub cancel: CancelToken,
    /// Hears the result, exactly once.
    pub reply: Box<dyn FnOnce(Result<JobOutput, JobError>) + Send>,
}

/// What a job computes.
pub struct JobRequest {
    /// The prompt; not empty.
    pub tokens: Vec<TokenId>,
    /// Bytes that the output has to begin with: what is already written after the end of the prompt, kept out of it
    /// because the prompt would end inside a token that the model knows only as a whole. The tokens are chosen among
    /// those that agree; neither the watcher nor the output sees these bytes.
    pub begins_with: String,
    /// How to sample and when to stop at the latest.
    pub params: GenerationParams,
    /// Sees the text that comes after `begins_with`.
    pub watch: Watch,
    /// When it was asked for.
    pub since: Instant,
}

impl Job {
    /// Returns a job that is asked for now.
    pub fn new(
        branch: u64,
        tokens: Vec<TokenId>,
        params: GenerationParams,
        watch: Watch,
        cancel: CancelToken,
        reply: impl FnOnce(Result<JobOutput, JobError>) + Send + 'static,
    ) -> Self {
        let request = JobRequest { tokens, begins_with: String::new(), params, watch, since: Instant::now() };
        Self { branch, request, cancel, reply: Box::new(reply) }
    }

    /// Has the output begin with `text`; see [`JobRequest::begins_with`].
    pub fn beginning_with(mut self, text: impl Into<String>) -> Self {
        self.request.begins_with = text.into();
        self
    }
}

/// What a job wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct JobOutput {
    /// All text after [`JobRequest::begins_with`], also what the watcher did not want.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it cost.
    pub usage: Usage,
}

/// Why a job wrote nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Its token was set, or the engine ended.
    #[error("cancelled")]
    Cancelled,
    /// A newer job of its branch came.
    #[error("overtaken by a newer request")]
    Overtaken,
    /// The prompt leaves no room in the context.
    #[error("{tokens} tokens do not fit the context of {context}")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that fit.
        context: usize,
    },
    /// The model failed; the message says how.
    #[error("{0}")]
    Failed(String),
}

/// How to sample and when to stop at the latest.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationParams {
    /// The most tokens that are generated, not counting those that only repeat [`JobRequest::begins_with`].
    pub max_tokens: usize,
    /// 0 is greedy.
    pub temperature: f64,
    /// Only the `k` likeliest tokens are drawn from.
    pub top_k: Option<usize>,
    /// Only the likeliest tokens that together reach this probability are drawn from.
    pub top_p: Option<f64>,
    /// The seed of the draw.
    pub seed: u64,
    /// Time from the asking after which it ends with what it has.
    pub time_budget: Option<Duration>,
    /// Whether several tokens may be guessed from the text and checked at once, which is faster where code repeats
    /// itself. It does not change what is written, and is done only when decoding is greedy.
    pub draft: bool,
}

impl Default for GenerationParams {
    fn default() -> Self {
        Self {
            max_tokens: 64,
            temperature: 0.0,
            top_k: None,
            top_p: None,
            seed: 0,
            time_budget: None,
            draft: true,
        }
    }
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The watcher had enough.
    Stop,
    /// The model ended the text.
    EndOfText,
    /// The token bound was reached, or the context is full.
    Length,
    /// The time budget was used up.
    Time,
}

/// What a generation cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, tokens that the cache already held.
    pub reused_tokens: usize,
    /// Of these, tokens that were computed.
    pub prefill_tokens: usize,
    /// Tokens generated, with those that only repeat [`JobRequest::begins_with`].
    pub decoded_tokens: usize,
    /// Time waited for the engine.
    pub queued: Duration,
    /// Time spent on the prompt.
    pub prefill: Duration,
    /// Time spent on generated tokens.
    pub decode: Duration,
}

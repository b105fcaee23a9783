//! What a generation is asked for and what is told of it afterwards: plain data, shared with the sources.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::CancelToken;
use super::generate::Begun;
use crate::model::TokenId;

/// Sees each new piece of generated text, on the engine thread, and says whether to go on.
pub type Watch = Box<dyn FnMut(&str) -> ControlFlow<()> + Send>;

/// Tokens that a key or two add to a prompt that is all there.
const HELD: usize = 8;

/// Tokens that are computed in the time of one or two that are written.
const NEARLY_HELD: usize = 24;

/// Whose work it is: a document of a window. Windows are served in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BranchId {
    /// The editor's window; 0 where there is only one.
    pub window: u32,
    /// The document, by the window's own number.
    pub document: u64,
}

impl From<u64> for BranchId {
    /// Returns a document's branch where there is only one window.
    fn from(document: u64) -> Self {
        Self { window: 0, document }
    }
}

/// One generation to run.
pub struct Job {
    /// Whose cache it uses; a newer job of the same branch overtakes it.
    pub branch: BranchId,
    /// What to compute.
    pub request: JobRequest,
    /// Stops it.
    pub cancel: CancelToken,
    /// Hears the result, exactly once.
    pub reply: Box<dyn FnOnce(Result<JobOutput, JobError>) + Send>,
}

/// What a job computes.
pub struct JobRequest {
    /// The prompt that is wanted most.
    pub prompt: PromptTokens,
    /// How to sample and when to stop at the latest.
    pub params: GenerationParams,
    /// Sees the text that comes after `begins_with`.
    pub watch: Watch,
    /// Other prompts that would do, the better ones first; the engine settles which by what it holds.
    pub others: Vec<PromptTokens>,
    /// The time that computing a prompt may take, by the speed measured so far.
    pub latency: Duration,
    /// When it was asked for.
    pub since: Instant,
    /// Whether it is done only while nobody waits, at low priority, and ends as overtaken when anything else is asked.
    pub idle: bool,
    /// What it has, when it gave way to another job.
    pub(super) begun: Option<Box<Begun>>,
    /// How long it has run in all.
    pub(super) worked: Duration,
}

/// A prompt in tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptTokens {
    /// The tokens; not empty.
    pub tokens: Vec<TokenId>,
    /// The text with which the output must begin; the watcher does not see it.
    pub begins_with: String,
}

impl Job {
    /// Returns a job that is asked for now, with a single prompt.
    pub fn new(
        branch: impl Into<BranchId>,
        prompt: PromptTokens,
        params: GenerationParams,
        watch: Watch,
        cancel: CancelToken,
        reply: impl FnOnce(Result<JobOutput, JobError>) + Send + 'static,
    ) -> Self {
        let (others, latency) = (Vec::new(), Duration::MAX);
        let (since, idle) = (Instant::now(), false);
        let request = JobRequest {
            prompt,
            params,
            watch,
            others,
            latency,
            since,
            idle,
            begun: None,
            worked: Duration::ZERO,
        };
        Self { branch: branch.into(), request, cancel, reply: Box::new(reply) }
    }
}

impl JobRequest {
    /// Settles which prompt is computed: the first that is held but for a key, else the first that is nearly held, else
    /// the first that the latency allows, else the one that lacks least; in idle time always that. `held` says how many tokens of a prompt are there, `speed` how
    /// many are computed in a second.
    pub(super) fn choose(&mut self, held: impl Fn(&[TokenId]) -> usize, speed: f64) {
        if self.others.is_empty() {
            return;
        }
        let affordable = (speed * self.latency.as_secs_f64()) as usize;
        let mut prompts = vec![std::mem::take(&mut self.prompt)];
        prompts.append(&mut self.others);
        let lacking: Vec<usize> =
            prompts.iter().map(|prompt| prompt.tokens.len() - held(&prompt.tokens)).collect();
        let within = |bound: usize| lacking.iter().position(|&tokens| tokens <= bound);
        let least = || (0..lacking.len()).min_by_key(|&index| lacking[index]);
        let chosen = match self.idle {
            // The next key ends it: a guess is worth something only when it is soon there.
            true => least(),
            false => [HELD, NEARLY_HELD, affordable].into_iter().find_map(within).or_else(least),
        };
        let chosen = chosen.unwrap_or(0);
        self.prompt = prompts.swap_remove(chosen);
    }
}

/// What a job wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct JobOutput {
    /// All text after [`PromptTokens::begins_with`], also what the watcher did not want.
    pub text: String,
    /// How sure the model was of each token that gave text, and of the end where it ended the text itself.
    pub tokens: Vec<TokenOdds>,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it cost.
    pub usage: Usage,
}

/// How sure the model was of one token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenOdds {
    /// Where the token ends in the text, in bytes; the text's end for the end of the text.
    pub end: usize,
    /// The probability of the token, at temperature 1; among those that agree with what was typed, if it completes that.
    pub probability: f32,
    /// The probability that the text ended before the token.
    pub ended: f32,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationParams {
    /// The most tokens that are generated, not counting those that only repeat [`PromptTokens::begins_with`].
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, tokens that the cache already held.
    pub reused_tokens: usize,
    /// Of these, tokens that were computed.
    pub prefill_tokens: usize,
    /// Tokens generated, with those that only repeat [`PromptTokens::begins_with`].
    pub decoded_tokens: usize,
    /// Time waited for the engine.
    pub queued: Duration,
    /// Time spent on the prompt.
    pub prefill: Duration,
    /// Time spent on generated tokens.
    pub decode: Duration,
}

//! What a generation is asked for and what is told of it afterwards: plain data, shared with the sources.

use std::ops::ControlFlow;
use std::time::Duration;

/// Sees each new piece of generated text, on the engine thread, and says whether to go on.
pub type Watch = Box<dyn FnMut(&str) -> ControlFlow<()> + Send>;

/// How to sample and when to stop at the latest.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationParams {
    /// The most tokens that are generated.
    pub max_tokens: usize,
    /// 0 is greedy.
    pub temperature: f64,
    /// Only the `k` likeliest tokens are drawn from.
    pub top_k: Option<usize>,
    /// Only the likeliest tokens that together reach this probability are drawn from.
    pub top_p: Option<f64>,
    /// The seed of the draw.
    pub seed: u64,
    /// Time from the start of the job after which it ends with what it has.
    pub time_budget: Option<Duration>,
}

impl Default for GenerationParams {
    fn default() -> Self {
        Self { max_tokens: 64, temperature: 0.0, top_k: None, top_p: None, seed: 0, time_budget: None }
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
    /// Tokens generated.
    pub decoded_tokens: usize,
    /// Time waited for the engine.
    pub queued: Duration,
    /// Time spent on the prompt.
    pub prefill: Duration,
    /// Time spent on generated tokens.
    pub decode: Duration,
}

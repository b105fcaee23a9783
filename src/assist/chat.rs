//! One question to the model in its chat form, and what is taken from the answer: code out of its fences, never the prose
//! around it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::order::{AssistError, Order, Step};
use crate::engine::{FinishReason, GenerationParams, Usage};
use crate::source::{Input, Request, Source};

/// What begins and ends a block of code in an answer.
pub(super) const FENCE: &str = "```";

/// The system message of every task. A plain one does better than a list of rules: what such a small model is told here
/// it forgets, and what it is shown in the beginning of its answer it goes on with.
pub(super) const SYSTEM: &str = "You are a helpful assistant.";

/// A question, with the beginning of its answer.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) system: String,
    pub(super) user: String,
    /// Written for the model; what is returned does not repeat it.
    pub(super) answer_start: String,
}

/// How an answer is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Draw {
    pub(super) temperature: f64,
    pub(super) seed: u64,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) usage: Usage,
    /// The bound of tokens was reached before the model was done.
    pub(super) cut: bool,
}

/// Asks, and returns the answer as far as `done` wanted it.
pub(super) async fn ask(
    source: &dyn Source,
    order: &Order,
    question: Question,
    draw: Draw,
    done: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Said, AssistError> {
    let Question { system, user, answer_start } = question;
    let answer = Arc::new(Mutex::new(String::new()));
    let (written, heard) = (Arc::clone(&answer), Arc::clone(&order.heard));
    let sampled = 0.0 < draw.temperature;
    let request = Request {
        branch: order.branch,
        input: Input::Chat { system, user, answer_start },
        params: GenerationParams {
            max_tokens: order.max_tokens,
            temperature: draw.temperature,
            top_p: sampled.then_some(0.95),
            seed: draw.seed,
            ..GenerationParams::default()
        },
        watch: Box::new(move |piece| {
            let mut answer = written.lock().unwrap_or_else(PoisonError::into_inner);
            *answer += piece;
            heard(Step::Piece(piece, &answer));
            if done(&answer) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }),
        cancel: order.cancel.clone(),
        others: Vec::new(),
        latency: Duration::MAX,
        idle: false,
        files: order.files.clone(),
    };
    let generation = source.generate(request).await?;
    let text = std::mem::take(&mut *answer.lock().unwrap_or_else(PoisonError::into_inner));
    let cut = matches!(generation.finish, FinishReason::Length | FinishReason::Time);
    Ok(Said { text, usage: generation.usage, cut })
}

/// Returns the code of an answer that was begun inside a fence, and whether its fence is closed, so that nothing more can
/// come.
///
/// A model that opens the fence again although the prompt did, with a language behind it, is not held to have closed it.
pub(super) fn fenced(answer: &str) -> (&str, bool) {
    let code = match answer.trim_start().strip_prefix(FENCE).map(|rest| rest.split_once('\n')) {
        // The rest of this line decides what the fence is.
        Some(None) => return ("", false),
        Some(Some((language, code))) if !language.trim().is_empty() => code,
        _ => answer,
    };
    match closing(code) {
        Some(end) => (&code[..end], true),
        None => (code, false),
    }
}

/// Returns where the line with the closing fence begins.
fn closing(code: &str) -> Option<usize> {
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        if line.trim_start().starts_with(FENCE) {
            return Some(start);
        }
        start += line.len();
    }
    None
}

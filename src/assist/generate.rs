//! Text from a prompt as it is: the whole answer, or only its code, in one or several sequences.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::chat::{FENCE, SYSTEM, fenced};
use super::order::{AssistError, Order, Step};
use crate::engine::{FinishReason, GenerationParams};
use crate::source::{Input, Request, Source};
use crate::text::Language;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Generate {
    /// What the model reads.
    pub prompt: String,
    /// The text is gone on with as it is, without the chat form.
    pub raw: bool,
    /// Only code of this language is wanted.
    pub language: Option<Language>,
    /// Sequences.
    pub sequences: usize,
    /// How it is drawn.
    pub params: GenerationParams,
}

/// A sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// What was written; of raw text, what comes after the prompt.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// Tokens of the prompt and of the sequence.
    pub tokens: (usize, usize),
}

/// Generates one sequence after the other, each with a seed of its own.
///
/// # Errors
/// When the source fails or is stopped.
pub async fn generate(
    wanted: &Generate,
    source: &dyn Source,
    order: &Order,
) -> Result<Vec<Generated>, AssistError> {
    let mut all = Vec::new();
    for sequence in 0..wanted.sequences as u64 {
        (order.heard)(Step::Attempt(sequence as usize + 1));
        let text = Arc::new(Mutex::new(String::new()));
        let (written, heard) = (Arc::clone(&text), Arc::clone(&order.heard));
        let is_code = wanted.language.is_some();
        let params = &wanted.params;
        let generation = source
            .generate(Request {
                branch: order.branch,
                input: input(wanted),
                params: GenerationParams { seed: params.seed.wrapping_add(sequence), ..params.clone() },
                watch: Box::new(move |piece| {
                    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                    *written += piece;
                    heard(Step::Piece(piece, &written));
                    let over = is_code && fenced(&written).1;
                    if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                }),
                cancel: order.cancel.clone(),
                others: Vec::new(),
                latency: Duration::MAX,
                idle: false,
                files: order.files.clone(),
            })
            .await?;
        let text = std::mem::take(&mut *text.lock().unwrap_or_else(PoisonError::into_inner));
        let text = if is_code { fenced(&text).0.trim_end().to_owned() } else { text };
        let tokens = (generation.usage.prompt_tokens, generation.usage.decoded_tokens);
        all.push(Generated { text, finish: generation.finish, tokens });
    }
    Ok(all)
}

fn input(wanted: &Generate) -> Input {
    if wanted.raw {
        return Input::Text(wanted.prompt.clone());
    }
    let answer_start =
        wanted.language.map_or(String::new(), |language| format!("{FENCE}{}\n", language.id()));
    Input::Chat { system: SYSTEM.into(), user: wanted.prompt.clone(), answer_start }
}

//! A smaller model of the same family that drafts for a larger one. It keeps rows of its own for each document, made ready
//! in idle time like the larger one's; where they lack, nothing is drafted, for computing them would cost more than it saves.
//! The method is that of Leviathan, Kalman and Matias, "Fast Inference from Transformers via Speculative Decoding" (2023),
//! for greedy decoding.

use crate::engine::branches::{Branches, Work};
use crate::engine::{BranchId, RestAfter};
use crate::model::{ForwardError, LanguageModel, Output, Sequence, TokenId, Tokenizer};

/// Tokens of a prompt that it may lack: a fraction of a second's work for a model that is worth to be asked.
const LACKING: usize = 256;

/// A token that is less likely than this ends a draft: it is more often wrong than right.
const LIKELY: f32 = 0.5;

/// The smaller model, and what it has computed.
pub(in crate::engine) struct SmallModel {
    pub(in crate::engine) model: Box<dyn LanguageModel>,
    pub(in crate::engine) branches: Branches,
}

/// The smaller model at work on one text.
pub(in crate::engine) struct Drafting<'a> {
    model: &'a dyn LanguageModel,
    sequence: Sequence<'a>,
}

impl SmallModel {
    pub(in crate::engine) fn new(
        model: Box<dyn LanguageModel>,
        bytes: usize,
        context: usize,
        rest_after: RestAfter,
    ) -> Self {
        Self { model, branches: Branches::new(bytes, context, rest_after) }
    }

    /// Begins to draft behind a prompt of a document; `None` when too little of it is there.
    pub(in crate::engine) fn begin(&mut self, id: BranchId, prompt: &[TokenId]) -> Option<Drafting<'_>> {
        let model = self.model.as_ref();
        let branch = self.branches.of(id, model).ok()?;
        if branch.held(prompt) + LACKING < prompt.len() {
            return None;
        }
        let most = prompt.len().saturating_sub(1);
        let (sequence, _) = branch.sequence(prompt, most, Work::Asked, model).ok()?;
        Some(Drafting { model, sequence })
    }
}

impl Drafting<'_> {
    /// Returns up to `most` tokens that may follow `tokens`, the prompt and all that was written.
    ///
    /// # Errors
    /// When it is interrupted, or the model fails.
    pub(in crate::engine) fn propose(
        &mut self,
        tokens: &[TokenId],
        most: usize,
        tokenizer: &Tokenizer,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vec<TokenId>, ForwardError> {
        let right = self.sequence.tokens().zip(tokens).take_while(|(held, token)| held == *token).count();
        self.sequence.truncate(right.min(tokens.len().saturating_sub(1)));
        let mut lacking = tokens[self.sequence.len()..].to_vec();
        let mut draft = Vec::new();
        while draft.len() < most && self.sequence.reserve(lacking.len()).is_ok() {
            let logits = self.model.forward(&mut self.sequence, &lacking, Output::Last, interrupted)?;
            let Some(logits) = logits else { break };
            let (token, probability) = logits.probabilities(0)?.likeliest();
            if probability < LIKELY || tokenizer.is_end(token) || tokenizer.vocabulary() <= token as usize {
                break;
            }
            draft.push(token);
            lacking = vec![token];
        }
        Ok(draft)
    }
}

//! Decoding: token after token out of the model, as text to the watcher, until something ends it.

use super::generate::{Break, Run};
use super::heal::Healing;
use super::job::FinishReason;
use crate::model::{Detokenizer, Logits, Output, Sampler, TokenId};

/// The text that a run has written.
struct Writing<'a> {
    text: &'a mut String,
    sampler: Sampler,
    healing: Healing,
    detokenizer: Detokenizer,
    /// Tokens that count against the bound.
    tokens: usize,
}

impl Run<'_> {
    /// Writes from `logits` on, the ones behind the prompt.
    pub(super) fn decode(&mut self, mut logits: Logits, text: &mut String) -> Result<FinishReason, Break> {
        let params = &self.request.params;
        let mut writing = Writing {
            text,
            sampler: Sampler::new(params.seed, params.temperature, params.top_k, params.top_p),
            healing: Healing::new(&self.request.prompt.begins_with),
            detokenizer: Detokenizer::default(),
            tokens: 0,
        };
        loop {
            let Some(token) = self.next(&mut writing, &logits, 0)? else {
                let rest = writing.detokenizer.finish();
                self.show(&rest, &mut writing);
                return Ok(FinishReason::EndOfText);
            };
            if let Some(finish) = self.write_token(token, &mut writing) {
                return Ok(finish);
            }
            match self.forward(&[token], Output::Last)? {
                Some(next) => logits = next,
                None => return Ok(FinishReason::EndOfText),
            }
        }
    }

    /// Returns the token that a row of logits says; `None` when the text ends there.
    fn next(&self, writing: &mut Writing<'_>, logits: &Logits, row: usize) -> Result<Option<TokenId>, Break> {
        let tokenizer = self.generator.tokenizer;
        let token = match writing.healing.allowed(tokenizer) {
            Some(allowed) => writing.sampler.sample_among(logits, row, &allowed)?,
            None => Some(writing.sampler.sample(logits, row)?),
        };
        Ok(token.filter(|&token| !tokenizer.is_end(token)))
    }

    /// Adds a token to the text and returns whether that ends it.
    fn write_token(&mut self, token: TokenId, writing: &mut Writing<'_>) -> Option<FinishReason> {
        self.usage.decoded_tokens += 1;
        self.generator.totals.decoded();
        let bytes = self.generator.tokenizer.bytes(token);
        let new = writing.healing.pass(bytes);
        if new.is_empty() && !bytes.is_empty() {
            return None;
        }
        writing.tokens += 1;
        let piece = writing.detokenizer.push(new);
        if self.show(&piece, writing) {
            return Some(FinishReason::Stop);
        }
        (writing.tokens >= self.request.params.max_tokens).then_some(FinishReason::Length)
    }

    /// Adds a piece to the text and returns whether the watcher has enough.
    fn show(&mut self, piece: &str, writing: &mut Writing<'_>) -> bool {
        writing.text.push_str(piece);
        !piece.is_empty() && (self.request.watch)(piece).is_break()
    }
}

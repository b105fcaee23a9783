//! Decoding: token after token out of the model, as text to the watcher, until something ends it. Where a draft was
//! right a pass gives several tokens; each is judged, counted and shown as if it had come alone.

use std::time::{Duration, Instant};

use super::draft::{Draft, Lookup, Origin};
use super::generate::{Break, Generator, Run};
use super::heal::Healing;
use super::job::{FinishReason, JobOutput, JobRequest, TokenOdds, Usage};
use crate::model::{Detokenizer, ForwardError, Logits, Output, Sampler, TokenId};

/// The text that a run has written.
pub(super) struct Writing {
    output: JobOutput,
    sampler: Sampler,
    healing: Healing,
    detokenizer: Detokenizer,
    /// Where drafts come from; none when tokens are drawn, for then no guess is simply right.
    lookup: Option<Lookup>,
    /// Tokens that count against the bound.
    tokens: usize,
    /// Tokens of the cache that are the prompt's or were written. Any behind them are drafted and unchecked, or wrong.
    held: usize,
}

/// Logits behind a written token, and behind each drafted token that was computed with it.
struct Pass {
    logits: Logits,
    draft: Draft,
}

/// What a row of logits says.
#[derive(Clone, Copy)]
struct Next {
    /// `None` when the text ends there.
    token: Option<TokenId>,
    probability: f32,
    ended: f32,
}

impl Writing {
    fn new(request: &mut JobRequest, written: Vec<TokenId>, held: usize) -> Self {
        // What was written here before stands first, so that its place is found like any other repetition.
        let mut seen = written;
        seen.append(&mut request.prompt.tokens);
        let params = &request.params;
        Self {
            output: JobOutput {
                text: String::new(),
                tokens: Vec::new(),
                finish: FinishReason::Stop,
                usage: Usage::default(),
            },
            sampler: Sampler::new(params.seed, params.temperature, params.top_k, params.top_p),
            healing: Healing::new(&request.prompt.begins_with),
            detokenizer: Detokenizer::default(),
            lookup: (params.draft && params.temperature <= 0.0).then(|| Lookup::new(seen)),
            tokens: 0,
            held,
        }
    }
}

impl Run<'_> {
    /// Writes from `logits` on, the ones behind the prompt.
    pub(super) fn decode(&mut self, logits: Logits) -> Result<JobOutput, Break> {
        let written = std::mem::take(&mut self.written);
        let writing = Writing::new(&mut self.request, written, self.sequence.len());
        self.go_on(writing, logits)
    }

    /// Writes from `logits` on, the ones behind what is held.
    pub(super) fn go_on(&mut self, mut writing: Writing, logits: Logits) -> Result<JobOutput, Break> {
        writing.held = self.sequence.len();
        let mut pass = Pass { logits, draft: Draft::default() };
        let end = loop {
            let token = match self.write_pass(&pass, &mut writing) {
                Ok(token) => token,
                Err(end) => break end,
            };
            if self.interrupt.gives_way() && writing.held + 1 < self.sequence.capacity() {
                self.sequence.truncate(writing.held);
                self.request.prompt.tokens = self.sequence.tokens().chain([token]).collect();
                return Err(Break::GaveWay(Some(Box::new(writing))));
            }
            match self.compute(token, &mut writing) {
                Ok(next) => pass = next,
                Err(end) => break end,
            }
        };
        self.sequence.truncate(writing.held);
        match end {
            Break::Finished(finish) => Ok(JobOutput { finish, ..writing.output }),
            failed => Err(failed),
        }
    }

    /// Writes what a pass says, as far as its draft is right, and returns the first token that was not computed.
    fn write_pass(&mut self, pass: &Pass, writing: &mut Writing) -> Result<TokenId, Break> {
        let mut row = 0;
        loop {
            let next = self.next(writing, &pass.logits, row)?;
            let drafted = pass.draft.tokens.get(row).copied();
            let right = drafted.is_some() && drafted == next.token;
            if drafted.is_some() {
                self.count_drafted(pass.draft.origin, right);
            }
            let Some(token) = next.token else {
                let rest = writing.detokenizer.finish();
                self.show(&rest, writing);
                let (end, ended) = (writing.output.text.len(), next.ended);
                writing.output.tokens.push(TokenOdds { end, probability: ended, ended });
                return Err(Break::Finished(FinishReason::EndOfText));
            };
            writing.held += usize::from(right);
            if let Some(finish) = self.write_token(token, next, writing) {
                return Err(Break::Finished(finish));
            }
            if !right {
                return Ok(token);
            }
            row += 1;
        }
    }

    /// Computes a token that was written, and with it a draft of what may follow.
    fn compute(&mut self, token: TokenId, writing: &mut Writing) -> Result<Pass, Break> {
        self.sequence.truncate(writing.held);
        let started = Instant::now();
        let draft = self.draft(token, writing)?;
        let output = if draft.tokens.is_empty() { Output::Last } else { Output::All };
        let mut tokens = vec![token];
        tokens.extend(&draft.tokens);
        let logits = self.forward(&tokens, output)?.ok_or(Break::Finished(FinishReason::EndOfText))?;
        writing.held += 1;
        self.generator.totals.drafted(draft.tokens.len());
        self.generator.paces().took(&draft, started.elapsed());
        Ok(Pass { logits, draft })
    }

    /// Returns tokens that may follow `token`, as many as pay and have room: nothing behind the bound of tokens or the
    /// context, and no end of the text, for nothing would be saved by guessing it. The text itself is asked first, for that
    /// costs nothing.
    fn draft(&mut self, token: TokenId, writing: &Writing) -> Result<Draft, Break> {
        let Some(lookup) = writing.lookup.as_ref().filter(|_| writing.healing.is_done()) else {
            return Ok(Draft::default());
        };
        let wanted = self.request.params.max_tokens.saturating_sub(writing.tokens + 1);
        let room = self.sequence.capacity().saturating_sub(writing.held + 1);
        let bound = wanted.min(room);
        let most = self.generator.paces().length(Origin::Lookup).min(bound);
        let is_text = |token: &TokenId| !self.generator.tokenizer.is_end(*token);
        let tokens: Vec<TokenId> = lookup.propose(most).take_while(is_text).collect();
        match tokens.is_empty() {
            true => self.small_draft(token, bound),
            false => Ok(Draft { tokens, origin: Origin::Lookup }),
        }
    }

    /// Returns what the smaller model takes to follow `token`, at most `bound` tokens.
    fn small_draft(&mut self, token: TokenId, bound: usize) -> Result<Draft, Break> {
        let Some(small) = &mut self.small else { return Ok(Draft::default()) };
        let most = self.generator.paces().length(Origin::Small).min(bound);
        if most == 0 {
            return Ok(Draft::default());
        }
        let held: Vec<TokenId> = self.sequence.tokens().chain([token]).collect();
        let interrupt = self.interrupt;
        match small.propose(&held, most, self.generator.tokenizer, &|| interrupt.is_set()) {
            Ok(tokens) => Ok(Draft { tokens, origin: Origin::Small }),
            Err(ForwardError::Interrupted) => Err(ForwardError::Interrupted.into()),
            Err(error) => {
                tracing::warn!(%error, "the draft model failed; this text is written without it");
                self.small = None;
                Ok(Draft::default())
            }
        }
    }

    fn count_drafted(&self, origin: Origin, right: bool) {
        if right {
            self.generator.totals.accepted();
        }
        self.generator.paces().checked(origin, right);
    }

    /// Returns what a row of logits says.
    fn next(&self, writing: &mut Writing, logits: &Logits, row: usize) -> Result<Next, Break> {
        let Generator { tokenizer, ends, .. } = self.generator;
        let probabilities = logits.probabilities(row)?;
        let sum = |tokens: &[TokenId]| tokens.iter().map(|&token| probabilities.of(token)).sum::<f32>();
        let (token, among, ended) = match writing.healing.allowed(tokenizer) {
            Some(allowed) => (writing.sampler.sample_among(logits, row, &allowed)?, sum(&allowed), 0.0),
            None => (Some(writing.sampler.sample(logits, row)?), 1.0, sum(ends)),
        };
        let token = token.filter(|&token| !tokenizer.is_end(token));
        let probability = token.map_or(ended, |token| probabilities.of(token) / among.max(f32::MIN_POSITIVE));
        Ok(Next { token, probability, ended })
    }

    /// Adds a token to the text and returns whether that ends it.
    fn write_token(&mut self, token: TokenId, next: Next, writing: &mut Writing) -> Option<FinishReason> {
        self.usage.decoded_tokens += 1;
        match self.request.idle {
            true => self.generator.totals.prepared(1, Duration::ZERO),
            false => self.generator.totals.decoded(),
        }
        if let Some(lookup) = &mut writing.lookup {
            lookup.push(token);
        }
        let bytes = self.generator.tokenizer.bytes(token);
        let new = writing.healing.pass(bytes);
        if new.is_empty() && !bytes.is_empty() {
            return None;
        }
        writing.tokens += 1;
        let piece = writing.detokenizer.push(new);
        let enough = self.show(&piece, writing);
        let Next { probability, ended, .. } = next;
        writing.output.tokens.push(TokenOdds { end: writing.output.text.len(), probability, ended });
        if enough {
            return Some(FinishReason::Stop);
        }
        (writing.tokens >= self.request.params.max_tokens).then_some(FinishReason::Length)
    }

    /// Adds a piece to the text and returns whether the watcher has enough.
    fn show(&mut self, piece: &str, writing: &mut Writing) -> bool {
        writing.output.text.push_str(piece);
        !piece.is_empty() && (self.request.watch)(piece).is_break()
    }
}

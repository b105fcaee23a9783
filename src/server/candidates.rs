//! More than one suggestion, for a person who asked: the same prompt again, with tokens drawn instead of the likeliest
//! taken. The prompt is in the cache, so another candidate costs only what it writes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::session::{Session, View};
use super::suggest::{Silence, Suggestion, ready};
use super::turn::Turn;
use crate::assist::infill::{InfillRequest, infill};
use crate::complete::{Completion, Reason};
use crate::engine::CancelToken;

/// Generations for one candidate that is new; a model that is sure writes the same again.
const TRIES: usize = 2;

/// The temperature of the first draw, and what is added for each further one, so that they differ more and more.
const TEMPERATURE: f64 = 0.5;
const WARMER: f64 = 0.15;
const WARMEST: f64 = 0.8;

/// Adds candidates until there are as many as wanted or the time is over, and keeps them for those who type along.
pub(super) async fn complete(
    session: &Arc<Session>,
    view: &View,
    turn: &mut Turn,
    mut suggestion: Suggestion,
    wanted: usize,
    begun: Instant,
) -> Result<Suggestion, Silence> {
    let is_same = suggestion.snapshot.version() == view.snapshot.version();
    if !is_same || wanted <= suggestion.candidates().len() {
        return Ok(suggestion);
    }
    let time = Duration::from_millis(view.settings.completion.time_ms.get() as u64);
    let mut drawn = Drawn { first: &suggestion, candidates: Vec::new(), tokens: 0 };
    let is_over = tokio::select! {
        biased;
        () = turn.over() => true,
        _ = tokio::time::timeout_at(begun + time, drawn.draw(session, view, wanted)) => false,
    };
    let (others, tokens) = drawn.best_first();
    suggestion.others.extend(others);
    suggestion.tokens += tokens;
    let is_same = session.snapshot(&view.uri).is_ok_and(|now| now.version() == view.snapshot.version());
    if is_over || !is_same {
        return Err(Silence { reason: Reason::Overtaken, tokens: suggestion.tokens });
    }
    let candidates: Vec<Completion> = suggestion.candidates().into_iter().cloned().collect();
    session.with_documents(|documents| {
        documents.remember(view.branch, &view.snapshot, view.offset, &candidates);
    });
    Ok(suggestion)
}

/// What was drawn by now.
struct Drawn<'a> {
    first: &'a Suggestion,
    /// The candidates with the mean probability of their tokens.
    candidates: Vec<(Completion, f32)>,
    tokens: usize,
}

impl Drawn<'_> {
    /// Generates until there are enough candidates. What is there when this is dropped counts.
    async fn draw(&mut self, session: &Session, view: &View, wanted: usize) {
        let lacking = wanted - self.first.candidates().len();
        for number in 1..=lacking.saturating_mul(TRIES) as u64 {
            let Ok((source, counter)) = ready(session) else { return };
            let request = request(session, view, number);
            let answer = infill(request, source, counter, CancelToken::new()).await;
            self.tokens += answer.usage.decoded_tokens;
            match answer.result {
                Ok(completion) if self.is_new(&completion) => {
                    self.candidates.push((completion, answer.confidence.unwrap_or_default()));
                }
                // Another request of the document came, or the model is gone.
                Err(Reason::Overtaken | Reason::Cancelled | Reason::Loading | Reason::Failed) => return,
                // What this draw wrote was known, or not worth showing; the next may be.
                Ok(_) | Err(_) => {}
            }
            if lacking <= self.candidates.len() {
                return;
            }
        }
    }

    fn is_new(&self, candidate: &Completion) -> bool {
        let same = |other: &Completion| other.text.trim() == candidate.text.trim();
        !self.first.candidates().into_iter().any(same)
            && !self.candidates.iter().any(|(other, _)| same(other))
    }

    /// Returns the candidates, those first of which the model was surer, and the tokens that were generated.
    fn best_first(mut self) -> (Vec<Completion>, usize) {
        self.candidates.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        (self.candidates.into_iter().map(|(completion, _)| completion).collect(), self.tokens)
    }
}

fn request(session: &Session, view: &View, number: u64) -> InfillRequest {
    let mut settings = (*view.settings).clone();
    let temperature = (TEMPERATURE + WARMER * (number - 1) as f64).min(WARMEST);
    settings.completion.temperature = settings.completion.temperature.max(temperature);
    settings.completion.seed = settings.completion.seed.wrapping_add(number);
    // The prompts of the first candidate: the cache holds what they say.
    let anchors = session.with_documents(|documents| documents.find(&view.uri).map(|open| open.anchors()));
    let anchors = anchors.unwrap_or_default();
    InfillRequest { settings: Arc::new(settings), anchors, ..view.request() }
}

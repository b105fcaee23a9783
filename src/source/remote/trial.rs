//! A server tried with gaps whose middle is plain, and with nobody's text: a server that answers may still refuse a suffix,
//! not look at it, or have a model that knows no gaps.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RemoteSource;
use super::ask::{Ask, Gap, Text};
use super::events::Events;
use super::server::{Server, away, bytes};
use super::writing::Writing;
use crate::engine::GenerationParams;
use crate::source::SourceError;

/// Texts before and after a gap, and what belongs there, which the text after it alone tells.
const GAPS: [(&str, &str, &str); 3] = [
    ("x = [1, 2, 3]\nfor ", " in x:\n    print(item)\n", "item"),
    ("def area(", "):\n    return breadth * height\n", "breadth"),
    ("import ", "\n\nprint(json.dumps({\"a\": 1}))\n", "json"),
];

/// Gaps that must be filled: one may go wrong, or right by chance.
const FILLED: usize = 2;

/// Tokens of an answer.
const TOKENS: usize = 8;

/// What came of trying a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Whether gaps were filled.
    pub fills: bool,
    /// What was written into the last gap.
    pub wrote: String,
    /// How a gap was shown, for a person.
    pub shown: String,
    /// Whether the server told probabilities.
    pub tells_odds: bool,
    /// How long the last answer took.
    pub took: Duration,
}

impl RemoteSource {
    /// Has the server fill in gaps of texts that are nobody's.
    ///
    /// # Errors
    /// When it does not answer; the message says why.
    pub async fn try_out(&self) -> Result<Trial, SourceError> {
        self.server()?.try_out().await
    }
}

impl Server {
    async fn try_out(self: &Arc<Self>) -> Result<Trial, SourceError> {
        let model = self.model().await.map_err(away)?;
        self.awake(model.as_deref()).await.map_err(away)?;
        let family = self.family(model.as_deref());
        let shown = match (family, self.knows_gaps()) {
            (Some(family), _) => format!("with the markers of `{}`", family.name),
            (None, true) => "as the server shows it to the model".to_owned(),
            (None, false) => "as a suffix".to_owned(),
        };
        let mut trial =
            Trial { fills: false, wrote: String::new(), shown, tells_odds: false, took: Duration::ZERO };
        let mut filled = 0;
        for (before, after, expected) in GAPS {
            let gap = Gap { before: before.into(), after: after.into(), ..Gap::default() };
            let params = GenerationParams { max_tokens: TOKENS, ..GenerationParams::default() };
            let ask = Ask { text: Text::Gap(gap), params, model: model.clone(), family };
            let outgoing = self.protocol.request(&ask).map_err(SourceError::Failed)?;
            let begun = Instant::now();
            let answer = self.client.post(outgoing.path, &bytes(&outgoing)?).await.map_err(away)?;
            let events = Events::of(answer, outgoing.framing, self.client.read());
            let mut writing = Writing::new(outgoing.begins_with, outgoing.cut_at, TOKENS);
            let mut watch: crate::engine::Watch = Box::new(|_| ControlFlow::Continue(()));
            let finish = self.read(events, &mut writing, &mut watch).await?;
            let generation = writing.end(finish);
            trial.took = begun.elapsed();
            trial.tells_odds |= !generation.tokens.is_empty();
            filled += usize::from(generation.text.trim_start().starts_with(expected));
            trial.wrote = generation.text;
            trial.fills = FILLED <= filled;
            if trial.fills {
                break;
            }
        }
        Ok(trial)
    }
}

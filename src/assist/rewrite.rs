//! Code written anew: asks for a whole new version of a piece, takes the code out of the answer, checks it, and comes back
//! with the lines that differ.

use super::chat::{self, Draw, FENCE, Question, SYSTEM, fenced};
use super::check;
use super::focus::Focus;
use super::hunks::hunks;
use super::layout;
use super::order::{AssistError, Order, Step};
use crate::source::{Source, SourceError};
use crate::text::TextEdit;

/// How freely an answer is drawn when the likeliest did not hold up.
const TEMPERATURE: f64 = 0.6;

/// What is asked about a piece of code.
pub(super) struct Rewrite<'a> {
    pub(super) focus: &'a Focus,
    /// What is to be done, in words, before and after the code.
    pub(super) task: String,
    pub(super) remarks: String,
    /// The most answers that are asked for.
    pub(super) attempts: u64,
    /// What to say when nothing was changed.
    pub(super) unchanged: &'static str,
}

/// A new version of a piece of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The differences, in whole lines, in their order; not empty.
    pub edits: Vec<TextEdit>,
    /// Tokens generated.
    pub tokens: usize,
}

impl Rewrite<'_> {
    /// Asks until an answer holds up: it is code, parses, differs, and `accepts` it.
    ///
    /// # Errors
    /// When the source fails or is stopped, the code is too long, or no answer holds up.
    pub(super) async fn run(
        &self,
        source: &dyn Source,
        order: &Order,
        accepts: impl Fn(&[TextEdit]) -> bool,
    ) -> Result<Rewritten, AssistError> {
        let counter = source.counter().ok_or(SourceError::Loading)?;
        self.focus.must_fit(&*counter)?;
        let (mut tokens, mut why) = (0, String::from("the answer held no code; try again, or select less"));
        for attempt in 0..self.attempts.max(1) {
            (order.heard)(Step::Attempt(attempt as usize + 1));
            let draw = match attempt {
                0 => Draw::default(),
                seed => Draw { temperature: TEMPERATURE, seed },
            };
            let said = chat::ask(source, order, self.question(), draw, |answer| fenced(answer).1).await?;
            tokens += said.usage.decoded_tokens;
            let (code, _) = fenced(&said.text);
            if said.cut {
                why = format!(
                    "the new version got longer than `{}` allows; raise it, or select less",
                    order.bound
                );
                continue;
            }
            if code.trim().is_empty() {
                continue;
            }
            let edits = self.edits(code);
            if edits.is_empty() {
                why = self.unchanged.into();
            } else if !check::parses(self.focus.language(), &self.focus.snapshot.text(), &edits) {
                why = "what the model wrote does not parse; try again, or select a whole function".into();
            } else if accepts(&edits) {
                return Ok(Rewritten { edits, tokens });
            }
        }
        Err(AssistError::NoUse(why))
    }

    fn question(&self) -> Question {
        let (code, language) = (&self.focus.code, self.focus.language());
        let fence = format!("{FENCE}{}\n", language.id());
        let Self { task, remarks, .. } = self;
        let user = format!("{task}\n\n{fence}{code}\n{FENCE}{remarks}");
        Question { system: SYSTEM.into(), user, answer_start: fence }
    }

    /// Returns the edits that put code in the place of the old one.
    fn edits(&self, code: &str) -> Vec<TextEdit> {
        let focus = self.focus;
        let lines: Vec<&str> = code.trim_end().lines().skip_while(|line| line.trim().is_empty()).collect();
        let own = layout::unit_of(focus.code.lines());
        let new = focus.placed(&layout::in_units_of(&lines, own.as_deref()).join("\n"));
        hunks(&focus.snapshot.slice(focus.range.clone()), &new, focus.range.start)
    }
}

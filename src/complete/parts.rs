//! What the completion logic hands to a source of completions: a prompt in text parts, and the one question it asks
//! back, how many tokens a text is; and what it is told with a text, how sure the model was. Turning parts into tokens is the source's work, not this module's.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::complete::Context;

/// Counts tokens of a text as the model at hand would; handed in, so that this module never sees a tokenizer.
pub trait TokenCount {
    /// Returns the number of tokens of `text`.
    fn count(&self, text: &str) -> usize;
}

/// How sure the model was of one token of what it wrote, or of the end behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TokenOdds {
    /// Where the token ends in the text, in bytes; the text's end for the end of the text.
    pub end: usize,
    /// The probability of the token; among those that agree with what was typed, if it completes that.
    pub probability: f32,
    /// The probability that the text ended before the token.
    pub ended: f32,
}

impl TokenOdds {
    /// Returns the mean probability of the tokens that the first `end` bytes of a text consist of; `None` where no odds
    /// are known.
    pub fn mean(tokens: &[Self], end: usize) -> Option<f32> {
        let mut start = 0;
        let begins_before_end = |token: &&Self| std::mem::replace(&mut start, token.end) < end;
        let kept: Vec<f32> =
            tokens.iter().take_while(begins_before_end).map(|token| token.probability).collect();
        (!kept.is_empty()).then(|| kept.iter().sum::<f32>() / kept.len() as f32)
    }
}

/// An infill prompt in text parts, already cut to the budget at line borders.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// What of other files stands before this one.
    #[serde(with = "shared")]
    pub context: Option<Arc<Context>>,
    /// The file's path as shown to the model, when it is known.
    pub path: Option<String>,
    /// Comment text that governs the cursor and that the cut left out of `prefix`, markers included.
    pub requirement: Option<String>,
    /// The text before the anchor, which is the cursor or lies before it on the same run of typing.
    pub prefix: String,
    /// The text between the anchor and the cursor: the beginning of what the model writes.
    pub typed: String,
    /// The text after the cursor.
    pub suffix: String,
}

impl Prompt {
    /// Returns what stands before the anchor as it is sent: the requirement, then the prefix.
    pub fn prefix_text(&self) -> String {
        match &self.requirement {
            Some(requirement) => format!("{requirement}{}", self.prefix),
            None => self.prefix.clone(),
        }
    }

    /// Returns all that stands before the cursor.
    pub fn before_cursor(&self) -> String {
        self.prefix_text() + &self.typed
    }
}

/// A context on its way to another process, where it is held anew.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::complete::Context;

    pub(super) fn serialize<S: Serializer>(
        context: &Option<Arc<Context>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        context.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Context>>, D::Error> {
        Ok(Option::<Context>::deserialize(deserializer)?.map(Arc::new))
    }
}

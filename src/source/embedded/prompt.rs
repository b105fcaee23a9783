//! Text parts to tokens: the only place where a prompt and the model's markers meet. Text is always encoded as plain
//! text, so nothing that a user's file says can become a marker.

use crate::complete::Prompt;
use crate::model::{Markers, TokenId, Tokenizer};
use crate::source::{Input, SourceError};

/// Returns the tokens of an input.
pub(super) fn tokens(
    input: &Input,
    tokenizer: &Tokenizer,
    markers: &Markers,
) -> Result<Vec<TokenId>, SourceError> {
    let mut writer = Writer { tokenizer, tokens: markers.begin.into_iter().collect() };
    match input {
        Input::Infill(prompt) => infill(prompt, markers, &mut writer)?,
        Input::Chat { system, user, answer_start } => {
            chat([system, user, answer_start], markers, &mut writer)?
        }
        Input::Raw(text) => writer.text(text)?,
    }
    Ok(writer.tokens)
}

struct Writer<'a> {
    tokenizer: &'a Tokenizer,
    tokens: Vec<TokenId>,
}

impl Writer<'_> {
    fn text(&mut self, text: &str) -> Result<(), SourceError> {
        let tokens = self.tokenizer.encode(text).map_err(|error| SourceError::Failed(error.to_string()))?;
        self.tokens.extend(tokens);
        Ok(())
    }

    fn marked(&mut self, marker: TokenId, text: &str) -> Result<(), SourceError> {
        self.tokens.push(marker);
        self.text(text)
    }
}

/// Prefix, suffix, middle: the order that the Qwen, StarCoder and DeepSeek coders were trained on.
fn infill(prompt: &Prompt, markers: &Markers, writer: &mut Writer<'_>) -> Result<(), SourceError> {
    let fim = markers.fim.ok_or_else(|| SourceError::Failed("the model has no infill markers".into()))?;
    writer.marked(fim.prefix, &prompt.prefix_text())?;
    writer.marked(fim.suffix, &prompt.suffix)?;
    writer.tokens.push(fim.middle);
    Ok(())
}

/// One system and one user turn in ChatML, and the beginning of the answer. A model without chat markers gets the same
/// as plain text, which instruct models without a known template still follow.
fn chat(
    [system, user, answer_start]: [&str; 3],
    markers: &Markers,
    writer: &mut Writer<'_>,
) -> Result<(), SourceError> {
    let Some(chat) = markers.chat else {
        return writer.text(&format!("{system}\n\n{user}\n\n{answer_start}"));
    };
    for (role, text) in [("system", system), ("user", user)] {
        writer.marked(chat.start, &format!("{role}\n{text}"))?;
        writer.marked(chat.end, "\n")?;
    }
    writer.marked(chat.start, &format!("assistant\n{answer_start}"))
}

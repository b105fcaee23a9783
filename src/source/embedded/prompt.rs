//! Text parts to tokens: the only place where a prompt and the model's markers meet. Text is always encoded as plain
//! text, so nothing that a user's file says can become a marker.

use std::sync::{Arc, Mutex, PoisonError};

use crate::complete::{Context, Prompt};
use crate::engine::PromptTokens;
use crate::model::{ChatPart, ChatTemplate, FimTokens, Markers, TokenId, Tokenizer};
use crate::source::{Input, SourceError};

/// Texts whose tokens are remembered: prefix and suffix of the few prompts that serve while somebody types on a line.
const REMEMBERED: usize = 16;

/// Contexts whose tokens are remembered: one or two of each document that is worked in.
const CONTEXTS: usize = 8;

/// Encodes prompts for one model.
pub struct PromptEncoder {
    tokenizer: Arc<Tokenizer>,
    markers: Markers,
    chat: Option<ChatTemplate>,
    /// Most recently used last. Encoding some thousand tokens takes milliseconds, at every keystroke the same ones.
    recent: Mutex<Vec<(String, Arc<[TokenId]>)>>,
    /// The tokens of a context with the path of its document, most recently used last.
    contexts: Mutex<Vec<Encoded>>,
}

/// A context and its tokens.
struct Encoded {
    context: Arc<Context>,
    path: Option<String>,
    tokens: Arc<[TokenId]>,
}

impl PromptEncoder {
    /// Returns an encoder for a tokenizer and the special tokens of its model.
    ///
    /// Without infill markers the prompts are the text before the cursor, to be gone on with.
    pub fn new(tokenizer: Arc<Tokenizer>, markers: Markers) -> Self {
        Self { tokenizer, markers, chat: None, recent: Mutex::default(), contexts: Mutex::default() }
    }

    /// Has conversations take the model's own form.
    pub fn with_chat(mut self, chat: Option<ChatTemplate>) -> Self {
        self.chat = chat;
        self
    }

    /// Returns the tokens of an input.
    pub(super) fn input(&self, input: &Input) -> Result<PromptTokens, SourceError> {
        match input {
            Input::Infill(prompt) => self.infill(prompt),
            Input::Text(text) => {
                let mut tokens = self.beginning();
                tokens.extend(&*self.text(text)?);
                Ok(PromptTokens { tokens, begins_with: String::new() })
            }
            Input::Chat { system, user, answer_start } => self.chat([system, user, answer_start]),
        }
    }

    /// Prefix, suffix, middle: the order that the Qwen, StarCoder and DeepSeek coders were trained on. What has been
    /// typed since the anchor is the beginning of the middle; its last word is left for the model to write, held to the
    /// letters that are there, for a half-typed word has tokens that the model never saw in its place.
    ///
    /// # Errors
    /// What the tokenizer reports.
    pub fn infill(&self, prompt: &Prompt) -> Result<PromptTokens, SourceError> {
        let (mut tokens, _) = self.file(prompt)?;
        if let Some(FimTokens { suffix, middle, .. }) = self.markers.fim {
            tokens.push(suffix);
            tokens.extend(&*self.text(&prompt.suffix)?);
            tokens.push(middle);
        }
        let stable = self.tokenizer.encode_stable(&prompt.typed).map_err(failed)?;
        tokens.extend(stable.tokens);
        let begins_with = prompt.typed.get(stable.bytes..).unwrap_or_default().to_owned();
        Ok(PromptTokens { tokens, begins_with })
    }

    /// Returns the tokens of what a prompt begins with, up to the end of its prefix, and how many of them stand before
    /// the file's own text.
    ///
    /// # Errors
    /// What the tokenizer reports.
    pub fn file(&self, prompt: &Prompt) -> Result<(Vec<TokenId>, usize), SourceError> {
        let mut tokens = self.beginning();
        if let Some(context) = &prompt.context {
            tokens.extend(&*self.context(context, prompt.path.as_deref())?);
        }
        tokens.extend(self.markers.fim.map(|fim| fim.prefix));
        let head = tokens.len();
        let text = prompt.prefix_text();
        // What the model saw before a text in training; a space that is there already is none of the text's own.
        let space = if self.tokenizer.puts_space_first() { " " } else { "" };
        tokens.extend(&*self.text(&format!("{space}{text}"))?);
        Ok((tokens, head))
    }

    /// The files before this one, in the form that the model saw projects in: the project's name, each file with its
    /// path, and the path of this one. Nothing for a model that has no markers for it: as plain text in front of the
    /// file it would read as a part of it.
    fn context(&self, context: &Arc<Context>, path: Option<&str>) -> Result<Arc<[TokenId]>, SourceError> {
        let Some(repo) = self.markers.repo.filter(|_| !context.pieces.is_empty()) else {
            return Ok(Arc::default());
        };
        let mut known = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Encoded| known.context == *context && known.path.as_deref() == path;
        if let Some(index) = known.iter().position(same) {
            let found = known.remove(index);
            let tokens = found.tokens.clone();
            known.push(found);
            return Ok(tokens);
        }
        let encode = |text: &str| self.tokenizer.encode(text).map_err(failed);
        let mut tokens = vec![repo.name];
        tokens.extend(encode(&format!("{}\n", context.project))?);
        for piece in &context.pieces {
            tokens.push(repo.file);
            tokens.extend(encode(&format!("{}\n{}", piece.path, piece.text))?);
        }
        tokens.push(repo.file);
        tokens.extend(encode(&format!("{}\n", path.unwrap_or_default()))?);
        let tokens: Arc<[TokenId]> = tokens.into();
        if known.len() >= CONTEXTS {
            known.remove(0);
        }
        known.push(Encoded {
            context: context.clone(),
            path: path.map(str::to_owned),
            tokens: tokens.clone(),
        });
        Ok(tokens)
    }

    /// One system and one user turn in the model's own form or in ChatML, and the beginning of the answer. A model without
    /// chat markers gets the same as plain text, which instruct models without a known template still follow; where no answer is begun, only the
    /// user's text, which base models go on with.
    fn chat(&self, [system, user, answer_start]: [&str; 3]) -> Result<PromptTokens, SourceError> {
        if let Some(chat) = &self.chat {
            return self.in_form(chat, [system, user, answer_start]);
        }
        let mut tokens = self.beginning();
        match self.markers.chat {
            None if answer_start.is_empty() => tokens.extend(&*self.text(user)?),
            None => tokens.extend(&*self.text(&format!("{system}\n\n{user}\n\n{answer_start}"))?),
            Some(chat) => {
                for (role, text) in [("system", system), ("user", user)] {
                    tokens.push(chat.start);
                    tokens.extend(&*self.text(&format!("{role}\n{text}"))?);
                    tokens.push(chat.end);
                    tokens.extend(&*self.text("\n")?);
                }
                tokens.push(chat.start);
                tokens.extend(&*self.text(&format!("assistant\n{answer_start}"))?);
            }
        }
        Ok(PromptTokens { tokens, begins_with: String::new() })
    }

    fn in_form(&self, chat: &ChatTemplate, said: [&str; 3]) -> Result<PromptTokens, SourceError> {
        let mut tokens = Vec::new();
        for part in chat.render(&self.tokenizer, said).map_err(SourceError::Failed)? {
            match part {
                ChatPart::Marker(marker) => tokens.push(marker),
                ChatPart::Text(text) => tokens.extend(&*self.text(&text)?),
            }
        }
        // Some templates write the token that texts begin with, others leave it to who tokenises.
        if let Some(begin) = self.markers.begin.filter(|begin| tokens.first() != Some(begin)) {
            tokens.insert(0, begin);
        }
        Ok(PromptTokens { tokens, begins_with: String::new() })
    }

    fn beginning(&self) -> Vec<TokenId> {
        self.markers.begin.into_iter().collect()
    }

    fn text(&self, text: &str) -> Result<Arc<[TokenId]>, SourceError> {
        if let Some(tokens) = self.recall(text) {
            return Ok(tokens);
        }
        let tokens: Arc<[TokenId]> = self.tokenizer.encode(text).map_err(failed)?.into();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= REMEMBERED {
            recent.remove(0);
        }
        recent.push((text.to_owned(), tokens.clone()));
        Ok(tokens)
    }

    fn recall(&self, text: &str) -> Option<Arc<[TokenId]>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let index = recent.iter().position(|(known, _)| known == text)?;
        let found = recent.remove(index);
        let tokens = found.1.clone();
        recent.push(found);
        Some(tokens)
    }
}

fn failed(error: crate::model::ModelError) -> SourceError {
    SourceError::Failed(error.to_string())
}

//! One request as all kinds of servers are asked it: masked text in parts, and what of it the answer begins with.

use super::markers::{Family, without_markers};
use crate::complete::Prompt;
use crate::engine::GenerationParams;
use crate::source::Input;

/// The longest word that an answer is made to begin with.
const LONGEST_HELD: usize = 64;

/// A request, ready to be put into a server's words.
#[derive(Debug)]
pub(super) struct Ask {
    /// What the model reads.
    pub text: Text,
    /// How it writes.
    pub params: GenerationParams,
    /// The model's name on the server.
    pub model: Option<String>,
    /// How a gap is shown where the server does not know that itself.
    pub family: Option<&'static Family>,
}

impl Ask {
    /// Returns the texts that end the answer.
    pub(super) fn ends(&self) -> &'static [&'static str] {
        match (&self.text, self.family) {
            (Text::Gap(_), Some(family)) => family.ends,
            _ => &[],
        }
    }
}

/// What the model reads.
#[derive(Debug)]
pub(super) enum Text {
    /// The text around a cursor.
    Gap(Gap),
    /// A text that is gone on with.
    Plain(String),
    /// A system and a user message, and the beginning of the answer.
    Chat([String; 3]),
}

/// The text around a cursor.
#[derive(Debug, Default)]
pub(super) struct Gap {
    /// The project's name.
    pub project: String,
    /// Parts of other files, with their paths.
    pub files: Vec<(String, String)>,
    /// The file's path.
    pub path: Option<String>,
    /// The text before the anchor, requirements first.
    pub before: String,
    /// What has been typed since.
    pub typed: String,
    /// The text after the cursor.
    pub after: String,
}

impl Text {
    /// Takes an input that is masked already.
    pub(super) fn of(input: Input) -> Self {
        match input {
            Input::Infill(prompt) => Self::Gap(Gap::of(prompt)),
            Input::Text(text) => Self::Plain(text),
            Input::Chat { system, user, answer_start } => {
                Self::Chat([without_markers(&system), without_markers(&user), answer_start])
            }
        }
    }
}

impl Gap {
    fn of(prompt: Prompt) -> Self {
        let before = prompt.prefix_text();
        let Prompt { context, path, typed, suffix: after, .. } = prompt;
        let context = context.as_deref();
        let pieces = context.into_iter().flat_map(|context| &context.pieces);
        let files = pieces.map(|piece| (piece.path.clone(), piece.text.clone())).collect();
        let project = context.map(|context| context.project.clone()).unwrap_or_default();
        Self { project, files, path, before, typed, after }
    }

    /// Returns all that stands before the cursor: the usual order, for servers whose answers cannot be made to begin with
    /// half a word.
    pub(super) fn at_cursor(&self) -> Self {
        let before = format!("{}{}", self.before, self.typed);
        let (project, files, path) = (self.project.clone(), self.files.clone(), self.path.clone());
        Self { project, files, path, before, typed: String::new(), after: self.after.clone() }
    }

    /// Splits what was typed where its last word begins, with the blanks before that: a half-typed word has tokens that
    /// the model never saw in its place, so that it is left to the model, which is held to the letters that are there.
    pub(super) fn held(&self) -> (&str, &str) {
        let typed = self.typed.as_str();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let without_blanks = typed.trim_end_matches([' ', '\t']);
        let start = match without_blanks.len() < typed.len() {
            true => without_blanks.len(),
            false => {
                let last = typed.chars().next_back();
                let is_alike = |c: char| !c.is_whitespace() && Some(is_word(c)) == last.map(is_word);
                let run = typed.trim_end_matches(is_alike);
                run.strip_suffix(' ').unwrap_or(run).len()
            }
        };
        // Indentation is no beginning of a word, and a whole line of signs is nobody's half-typed one.
        let is_indentation = typed[start..].trim().is_empty() && typed[..start].ends_with('\n');
        match is_indentation || start == 0 && self.before.is_empty() || LONGEST_HELD < typed.len() - start {
            true => (typed, ""),
            false => typed.split_at(start),
        }
    }
}

//! "Name this better": another name for a variable, a parameter or a function, wherever it stands in this file.
//! Names that other files may know are left to the editor's own rename.

use super::chat::{self, Draw, FENCE, Question, SYSTEM};
use super::focus::Focus;
use super::order::{AssistError, Order};
use crate::source::{Source, SourceError};
use crate::syntax::{self, ScopedName};
use crate::text::{Language, Snapshot, TextEdit};

/// A name that could be better.
#[derive(Debug, Clone)]
pub struct Named {
    snapshot: Snapshot,
    name: ScopedName,
    focus: Focus,
}

/// A better name, as edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// One for each place.
    pub edits: Vec<TextEdit>,
    /// The new name.
    pub name: String,
    /// Tokens generated.
    pub tokens: usize,
}

/// Returns the name at an offset, if it is one that can be changed here.
pub fn named(snapshot: &Snapshot, offset: usize) -> Option<Named> {
    let name = syntax::name_at(snapshot, offset)?;
    let focus = Focus::at(snapshot, offset..offset).or_else(|| {
        let line = snapshot.line_of(offset);
        Focus::of_lines(snapshot, snapshot.line_start(line)..snapshot.line_end(line), None)
    })?;
    Some(Named { snapshot: snapshot.clone(), name, focus })
}

impl Named {
    /// Returns the name as it is.
    pub fn text(&self) -> &str {
        &self.name.text
    }
}

/// Finds a better name.
///
/// # Errors
/// When the source fails or is stopped, the code around it is too long, or no other name came that is free.
pub async fn rename(named: &Named, source: &dyn Source, order: &Order) -> Result<Renamed, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    named.focus.must_fit(&*counter)?;
    let (old, language, code) = (named.text(), named.snapshot.language(), &named.focus.code);
    let user = format!(
        "What would be a better, more telling name for `{old}` in the following {} code?\n\n{FENCE}{}\n{code}\n{FENCE}\n\n\
         Answer with the name only.",
        language.name(),
        language.id()
    );
    let mut tokens = 0;
    for seed in 0..3 {
        let question = Question { system: SYSTEM.into(), user: user.clone(), answer_start: "`".into() };
        let draw = Draw { temperature: if seed == 0 { 0.0 } else { 0.9 }, seed };
        let said = chat::ask(source, order, question, draw, |answer| answer.contains(['`', '\n'])).await?;
        tokens += said.usage.decoded_tokens;
        let word: String = said.text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let name = in_style_of(&word, old, language);
        if named.is_free(&name) {
            let edit = |range: &std::ops::Range<usize>| TextEdit { range: range.clone(), text: name.clone() };
            return Ok(Renamed { edits: named.name.places.iter().map(edit).collect(), name, tokens });
        }
    }
    Err(AssistError::NoUse(format!("the model found no better name for `{old}`")))
}

impl Named {
    /// Returns whether a name can take the old one's place: it is a name, another one, and stands nowhere in the scope.
    fn is_free(&self, name: &str) -> bool {
        let scope = self.snapshot.slice(self.name.scope.clone());
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut words = scope.split(|c| !is_word(c));
        let begins = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        begins && name.chars().count() > 1 && name != self.name.text && !words.any(|word| word == name)
    }
}

/// Returns a name written as another one is, and as the language has it where the old one is a single word.
fn in_style_of(name: &str, old: &str, language: Language) -> String {
    let has_capitals = old.contains(char::is_uppercase);
    let is_constant = 1 < old.len() && has_capitals && !old.contains(char::is_lowercase);
    let begins_large = old.starts_with(char::is_uppercase);
    let has_underscores = ["python", "rust", "c", "ruby", "lua", "elixir"].contains(&language.id());
    match () {
        () if is_constant => snake(name).to_uppercase(),
        () if begins_large => camel(name, true),
        () if old.contains('_') || (has_underscores && !has_capitals) => snake(name),
        () => camel(name, false),
    }
}

fn snake(name: &str) -> String {
    let mut words = String::new();
    for (at, character) in name.char_indices() {
        if character.is_uppercase() && at > 0 && !words.ends_with('_') {
            words.push('_');
        }
        words.extend(character.to_lowercase());
    }
    words
}

fn camel(name: &str, begins_large: bool) -> String {
    let mut words = String::new();
    let mut large = begins_large;
    for character in name.chars() {
        match character {
            '_' => large = !words.is_empty() || begins_large,
            _ if large => {
                words.extend(character.to_uppercase());
                large = false;
            }
            _ if words.is_empty() => words.extend(character.to_lowercase()),
            _ => words.push(character),
        }
    }
    words
}

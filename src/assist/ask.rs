//! A question about programming or about files, answered in prose.

use super::chat::{self, Draw, FENCE, Question, SYSTEM};
use super::order::{AssistError, Order, Step};
use super::page::{Page, tidied};
use crate::complete::TokenCount;
use crate::source::{Source, SourceError};
use crate::text::Language;

/// Tokens of files and of earlier turns that are read.
const MOST_TOKENS: usize = 2400;

/// A file that a question is about.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Its name as the model is shown it.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// Its language.
    pub language: Language,
}

/// A question that was asked before, with its answer.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
}

/// Answers a question. Earlier turns and files are shown as far as they fit, the latest turns first.
///
/// # Errors
/// When the question is empty, the source fails or is stopped, or says nothing.
pub async fn ask(
    question: &str,
    files: &[Attached],
    earlier: &[Turn],
    source: &dyn Source,
    order: &Order,
) -> Result<Page, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    let question = question.trim();
    if question.is_empty() {
        return Err(AssistError::NothingToDo("the question is empty".into()));
    }
    let mut room = MOST_TOKENS;
    let mut user = String::new();
    for file in files {
        let (text, cut) = beginning(&file.text, room, &*counter);
        room = room.saturating_sub(counter.count(&text));
        let cut = if cut { " (its beginning)" } else { "" };
        user += &format!(
            "The file `{}`{cut}:\n\n{FENCE}{}\n{}\n{FENCE}\n\n",
            file.name,
            file.language.id(),
            text.trim_end()
        );
    }
    let mut turns: Vec<String> = Vec::new();
    for Turn { question, answer } in earlier.iter().rev() {
        let turn = format!("I asked: {question}\n\nYou answered: {answer}\n\n");
        room = match room.checked_sub(counter.count(&turn)) {
            Some(room) => room,
            None => break,
        };
        turns.push(turn);
    }
    turns.reverse();
    user += &turns.concat();
    user += question;
    let title: String = question.chars().take(60).collect();
    (order.heard)(Step::Page(&title, ""));
    let asked = Question { system: SYSTEM.into(), user, answer_start: String::new() };
    let said = chat::ask(source, order, asked, Draw::default(), |_| false).await?;
    let ended = order.cut_note(&said.text, said.cut);
    match tidied(&said.text) {
        text if text.is_empty() => {
            Err(AssistError::NoUse("the model said nothing; ask in other words".into()))
        }
        text => Ok(Page {
            title,
            text: format!("{text}{ended}\n"),
            extension: "md",
            tokens: said.usage.decoded_tokens,
        }),
    }
}

/// Returns as many lines of a text as fit, and whether some are left out.
fn beginning(text: &str, room: usize, counter: &dyn TokenCount) -> (String, bool) {
    let (mut tokens, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        tokens += counter.count(line);
        if room < tokens {
            return (text[..end].to_owned(), true);
        }
        end += line.len();
    }
    (text.to_owned(), false)
}

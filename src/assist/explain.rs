//! "Explain": what code does, in words, for a colleague or for somebody who is learning.

use serde::{Deserialize, Serialize};

use super::chat::{self, Draw, FENCE, Question, SYSTEM};
use super::focus::Focus;
use super::order::{AssistError, Order, Step};
use super::page::{Page, tidied};
use crate::source::{Source, SourceError};

/// Who reads an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Audience {
    /// Somebody who knows the language and wants to know what this code is for.
    #[default]
    Colleague,
    /// Somebody who is learning to program.
    Beginner,
}

/// Explains code. Of code that is too long the beginning is explained, and the page says so.
///
/// # Errors
/// When the source fails or is stopped, or says nothing.
pub async fn explain(
    focus: &Focus,
    audience: Audience,
    source: &dyn Source,
    order: &Order,
) -> Result<Page, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    let (lines, most) = (focus.code.lines().count(), focus.lines_that_fit(&*counter));
    let code: String = focus.code.lines().take(most).collect::<Vec<_>>().join("\n");
    let language = focus.language();
    let task = match audience {
        Audience::Colleague => format!(
            "Explain to a colleague what the following {} code does and how: briefly, in prose, without repeating the code.",
            language.name()
        ),
        Audience::Beginner => format!(
            "Explain the following {} code step by step to somebody who is learning to program. Use simple words and say \
             what each part is for.",
            language.name()
        ),
    };
    let user = format!("{task}\n\n{FENCE}{}\n{code}\n{FENCE}", language.id());
    let what = &focus.what;
    let cut = match most < lines {
        true => format!("> Only the first {most} of {lines} lines are explained: more does not fit.\n\n"),
        false => String::new(),
    };
    let (title, head) = (format!("Explanation of {what}"), format!("# {what}, explained\n\n{cut}"));
    (order.heard)(Step::Page(&title, &head));
    let question = Question { system: SYSTEM.into(), user, answer_start: String::new() };
    let said = chat::ask(source, order, question, Draw::default(), |_| false).await?;
    let prose = tidied(&said.text);
    if prose.is_empty() {
        return Err(AssistError::NoUse("the model said nothing about this code; select another part".into()));
    }
    let ended = order.cut_note(&said.text, said.cut);
    Ok(Page {
        title,
        text: format!("{head}{prose}{ended}\n\n---\n\n{FENCE}{}\n{code}\n{FENCE}\n", language.id()),
        extension: "md",
        tokens: said.usage.decoded_tokens,
    })
}

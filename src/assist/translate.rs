//! "Translate to …": code in another language, to read and to copy. It is no edit: the file stays what it is.

use super::chat::{self, Draw, FENCE, Question, SYSTEM, fenced};
use super::focus::Focus;
use super::order::{AssistError, Order, Step};
use super::page::Page;
use crate::source::{Source, SourceError};
use crate::syntax;
use crate::text::Language;

/// Answers that are asked for until one parses.
const ATTEMPTS: u64 = 3;

/// Translates code.
///
/// # Errors
/// When the source fails or is stopped, the code is too long, or nothing came that parses.
pub async fn translate(
    focus: &Focus,
    to: Language,
    source: &dyn Source,
    order: &Order,
) -> Result<Page, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    focus.must_fit(&*counter)?;
    let (from, code) = (focus.language(), &focus.code);
    let user = format!(
        "Translate the following {} code to {}:\n\n{FENCE}{}\n{code}\n{FENCE}",
        from.name(),
        to.name(),
        from.id()
    );
    let (mut tokens, mut cut) = (0, false);
    for seed in 0..ATTEMPTS {
        (order.heard)(Step::Attempt(seed as usize + 1));
        let answer_start = format!("{FENCE}{}\n", to.id());
        let question = Question { system: SYSTEM.into(), user: user.clone(), answer_start };
        let draw = Draw { temperature: if seed == 0 { 0.0 } else { 0.7 }, seed };
        let said = chat::ask(source, order, question, draw, |answer| fenced(answer).1).await?;
        tokens += said.usage.decoded_tokens;
        cut = said.cut;
        let code = fenced(&said.text).0.trim();
        if !cut && !code.is_empty() && syntax::faults(to, code).is_empty() {
            let title = format!("{} in {}", focus.what, to.name());
            return Ok(Page { title, text: format!("{code}\n"), extension: to.extension(), tokens });
        }
    }
    Err(AssistError::NoUse(match cut {
        true => format!("the translation got longer than `{}` allows; raise it, or select less", order.bound),
        false => format!("the model wrote no {} that parses; select a smaller part", to.name()),
    }))
}

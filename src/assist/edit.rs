//! "Edit as told": a piece of code and an instruction to the lines that change.

use super::focus::Focus;
use super::order::{AssistError, Order};
use super::rewrite::{Rewrite, Rewritten};
use crate::source::Source;

/// Characters of an instruction that are read; the rest is no instruction any more.
const MOST: usize = 2000;

/// Changes code as an instruction says. The instruction is text for the model and nothing else: no tool can be called by
/// it.
///
/// # Errors
/// When the instruction is empty, the source fails or is stopped, or no answer holds up.
pub async fn edit(
    focus: &Focus,
    instruction: &str,
    source: &dyn Source,
    order: &Order,
) -> Result<Rewritten, AssistError> {
    let instruction: String = instruction.trim().chars().take(MOST).collect();
    if instruction.is_empty() {
        return Err(AssistError::NothingToDo("the instruction is empty; say what is to be changed".into()));
    }
    let language = focus.language().name();
    let rewrite = Rewrite {
        focus,
        task: format!("Change the following {language} code as this instruction says: {instruction}"),
        remarks: "\n\nAnswer with the whole changed code only.".into(),
        attempts: 2,
        unchanged: "the model changed nothing; say it in other words",
    };
    rewrite.run(source, order, |_| true).await
}

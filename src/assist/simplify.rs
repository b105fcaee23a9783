//! "Simplify": the same in less code. Only the lines that differ are changed, and none that the rest of the file knows
//! the function by.

use super::focus::Focus;
use super::order::{AssistError, Order};
use super::rewrite::{Rewrite, Rewritten};
use crate::source::Source;

/// Writes code more simply.
///
/// # Errors
/// When the source fails or is stopped, or nothing simpler came.
pub async fn simplify(focus: &Focus, source: &dyn Source, order: &Order) -> Result<Rewritten, AssistError> {
    let language = focus.language().name();
    let rewrite = Rewrite {
        focus,
        task: format!(
            "Rewrite the following {language} code so that it does exactly the same and is simpler and shorter:"
        ),
        remarks: "\n\nKeep its names, its signature and its comments. Answer with the code only.".into(),
        attempts: 2,
        unchanged: "the model found nothing to simplify",
    };
    let first = focus.snapshot.line_of(focus.range.start);
    let head = focus.snapshot.line_end(first);
    // What callers rely on stands in the first line of a function or a type.
    let is_named = focus.name.is_some();
    rewrite.run(source, order, |edits| !is_named || edits.iter().all(|edit| head <= edit.range.start)).await
}

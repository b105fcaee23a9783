//! The function around a cursor whose body is still to be written, with or without a comment that says what it is to do.

use super::describing::{
    DescribingComment, blank, describing_comment, empty_function_around, has_no_functions,
};
use super::source::Source;
use crate::text::Snapshot;

/// Returns the function to be written at an offset: one with an empty body, whose [`DescribingComment::text`] is empty
/// where nothing describes it but its name.
pub fn unwritten_function(snapshot: &Snapshot, offset: usize) -> Option<DescribingComment> {
    if has_no_functions(snapshot.language()) {
        return None;
    }
    let described = describing_comment(snapshot, offset).filter(|comment| comment.signature.is_some());
    described.or_else(|| {
        let source = Source::around(snapshot, offset.min(snapshot.len()));
        let (line, function) = empty_function_around(&source, offset.min(snapshot.len()))?;
        let body = function.body.start;
        let start = function.signature.start;
        let found = blank(&source, line, Some(&function));
        Some(DescribingComment { range: start..start, insert_at: body, ..found })
    })
}

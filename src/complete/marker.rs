//! What a model writes when it has stopped writing code: chat markers and code fences. Markers that the user's own
//! file holds are ordinary text there.

use crate::complete::surroundings::Surroundings;

/// The longest marker that is looked for, in bytes.
pub(super) const LONGEST: usize = 32;

/// Returns where the first chat marker (`<|name|>`) in `text` begins, from byte `from` on.
pub(super) fn chat_marker(text: &str, from: usize, around: &Surroundings) -> Option<usize> {
    let mut at = from;
    while let Some(found) = text.get(at..)?.find("<|") {
        let start = at + found;
        let name = text[start + 2..].split("|>").next().unwrap_or_default();
        let closed = text[start + 2 + name.len()..].starts_with("|>");
        let is_name = !name.is_empty()
            && name.len() < LONGEST
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if closed && is_name && !around.any_line(|line| line.contains("<|")) {
            return Some(start);
        }
        at = start + 2;
    }
    None
}

/// Returns whether a line is a code fence that has no business in this file.
pub(super) fn is_fence(line: &str, around: &Surroundings) -> bool {
    line.trim_start().starts_with("```")
        && around.language.id() != "markdown"
        && !around.any_line(|line| line.trim_start().starts_with("```"))
}

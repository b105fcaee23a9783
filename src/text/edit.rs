//! An edit to a text, in byte offsets: what completions and code actions come to in the end.
//! Changes that a client sends are [`super::Change`], in positions.

use std::ops::Range;

/// A replacement of one range of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// The bytes that go; empty for an insertion.
    pub range: Range<usize>,
    /// What comes in their place.
    pub text: String,
}

impl TextEdit {
    /// Returns `text` with the edit made. A range that does not fit is clamped to the text and its characters.
    pub fn apply(&self, text: &str) -> String {
        let start = char_start(text, self.range.start);
        let end = char_start(text, self.range.end).max(start);
        let mut result = String::with_capacity(text.len() + self.text.len());
        result.push_str(&text[..start]);
        result.push_str(&self.text);
        result.push_str(&text[end..]);
        result
    }
}

/// Returns the start of the character that `offset` falls into, or the text's end.
fn char_start(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

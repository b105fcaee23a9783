//! The part of a suggestion that one step accepts: its next word, or the rest of its line. Where it is inserted, and what
//! becomes of the rest, is not known here.

/// How much of a suggestion is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// All of it.
    Whole,
    /// The next word with the blanks before it, or the next run of signs: `foo`, ` = `'s ` =`, `).`.
    Word,
    /// Up to the end of its first line; where a line ending comes first, up to the end of the line behind it.
    Line,
}

impl Portion {
    /// Returns the beginning of `text` that is accepted; all of it where there is nothing but blanks.
    pub fn of(self, text: &str) -> &str {
        match self {
            Self::Whole => text,
            Self::Word => &text[..word_end(text)],
            Self::Line => &text[..line_end(text)],
        }
    }
}

fn word_end(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = text.len() - text.trim_start().len();
    let first = text[start..].chars().next();
    let ends = |c: char| c.is_whitespace() || Some(is_word(c)) != first.map(is_word);
    text[start..].find(ends).map_or(text.len(), |end| start + end)
}

fn line_end(text: &str) -> usize {
    let start = text.len() - text.trim_start_matches(['\r', '\n']).len();
    text[start..].find(['\r', '\n']).map_or(text.len(), |end| start + end)
}

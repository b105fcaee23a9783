//! The text around a cursor as the rules of this module read it: lines with `\n`, within a bounded window, so that no
//! rule costs more in a document of 50 MB than in one of 50 lines. The model's prompt is not made from this.

use crate::complete::ablation::is_left_out;
use crate::complete::brackets::Brackets;
use crate::complete::layout::Indentation;
use crate::text::{Language, Snapshot};

/// Bytes read on each side of the cursor. A rule that would need more than this does not apply.
const WINDOW: usize = 16 * 1024;

/// Letters and digits that make the rest of a line unmistakable.
const UNMISTAKABLE: usize = 3;

/// The lines around a cursor.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// The cursor's line before the cursor; only the end of it when it is longer than the window.
    pub head: String,
    /// The cursor's line after the cursor; only the beginning of it when it is longer than the window.
    pub rest: String,
    /// The lines above, the nearest first.
    pub above: Vec<String>,
    /// The lines below, the nearest first.
    pub below: Vec<String>,
    /// Whether the document begins further up than `above` reaches.
    pub clipped: bool,
    /// How this file indents.
    pub indentation: Indentation,
    /// The document's language.
    pub language: Language,
}

impl Surroundings {
    /// Reads the window around `offset`.
    pub fn read(snapshot: &Snapshot, offset: usize) -> Self {
        let offset = offset.min(snapshot.len());
        let from = offset.saturating_sub(WINDOW);
        let to = (offset + WINDOW).min(snapshot.len());
        let (head, above) = lines_before(&snapshot.slice(from..offset), 0 < from);
        let (rest, below) = lines_after(&snapshot.slice(offset..to), to < snapshot.len());
        let indentation = Indentation::of(above.iter().chain(&below).chain([&head]));
        Self { head, rest, above, below, clipped: 0 < from, indentation, language: snapshot.language() }
    }

    /// Returns whether the cursor's line holds nothing but blanks.
    pub fn on_blank_line(&self) -> bool {
        self.head.trim().is_empty() && self.rest.trim().is_empty()
    }

    /// Returns whether the cursor's line goes on with something that is unmistakable when it turns up in a text: words, not
    /// only brackets.
    pub fn has_telling_rest(&self) -> bool {
        !is_left_out("reach-rest")
            && UNMISTAKABLE <= self.rest.chars().filter(|c| c.is_alphanumeric()).count()
    }

    /// Returns whether the cursor stands in a string of several lines, such as a docstring: what is indented there is text.
    pub fn is_in_long_string(&self) -> bool {
        let quotes = |line: &String| line.matches("\"\"\"").count() + line.matches("'''").count();
        let all: usize = self.above.iter().chain([&self.head]).map(quotes).sum();
        !self.clipped && all % 2 == 1
    }

    /// Returns the columns of the cursor line's indentation.
    pub fn indent(&self) -> usize {
        self.width(&self.head)
    }

    /// Returns the columns of a line's indentation.
    pub fn width(&self, line: &str) -> usize {
        self.indentation.width(line)
    }

    /// Returns the lines below that hold something, the nearest first.
    pub fn next_lines(&self) -> impl Iterator<Item = &str> {
        self.below.iter().map(String::as_str).filter(|line| !line.trim().is_empty())
    }

    /// Returns the brackets and the quote that are open at the cursor; `None` where the window does not reach far enough
    /// back to tell.
    pub fn open_brackets(&self) -> Option<Brackets> {
        let lines = self.above.iter().rev().map(String::as_str).chain([self.head.as_str()]);
        let before = Brackets::of(&lines.collect::<Vec<_>>().join("\n"), self.language, None);
        (!self.clipped || !before.open.is_empty()).then_some(before)
    }

    /// Returns whether `wanted` holds for a line of the window.
    pub fn any_line(&self, wanted: impl Fn(&str) -> bool) -> bool {
        self.above.iter().chain(&self.below).chain([&self.head, &self.rest]).any(|line| wanted(line))
    }
}

/// Returns `text` with every line ending as `\n`, which is what the model sees and the rules work on.
pub(super) fn with_newlines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

fn lines_before(text: &str, clipped: bool) -> (String, Vec<String>) {
    let text = with_newlines(text);
    let mut lines: Vec<String> = text.split('\n').rev().map(str::to_owned).collect();
    let head = if lines.is_empty() { String::new() } else { lines.remove(0) };
    if clipped {
        lines.pop();
    }
    (head, lines)
}

fn lines_after(text: &str, clipped: bool) -> (String, Vec<String>) {
    let text = with_newlines(text);
    let mut lines = text.split('\n').map(str::to_owned);
    let rest = lines.next().unwrap_or_default();
    let mut below: Vec<String> = lines.collect();
    if clipped {
        below.pop();
    }
    (rest, below)
}

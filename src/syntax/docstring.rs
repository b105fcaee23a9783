//! Documentation that stands inside what it documents: Python's docstrings and Rust's `//!`.
//! Comments above a definition are `comment`'s matter.

use std::ops::Range;

use super::comment::{Block, block_at};
use super::marker::lines;
use super::python;
use super::source::Source;

/// Bytes in which a docstring's end is looked for.
const MAX_LENGTH: usize = 32 * 1024;

/// A documentation text, where it is and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Docstring {
    /// From the opening quote or marker to the closing one.
    pub(super) range: Range<usize>,
    /// The text without quotes, markers and the indentation common to its lines.
    pub(super) text: String,
}

/// Returns the documentation at the beginning of the body of what begins on `line`.
pub(super) fn docstring_of(source: &Source<'_>, line: usize) -> Option<Docstring> {
    match source.snapshot().language().id() {
        "python" => python::docstring_below(source, line, python::header_end(source, line)?),
        "rust" => inner_doc_comment(source, line),
        _ => None,
    }
}

/// Returns the Python docstring that begins on a line.
pub(super) fn docstring_on(source: &Source<'_>, line: usize) -> Option<Docstring> {
    let start = source.first_character(line)?;
    let text = source.snapshot().slice(start..start + MAX_LENGTH);
    let quoted = text.trim_start_matches(['r', 'R', 'u', 'U', 'b', 'B']);
    let prefix = text.len() - quoted.len();
    let quote =
        ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| prefix <= 2 && quoted.starts_with(quote))?;
    let inner = &quoted[quote.len()..];
    let end = inner.find(quote).filter(|end| 1 < quote.len() || !inner[..*end].contains(['\n', '\r']))?;
    let length = prefix + 2 * quote.len() + end;
    Some(Docstring { range: start..start + length, text: dedent(&inner[..end]) })
}

/// Returns the documentation of a Python module whose first code is on this line.
pub(super) fn module_docstring(source: &Source<'_>, line: usize) -> Option<Docstring> {
    docstring_on(source, line).filter(|_| source.snapshot().language().id() == "python")
}

fn inner_doc_comment(source: &Source<'_>, line: usize) -> Option<Docstring> {
    let opens = source.head(line).trim_end().ends_with('{');
    let first = source.next_line_of_text(line + 1).filter(|_| opens)?;
    let block = block_at(source, first).filter(|block| is_inner(source, block))?;
    Some(Docstring { text: block.text(source), range: block.range })
}

/// Returns whether a block documents what it stands in, not what follows it.
pub(super) fn is_inner(source: &Source<'_>, block: &Block) -> bool {
    let head = source.head(block.lines.start);
    source.snapshot().language().id() == "rust" && head.trim_start().starts_with("//!")
}

fn dedent(text: &str) -> String {
    let mut lines = lines(text);
    let first = lines.next().unwrap_or_default().trim();
    let rest: Vec<&str> = lines.map(str::trim_end).collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = rest.iter().filter(|line| !line.is_empty()).map(indent).min().unwrap_or(0);
    let rest = rest.iter().map(|line| line.get(common..).unwrap_or_default());
    let lines: Vec<&str> = std::iter::once(first).chain(rest).collect();
    lines.join("\n").trim().to_owned()
}

//! Python functions that wait for their body, read by lines.
//!
//! The tree is not asked: `def f(x):` with nothing below it is exactly what the grammar cannot parse and exactly what a
//! user has just written.

use std::ops::Range;

use super::docstring::{Docstring, docstring_on};
use super::function::{Function, is_placeholder};
use super::source::Source;

/// Bytes that a signature may take.
const MAX_HEADER: usize = 4096;

/// Returns the offset after the colon that ends the header of the function or class that begins on `line`.
pub(super) fn header_end(source: &Source<'_>, line: usize) -> Option<usize> {
    let start = source.first_character(line)?;
    let text = source.snapshot().slice(start..start + MAX_HEADER);
    let begins = ["def ", "async def ", "class "].iter().any(|word| text.starts_with(word));
    colon(&text).filter(|_| begins).map(|colon| start + colon + 1)
}

/// Returns the docstring below a header that ends at `header_end`.
pub(super) fn docstring_below(source: &Source<'_>, line: usize, header_end: usize) -> Option<Docstring> {
    let below = source.snapshot().line_of(header_end) + 1;
    let first = source.next_line_of_text(behind_imports(source, line, below))?;
    docstring_on(source, first).filter(|_| is_deeper(source, first, line))
}

/// Returns the function that begins on a line, decorators not counted.
pub(super) fn function_at(source: &Source<'_>, line: usize) -> Option<Function> {
    let start = source.first_character(line)?;
    let end = header_end(source, line).filter(|_| !source.head(line).trim_start().starts_with("class "))?;
    let on_header_line =
        source.snapshot().slice(end..source.snapshot().line_end(source.snapshot().line_of(end)));
    let statement = code(&on_header_line);
    if !statement.trim().is_empty() {
        let (body, is_empty) = (end..end + statement.len(), is_placeholder(statement.trim()));
        return Some(Function { signature: start..end, body, docstring: None, is_empty });
    }
    let docstring = docstring_below(source, line, end);
    let (body, is_empty) =
        body(source, line, docstring.as_ref().map_or(end, |docstring| docstring.range.end));
    Some(Function { signature: start..end, body, docstring, is_empty })
}

/// Returns the range of what stands below the header, and whether that is still to be written.
fn body(source: &Source<'_>, header: usize, start: usize) -> (Range<usize>, bool) {
    let below = source.snapshot().line_of(start) + 1;
    let behind = behind_imports(source, header, below);
    // What is imported is not yet what the function does, and stays where it is.
    let start = if below < behind { source.snapshot().line_end(behind - 1) } else { start };
    let Some(first) = statement_from(source, header, behind) else {
        return (start..source.end_of_blanks(start), true);
    };
    let head = source.head(first);
    let statement = code(&head);
    let is_alone = statement_from(source, header, first + 1).is_none();
    let end = source.snapshot().line_start(first) + statement.len();
    (start..end, is_alone && is_placeholder(statement.trim()))
}

/// Returns the line behind the imports that the body has from `line` on; `line` itself if it has none there.
fn behind_imports(source: &Source<'_>, header: usize, line: usize) -> usize {
    let is_import = |line: &usize| {
        let head = source.head(*line);
        let statement = head.trim_start();
        (statement.starts_with("import ") || statement.starts_with("from "))
            && !statement.trim_end().ends_with(['(', '\\'])
    };
    let mut behind = line;
    while let Some(next) = statement_from(source, header, behind).filter(is_import) {
        behind = next + 1;
    }
    behind
}

/// Returns the first line from `line` on that belongs to the body and is not a comment.
fn statement_from(source: &Source<'_>, header: usize, line: usize) -> Option<usize> {
    let mut lines = source.lines_from(line);
    let is_statement =
        |line: &usize| !source.is_blank(*line) && !source.head(*line).trim_start().starts_with('#');
    lines.find(is_statement).filter(|line| is_deeper(source, *line, header))
}

fn is_deeper(source: &Source<'_>, line: usize, header: usize) -> bool {
    source.indent(header) < source.indent(line)
}

/// Returns a line without a comment at its end and the blanks before that.
fn code(line: &str) -> &str {
    line.find(" #").map_or(line, |at| &line[..at]).trim_end()
}

/// Returns the first colon outside brackets, strings and comments.
fn colon(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (Some('#'), '\n' | '\r') => quote = None,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '#') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ':') if depth == 0 => return Some(index),
            (None, '\n' | '\r') if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

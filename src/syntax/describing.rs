//! The comment under the cursor that describes a function still to be written, and where that function goes.
//! Writing it is `assist`'s work.

use std::ops::Range;

use super::comment::{Block, block_above, block_at, is_attribute};
use super::docstring::is_inner;
use super::enclosing::enclosing_lines;
use super::function::{Function, function_at, is_definition};
use super::source::Source;
use crate::text::{Language, Snapshot};

/// A comment or docstring that describes a function to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribingComment {
    /// The comment as it is written, markers or quotes included, in bytes.
    pub range: Range<usize>,
    /// What it says, without markers.
    pub text: String,
    /// The blanks that the function's first line begins with.
    pub indentation: String,
    /// Where the function goes if there is no [`Self::signature`]: the end of the comment's last line, before its line
    /// ending, so that what is inserted begins with a line ending.
    pub insert_at: usize,
    /// The function's beginning, if the user has written it already.
    pub signature: Option<Signature>,
    /// The language of the document.
    pub language: Language,
}

/// The beginning of a function whose body is missing or a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What is written: `def f(x):`, `pub fn f(x: u8) -> u8`, `export const f = (x) =>`.
    pub text: String,
    /// Where it is, in bytes; its indentation, attributes and decorators are left out.
    pub range: Range<usize>,
    /// What the body replaces. With braces: from brace to brace, both included. In Python: from the end of the signature,
    /// or of the docstring or comment below it, to the end of the placeholder, so that what comes there begins with a line ending; often empty.
    pub body: Range<usize>,
}

/// Returns the comment under or directly around an offset, if it describes a function that is not there yet.
pub fn describing_comment(snapshot: &Snapshot, offset: usize) -> Option<DescribingComment> {
    if has_no_functions(snapshot.language()) {
        return None;
    }
    let offset = offset.min(snapshot.len());
    let source = Source::around(snapshot, offset);
    let line = snapshot.line_of(offset);
    let found = match block_here(&source, line) {
        Some(block) => from_block(&source, &block),
        None => from_function(&source, offset),
    };
    found.filter(|found| is_prose(&found.text))
}

/// Returns the block on the line, or directly above it if the line is blank.
fn block_here(source: &Source<'_>, line: usize) -> Option<Block> {
    let above =
        || line.checked_sub(1).filter(|_| source.is_blank(line)).and_then(|above| block_at(source, above));
    block_at(source, line).or_else(above)
}

fn from_block(source: &Source<'_>, block: &Block) -> Option<DescribingComment> {
    if is_inner(source, block) {
        return None;
    }
    let below = (block.lines.end..).find(|line| !is_attribute(source, *line))?;
    match function_at(source, below) {
        Some(function) => function.is_empty.then(|| describing(source, block, Some(&function))),
        None if is_definition(source, block.lines.end) || is_definition(source, below) => None,
        None => from_inside(source, block).or_else(|| Some(describing(source, block, None))),
    }
}

/// Finds the comment from the function around the cursor: from its docstring, its signature or its empty body.
fn from_function(source: &Source<'_>, offset: usize) -> Option<DescribingComment> {
    let (line, function) = empty_function_around(source, offset)?;
    if let Some(docstring) = &function.docstring {
        return Some(DescribingComment {
            range: docstring.range.clone(),
            text: docstring.text.clone(),
            insert_at: docstring.range.end,
            ..blank(source, line, Some(&function))
        });
    }
    block_above(source, line).map(|block| describing(source, &block, Some(&function)))
}

/// Returns the innermost function around an offset and the line that it begins on, if its body is still to be written.
pub(super) fn empty_function_around(source: &Source<'_>, offset: usize) -> Option<(usize, Function)> {
    let here = source.snapshot().line_of(offset);
    let mut lines = enclosing_lines(source, offset);
    lines.push(here);
    let (line, function) =
        lines.into_iter().rev().find_map(|line| Some((line, function_at(source, line)?)))?;
    let lines = line..=source.snapshot().line_of(function.body.end) + 1;
    (function.is_empty && lines.contains(&here)).then_some((line, function))
}

/// Describes the function that has nothing but this comment in its body.
fn from_inside(source: &Source<'_>, block: &Block) -> Option<DescribingComment> {
    let (line, mut function) = empty_function_around(source, block.range.end)?;
    if block.range.start < function.signature.end {
        return None;
    }
    if source.snapshot().language().id() == "python" {
        let end = block.range.end;
        let is_below = end < function.body.end;
        function.body = end..if is_below { function.body.end } else { source.end_of_blanks(end) };
    }
    let indentation = blank(source, line, None).indentation;
    Some(DescribingComment { indentation, ..describing(source, block, Some(&function)) })
}

fn describing(source: &Source<'_>, block: &Block, function: Option<&Function>) -> DescribingComment {
    DescribingComment {
        range: block.range.clone(),
        text: block.text(source),
        insert_at: source.snapshot().line_end(block.lines.end - 1),
        ..blank(source, block.lines.start, function)
    }
}

/// Returns what is known before the comment is: indentation, signature and language.
pub(super) fn blank(source: &Source<'_>, line: usize, function: Option<&Function>) -> DescribingComment {
    let start = source.snapshot().line_start(line);
    let signature = function.map(|function| Signature {
        text: source.snapshot().slice(function.signature.clone()),
        range: function.signature.clone(),
        body: function.body.clone(),
    });
    DescribingComment {
        range: start..start,
        text: String::new(),
        indentation: source.snapshot().slice(start..start + source.indent(line).unwrap_or(0)),
        insert_at: start,
        signature,
        language: source.snapshot().language(),
    }
}

/// Returns whether files of this kind hold data or text, so that no comment in them can ask for a function.
pub(super) fn has_no_functions(language: Language) -> bool {
    const IDS: &[&str] = &[
        "plaintext",
        "json",
        "jsonc",
        "yaml",
        "toml",
        "ini",
        "html",
        "xml",
        "css",
        "markdown",
        "restructuredtext",
    ];
    IDS.contains(&language.id())
}

/// Returns whether a comment's text says something to a person, and not only to a tool.
fn is_prose(text: &str) -> bool {
    const FOR_TOOLS: &[&str] = &[
        "noqa",
        "type:",
        "pylint:",
        "eslint-",
        "prettier-",
        "clang-format",
        "coding:",
        "-*-",
        "vim:",
        "region",
        "endregion",
        "SPDX-",
        "Copyright",
        "go:",
        "+build",
        "@ts-",
    ];
    let words = text.split(|character: char| !character.is_alphabetic());
    words.into_iter().any(|word| 1 < word.chars().count())
        && !FOR_TOOLS.iter().any(|tool| text.starts_with(tool))
}

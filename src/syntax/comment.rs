//! Blocks of comments that stand on lines of their own: where one begins and ends.
//! Which blocks matter to a cursor is decided elsewhere.

use std::ops::Range;

use super::grammar::is_comment;
use super::source::Source;

/// Lines that a block may have, and that are searched for the beginning of a long comment.
/// A file that is commented out from end to end would otherwise be read whole at each keystroke.
const MAX_LINES: usize = 300;

/// Attributes and decorators that may stand between a comment and what it is about.
const MAX_ATTRIBUTES: usize = 16;

/// A run of comment lines with the same indentation, nothing between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// From the first marker to the end of the last comment, indentation of the first line left out.
    pub(super) range: Range<usize>,
    /// The lines that it takes.
    pub(super) lines: Range<usize>,
}

impl Block {
    fn from_lines(source: &Source<'_>, lines: Range<usize>) -> Option<Self> {
        let start = source.first_character(lines.start)?;
        let last = lines.end - 1;
        let text = source.snapshot().slice(start..source.snapshot().line_end(last));
        Some(Self { range: start..start + text.trim_end().len(), lines })
    }

    /// Returns the comment as it is written.
    pub(super) fn written(&self, source: &Source<'_>) -> String {
        source.snapshot().slice(self.range.clone())
    }

    /// Returns the comment without its markers.
    pub(super) fn text(&self, source: &Source<'_>) -> String {
        source.markers().strip(&self.written(source))
    }
}

/// Returns the block that a line is part of.
pub(super) fn block_at(source: &Source<'_>, line: usize) -> Option<Block> {
    let mut lines = comment_at(source, line)?;
    let indent = source.indent(lines.start);
    let joins = |other: &Range<usize>| source.indent(other.start) == indent;
    while lines.len() < MAX_LINES && 0 < lines.start {
        let Some(above) = comment_at(source, lines.start - 1).filter(joins) else { break };
        lines.start = above.start;
    }
    while lines.len() < MAX_LINES {
        let Some(below) = comment_at(source, lines.end).filter(joins) else { break };
        lines.end = below.end.max(lines.end + 1);
    }
    Block::from_lines(source, lines)
}

/// Returns the block directly above a line, attributes and decorators between the two passed over.
pub(super) fn block_above(source: &Source<'_>, line: usize) -> Option<Block> {
    let lowest = line.saturating_sub(MAX_ATTRIBUTES);
    let line = (lowest..line).rev().find(|line| !is_attribute(source, *line))?;
    block_at(source, line)
}

/// Returns whether a line is an attribute or a decorator.
pub(super) fn is_attribute(source: &Source<'_>, line: usize) -> bool {
    let head = source.head(line);
    let head = head.trim_start();
    head.starts_with('@') || head.starts_with("#[")
}

/// Returns the lines of the one comment that a line is part of, if nothing but the comment is on them.
fn comment_at(source: &Source<'_>, line: usize) -> Option<Range<usize>> {
    if line == 0 && source.head(0).starts_with("#!") && !source.head(0).starts_with("#![") {
        return None;
    }
    let first = source.first_character(line)?;
    if source.is_parsed_at(first) { parsed_comment(source, first) } else { written_comment(source, line) }
}

/// Finds a comment by the tree, which knows `#` in a string from `#` before a comment.
fn parsed_comment(source: &Source<'_>, offset: usize) -> Option<Range<usize>> {
    let node = source.path(offset).into_iter().find(|node| is_comment(*node))?;
    let text = source.snapshot().slice(source.start(node)..source.end(node));
    let (start, end) = (source.start(node), source.start(node) + text.trim_end().len());
    let lines = source.snapshot().line_of(start)..source.snapshot().line_of(end) + 1;
    let alone = source.first_character(lines.start) == Some(start)
        && source.snapshot().slice(end..source.snapshot().line_end(lines.end - 1)).trim().is_empty();
    alone.then_some(lines)
}

/// Finds a comment by its markers, where there is no tree.
fn written_comment(source: &Source<'_>, line: usize) -> Option<Range<usize>> {
    if source.markers().begins_line_comment(source.head(line).trim_start()) {
        return Some(line..line + 1);
    }
    let (opener, closer) = source.markers().block()?;
    let first = (line.saturating_sub(MAX_LINES)..=line).rev().find_map(|above| {
        let head = source.head(above);
        if head.trim_start().starts_with(opener) {
            return Some(Some(above));
        }
        (above < line && head.contains(closer)).then_some(None)
    })??;
    let last = (first..first + MAX_LINES).find(|below| source.head(*below).contains(closer))?;
    (line <= last && source.head(last).trim_end().ends_with(closer)).then_some(first..last + 1)
}

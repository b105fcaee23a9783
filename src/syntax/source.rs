//! The text around a cursor with its tree, and the questions about lines that everything else here asks.
//! A large text is read only in a window; outside it, lines can still be read but have no tree.

use std::ops::Range;

use tree_sitter::{Node, Parser, Tree};

use super::grammar::{grammar, is_list};
use super::marker::Markers;
use crate::text::Snapshot;

/// Bytes of text that are parsed whole. An optimised build parses about 10 KB in a millisecond, and each request waits for it.
const PARSED_WHOLE: usize = 128 * 1024;
/// Bytes before the cursor that are parsed in a larger text.
const WINDOW_BEFORE: usize = 64 * 1024;
/// Bytes after the cursor that are parsed in a larger text.
const WINDOW_AFTER: usize = 16 * 1024;
/// Bytes of a line that are read to see what it is. A line can have a million.
const LINE_HEAD: usize = 1024;

/// Lines that are looked through for the next one with text. A document can have a million blank ones.
const LINES_AHEAD: usize = 1000;

/// A snapshot, the part of it that was parsed, and the tree of that part.
pub(super) struct Source<'a> {
    snapshot: &'a Snapshot,
    markers: Markers,
    window: Range<usize>,
    tree: Option<Tree>,
}

impl<'a> Source<'a> {
    /// Reads a snapshot around an offset.
    pub(super) fn around(snapshot: &'a Snapshot, offset: usize) -> Self {
        let window = window(snapshot, offset);
        let tree = parse(snapshot, window.clone());
        Self { snapshot, markers: Markers::of(snapshot.language()), window, tree }
    }

    /// Returns the comment markers of the language.
    pub(super) fn markers(&self) -> &Markers {
        &self.markers
    }

    /// Returns the snapshot that was read.
    pub(super) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Returns whether the tree is of the whole text and without errors, so that nothing need be guessed.
    ///
    /// What begins before a window and ends after it leaves no error in the window's tree, and no trace.
    pub(super) fn is_parsed_well(&self) -> bool {
        let is_whole = self.window.len() == self.snapshot.len();
        self.tree.as_ref().filter(|_| is_whole).is_some_and(|tree| !tree.root_node().has_error())
    }

    /// Returns whether there is a tree at an offset.
    pub(super) fn is_parsed_at(&self, offset: usize) -> bool {
        self.tree.is_some() && self.window.contains(&offset)
    }

    /// Returns the nodes that hold the character at an offset, outermost first, the root left out.
    ///
    /// Goes down with a cursor: asking each node for its parent takes the square of the depth.
    pub(super) fn path(&self, offset: usize) -> Vec<Node<'_>> {
        let mut path = Vec::new();
        let Some(tree) = self.tree.as_ref().filter(|_| self.window.contains(&offset)) else { return path };
        let local = offset - self.window.start;
        let mut cursor = tree.walk();
        while cursor.goto_first_child_for_byte(local).is_some() && cursor.node().start_byte() <= local {
            path.push(cursor.node());
        }
        path
    }

    /// Returns the outermost node that begins at an offset, lists of statements left out.
    pub(super) fn node_from(&self, offset: usize) -> Option<Node<'_>> {
        let begins_here = |node: &Node<'_>| self.start(*node) == offset && !is_list(*node);
        self.path(offset).into_iter().find(begins_here)
    }

    /// Returns where a node starts in the document.
    pub(super) fn start(&self, node: Node<'_>) -> usize {
        self.window.start + node.start_byte()
    }

    /// Returns where a node ends in the document; some grammars let a comment end on the next line.
    pub(super) fn end(&self, node: Node<'_>) -> usize {
        self.window.start + node.end_byte()
    }

    /// Returns the beginning of a line, enough of it to see what it is.
    pub(super) fn head(&self, line: usize) -> String {
        let start = self.snapshot.line_start(line);
        self.snapshot.slice(start..self.snapshot.line_end(line).min(start + LINE_HEAD))
    }

    /// Returns the offset of a line's first character that is not blank; `None` for a blank line.
    pub(super) fn first_character(&self, line: usize) -> Option<usize> {
        Some(self.snapshot.line_start(line) + self.indent(line)?)
    }

    /// Returns how many bytes of indentation a line has; `None` for a blank line.
    pub(super) fn indent(&self, line: usize) -> Option<usize> {
        let head = self.head(line);
        let indent = head.len() - head.trim_start().len();
        (indent < head.len()).then_some(indent)
    }

    /// Returns whether a line is blank or beyond the document.
    pub(super) fn is_blank(&self, line: usize) -> bool {
        self.indent(line).is_none()
    }

    /// Returns the first line from `line` on that is not blank, unless it is far away.
    pub(super) fn next_line_of_text(&self, line: usize) -> Option<usize> {
        self.lines_from(line).find(|line| !self.is_blank(*line))
    }

    /// Returns the end of the blanks that an editor has put on the line below an offset, or the offset if there are none.
    pub(super) fn end_of_blanks(&self, offset: usize) -> usize {
        let below = self.snapshot.line_of(offset) + 1;
        let has_blanks = self.is_blank(below) && !self.head(below).is_empty();
        if has_blanks { self.snapshot.line_end(below) } else { offset }
    }

    /// Returns the lines from `line` on, as many as are looked through in search of something.
    pub(super) fn lines_from(&self, line: usize) -> Range<usize> {
        line..self.snapshot.line_count().min(line.saturating_add(LINES_AHEAD))
    }
}

/// Returns what to parse: everything, or whole lines around the offset unless a line is longer than the window.
pub(super) fn window(snapshot: &Snapshot, offset: usize) -> Range<usize> {
    let (offset, length) = (offset.min(snapshot.len()), snapshot.len());
    if length <= PARSED_WHOLE {
        return 0..length;
    }
    let after_line_start = |at: usize| match snapshot.line_start(snapshot.line_of(at) + 1) {
        next if next <= offset => next,
        _ => at,
    };
    let start = offset.saturating_sub(WINDOW_BEFORE);
    let start = if start == 0 { 0 } else { after_line_start(start) };
    start..(offset + WINDOW_AFTER).min(length)
}

fn parse(snapshot: &Snapshot, window: Range<usize>) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&grammar(snapshot.language())?).ok()?;
    parser.parse(newline_for_return(snapshot.slice(window)), None)
}

/// Returns the text, of the same length, with a newline for each return that stands alone: to the grammars such a return
/// ends neither a line nor a comment.
pub(super) fn newline_for_return(text: String) -> String {
    let mut bytes = text.into_bytes();
    for index in 0..bytes.len() {
        if bytes[index] == b'\r' && bytes.get(index + 1) != Some(&b'\n') {
            bytes[index] = b'\n';
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

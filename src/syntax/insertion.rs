//! Whether a text fits into a document at a cursor: the errors that the grammar finds with it and without it.
//! What is done about a text that does not fit is not decided here.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{InputEdit, Language as Grammar, Node, ParseOptions, Parser, Point, Tree};

use super::grammar::grammar;
use super::source::{newline_for_return, window};
use crate::text::Snapshot;

/// Time after which a text counts as one that cannot be judged. Grammars recover from most errors in no time, and from
/// some only after a search.
const LONGEST_PARSE: Duration = Duration::from_millis(60);

/// Errors away from the cursor with which a document counts as one that the grammar does not know: a dialect, a template,
/// C++ in a header that is called C. What it says of a text there is worth nothing.
const UNRELATED_ERRORS: usize = 3;

/// A place in a document where text is about to be inserted, parsed without it. Each question about a text parses only
/// what that text changes.
#[derive(Debug, Clone)]
pub struct Insertion {
    grammar: Grammar,
    tree: Tree,
    text: String,
    /// The cursor, in bytes of `text`.
    at: usize,
    /// Errors without any text at the cursor, and those of them that are of the cursor's line alone.
    errors: usize,
    of_line: usize,
}

impl Insertion {
    /// Parses a document around byte `offset`; `None` where its language has no grammar here, or the grammar does not get
    /// on with the document.
    pub fn at(snapshot: &Snapshot, offset: usize) -> Option<Self> {
        let grammar = grammar(snapshot.language())?;
        let offset = offset.min(snapshot.len());
        let window = window(snapshot, offset);
        let at = offset - window.start;
        let text = newline_for_return(snapshot.slice(window));
        let tree = parse(&grammar, &text, None)?;
        let row = point(&text, at).row;
        let rows = |node: Node<'_>| node.start_position().row..=node.end_position().row;
        let all = errors(tree.root_node(), |_| true);
        let near = errors(tree.root_node(), |node| rows(node).contains(&row));
        // What a line lacks at its end may be found missing only where the next one begins.
        let is_of_line = |node: Node<'_>| {
            rows(node) == (row..=row) || (node.is_missing() && node.start_position().row == row + 1)
        };
        let of_line = errors(tree.root_node(), is_of_line);
        let is_known = all - near < UNRELATED_ERRORS;
        is_known.then_some(Self { grammar, tree, text, at, errors: all, of_line })
    }

    /// Returns how many errors `inserted` brings when it takes the place of the `replaced` bytes behind the cursor. Errors
    /// elsewhere are not counted, and those of the cursor's own line only when the text may leave it as incomplete as it is:
    /// `is_open`. `None` where that cannot be told in reasonable time.
    pub fn new_errors(&self, inserted: &str, replaced: usize, is_open: bool) -> Option<usize> {
        let known = if is_open { self.errors } else { self.errors - self.of_line };
        let old_end = (self.at + replaced).min(self.text.len());
        let (before, after) = (self.text.get(..self.at)?, self.text.get(old_end..)?);
        let text = [before, inserted, after].concat();
        let new_end = self.at + inserted.len();
        let mut tree = self.tree.clone();
        tree.edit(&InputEdit {
            start_byte: self.at,
            old_end_byte: old_end,
            new_end_byte: new_end,
            start_position: point(&self.text, self.at),
            old_end_position: point(&self.text, old_end),
            new_end_position: point(&text, new_end),
        });
        let tree = parse(&self.grammar, &text, Some(&tree))?;
        Some(errors(tree.root_node(), |_| true).saturating_sub(known))
    }
}

fn parse(grammar: &Grammar, text: &str, old: Option<&Tree>) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(grammar).ok()?;
    let started = Instant::now();
    let mut progress = |_: &_| match started.elapsed() < LONGEST_PARSE {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |at: usize, _: Point| text.as_bytes().get(at..).unwrap_or_default();
    parser.parse_with_options(&mut read, old, Some(options))
}

/// Counts the places that the grammar could not make sense of, and the tokens that it had to add.
fn errors(root: Node<'_>, counts: impl Fn(Node<'_>) -> bool) -> usize {
    let (mut count, mut cursor) = (0, root.walk());
    loop {
        let node = cursor.node();
        let is_wrong = node.is_error() || node.is_missing() || lacks_hidden_token(node);
        count += usize::from(is_wrong && counts(node));
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return count;
            }
        }
    }
}

/// Returns whether a node is wrong and none of its children is: a token was added that has no node of its own, such as the
/// line's end between two statements of Python.
fn lacks_hidden_token(node: Node<'_>) -> bool {
    if !node.has_error() || node.is_error() || node.is_missing() {
        return false;
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).all(|child| !child.has_error() && !child.is_missing())
}

fn point(text: &str, at: usize) -> Point {
    let before = &text.as_bytes()[..at];
    let row = before.iter().filter(|&&byte| byte == b'\n').count();
    Point { row, column: before.iter().rev().take_while(|&&byte| byte != b'\n').count() }
}

//! A function that begins on a line: its signature, its body, and whether the body is still to be written.
//! Python's are read in `python`; a comment that describes one is `describing`'s matter.

use std::ops::Range;

use tree_sitter::Node;

use super::docstring::Docstring;
use super::grammar::{is_function, is_type_or_module, wraps_function};
use super::marker::lines;
use super::python;
use super::source::Source;

/// A function, by byte ranges of the document.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) signature: Range<usize>,
    pub(super) body: Range<usize>,
    pub(super) docstring: Option<Docstring>,
    /// The body is empty or a placeholder.
    pub(super) is_empty: bool,
}

/// Returns the function that begins on a line, attributes and decorators not counted.
pub(super) fn function_at(source: &Source<'_>, line: usize) -> Option<Function> {
    if source.snapshot().language().id() == "python" {
        return python::function_at(source, line);
    }
    let outer = source.node_from(source.first_character(line)?)?;
    let body = unwrap(outer)?.child_by_field_name("body")?;
    let body = source.start(body)..source.end(body);
    let before = source.snapshot().slice(source.start(outer)..body.start);
    let signature = source.start(outer)..source.start(outer) + before.trim_end().len();
    let is_empty = is_unwritten(source, &source.snapshot().slice(body.clone()));
    Some(Function { signature, body, docstring: None, is_empty })
}

/// Returns whether a function, a type or a module begins on a line, so that a comment above it is about that.
pub(super) fn is_definition(source: &Source<'_>, line: usize) -> bool {
    let node = source.first_character(line).and_then(|first| source.node_from(first));
    function_at(source, line).is_some()
        || node.is_some_and(|node| {
            let mut cursor = node.walk();
            is_type_or_module(node) || node.named_children(&mut cursor).any(is_type_or_module)
        })
}

/// Returns the function in what stands around it.
fn unwrap(mut node: Node<'_>) -> Option<Node<'_>> {
    while !is_function(node) {
        if !wraps_function(node) {
            return None;
        }
        let mut cursor = node.walk();
        let inner =
            node.named_children(&mut cursor).find(|child| is_function(*child) || wraps_function(*child));
        node = inner?;
    }
    Some(node)
}

/// Returns whether a body in braces holds nothing but comments and one placeholder.
fn is_unwritten(source: &Source<'_>, body: &str) -> bool {
    let Some(inside) = body.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return false };
    let is_code = |line: &&str| !line.is_empty() && !source.markers().begins_line_comment(line);
    let mut code = lines(inside).map(str::trim).filter(is_code);
    let first = code.next();
    code.next().is_none() && first.is_none_or(|line| is_placeholder(line.trim_end_matches(';')))
}

/// Returns whether a statement says only that the code is missing.
pub(super) fn is_placeholder(statement: &str) -> bool {
    const WHOLE: &[&str] = &["pass", "...", "todo!()", "unimplemented!()"];
    const BEGINNINGS: &[&str] =
        &["raise NotImplementedError", "throw ", "panic(", "todo!(", "unimplemented!(", "panic!("];
    let is_single = !statement.contains(';');
    is_single
        && (WHOLE.contains(&statement) || BEGINNINGS.iter().any(|beginning| statement.starts_with(beginning)))
}

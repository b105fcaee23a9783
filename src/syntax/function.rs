//! A function that begins on a line: its signature, its body, and whether the body is still to be written.
//! Python's are read in `python`; a comment that describes one is `describing`'s matter.

use std::ops::Range;

use tree_sitter::Node;

use super::docstring::Docstring;
use super::grammar::{is_comment, is_function, is_list, is_type_or_module, wraps_function};
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
    let guessed = || written_function_at(source, line).filter(|_| !source.is_parsed_well());
    parsed_function_at(source, line).or_else(guessed)
}

fn parsed_function_at(source: &Source<'_>, line: usize) -> Option<Function> {
    let outer = source.node_from(source.first_character(line)?)?;
    let body = function_in(outer)?.child_by_field_name("body")?;
    let before = source.snapshot().slice(source.start(outer)..source.start(body));
    Some(Function {
        signature: source.start(outer)..source.start(outer) + before.trim_end().len(),
        body: source.start(body)..source.end(body),
        docstring: None,
        is_empty: is_unwritten(source, body),
    })
}

/// Reads a function with braces by its lines: its signature has been typed and what is below it does not parse, or the
/// language has no grammar here.
fn written_function_at(source: &Source<'_>, line: usize) -> Option<Function> {
    const CONTROL: &[&str] =
        &["if", "for", "foreach", "while", "switch", "match", "else", "catch", "using", "return", "lock"];
    let (start, head) = (source.first_character(line)?, source.head(line));
    let signature = head.trim().strip_suffix('{')?;
    let first_word = signature.split(|character: char| !character.is_alphanumeric()).next()?;
    // A call that takes a block leaves its own bracket open.
    let (opened, closed) = (signature.matches('(').count(), signature.matches(')').count());
    if opened == 0 || opened != closed || CONTROL.contains(&first_word) {
        return None;
    }
    let below = source.next_line_of_text(line + 1);
    let is_empty = below.is_none_or(|below| source.indent(below) <= source.indent(line));
    let closes = |below: &usize| is_empty && source.head(*below).trim_start().starts_with('}');
    let brace = start + signature.len();
    let closing = below.filter(closes).and_then(|below| source.first_character(below));
    let end = closing.map_or_else(|| source.end_of_blanks(brace + 1), |closing| closing + 1);
    let signature = start..start + signature.trim_end().len();
    Some(Function { signature, body: brace..end, docstring: None, is_empty })
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
fn function_in(mut node: Node<'_>) -> Option<Node<'_>> {
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
fn is_unwritten(source: &Source<'_>, body: Node<'_>) -> bool {
    let is_block = body.child(0).is_some_and(|brace| brace.kind() == "{");
    let mut statements = statements(body);
    if let [list] = statements[..]
        && is_list(list)
    {
        statements = self::statements(list);
    }
    is_block
        && match statements[..] {
            [] => true,
            [only] => {
                let text = source.snapshot().slice(source.start(only)..source.end(only));
                is_placeholder(text.trim().trim_end_matches(';'))
            }
            _ => false,
        }
}

fn statements(body: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = body.walk();
    body.named_children(&mut cursor).filter(|node| !is_comment(*node)).collect()
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

//! Where a text does not parse. What is written into a file is held against this before it is offered; what completions
//! do about broken code is `complete`'s matter.

use std::ops::Range;

use tree_sitter::Node;

use super::definitions::parse;
use super::grammar::is_function;
use crate::text::Language;

/// Faults that are listed; a text in the wrong language has as many as it has words.
const MOST: usize = 200;

/// Returns the places where a text does not parse, in bytes and in their order; none for a language without a grammar.
///
/// The place of something that is missing is empty.
pub fn faults(language: Language, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(tree) = parse(language, text) else { return found };
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            found.push(node.byte_range());
        }
        // What holds no fault is passed over whole, and so is an error's inside: it is one fault.
        let enters = node.has_error() && !node.is_error() && cursor.goto_first_child();
        if found.len() == MOST {
            return found;
        }
        while !enters && !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
        if enters {
            continue;
        }
    }
}

/// Returns whether a text defines a function; `true` for a language without a grammar, where nothing can be said.
pub fn has_function(language: Language, text: &str) -> bool {
    // To its grammar, PHP without the tag that opens it is text for the reader.
    let tag = if language.id() == "php" && !text.contains("<?") { "<?php\n" } else { "" };
    let Some(tree) = parse(language, &format!("{tag}{text}")) else { return true };
    let mut cursor = tree.walk();
    loop {
        let node: Node<'_> = cursor.node();
        // The last two are Ruby's. They are not among those of `is_function`, whose unwritten bodies are known by braces.
        if is_function(node) || matches!(node.kind(), "method" | "singleton_method") {
            return true;
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
        }
    }
}

//! The function or type that a place is in, and the names in it: what a task is about when nothing is selected.

use std::ops::Range;

use tree_sitter::Node;

use super::comment::block_above;
use super::docstring::docstring_of;
use super::grammar::{is_function, is_type_or_module, wraps_function};
use super::source::Source;
use crate::text::Snapshot;

/// Languages of which [`is_free_name`] knows how their trees tell a name of one's own from that of a member.
const NAMED: &[&str] = &[
    "python",
    "rust",
    "javascript",
    "javascriptreact",
    "typescript",
    "typescriptreact",
    "go",
    "java",
    "c",
    "cpp",
];

/// A function or a type, by byte ranges of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// All of it, from the beginning of its first line's code, attributes and decorators left out.
    pub range: Range<usize>,
    /// Its beginning, up to its body: `def f(x):`, `fn f(x: u8) -> u8`.
    pub head: Range<usize>,
    /// What it is called; nothing for a function without a name.
    pub name: String,
    /// Whether it is a function.
    pub is_function: bool,
    /// Whether a comment above it or a docstring in it documents it.
    pub is_documented: bool,
    /// Where a comment above it goes: the line of its first attribute or decorator, or its own.
    pub first_line: usize,
}

/// A name, and where it means the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedName {
    /// What it is.
    pub text: String,
    /// Where it stands in the part of the text in which it means the same, in the order of the text.
    pub places: Vec<Range<usize>>,
    /// That part: the outermost function around it, or all of the text for what is not inside one.
    pub scope: Range<usize>,
}

/// Returns the innermost function or type around an offset; nothing for a language without a grammar.
pub fn item_at(snapshot: &Snapshot, offset: usize) -> Option<Item> {
    let source = Source::around(snapshot, offset.min(snapshot.len()));
    let path = source.path(on_code(&source, offset));
    let index = path.iter().rposition(|node| is_item(*node))?;
    let mut outer = index;
    while outer > 0 && (wraps_function(path[outer - 1]) || path[outer - 1].kind() == "decorated_definition") {
        outer -= 1;
    }
    let node = path[index];
    // Decorators are passed over: what is changed is what they stand before.
    let outermost = if path[outer].kind() == "decorated_definition" { node } else { path[outer] };
    let body = node.child_by_field_name("body")?;
    let start = source.start(outermost);
    let line = snapshot.line_of(start);
    let head = snapshot.slice(start..source.start(body));
    let above = |line: usize| super::comment::is_attribute(&source, line);
    let first_line = (0..line).rev().take_while(|line| above(*line)).last().unwrap_or(line);
    let is_documented = docstring_of(&source, line).is_some() || block_above(&source, line).is_some();
    Some(Item {
        range: start..start + snapshot.slice(start..source.end(outermost)).trim_end().len(),
        head: start..start + head.trim_end().len(),
        name: name_of(&source, node, &path[outer..index]),
        is_function: is_function(node),
        is_documented,
        first_line,
    })
}

/// Returns the name at an offset that is the user's own to change: not a keyword, and not the field or method of
/// something, which may be defined elsewhere. Nothing in a language whose members cannot be told from such names.
pub fn name_at(snapshot: &Snapshot, offset: usize) -> Option<ScopedName> {
    if !NAMED.contains(&snapshot.language().id()) {
        return None;
    }
    let offset = offset.min(snapshot.len());
    let source = Source::around(snapshot, offset);
    // A cursor behind the last letter of a name is on it.
    let found = [Some(offset), offset.checked_sub(1)].into_iter().flatten().find_map(|at| {
        let path = source.path(at);
        path.last().copied().filter(|node| is_free_name(*node)).map(|node| (node, path))
    });
    let (node, path) = found?;
    let text = snapshot.slice(source.start(node)..source.end(node));
    let names_a_function = |function: &Node<'_>| {
        function.child_by_field_name("name").is_some_and(|name| name.byte_range() == node.byte_range())
    };
    let outermost = path.iter().find(|outer| is_function(**outer) && !names_a_function(outer));
    let root = path.first().map(|first| root_of(*first))?;
    let scope = outermost.copied().unwrap_or(root);
    let range = source.start(scope)..source.end(scope);
    let mut places = Vec::new();
    collect(&source, scope, &text, &mut places);
    Some(ScopedName { text, places, scope: range })
}

fn root_of(mut node: Node<'_>) -> Node<'_> {
    while let Some(parent) = node.parent() {
        node = parent;
    }
    node
}

fn collect(source: &Source<'_>, scope: Node<'_>, text: &str, places: &mut Vec<Range<usize>>) {
    let end = scope.end_byte();
    let mut cursor = scope.walk();
    loop {
        let node = cursor.node();
        if node.start_byte() >= end {
            return;
        }
        let range = source.start(node)..source.end(node);
        if is_free_name(node) && source.snapshot().slice(range.clone()) == text {
            places.push(range);
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// Returns whether a node is a name that stands for itself.
fn is_free_name(node: Node<'_>) -> bool {
    const KINDS: &[&str] =
        &["identifier", "shorthand_property_identifier_pattern", "shorthand_property_identifier"];
    let Some(parent) = node.parent() else { return false };
    let is_part = |field: &str| {
        parent.child_by_field_name(field).is_some_and(|part| part.byte_range() == node.byte_range())
    };
    let belongs_to_another = match parent.kind() {
        "attribute" => is_part("attribute"),
        "keyword_argument" => is_part("name"),
        "method_invocation" => is_part("name") && parent.child_by_field_name("object").is_some(),
        "field_access" => is_part("field"),
        kind => kind.contains("import") || kind.starts_with("scoped_") || kind == "aliased_import",
    };
    KINDS.contains(&node.kind()) && !belongs_to_another
}

fn is_item(node: Node<'_>) -> bool {
    (is_function(node) || is_type_or_module(node)) && node.child_by_field_name("body").is_some()
}

/// Returns the offset of a character of code near an offset: a cursor at a line's end or in its indentation is on the
/// line's code.
fn on_code(source: &Source<'_>, offset: usize) -> usize {
    let snapshot = source.snapshot();
    let line = snapshot.line_of(offset.min(snapshot.len()));
    let text = snapshot.line(line);
    let Some(first) = source.first_character(line) else { return offset };
    let end = snapshot.line_start(line) + text.trim_end().len();
    let last = snapshot.slice(first..end).chars().next_back().map_or(0, char::len_utf8);
    offset.clamp(first, (end - last).max(first))
}

fn name_of(source: &Source<'_>, node: Node<'_>, around: &[Node<'_>]) -> String {
    let mut candidates = std::iter::once(node).chain(around.iter().rev().copied());
    let named = candidates.find_map(|node| node.child_by_field_name("name"));
    // In C the name is inside declarators.
    let declared = || {
        let mut inner = node.child_by_field_name("declarator")?;
        while let Some(deeper) = inner.child_by_field_name("declarator") {
            inner = deeper;
        }
        Some(inner)
    };
    let found = named.or_else(declared);
    found.map_or(String::new(), |name| source.snapshot().slice(source.start(name)..source.end(name)))
}

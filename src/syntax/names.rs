//! The names that a text uses, and where: what an index of definitions is asked about. What a name refers to is not
//! decided here.

use tree_sitter::Node;

use super::definitions::parse;
use crate::text::Language;

/// A name where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// The name.
    pub text: &'a str,
    /// Where it stands, in bytes.
    pub at: usize,
    /// Whether it is the member of something: `b` in `a.b`.
    pub is_member: bool,
    /// Whether a type is built on it: a base class, an interface or trait that is implemented.
    pub is_base: bool,
}

/// Returns the names in a text, in its order: of parsed languages those in code, of others all words.
pub fn names(language: Language, text: &str) -> Vec<Name<'_>> {
    match parse(language, text) {
        Some(tree) => {
            let mut found = Vec::new();
            collect(tree.root_node(), text, &mut found);
            found
        }
        None => words(text),
    }
}

fn collect<'a>(root: Node<'_>, text: &'a str, found: &mut Vec<Name<'a>>) {
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.child_count() == 0 && node.kind().ends_with("identifier") {
            let is_member = matches!(node.kind(), "field_identifier" | "property_identifier")
                || cursor.field_name() == Some("attribute");
            let name = text.get(node.byte_range());
            let is_base = is_base(node);
            found.extend(name.map(|text| Name { text, at: node.start_byte(), is_member, is_base }));
        }
        if cursor.goto_first_child() || cursor.goto_next_sibling() {
            continue;
        }
        loop {
            if !cursor.goto_parent() {
                return;
            }
            if cursor.goto_next_sibling() {
                break;
            }
        }
    }
}

/// Returns whether a name stands where a type says what it is built on.
fn is_base(node: Node<'_>) -> bool {
    const HERITAGE: &[&str] = &[
        "class_heritage",
        "extends_clause",
        "implements_clause",
        "extends_type_clause",
        "superclass",
        "super_interfaces",
        "base_class_clause",
        "base_list",
        "base_clause",
    ];
    let mut inner = node;
    // `Base<T>` and `module.Base` are one or two nodes above the name.
    for _ in 0..3 {
        let Some(outer) = inner.parent() else { return false };
        match outer.kind() {
            "type_arguments" => return false,
            "argument_list" => return outer.parent().is_some_and(|of| of.kind() == "class_definition"),
            "impl_item" => return outer.child_by_field_name("trait") == Some(inner),
            kind if HERITAGE.contains(&kind) => return true,
            _ => inner = outer,
        }
    }
    false
}

fn words(text: &str) -> Vec<Name<'_>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_part(c)) {
            (None, true) if !c.is_numeric() => start = Some(at),
            (Some(from), false) => {
                found.push(Name { text: &text[from..at], at: from, is_member: false, is_base: false });
                start = None;
            }
            _ => {}
        }
    }
    found
}

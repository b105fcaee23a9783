//! The outline of a definition: its text without function bodies, comments, long values, and members that only its own
//! file can use. What is kept stands as it was written, so that the result still reads as code.

use std::ops::Range;

use tree_sitter::Node;

use super::grammar::is_comment;
use crate::text::Language;

/// Lines of an outline at most: beyond, one type would take the room of all others.
const LINES: usize = 60;
/// Bytes of a value that is kept.
const VALUE: usize = 120;
/// Lines of a Python constructor that are kept: they are what says which attributes there are.
const CONSTRUCTOR: usize = 12;

/// Returns the outline of a node.
pub(super) fn outline(language: Language, text: &str, node: Node<'_>) -> String {
    let mut cuts = Vec::new();
    Cutter { language, text }.cut(node, &mut cuts);
    assemble(text, node, cuts)
}

/// A range that is left out, and what stands in its place.
type Cut = (Range<usize>, &'static str);

struct Cutter<'a> {
    language: Language,
    text: &'a str,
}

impl Cutter<'_> {
    fn cut(&self, node: Node<'_>, cuts: &mut Vec<Cut>) {
        if is_comment(node) || is_attribute(node) || self.is_docstring(node) || self.is_private(node) {
            // A line comment of some grammars ends behind its line.
            let text = &self.text[node.byte_range()];
            cuts.push((node.start_byte()..node.start_byte() + text.trim_end().len(), ""));
            return;
        }
        if let Some(body) = node.child_by_field_name("body").filter(|_| has_body_of_statements(node)) {
            self.cut_children(node, Some(body), cuts);
            match self.is_short_constructor(node, body) {
                true => self.cut(body, cuts),
                false => cuts.push(self.without_body(node, body)),
            }
            return;
        }
        let value = node.child_by_field_name("value").or_else(|| node.child_by_field_name("right"));
        if let Some(value) = value.filter(|value| value.byte_range().len() > VALUE && !contains_body(*value))
        {
            self.cut_children(node, Some(value), cuts);
            cuts.push((value.byte_range(), "..."));
            return;
        }
        self.cut_children(node, None, cuts);
    }

    fn cut_children(&self, node: Node<'_>, but: Option<Node<'_>>, cuts: &mut Vec<Cut>) {
        let mut cursor = node.walk();
        for child in node.children(&mut cursor).filter(|child| Some(*child) != but) {
            self.cut(child, cuts);
        }
    }

    fn without_body(&self, node: Node<'_>, body: Node<'_>) -> Cut {
        let before = &self.text[node.start_byte()..body.start_byte()];
        let start = node.start_byte() + before.trim_end().len();
        if self.language.id() == "python" {
            return (start..body.end_byte(), " ...");
        }
        match node.kind() {
            "arrow_function" | "function_expression" => (body.byte_range(), "{}"),
            // A function of Go without a body has no mark at its end.
            _ if self.language.id() == "go" => (start..body.end_byte(), ""),
            _ => (start..body.end_byte(), ";"),
        }
    }

    fn is_docstring(&self, node: Node<'_>) -> bool {
        node.kind() == "expression_statement"
            && self.language.id() == "python"
            && node.named_child_count() == 1
            && node.named_child(0).is_some_and(|child| child.kind() == "string")
    }

    /// Returns whether a member can only be used by the type itself.
    fn is_private(&self, node: Node<'_>) -> bool {
        let Some(parent) = node.parent() else { return false };
        match (self.language.id(), node.kind(), parent.kind()) {
            ("python", "function_definition", "block") => {
                let name = node.child_by_field_name("name").map(|name| &self.text[name.byte_range()]);
                name.is_some_and(|name| name.starts_with('_') && !name.ends_with("__"))
            }
            ("rust", "function_item" | "const_item", "declaration_list") => {
                let of_trait = parent.parent().is_some_and(|of| of.kind() == "trait_item");
                !of_trait && node.child(0).is_none_or(|first| first.kind() != "visibility_modifier")
            }
            (_, "public_field_definition" | "method_definition", "class_body")
            | (_, "field_declaration" | "method_declaration" | "constructor_declaration", "class_body") => {
                let head = &self.text[node.byte_range()];
                let head = head.get(..head.len().min(80)).unwrap_or(head).trim_start();
                head.starts_with("private ") || head.starts_with('#')
            }
            _ => false,
        }
    }

    fn is_short_constructor(&self, node: Node<'_>, body: Node<'_>) -> bool {
        let lines = body.end_position().row - body.start_position().row;
        let name = node.child_by_field_name("name").map(|name| &self.text[name.byte_range()]);
        name == Some("__init__") && lines < CONSTRUCTOR
    }
}

fn has_body_of_statements(node: Node<'_>) -> bool {
    const KINDS: &[&str] = &[
        "function_definition",
        "function_item",
        "function_declaration",
        "generator_function_declaration",
        "function_expression",
        "arrow_function",
        "method_definition",
        "method_declaration",
        "constructor_declaration",
    ];
    KINDS.contains(&node.kind())
}

/// Returns whether a node says something to the compiler, or to a macro, of what follows it.
fn is_attribute(node: Node<'_>) -> bool {
    matches!(node.kind(), "attribute_item" | "inner_attribute_item")
}

fn contains_body(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "arrow_function" | "function_expression" | "class" | "struct_type" | "interface_type"
    )
}

/// Puts together what is left; lines of which nothing is left go.
fn assemble(text: &str, node: Node<'_>, mut cuts: Vec<Cut>) -> String {
    cuts.sort_by_key(|(range, _)| range.start);
    let line_start = text[..node.start_byte()].rfind('\n').map_or(0, |at| at + 1);
    let indent = text[line_start..node.start_byte()].trim_start().is_empty();
    let indent = if indent { &text[line_start..node.start_byte()] } else { "" };
    let mut kept = String::new();
    let mut at = node.start_byte();
    for (range, instead) in cuts {
        if range.start < at {
            continue;
        }
        kept.push_str(&text[at..range.start]);
        kept.push_str(instead);
        at = range.end;
    }
    kept.push_str(&text[at..node.end_byte()]);
    let lines = kept.lines().map(|line| line.strip_prefix(indent).unwrap_or(line).trim_end());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).take(LINES).collect();
    lines.join("\n")
}

/// Returns how many more brackets a line of an outline opens than it closes, a body's braces left aside.
pub(super) fn bracket_depth(line: &str) -> i32 {
    let mut depth = 0;
    let mut last = ' ';
    for c in line.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '<' if last.is_alphanumeric() => depth += 1,
            '>' if !matches!(last, '=' | '-' | ' ') => depth -= 1,
            _ => {}
        }
        last = c;
    }
    // `>` at a line's start closes the parameters of a type.
    if line.starts_with('>') { depth - 1 } else { depth }
}

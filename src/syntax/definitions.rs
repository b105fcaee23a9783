//! What a file defines for others: types with their members, functions, constants, each as an outline that says how it
//! is used and leaves out how it works. Definitions inside functions are nobody else's business and are not found.

use tree_sitter::{Node, Parser, Tree};

use super::grammar::grammar;
use super::imports::{Import, imports_in};
use super::outline::outline;
use crate::text::Language;

/// Nodes are looked into to this depth: modules in modules, namespaces, `if TYPE_CHECKING:`.
const DEPTH: usize = 6;

/// Something that a file defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name. A block of methods (`impl T`, a Go method with a receiver) bears the name of its type.
    pub name: String,
    /// What it is.
    pub kind: DefinitionKind,
    /// The line where it begins, counted from 0.
    pub line: usize,
    /// Its text without bodies, comments and what only its own file can use.
    pub outline: String,
}

/// What a definition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionKind {
    /// A class, structure, enumeration, interface, trait or alias.
    Type,
    /// Methods of a type that stand apart from it.
    Methods,
    /// A function or a macro.
    Function,
    /// A constant or a variable.
    Value,
}

/// Returns what a text defines, in its order; nothing for a language that is not parsed.
pub fn definitions(language: Language, text: &str) -> Vec<Definition> {
    definitions_and_imports(language, text).0
}

/// Returns what a text defines and what it imports, for one parse.
pub fn definitions_and_imports(language: Language, text: &str) -> (Vec<Definition>, Vec<Import>) {
    let mut found = Vec::new();
    let Some(tree) = parse(language, text) else { return Default::default() };
    Finder { language, text }.visit_children(tree.root_node(), DEPTH, &mut found);
    (found, imports_in(language, text, &tree))
}

/// Returns whether texts of a language are parsed.
pub fn is_parsed(language: Language) -> bool {
    grammar(language).is_some()
}

/// Parses a text that is no open document.
pub(super) fn parse(language: Language, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&grammar(language)?).ok()?;
    parser.parse(text, None)
}

struct Finder<'a> {
    language: Language,
    text: &'a str,
}

impl Finder<'_> {
    fn visit_children(&self, node: Node<'_>, depth: usize, found: &mut Vec<Definition>) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            self.visit(child, child, depth, found);
        }
    }

    /// Looks at a node; `outer` is what its outline begins with, such as a decorator or `export`.
    fn visit(&self, node: Node<'_>, outer: Node<'_>, depth: usize, found: &mut Vec<Definition>) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match node.kind() {
            "export_statement"
            | "decorated_definition"
            | "template_declaration"
            | "ambient_declaration"
            | "expression_statement"
            | "type_declaration"
            | "const_declaration"
            | "var_declaration" => {
                let mut cursor = node.walk();
                let children: Vec<_> = node.named_children(&mut cursor).collect();
                // `const ( … )` of Go holds many, and each is told apart from the others.
                let alone = children.len() == 1 || node.kind() != "const_declaration";
                for child in children {
                    self.visit(child, if alone { outer } else { child }, depth, found);
                }
            }
            "mod_item" if self.name(node).as_deref() == Some("tests") => {}
            "mod_item" | "namespace_definition" | "internal_module" | "module" | "linkage_specification" => {
                if let Some(body) = node.child_by_field_name("body") {
                    self.visit_children(body, depth, found);
                }
            }
            "preproc_ifdef" | "preproc_if" | "preproc_else" | "if_statement" | "try_statement" | "block"
            | "declaration_list" | "statement_block" => self.visit_children(node, depth, found),
            kind => {
                let Some(kind) = kind_of(kind) else { return };
                if let Some(name) = self.name(node) {
                    let outline = outline(self.language, self.text, outer);
                    found.push(Definition { name, kind, line: outer.start_position().row, outline });
                }
            }
        }
    }

    fn name(&self, node: Node<'_>) -> Option<String> {
        let named = match node.kind() {
            // What a type does for a trait is known from the trait.
            "impl_item" if node.child_by_field_name("trait").is_some() => None,
            "impl_item" => innermost(node.child_by_field_name("type")?),
            "method_declaration" => innermost(node.child_by_field_name("receiver")?),
            "assignment" => node.child_by_field_name("left").filter(|left| left.kind() == "identifier"),
            "lexical_declaration" | "variable_declaration" => {
                node.named_child(0).and_then(|declarator| declarator.child_by_field_name("name"))
            }
            "function_definition" | "declaration" | "type_definition"
                if node.child_by_field_name("name").is_none() =>
            {
                innermost(node.child_by_field_name("declarator")?)
            }
            _ => node.child_by_field_name("name"),
        };
        let name = self.text.get(named?.byte_range())?;
        (!name.is_empty() && name.len() <= 100 && !name.contains(char::is_whitespace))
            .then(|| name.to_owned())
    }
}

/// Returns the name inside a declarator, a receiver or a type with arguments.
fn innermost(node: Node<'_>) -> Option<Node<'_>> {
    let mut queue = std::collections::VecDeque::from([node]);
    let mut looked_at = 0;
    while let Some(node) = queue.pop_front() {
        if matches!(node.kind(), "type_identifier" | "field_identifier") {
            return Some(node);
        }
        // The receiver `r *T` has a name of its own before the type; a C declarator has nothing else.
        if node.kind() == "identifier"
            && node.parent().is_none_or(|parent| parent.kind() != "parameter_declaration")
        {
            return Some(node);
        }
        looked_at += 1;
        if looked_at > 40 {
            return None;
        }
        let mut cursor = node.walk();
        queue.extend(node.named_children(&mut cursor));
    }
    None
}

fn kind_of(node_kind: &str) -> Option<DefinitionKind> {
    Some(match node_kind {
        "class_definition"
        | "class_declaration"
        | "abstract_class_declaration"
        | "class_specifier"
        | "struct_specifier"
        | "struct_item"
        | "enum_item"
        | "enum_declaration"
        | "enum_specifier"
        | "union_item"
        | "union_specifier"
        | "trait_item"
        | "interface_declaration"
        | "record_declaration"
        | "type_alias_declaration"
        | "type_item"
        | "type_spec"
        | "type_alias"
        | "type_definition"
        | "type_alias_statement" => DefinitionKind::Type,
        "impl_item" | "method_declaration" => DefinitionKind::Methods,
        "function_definition"
        | "function_item"
        | "function_declaration"
        | "generator_function_declaration"
        | "function_signature"
        | "macro_definition"
        | "preproc_function_def" => DefinitionKind::Function,
        "const_item"
        | "static_item"
        | "lexical_declaration"
        | "variable_declaration"
        | "const_spec"
        | "var_spec"
        | "assignment"
        | "declaration"
        | "preproc_def" => DefinitionKind::Value,
        _ => return None,
    })
}

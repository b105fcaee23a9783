//! Which languages are parsed, and what their grammars call the few things asked for here.
//! One list serves all grammars where their names do not clash.

use tree_sitter::Node;

use crate::text::Language;

/// Returns the grammar of a language, if it is one of those parsed.
pub(super) fn grammar(language: Language) -> Option<tree_sitter::Language> {
    Some(match language.id() {
        "python" => tree_sitter_python::LANGUAGE.into(),
        "rust" => tree_sitter_rust::LANGUAGE.into(),
        "javascript" | "javascriptreact" => tree_sitter_javascript::LANGUAGE.into(),
        "typescript" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        "typescriptreact" => tree_sitter_typescript::LANGUAGE_TSX.into(),
        "go" => tree_sitter_go::LANGUAGE.into(),
        "java" => tree_sitter_java::LANGUAGE.into(),
        "c" => tree_sitter_c::LANGUAGE.into(),
        "cpp" => tree_sitter_cpp::LANGUAGE.into(),
        "csharp" => tree_sitter_c_sharp::LANGUAGE.into(),
        "ruby" => tree_sitter_ruby::LANGUAGE.into(),
        "php" => tree_sitter_php::LANGUAGE_PHP.into(),
        "lua" => tree_sitter_lua::LANGUAGE.into(),
        "shellscript" => tree_sitter_bash::LANGUAGE.into(),
        "json" | "jsonc" => tree_sitter_json::LANGUAGE.into(),
        "yaml" => tree_sitter_yaml::LANGUAGE.into(),
        "toml" => tree_sitter_toml_ng::LANGUAGE.into(),
        "html" => tree_sitter_html::LANGUAGE.into(),
        "css" => tree_sitter_css::LANGUAGE.into(),
        "markdown" => tree_sitter_md::LANGUAGE.into(),
        _ => return None,
    })
}

/// Returns whether a node is a comment, or the part of one that Rust's grammar makes its own node.
pub(super) fn is_comment(node: Node<'_>) -> bool {
    node.kind().contains("comment")
}

/// Returns whether a node is a function, method or constructor with a body.
pub(super) fn is_function(node: Node<'_>) -> bool {
    const KINDS: &[&str] = &[
        "function_definition",
        "function_item",
        "function_declaration",
        "local_function_statement",
        "function_expression",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
        "method_declaration",
        "constructor_declaration",
    ];
    KINDS.contains(&node.kind())
}

/// Returns whether a node stands around a function without being one: `export`, `const f = …`, `template<…>`.
pub(super) fn wraps_function(node: Node<'_>) -> bool {
    const KINDS: &[&str] = &[
        "export_statement",
        "lexical_declaration",
        "variable_declaration",
        "variable_declarator",
        "public_field_definition",
        "field_definition",
        "template_declaration",
        "ambient_declaration",
        "global_statement",
    ];
    KINDS.contains(&node.kind())
}

/// Returns whether a node defines a type or a module, so that a comment above it is about that.
pub(super) fn is_type_or_module(node: Node<'_>) -> bool {
    const PARTS: &[&str] =
        &["class", "struct", "enum", "interface", "trait", "impl_", "mod_", "namespace", "union", "record"];
    PARTS.iter().any(|part| node.kind().starts_with(part))
}

/// Returns whether a node is only the list of what stands in a file or a body.
///
/// In some grammars such a node begins at its first statement, and a comment above that one would seem to govern all.
pub(super) fn is_list(node: Node<'_>) -> bool {
    const KINDS: &[&str] =
        &["module", "program", "source_file", "translation_unit", "block", "statement_list"];
    KINDS.contains(&node.kind())
}

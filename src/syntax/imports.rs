//! What a file imports, as it is written there: which module, and which names of it. Which file that is on disk is for
//! the index of the workspace to say.

use tree_sitter::{Node, Tree};

use super::definitions::parse;
use crate::text::Language;

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Import {
    /// The module as it is written, without quotes: `..shared.auth`, `crate::model`, `./lifecycle`, `util/list.h`.
    pub module: String,
    /// The names taken from it; none where it is imported as a whole, `*` for all of them.
    pub names: Vec<String>,
    /// What the file calls it, where that is another name: `t` of `import types as t`.
    pub alias: Option<String>,
}

impl Import {
    fn of(module: String, names: Vec<String>) -> Self {
        Self { module, names, alias: None }
    }
}

/// Returns what a text imports, in its order; nothing for a language that is not parsed.
pub fn imports(language: Language, text: &str) -> Vec<Import> {
    parse(language, text).map(|tree| imports_in(language, text, &tree)).unwrap_or_default()
}

/// Returns what a parsed text imports.
pub(super) fn imports_in(language: Language, text: &str, tree: &Tree) -> Vec<Import> {
    let reader = Reader { text, language };
    let mut found = Vec::new();
    let mut nodes = vec![(tree.root_node(), 0)];
    while let Some((node, depth)) = nodes.pop() {
        if !reader.read(node, &mut found) && depth < 8 {
            let mut cursor = node.walk();
            let children: Vec<_> = node.named_children(&mut cursor).map(|child| (child, depth + 1)).collect();
            nodes.extend(children.into_iter().rev());
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    language: Language,
}

impl Reader<'_> {
    /// Takes what a node imports; returns whether it was an import.
    fn read(&self, node: Node<'_>, found: &mut Vec<Import>) -> bool {
        match (self.language.id(), node.kind()) {
            ("python", "import_from_statement") => {
                let Some(module) = node.child_by_field_name("module_name") else { return true };
                let (aliased, plain): (Vec<_>, Vec<_>) =
                    self.fields(node, "name").into_iter().partition(|(_, alias)| alias.is_some());
                let mut names: Vec<String> = plain.into_iter().map(|(name, _)| name).collect();
                let mut cursor = node.walk();
                if node.named_children(&mut cursor).any(|child| child.kind() == "wildcard_import") {
                    names.push("*".into());
                }
                let aliased = aliased.into_iter().map(|(name, alias)| (vec![name], alias));
                let plain = (!names.is_empty()).then_some((names, None));
                let module = self.of(module);
                found.extend(aliased.chain(plain).map(|(names, alias)| Import {
                    module: module.clone(),
                    names,
                    alias,
                }));
            }
            ("python", "import_statement") => {
                let modules = self.fields(node, "name").into_iter();
                found.extend(modules.map(|(module, alias)| Import { module, names: Vec::new(), alias }));
            }
            ("rust", "use_declaration") => {
                if let Some(tree) = node.child_by_field_name("argument") {
                    self.use_tree(tree, "", found);
                }
            }
            ("rust", "mod_item") if node.child_by_field_name("body").is_none() => {
                let name = node.child_by_field_name("name").map(|name| self.of(name));
                found.extend(name.map(|name| Import::of(format!("self::{name}"), Vec::new())));
            }
            (_, "import_statement" | "export_statement") => {
                let Some(source) = node.child_by_field_name("source") else { return false };
                let module = unquoted(&self.of(source));
                match self.namespace(node) {
                    Some(alias) => found.push(Import { module, names: Vec::new(), alias: Some(alias) }),
                    None => found.push(Import::of(module, self.names_of_clause(node))),
                }
            }
            (_, "call_expression") if self.is_require(node) => {
                let argument = node.child_by_field_name("arguments").and_then(|list| list.named_child(0));
                let module = argument.filter(|argument| argument.kind() == "string");
                let module = module.map(|module| unquoted(&self.of(module)));
                found.extend(module.map(|module| Import::of(module, Vec::new())));
            }
            ("go", "import_spec") => {
                let path = node.child_by_field_name("path").map(|path| unquoted(&self.of(path)));
                found.extend(path.map(|module| Import::of(module, Vec::new())));
            }
            ("java", "import_declaration") => {
                let path = node.named_child(0).map(|path| self.of(path)).unwrap_or_default();
                let all = node.named_child(1).is_some_and(|child| child.kind() == "asterisk");
                let (module, name) = if all {
                    (path.as_str(), "*")
                } else {
                    path.rsplit_once('.').unwrap_or((path.as_str(), "*"))
                };
                found.push(Import::of(module.into(), vec![name.into()]));
            }
            ("c" | "cpp", "preproc_include") => {
                let path = node.child_by_field_name("path").map(|path| unquoted(&self.of(path)));
                found.extend(path.map(|module| Import::of(module, vec!["*".into()])));
            }
            _ => return false,
        }
        true
    }

    /// Takes apart `a::{b, c::D as E, f::*}`.
    fn use_tree(&self, tree: Node<'_>, before: &str, found: &mut Vec<Import>) {
        let joined = |path: &str| match (before.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (_, true) => before.to_owned(),
            _ => format!("{before}::{path}"),
        };
        let mut one =
            |module: String, name: &str| match found.iter_mut().find(|import| import.module == module) {
                Some(import) => import.names.push(name.into()),
                None => found.push(Import::of(module, vec![name.into()])),
            };
        match tree.kind() {
            "use_list" => {
                let mut cursor = tree.walk();
                for child in tree.named_children(&mut cursor) {
                    self.use_tree(child, before, found);
                }
            }
            "scoped_use_list" => {
                let path = tree.child_by_field_name("path").map(|path| self.of(path)).unwrap_or_default();
                if let Some(list) = tree.child_by_field_name("list") {
                    self.use_tree(list, &joined(&path), found);
                }
            }
            "use_as_clause" => {
                if let Some(path) = tree.child_by_field_name("path") {
                    self.use_tree(path, before, found);
                }
            }
            "use_wildcard" => {
                let path = tree.named_child(0).map(|path| self.of(path)).unwrap_or_default();
                one(joined(&path), "*");
            }
            _ => {
                let path = joined(&self.of(tree));
                match path.rsplit_once("::") {
                    Some((module, name)) => one(module.to_owned(), name),
                    None => one(path, "*"),
                }
            }
        }
    }

    /// Returns `ns` of `import * as ns`.
    fn namespace(&self, node: Node<'_>) -> Option<String> {
        let mut cursor = node.walk();
        let clause = node.named_children(&mut cursor).find(|child| child.kind() == "import_clause")?;
        let mut cursor = clause.walk();
        let namespace =
            clause.named_children(&mut cursor).find(|child| child.kind() == "namespace_import")?;
        Some(self.of(namespace.named_child(0)?))
    }

    fn names_of_clause(&self, node: Node<'_>) -> Vec<String> {
        let mut names = Vec::new();
        let mut nodes = vec![node];
        while let Some(node) = nodes.pop() {
            match node.kind() {
                "import_specifier" | "export_specifier" => {
                    names.extend(node.child_by_field_name("name").map(|name| self.of(name)));
                    continue;
                }
                "identifier" => names.push(self.of(node)),
                _ => {}
            }
            let mut cursor = node.walk();
            nodes.extend(node.named_children(&mut cursor));
        }
        let text = self.of(node);
        if names.is_empty() && text.starts_with("export") && text.contains('*') {
            names.push("*".into());
        }
        names
    }

    fn is_require(&self, node: Node<'_>) -> bool {
        node.child_by_field_name("function")
            .is_some_and(|function| &self.text[function.byte_range()] == "require")
    }

    /// Returns the texts of a field; of aliased ones what is aliased, and the alias.
    fn fields(&self, node: Node<'_>, field: &str) -> Vec<(String, Option<String>)> {
        let mut cursor = node.walk();
        let of = |child: Node<'_>| match child.kind() {
            "aliased_import" => {
                let alias = child.child_by_field_name("alias").map(|alias| self.of(alias));
                child.child_by_field_name("name").map(|name| (self.of(name), alias))
            }
            _ => Some((self.of(child), None)),
        };
        node.children_by_field_name(field, &mut cursor).filter_map(of).collect()
    }

    fn of(&self, node: Node<'_>) -> String {
        self.text.get(node.byte_range()).unwrap_or_default().to_owned()
    }
}

fn unquoted(text: &str) -> String {
    text.trim_matches(['"', '\'', '`', '<', '>']).to_owned()
}

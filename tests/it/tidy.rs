//! The picture of the design, held against the source: who may import whom, which crate has which one user, and the
//! shape of files.

use std::fs;
use std::path::{Path, PathBuf};

/// A file has at most this many lines.
const LINE_BOUND: usize = 500;

/// Who may import which modules of ours. `cli` is on top and may all.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("model", &[]),
    ("fetch", &[]),
    ("config", &[]),
    ("stats", &[]),
    ("syntax", &["text"]),
    ("secrets", &[]),
    ("workspace", &["syntax", "text", "secrets"]),
    ("complete", &["text", "syntax", "workspace"]),
    ("engine", &["model"]),
    // The one place where the completion logic's parts become the engine's tokens.
    ("source", &["complete", "engine", "model", "fetch", "secrets"]),
    // Of the engine only its plain data: the cancel token, parameters, the watcher.
    ("assist", &["source", "engine", "complete", "workspace", "syntax", "text", "config"]),
    ("server", &["assist", "source", "engine", "complete", "workspace", "syntax", "text", "config", "stats"]),
];

/// Which modules may use a crate that has an owner. `cli` speaks HTTP in `bench` only, with the peer that it measures: a
/// source for remote models would have to be told to measure, and `fetch` is for files.
const OWNERS: &[(&str, &[&str])] = &[
    ("ropey", &["text"]),
    ("tree_sitter", &["syntax"]),
    ("ignore", &["workspace"]),
    ("candle_core", &["model"]),
    ("candle_flash_attn", &["model"]),
    ("candle_nn", &["model"]),
    ("candle_transformers", &["model"]),
    ("tokenizers", &["model"]),
    ("minijinja", &["model"]),
    ("tower_lsp", &["server"]),
    ("tower_service", &["server"]),
    ("ureq", &["fetch", "cli/bench"]),
    ("reqwest", &["source"]),
    ("keyring", &["source"]),
    ("interprocess", &["source"]),
    ("regex", &["secrets"]),
    ("zip", &["fetch"]),
    ("sha2", &["fetch", "text"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
];

/// A source file, by its path below `src`, with comments taken out.
struct Source {
    path: String,
    text: String,
    code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let code = code.collect::<Vec<_>>().join("\n");
        let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        Self { path, text, code }
    }

    /// The module at the top of the crate that the file belongs to.
    fn module(&self) -> &str {
        let name = self.path.split('/').next().unwrap_or_default();
        name.strip_suffix(".rs").unwrap_or(name)
    }

    fn is_within(&self, module: &str) -> bool {
        self.path.strip_prefix(module).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }

    /// The names that follow `crate::`, in `use` lines and in paths.
    fn imports(&self) -> impl Iterator<Item = &str> {
        self.code.split("crate::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').map(first_name).collect(),
            None => vec![first_name(rest)],
        })
    }

    fn uses(&self, name: &str) -> bool {
        let is_border = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        self.code.match_indices(name).any(|(at, _)| {
            let after = &self.code[at + name.len()..];
            // `tree_sitter_python` is a grammar, and grammars go with the parser.
            let is_grammar = name == "tree_sitter" && after.starts_with('_');
            is_border(self.code[..at].chars().next_back()) && (after.starts_with("::") || is_grammar)
        })
    }
}

fn first_name(path: &str) -> &str {
    let path = path.trim_start();
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    &path[..end]
}

fn rust_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    files.iter().map(|path| Source::read(&root, path)).collect()
}

/// Fails with all that is wrong, one a line.
#[track_caller]
fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    let known = |name: &str| DIRECTIONS.iter().any(|(module, _)| *module == name) || name == "cli";
    for source in sources("src") {
        let module = source.module();
        let Some((_, allowed)) = DIRECTIONS.iter().find(|(name, _)| *name == module) else {
            if !["cli", "lib", "main"].contains(&module) {
                wrong.push(format!("src/{}: `{module}` has no place in the directions", source.path));
            }
            continue;
        };
        for import in source.imports().filter(|import| known(import)) {
            if import != module && !allowed.contains(&import) {
                wrong.push(format!("src/{}: `{module}` may not import `{import}`", source.path));
            }
        }
    }
    none_of(&wrong);
}

#[test]
fn a_crate_with_an_owner_is_used_by_nobody_else() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        for (name, owners) in OWNERS {
            if source.uses(name) && !owners.iter().any(|owner| source.is_within(owner)) {
                wrong.push(format!("src/{}: `{name}` belongs to {owners:?}", source.path));
            }
        }
    }
    none_of(&wrong);
}

#[test]
fn every_owner_uses_its_crate() {
    let sources = sources("src");
    let unused = OWNERS.iter().filter(|(name, _)| !sources.iter().any(|source| source.uses(name)));
    none_of(&unused.map(|(name, _)| format!("nobody uses `{name}`")).collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_is_about_and_none_is_too_long() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).exists() {
            continue;
        }
        for source in sources(folder) {
            let lines = source.text.lines().count();
            if lines > LINE_BOUND {
                wrong.push(format!("{folder}/{}: {lines} lines", source.path));
            }
            if !source.text.starts_with("//!") {
                wrong.push(format!("{folder}/{}: does not begin with `//!`", source.path));
            }
            if source.path.ends_with("mod.rs") {
                wrong.push(format!("{folder}/{}: is a mod.rs", source.path));
            }
        }
    }
    none_of(&wrong);
}

#[test]
fn no_module_is_named_after_nothing() {
    let vague = ["utils", "util", "helpers", "helper", "common", "manager", "misc"];
    let named =
        |source: &Source| source.path.trim_end_matches(".rs").split('/').any(|part| vague.contains(&part));
    let wrong: Vec<_> =
        sources("src").iter().filter(|source| named(source)).map(|s| s.path.clone()).collect();
    none_of(&wrong);
}

/// `fetch` and `model` know nothing of each other, and yet the catalogue must not offer what cannot be run.
#[test]
fn the_catalogue_and_the_decoder_support_the_same_architectures() {
    assert_eq!(infill_ls::fetch::SUPPORTED_ARCHITECTURES, infill_ls::model::SUPPORTED);
}

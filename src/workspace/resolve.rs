//! Which file of the workspace an import means, and where a name that is used comes from. By the plain rules of each
//! language, without its build files: what cannot be told this way is looked up by its name, and taken if there is only
//! one such.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::index::{IndexedFile, Place, Workspace, places};
use crate::syntax::{DefinitionKind, Import};
use crate::text::Language;

/// Files through which a name is followed that one only passes on from another.
const PASSED_ON: usize = 4;

/// Files that define a name, beyond which it says nothing without an import.
const AMBIGUOUS: usize = 2;

/// An import whose file is in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file.
    pub file: Arc<IndexedFile>,
    /// The names taken from it; none where it is used as a whole, `*` for all of them.
    pub names: Vec<String>,
    /// What the file calls it, where it is used as a whole and has a name: `types` of `types.Token`.
    pub called: Option<String>,
}

impl Imported {
    fn of(file: Arc<IndexedFile>, import: &Import) -> Self {
        let parts = |text: &str| text.rsplit(['.', ':', '/']).next().unwrap_or_default().to_owned();
        let called = || import.alias.clone().or_else(|| Some(parts(&import.module)));
        let (names, called) = match submodule(&file, import) {
            Some(name) => (Vec::new(), import.alias.clone().or(Some(name))),
            None if import.names.is_empty() => (Vec::new(), called()),
            None => (import.names.clone(), None),
        };
        Self { file, names, called }
    }
}

/// Returns the name of an import that is the file itself and not something in it: `from package import module`,
/// `use crate::module`.
fn submodule(file: &IndexedFile, import: &Import) -> Option<String> {
    if !matches!(file.language.id(), "python" | "rust") {
        return None;
    }
    let stem = file.path.file_stem()?.to_str()?;
    let place = match stem {
        "__init__" | "mod" => file.path.parent()?,
        _ => &file.path.with_extension(""),
    };
    let name = import.names.iter().find(|name| place.file_name().is_some_and(|own| own == name.as_str()))?;
    let package = import.module.rsplit(['.', ':']).next().filter(|part| !part.is_empty());
    let is_in_it = match package {
        None | Some("crate" | "self" | "super") => true,
        Some(package) => place.parent()?.file_name().is_some_and(|folder| folder == package),
    };
    is_in_it.then(|| name.clone())
}

/// The files that an import of a file leads to.
type Targets = HashMap<(PathBuf, Import), Vec<Arc<IndexedFile>>>;

/// Answers questions about one state of the index, and remembers where imports lead: the same ones are met again and
/// again on the way of a name.
pub struct Resolver<'a> {
    workspace: &'a Workspace,
    targets: RefCell<Targets>,
}

impl<'a> Resolver<'a> {
    /// Returns a resolver that remembers nothing yet.
    pub fn new(workspace: &'a Workspace) -> Self {
        Self { workspace, targets: RefCell::default() }
    }

    /// Returns which of a file's imports are files of the workspace. In languages whose files share a package without
    /// saying so, the files beside it are among them.
    pub fn imported(&self, from: &Path, language: Language, imports: &[Import]) -> Vec<Imported> {
        let mut found: Vec<Imported> = Vec::new();
        for import in imports {
            for file in self.targets(from, language, import) {
                if file.path != from {
                    found.push(Imported::of(file, import));
                }
            }
        }
        if matches!(language.id(), "go" | "java") {
            let beside = from.parent().map(|folder| self.workspace.beside(folder)).unwrap_or_default();
            let beside = beside.into_iter().filter(|file| file.path != from && file.language == language);
            found.extend(beside.map(|file| Imported { file, names: vec!["*".into()], called: None }));
        }
        found
    }

    /// Returns the definitions that a name used in a file with these imports means, and whether an import said so.
    pub fn meant(
        &self,
        name: &str,
        from: &Path,
        language: Language,
        imported: &[Imported],
    ) -> (Vec<Place>, bool) {
        let mut anywhere = self.workspace.defined(name);
        if anywhere.is_empty() {
            return (Vec::new(), false);
        }
        let by_name = imported.iter().filter(|import| import.names.iter().any(|known| known == name));
        let whole =
            imported.iter().filter(|import| import.names.is_empty() || import.names.iter().any(|n| n == "*"));
        let of = |import: &Imported| self.followed(name, &import.file, PASSED_ON, &mut HashSet::new());
        // A package may be many files, each with a part of what a name stands for.
        let found =
            by_name.map(of).find(|found| !found.is_empty()).unwrap_or_else(|| whole.flat_map(of).collect());
        if !found.is_empty() {
            return (self.with_methods(name, found), true);
        }
        let telling = |kind| kind != DefinitionKind::Value || name.chars().all(|c| !c.is_lowercase());
        anywhere.retain(|place| {
            place.file.path != from
                && is_kin(place.file.language, language)
                && telling(place.definition().kind)
        });
        let files: HashSet<&Path> = anywhere
            .iter()
            .filter(|place| place.definition().kind != DefinitionKind::Methods)
            .map(|place| place.file.path.as_path())
            .collect();
        let known = (1..=AMBIGUOUS).contains(&files.len());
        (if known { anywhere } else { Vec::new() }, false)
    }

    /// Returns the definitions of a name in a file, or in those that it passes the name on from.
    fn followed(
        &self,
        name: &str,
        file: &Arc<IndexedFile>,
        depth: usize,
        seen: &mut HashSet<PathBuf>,
    ) -> Vec<Place> {
        let own: Vec<Place> = places(file, name).collect();
        if !own.is_empty() || depth == 0 || !seen.insert(file.path.clone()) {
            return own;
        }
        let passes = |import: &&Import| import.names.iter().any(|known| known == name || known == "*");
        for import in file.imports.iter().filter(passes) {
            for target in self.targets(&file.path, file.language, import) {
                let found = self.followed(name, &target, depth - 1, seen);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Vec::new()
    }

    /// Adds the methods of a type that stand in other files, where only one file defines a type of this name.
    fn with_methods(&self, name: &str, mut found: Vec<Place>) -> Vec<Place> {
        let all = self.workspace.defined(name);
        let types = all.iter().filter(|place| place.definition().kind == DefinitionKind::Type).count();
        if types == 1 {
            let methods = all.into_iter().filter(|place| place.definition().kind == DefinitionKind::Methods);
            found.extend(methods.filter(|place| !found.contains(place)).collect::<Vec<_>>());
        }
        found
    }

    fn targets(&self, from: &Path, language: Language, import: &Import) -> Vec<Arc<IndexedFile>> {
        let key = (from.to_owned(), import.clone());
        if let Some(known) = self.targets.borrow().get(&key) {
            return known.clone();
        }
        let found = self.workspace.targets(from, language, import);
        self.targets.borrow_mut().insert(key, found.clone());
        found
    }
}

impl Workspace {
    fn targets(&self, from: &Path, language: Language, import: &Import) -> Vec<Arc<IndexedFile>> {
        let paths = match language.id() {
            "python" => self.python(from, import),
            "rust" => {
                let parts = import.names.iter().filter(|name| *name != "*");
                let parts = parts.map(|name| format!("{}::{name}", import.module));
                parts.chain([import.module.clone()]).flat_map(|module| self.rust(from, &module)).collect()
            }
            "javascript" | "javascriptreact" | "typescript" | "typescriptreact" => {
                self.script(from, &import.module)
            }
            "java" => self.java(from, import),
            "go" => return self.go(from, &import.module),
            "c" | "cpp" => self.header(from, &import.module),
            _ => Vec::new(),
        };
        let mut seen = HashSet::new();
        paths
            .iter()
            .map(|path| plain(path))
            .filter(|path| seen.insert(path.clone()))
            .filter_map(|path| self.file(&path))
            .collect()
    }

    /// The folders from that of a file up to its workspace folder.
    fn upward<'a>(&self, from: &'a Path) -> Vec<&'a Path> {
        let root = self.root_of(from).map(Path::to_owned).unwrap_or_default();
        from.ancestors().skip(1).take_while(|folder| folder.starts_with(&root)).collect()
    }

    fn python(&self, from: &Path, import: &Import) -> Vec<PathBuf> {
        let name = import.module.trim_start_matches('.');
        let dots = import.module.len() - name.len();
        let below: PathBuf = name.split('.').filter(|part| !part.is_empty()).collect();
        let bases: Vec<PathBuf> = match dots {
            0 => self
                .upward(from)
                .into_iter()
                .flat_map(|folder| [folder.to_owned(), folder.join("src")])
                .collect(),
            _ => from.ancestors().nth(dots).map(Path::to_owned).into_iter().collect(),
        };
        let mut paths = Vec::new();
        for base in bases {
            let module = base.join(&below);
            // `from package import module` names a file, not something in one.
            let parts = import.names.iter().map(|name| module.join(name));
            for module in parts.chain([module.clone()]) {
                paths.push(module.with_extension("py"));
                paths.push(module.with_extension("pyi"));
                paths.push(module.join("__init__.py"));
            }
        }
        paths
    }

    fn rust(&self, from: &Path, module: &str) -> Vec<PathBuf> {
        let mut parts: Vec<&str> = module.split("::").collect();
        let own_folder = |file: &Path| match file.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") | None => file.parent().unwrap_or(file).to_owned(),
            Some(stem) => file.parent().unwrap_or(file).join(stem),
        };
        let source = |file: &Path| {
            let is_root = |folder: &&&Path| {
                ["lib.rs", "main.rs"].iter().any(|name| self.file(&folder.join(name)).is_some())
            };
            self.upward(file).iter().find(is_root).map(|folder| folder.to_path_buf())
        };
        let mut folder = match parts.first().copied() {
            Some("crate") => source(from),
            Some("self") => Some(own_folder(from)),
            Some("super") => own_folder(from).parent().map(Path::to_owned),
            Some(name) => {
                let child = own_folder(from);
                let is_module = self.file(&child.join(name).with_extension("rs")).is_some()
                    || self.file(&child.join(name).join("mod.rs")).is_some();
                let package = || {
                    let dashed = name.replace('_', "-");
                    let all = self.upward(from);
                    let beside = all
                        .iter()
                        .flat_map(|folder| [folder.join(&dashed), folder.join("crates").join(&dashed)]);
                    beside
                        .map(|folder| folder.join("src"))
                        .find(|folder| self.file(&folder.join("lib.rs")).is_some())
                };
                if is_module {
                    parts.insert(0, "self");
                    Some(child)
                } else {
                    package()
                }
            }
            None => None,
        };
        while parts.get(1) == Some(&"super") {
            parts.remove(1);
            folder = folder.and_then(|folder| folder.parent().map(Path::to_owned));
        }
        let Some(folder) = folder else { return Vec::new() };
        // The last parts may be items in a file and no files.
        for end in (1..=parts.len()).rev() {
            let path: PathBuf = parts[1..end].iter().fold(folder.clone(), |path, part| path.join(part));
            let files = match end {
                1 => ["mod.rs", "lib.rs", "main.rs"].map(|name| path.join(name)).to_vec(),
                _ => vec![path.with_extension("rs"), path.join("mod.rs")],
            };
            let own = (end == 1).then(|| path.with_extension("rs"));
            let known: Vec<PathBuf> =
                files.into_iter().chain(own).filter(|file| self.file(file).is_some()).collect();
            if !known.is_empty() {
                return known;
            }
        }
        Vec::new()
    }

    fn script(&self, from: &Path, module: &str) -> Vec<PathBuf> {
        let bases: Vec<PathBuf> = match module.strip_prefix("@/").or_else(|| module.strip_prefix("~/")) {
            Some(rest) => self
                .upward(from)
                .iter()
                .flat_map(|folder| [folder.join("src").join(rest), folder.join(rest)])
                .collect(),
            None if module.starts_with('.') => {
                from.parent().map(|folder| folder.join(module)).into_iter().collect()
            }
            None => Vec::new(),
        };
        let mut paths = Vec::new();
        for base in bases {
            // TypeScript is imported by the name of the JavaScript that it becomes.
            let text = base.to_string_lossy();
            let stem = [".js", ".jsx", ".mjs", ".cjs"]
                .iter()
                .find_map(|ending| text.strip_suffix(ending))
                .unwrap_or(&text);
            for ending in ["ts", "tsx", "d.ts", "mts", "js", "jsx", "mjs", "cjs"] {
                paths.push(PathBuf::from(format!("{stem}.{ending}")));
                paths.push(PathBuf::from(format!("{stem}/index.{ending}")));
            }
            paths.push(base.clone());
        }
        paths
    }

    fn java(&self, from: &Path, import: &Import) -> Vec<PathBuf> {
        let below: PathBuf = import.module.split('.').collect();
        let bases = self.upward(from);
        if import.names.iter().any(|name| name == "*") {
            let folders = bases.iter().map(|base| base.join(&below));
            return folders.flat_map(|folder| self.beside(&folder)).map(|file| file.path.clone()).collect();
        }
        let named = |base: &&Path| {
            import.names.iter().map(|name| base.join(&below).join(format!("{name}.java"))).collect::<Vec<_>>()
        };
        bases.iter().flat_map(named).collect()
    }

    /// A package is a folder; which part of its path is the module's own is in no file that is read here.
    fn go(&self, from: &Path, module: &str) -> Vec<Arc<IndexedFile>> {
        let parts: Vec<&str> = module.split('/').collect();
        let folders = self.upward(from);
        for start in 0..parts.len() {
            let below: PathBuf = parts[start..].iter().collect();
            for folder in &folders {
                let mut files = self.beside(&folder.join(&below));
                files.retain(|file| file.language.id() == "go");
                if !files.is_empty() {
                    return files;
                }
            }
        }
        Vec::new()
    }

    fn header(&self, from: &Path, module: &str) -> Vec<PathBuf> {
        let folders = self.upward(from);
        folders
            .iter()
            .flat_map(|folder| {
                [folder.join(module), folder.join("include").join(module), folder.join("src").join(module)]
            })
            .collect()
    }
}

/// Returns whether code of one language can use what is defined in the other.
fn is_kin(a: Language, b: Language) -> bool {
    let family = |language: Language| match language.id() {
        "javascript" | "javascriptreact" | "typescript" | "typescriptreact" => "script",
        "c" | "cpp" => "c",
        other => other,
    };
    family(a) == family(b)
}

/// Returns a path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

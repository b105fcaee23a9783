//! The index: each file's definitions and imports, and where a name is defined. Bounded in memory; texts are not kept,
//! only their outlines. Files are read by `scan`, or handed in as they are open in an editor.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use super::rules::{self, Rules};
use crate::syntax::{self, Definition, Import};
use crate::text::Language;

/// Bytes of outlines that are kept. A project beyond that keeps what was read first.
const BYTES: usize = 48 << 20;

/// What is known of the files of the workspace folders. Shared between threads; no call waits for another's file.
#[derive(Debug, Default)]
pub struct Workspace {
    roots: Vec<PathBuf>,
    pub(super) rules: Rules,
    files: RwLock<Files>,
}

#[derive(Debug, Default)]
struct Files {
    by_path: HashMap<PathBuf, Arc<IndexedFile>>,
    /// The files that define a name.
    by_name: HashMap<String, Vec<Arc<IndexedFile>>>,
    /// Files whose text is the editor's and not the disk's.
    open: HashSet<PathBuf>,
    bytes: usize,
}

/// A file of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub struct IndexedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The path below its workspace folder, with slashes, as a model is shown it.
    pub shown: String,
    /// Its language.
    pub language: Language,
    /// What it defines.
    pub definitions: Vec<Definition>,
    /// What it imports.
    pub imports: Vec<Import>,
    pub(super) stamp: Option<Stamp>,
}

/// What tells whether a file has changed on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) modified: Option<SystemTime>,
    pub(super) bytes: u64,
}

/// Where a name is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<IndexedFile>,
    /// Which of its definitions.
    pub index: usize,
}

impl Place {
    /// Returns the definition.
    pub fn definition(&self) -> &Definition {
        &self.file.definitions[self.index]
    }
}

impl Workspace {
    /// Returns an index of these folders that knows no file yet.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        Self { roots, ..Self::default() }
    }

    /// Returns the workspace folders.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Returns the folder that a file lies in.
    pub fn root_of(&self, path: &Path) -> Option<&Path> {
        let within = self.roots.iter().filter(|root| path.starts_with(root));
        within.max_by_key(|root| root.as_os_str().len()).map(PathBuf::as_path)
    }

    /// Returns whether a `.infillignore` says that a file is to be left alone.
    pub fn excludes(&self, path: &Path) -> bool {
        self.root_of(path).is_some_and(|root| self.rules.exclude(root, path))
    }

    /// Takes over the text that an editor has of a file; its text on disk no longer counts.
    pub fn open(&self, path: &Path, language: Language, text: &str) {
        self.write().open.insert(path.to_owned());
        match self.excludes(path) {
            true => self.remove(path),
            false => self.put(path, language, text, None),
        }
    }

    /// Says that an editor has let go of a file, whose text on disk counts again once it is scanned.
    pub fn close(&self, path: &Path) {
        let mut files = self.write();
        files.open.remove(path);
    }

    /// Forgets a file.
    pub fn remove(&self, path: &Path) {
        self.write().remove(path);
    }

    /// Returns a file by its path.
    pub fn file(&self, path: &Path) -> Option<Arc<IndexedFile>> {
        self.read().by_path.get(path).cloned()
    }

    /// Returns where a name is defined.
    pub fn defined(&self, name: &str) -> Vec<Place> {
        let files = self.read();
        let defining = files.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let places = |file: &Arc<IndexedFile>| places(file, name).collect::<Vec<_>>();
        defining.iter().flat_map(places).collect()
    }

    /// Returns the files that lie directly in a folder.
    pub fn beside(&self, folder: &Path) -> Vec<Arc<IndexedFile>> {
        let files = self.read();
        let mut beside: Vec<_> =
            files.by_path.values().filter(|file| file.path.parent() == Some(folder)).cloned().collect();
        beside.sort_by(|a, b| a.path.cmp(&b.path));
        beside
    }

    /// Returns how many files are known.
    pub fn len(&self) -> usize {
        self.read().by_path.len()
    }

    /// Returns whether no file is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the file as it is on disk need not be read: it is known, or an editor has it open.
    pub(super) fn is_current(&self, path: &Path, stamp: Stamp) -> bool {
        let files = self.read();
        files.open.contains(path) || files.by_path.get(path).is_some_and(|file| file.stamp == Some(stamp))
    }

    /// Reads what a text defines and imports, in the place of what was known of the file.
    pub(super) fn put(&self, path: &Path, language: Language, text: &str, stamp: Option<Stamp>) {
        if !rules::is_source(path, text) {
            return self.remove(path);
        }
        let Some(root) = self.root_of(path) else { return };
        let shown = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let (definitions, imports) = syntax::definitions_and_imports(language, text);
        let file = IndexedFile { path: path.to_owned(), shown, language, definitions, imports, stamp };
        self.write().insert(Arc::new(file));
    }

    /// Forgets the files that a scan no longer found.
    pub(super) fn retain(&self, found: &HashSet<PathBuf>) {
        let mut files = self.write();
        let gone: Vec<PathBuf> = files
            .by_path
            .keys()
            .filter(|path| !found.contains(*path) && !files.open.contains(*path))
            .cloned()
            .collect();
        for path in gone {
            files.remove(&path);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Files> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Files> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn insert(&mut self, file: Arc<IndexedFile>) {
        self.remove(&file.path);
        let bytes = size(&file);
        if self.bytes + bytes > BYTES {
            return;
        }
        self.bytes += bytes;
        for name in file.definitions.iter().map(|definition| &definition.name) {
            let defining = self.by_name.entry(name.clone()).or_default();
            if !defining.iter().any(|known| known.path == file.path) {
                defining.push(Arc::clone(&file));
            }
        }
        self.by_path.insert(file.path.clone(), file);
    }

    fn remove(&mut self, path: &Path) {
        let Some(file) = self.by_path.remove(path) else { return };
        self.bytes -= size(&file);
        for definition in &file.definitions {
            if let Some(defining) = self.by_name.get_mut(&definition.name) {
                defining.retain(|known| known.path != path);
                if defining.is_empty() {
                    self.by_name.remove(&definition.name);
                }
            }
        }
    }
}

/// Returns the places in a file that define a name.
pub(super) fn places<'a>(file: &'a Arc<IndexedFile>, name: &'a str) -> impl Iterator<Item = Place> + 'a {
    let named = file.definitions.iter().enumerate().filter(move |(_, definition)| definition.name == name);
    named.map(|(index, _)| Place { file: Arc::clone(file), index })
}

fn size(file: &IndexedFile) -> usize {
    let definitions =
        file.definitions.iter().map(|definition| definition.outline.len() + definition.name.len() + 64);
    definitions.sum::<usize>() + 256
}

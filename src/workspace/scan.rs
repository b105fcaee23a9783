//! Reading the files of the workspace folders: all of them in the background, or one that has changed. Only what
//! changed since the last time is read again.

use std::collections::HashSet;
use std::fs::Metadata;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::index::{Stamp, Workspace};
use super::rules::{IGNORE_FILE, may_be_source};
use crate::syntax;
use crate::text::Language;

/// Files that are looked at in one project. Beyond that it is not one project.
const FILES: usize = 20_000;

/// Folders of other people's code, which not every project keeps out of Git.
const FOREIGN: &[&str] = &["node_modules", "__pycache__", "site-packages", "vendor", "target"];

/// The file with a user's notes for the model, below a workspace folder.
const NOTES: &str = ".infill/context.md";

impl Workspace {
    /// Reads what has changed in the workspace folders since the last scan. `progress` hears how many of how many files
    /// are done, and may end it.
    pub fn scan(&self, progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>) {
        let mut found = Vec::new();
        for root in self.roots() {
            walk(root, None, &mut |path| {
                let file = std::fs::metadata(path).ok().filter(|file| may_be_source(path, file.len()));
                found
                    .extend(file.filter(|_| found.len() < FILES).map(|file| (path.to_owned(), stamp(&file))));
            });
        }
        let total = found.len();
        for (done, (path, stamp)) in found.iter().enumerate() {
            if progress(done, total) == ControlFlow::Break(()) {
                return;
            }
            self.read_file(path, *stamp);
        }
        self.retain(&found.into_iter().map(|(path, _)| path).collect::<HashSet<PathBuf>>());
    }

    /// Reads a file again that has changed on disk, or forgets it where it is gone or not to be read.
    pub fn refresh(&self, path: &Path) {
        let Some(root) = self.root_of(path) else { return };
        let mut found = None;
        // Looked for as the scan would, so that the same rules count.
        walk(root, Some(path), &mut |entry| found = std::fs::metadata(entry).ok());
        match found.filter(|file| may_be_source(path, file.len())) {
            Some(file) => self.read_file(path, stamp(&file)),
            None => self.remove(path),
        }
    }

    /// Forgets the ignore rules that were read, because one has changed; the next scan finds what they now say.
    pub fn forget_rules(&self) {
        self.rules.forget();
    }

    /// Returns the user's notes for the project of a file, and the name that they are shown under.
    pub fn notes(&self, path: &Path) -> Option<(&'static str, String)> {
        let file = self.root_of(path)?.join(NOTES);
        let bytes = std::fs::metadata(&file).ok()?.len();
        let text = (bytes <= 64 << 10).then(|| std::fs::read_to_string(&file).ok()).flatten()?;
        (!text.trim().is_empty()).then_some((NOTES, text))
    }

    fn read_file(&self, path: &Path, stamp: Stamp) {
        if self.is_current(path, stamp) {
            return;
        }
        match std::fs::read_to_string(path) {
            Ok(text) => self.put(path, Language::from_path(path), &text, Some(stamp)),
            // Not text, or gone since it was listed.
            Err(_) => self.remove(path),
        }
    }
}

/// Goes through the files below `root` that may be read, or only the one named.
fn walk(root: &Path, only: Option<&Path>, visit: &mut dyn FnMut(&Path)) {
    let (own, wanted) = (root.to_owned(), only.map(Path::to_owned));
    let mut walk = WalkBuilder::new(root);
    walk.add_custom_ignore_filename(IGNORE_FILE).require_git(false).follow_links(false);
    walk.filter_entry(move |entry| {
        let foreign = FOREIGN.iter().any(|name| entry.file_name() == *name);
        let on_the_way = wanted.as_ref().is_none_or(|wanted| wanted.starts_with(entry.path()));
        entry.path() == own || (on_the_way && !foreign)
    });
    for entry in walk.build().flatten() {
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if is_file && syntax::is_parsed(Language::from_path(entry.path())) {
            visit(entry.path());
        }
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp { modified: metadata.modified().ok(), bytes: metadata.len() }
}

//! Which files may be read. The rules of `.gitignore` are the walk's; here are those of `.infillignore` for one file,
//! which also say what is never completed, and the bounds of what counts as source text.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::secrets;

/// The name of the files that say what this program leaves alone, in the syntax of `.gitignore`.
pub const IGNORE_FILE: &str = ".infillignore";

/// Bytes beyond which a file is taken for generated, or for data.
pub(super) const HUGE: u64 = 400_000;

/// Bytes of a line beyond which a text is taken for minified.
const LONG_LINE: usize = 5_000;

/// The `.infillignore` files of a workspace, each read when a file below it is first asked about.
#[derive(Debug, Default)]
pub(super) struct Rules {
    folders: Mutex<HashMap<PathBuf, Option<Arc<Gitignore>>>>,
}

impl Rules {
    /// Returns whether a file below `root` is excluded; the rules nearest to it count most, as Git has it.
    pub(super) fn exclude(&self, root: &Path, path: &Path) -> bool {
        for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(root)) {
            let Some(rules) = self.of(folder) else { continue };
            match rules.matched_path_or_any_parents(path, false) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }

    /// Forgets what was read: one of the files has changed.
    pub(super) fn forget(&self) {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn of(&self, folder: &Path) -> Option<Arc<Gitignore>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.entry(folder.to_owned()).or_insert_with(|| read(folder)).clone()
    }
}

fn read(folder: &Path) -> Option<Arc<Gitignore>> {
    let file = folder.join(IGNORE_FILE);
    if !file.is_file() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    if let Some(error) = builder.add(&file) {
        tracing::warn!(file = %file.display(), %error, "a line of this file is no pattern and is passed over");
    }
    builder.build().ok().map(Arc::new)
}

/// Makes ready what files are told apart by, if that was not done yet. Otherwise the first file waits for it.
pub fn prepare() {
    secrets::prepare();
}

/// Returns whether what is in a file may be shown to a model: text that somebody wrote, and no secret.
pub(super) fn is_source(path: &Path, text: &str) -> bool {
    !secrets::is_secret_name(path)
        && text.len() as u64 <= HUGE
        && !text.contains('\0')
        && text.lines().all(|line| line.len() <= LONG_LINE)
        && !secrets::holds_secret(text)
}

/// Returns whether a file may be opened at all, by its name and size alone.
pub(super) fn may_be_source(path: &Path, bytes: u64) -> bool {
    bytes <= HUGE && !secrets::is_secret_name(path)
}

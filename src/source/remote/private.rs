//! What may leave the machine: text of the folders that the settings name, without what looks like a secret.

use std::path::{Path, PathBuf};

use crate::complete::{Context, Prompt};
use crate::secrets;
use crate::source::Input;

/// Which folders' text may be sent.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    /// Whether text may be sent that is in none of the folders.
    all: bool,
    rules: Vec<(PathBuf, bool)>,
}

impl Folders {
    /// Reads the setting: folders, `*` for all, and `!` before those that are taken out again.
    pub(super) fn new(entries: &[String]) -> Self {
        let mut folders = Self { all: false, rules: Vec::new() };
        for entry in entries {
            let (folder, allowed) = match entry.strip_prefix('!') {
                Some(folder) => (folder, false),
                None => (entry.as_str(), true),
            };
            match folder.trim() {
                "" => {}
                "*" => folders.all = allowed,
                folder => folders.rules.push((canonical(&from_home(folder)), allowed)),
            }
        }
        folders
    }

    /// Returns whether a file's text may be sent. The innermost folder counts; links are followed first.
    pub(super) fn allow(&self, file: &Path) -> bool {
        if secrets::is_secret_name(file) {
            return false;
        }
        let file = canonical(file);
        let around = self.rules.iter().filter(|(folder, _)| file.starts_with(folder));
        // Of two rules about one folder the one that forbids counts.
        let nearest = around.max_by_key(|(folder, allowed)| (folder.components().count(), !allowed));
        nearest.map_or(self.all, |(_, allowed)| *allowed)
    }

    /// Returns whether text of all these files may be sent; text of no file only where all may.
    pub(super) fn allow_all(&self, files: &[PathBuf]) -> bool {
        match files {
            [] => self.all,
            files => files.iter().all(|file| self.allow(file)),
        }
    }
}

/// Returns an input without what must not be sent, and how many secrets were masked in it.
pub(super) fn masked(input: &Input, folders: &Folders) -> (Input, usize) {
    match input {
        Input::Infill(prompt) => {
            let (prompt, count) = masked_prompt(prompt, folders);
            (Input::Infill(prompt), count)
        }
        Input::Text(text) => {
            let mut text = text.clone();
            let count = secrets::mask(&mut [&mut text]);
            (Input::Text(text), count)
        }
        Input::Chat { system, user, answer_start } => {
            let [mut system, mut user, mut answer_start] =
                [system.clone(), user.clone(), answer_start.clone()];
            let texts = [&mut system, &mut user, &mut answer_start];
            let count = texts.into_iter().map(|text| secrets::mask(&mut [text])).sum();
            (Input::Chat { system, user, answer_start }, count)
        }
    }
}

fn masked_prompt(prompt: &Prompt, folders: &Folders) -> (Prompt, usize) {
    let mut prompt = prompt.clone();
    let mut count = 0;
    prompt.context = prompt.context.map(|context| {
        let mut context = Context::clone(&context);
        context.pieces.retain(|piece| folders.allow(&piece.file));
        for piece in &mut context.pieces {
            count += secrets::mask(&mut [&mut piece.text]);
        }
        context.into()
    });
    let mut requirement = prompt.requirement.take().unwrap_or_default();
    let Prompt { prefix, typed, suffix, .. } = &mut prompt;
    count += secrets::mask(&mut [&mut requirement, prefix, typed, suffix]);
    prompt.requirement = (!requirement.is_empty()).then_some(requirement);
    (prompt, count)
}

/// Returns a path with its links followed, as far as it exists: a file that is yet to be saved lies in a folder.
fn canonical(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => canonical(parent).join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

fn from_home(folder: &str) -> PathBuf {
    let home = || directories::UserDirs::new().map(|dirs| dirs.home_dir().to_owned());
    match folder.strip_prefix('~').map(|rest| rest.trim_start_matches(['/', '\\'])) {
        Some(rest) => home().map_or_else(|| folder.into(), |home| home.join(rest)),
        None => folder.into(),
    }
}

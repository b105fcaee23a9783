//! A check that a person has configured, such as `python3 -m py_compile {file}` or `cargo check`, run on a temporary copy
//! with the text that is to be judged. Nothing is ever run in the project itself.

use std::path::{Path, PathBuf};

use super::limits::{self, Ended, Limits, Scratch};

/// Bytes of a project that are copied for a check.
const MOST_BYTES: u64 = 64 << 20;

/// Folders that are not copied: what is in them is made anew, or is not the project's.
const LEFT_OUT: &[&str] =
    &[".git", "target", "node_modules", ".venv", "venv", "__pycache__", "dist", "build"];

/// A check command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckCommand {
    /// The command line, for a shell. With `{file}` in it the file alone is copied, without it the whole folder.
    pub line: String,
    /// The project's folder, in whose copy a command without `{file}` runs.
    pub folder: PathBuf,
    /// What a run may use.
    pub limits: Limits,
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whether it was content.
    pub passed: bool,
    /// What it printed, with the temporary folder's name taken out.
    pub output: String,
}

impl CheckCommand {
    /// Runs the check with `text` in the place of `file`.
    ///
    /// # Errors
    /// When the copy cannot be made, or the command not be started; the message says which.
    pub async fn run(&self, file: &Path, text: &str) -> Result<Checked, String> {
        let scratch =
            Scratch::new().map_err(|error| format!("the temporary folder cannot be written: {error}"))?;
        let alone = self.line.contains("{file}");
        let name = file.file_name().map_or_else(|| "text".into(), |name| name.to_string_lossy().into_owned());
        let inside = match file.strip_prefix(&self.folder) {
            Ok(inside) if !alone => inside.to_owned(),
            _ => PathBuf::from(&name),
        };
        if !alone {
            copy(&self.folder, scratch.path(), &mut 0)?;
        }
        let to = scratch.path().join(&inside);
        let written =
            to.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&to, text));
        written.map_err(|error| format!("{} cannot be written: {error}", to.display()))?;
        // The name is an argument of the shell's, not a part of its line: it may hold anything.
        let line = self.line.replace("{file}", "\"$1\"");
        let program = ["sh", "-c", &line, "sh", &name].map(String::from);
        let ended = limits::run(&program, scratch.path(), self.limits).await;
        match ended.map_err(|error| format!("`{}` cannot be run: {error}", self.line))? {
            Ended::Exited(passed, output) => {
                let folder = format!("{}/", scratch.path().display());
                Ok(Checked { passed, output: output.replace(&folder, "") })
            }
            Ended::TooLong(seconds) => Ok(Checked {
                passed: false,
                output: format!("`{}` took longer than {seconds} seconds", self.line),
            }),
        }
    }
}

fn copy(from: &Path, to: &Path, bytes: &mut u64) -> Result<(), String> {
    let failed =
        |error: std::io::Error| format!("{} cannot be copied for the check: {error}", from.display());
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (kind, name) = (entry.file_type().map_err(failed)?, entry.file_name());
        let target = to.join(&name);
        if kind.is_dir() && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            std::fs::create_dir_all(&target).map_err(failed)?;
            copy(&entry.path(), &target, bytes)?;
        } else if kind.is_file() {
            *bytes += entry.metadata().map_err(failed)?.len();
            if MOST_BYTES < *bytes {
                return Err(format!(
                    "the project is larger than {} MB; use a check command with {{file}}, for which the file alone is copied",
                    MOST_BYTES >> 20
                ));
            }
            std::fs::copy(entry.path(), &target).map_err(failed)?;
        }
    }
    Ok(())
}

//! `FILE:LINE:COL` on the command line: the place, the text around it, and the project that it belongs to.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::complete::context::{self, ContextRequest};
use crate::complete::{Context, TokenCount};
use crate::text::{Language, Position, PositionEncoding, Snapshot};
use crate::workspace::Workspace;

/// What lies in the top folder of a project, the surest first.
const TOP: &[&str] =
    &[".git", ".hg", ".infill", "Cargo.toml", "pyproject.toml", "package.json", "go.mod", "pom.xml"];

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The file.
    pub file: PathBuf,
    line: u32,
    column: u32,
}

/// A file, a place in it, and its project.
pub(super) struct Opened {
    /// The text.
    pub snapshot: Snapshot,
    /// The place, in bytes.
    pub offset: usize,
    /// The file's full path.
    pub path: PathBuf,
    /// The path below the project's folder.
    pub shown: String,
    workspace: Workspace,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not FILE:LINE:COL, such as src/main.rs:12:5");
        let mut parts = text.rsplitn(3, ':');
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok()).filter(|&n| n > 0);
        let (column, line) = (number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
        let file = parts.next().filter(|file| !file.is_empty()).ok_or_else(wrong)?;
        Ok(Self { file: file.into(), line, column })
    }
}

impl Place {
    /// Reads the file and finds its project.
    ///
    /// # Errors
    /// When the file cannot be read, or has no such line.
    pub(super) fn open(&self) -> anyhow::Result<Opened> {
        let cannot = || format!("cannot read {}", self.file.display());
        let text = String::from_utf8_lossy(&std::fs::read(&self.file).with_context(cannot)?).into_owned();
        let snapshot = Snapshot::new(Language::from_path(&self.file), &text);
        if self.line as usize > snapshot.line_count() {
            bail!("{} has {} lines, not {}", self.file.display(), snapshot.line_count(), self.line);
        }
        let position = Position { line: self.line - 1, character: self.column - 1 };
        let offset = snapshot.offset(position, PositionEncoding::Utf32);
        let path = std::fs::canonicalize(&self.file).with_context(cannot)?;
        let root = root(&path);
        let shown = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        Ok(Opened { snapshot, offset, path, shown, workspace: Workspace::new(vec![root]) })
    }
}

impl Opened {
    /// Returns whether a `.infillignore` says that the file is to be left alone.
    pub(super) fn is_excluded(&self) -> bool {
        self.workspace.excludes(&self.path)
    }

    /// Reads the project and chooses what of it stands before the file.
    pub(super) fn context(&self, tokens: usize, count: &dyn TokenCount) -> Option<Arc<Context>> {
        if tokens == 0 {
            return None;
        }
        self.workspace.scan(&mut |_, _| std::ops::ControlFlow::Continue(()));
        let Self { snapshot, offset, path, .. } = self;
        let request = ContextRequest { snapshot, path, cursor: Some(*offset), tokens, open: &[] };
        let context = context::choose(&request, &self.workspace, count);
        (!context.pieces.is_empty()).then(|| Arc::new(context))
    }
}

/// Returns the nearest folder above a file that looks like the top of a project, else the current one if the file is below
/// it, else the file's own.
fn root(path: &Path) -> PathBuf {
    let folders: Vec<&Path> = path.ancestors().skip(1).collect();
    let top = TOP.iter().find_map(|name| folders.iter().find(|folder| folder.join(name).exists()));
    let current = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    let current = current.as_ref().and_then(|current| folders.iter().find(|folder| *folder == current));
    top.or(current).or(folders.first()).map(|folder| folder.to_path_buf()).unwrap_or_default()
}

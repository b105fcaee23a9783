//! What is typed: holes of benchmark tasks, or lines of a source file. Which ones is decided by their order alone, so that
//! two runs type the same.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::text::Language;

/// A line shorter than this says little about a suggestion.
const SHORT_LINE: usize = 8;

/// A document with a hole and what its author wrote there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Names it in messages.
    pub id: String,
    /// The protocol's language id.
    pub language: String,
    /// The file's path below the workspace.
    pub path: String,
    /// The text before the cursor.
    pub before: String,
    /// What the author wrote at the cursor.
    pub typed: String,
    /// The text after the cursor.
    pub after: String,
}

/// One line of a task file; other fields are for scoring and stay unread.
#[derive(Deserialize)]
struct Record {
    id: String,
    language: String,
    path: String,
    file_text_with_prefix: String,
    suffix: String,
    #[serde(default)]
    canonical: Option<String>,
    #[serde(default = "yes")]
    has_canonical: bool,
}

fn yes() -> bool {
    true
}

/// Reads a task file, one JSON record a line. Records whose author's text is not known are left out.
///
/// # Errors
/// When a line is not a record; the message has its number.
pub fn from_records(jsonl: &str) -> anyhow::Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for (number, line) in jsonl.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let record: Record =
            serde_json::from_str(line).with_context(|| format!("line {} is no task", number + 1))?;
        let Record { id, language, path, file_text_with_prefix: before, suffix: after, .. } = record;
        let typed = record.canonical.filter(|text| record.has_canonical && !text.trim().is_empty());
        tasks.extend(typed.map(|typed| Task { id, language, path, before, typed, after }));
    }
    Ok(tasks)
}

/// Returns a task for each line of a source file that is worth typing: the cursor stands after its indentation, and the
/// rest of the file is there.
pub fn from_source(path: &Path, text: &str) -> Vec<Task> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut tasks = Vec::new();
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let typed = line.trim();
        let indentation = line.len() - line.trim_start().len();
        let (from, to) = (start + indentation, start + indentation + typed.len());
        start += line.len();
        if typed.chars().count() < SHORT_LINE {
            continue;
        }
        tasks.push(Task {
            id: format!("{name}:{}", number + 1),
            language: Language::from_path(path).id().into(),
            path: name.clone().into(),
            before: text[..from].into(),
            typed: typed.into(),
            after: text[to..].into(),
        });
    }
    tasks
}

/// Keeps `limit` tasks, evenly spread over all.
pub fn pick(tasks: Vec<Task>, limit: usize) -> Vec<Task> {
    let (all, limit) = (tasks.len(), limit.min(tasks.len()));
    let chosen = |index: usize| (0..limit).any(|n| n * all / limit == index);
    tasks.into_iter().enumerate().filter(|(index, _)| chosen(*index)).map(|(_, task)| task).collect()
}

//! VS Code: the extension's setting that names this program. The extension comes as a `.vsix` of its own, since a program
//! cannot hold a package that holds the program.

use std::path::Path;

use super::{Change, Plan, quoted, read};

const SETTING: &str = "infill-ls.server.path";

/// Returns what is missing in VS Code's user settings.
pub(super) fn plan(config: &Path, program: &Path) -> anyhow::Result<Plan> {
    let path = config.join("settings.json");
    let text = read(&path)?;
    let mut plan = Plan::default();
    if text.contains(&format!("\"{SETTING}\"")) {
        plan.notes.push(format!("{} names a program already.", path.display()));
    } else {
        let line = format!("\"{SETTING}\": {}", quoted(program));
        match inserted(&text, &line) {
            Some(text) => plan.changes.push(Change { path, text, shown: line }),
            None => plan
                .notes
                .push(format!("Add this to {}, which is no JSON object:\n\n    {line}", path.display())),
        }
    }
    plan.notes.push(
        "The extension itself: `code --install-extension infill-ls-….vsix`. A package for your platform holds the \
         program and needs no setting. In a clone of the repository, with Node: `cd editors/vscode && npm ci && npm \
         run package` makes one."
            .into(),
    );
    Ok(plan)
}

/// Returns the settings with a line put behind their first brace. What stands there, comments included, stays as it is,
/// which writing parsed JSON anew would not do.
fn inserted(text: &str, line: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some(format!("{{\n  {line}\n}}\n"));
    }
    let brace = first_brace(text)?;
    let (before, after) = text.split_at(brace + 1);
    let comma = if rest_is_empty(after) { "" } else { "," };
    let end = if after.starts_with(['\n', '\r']) { "" } else { "\n" };
    Some(format!("{before}\n  {line}{comma}{end}{after}"))
}

/// Returns whether an object has no members, given what stands behind its brace.
fn rest_is_empty(after: &str) -> bool {
    without_comments(after).starts_with('}')
}

/// Returns where the object begins, unless something else than comments stands before it.
fn first_brace(text: &str) -> Option<usize> {
    let rest = without_comments(text.trim_start_matches('\u{feff}'));
    rest.starts_with('{').then(|| text.len() - rest.len())
}

/// Returns the text behind blanks and comments.
fn without_comments(text: &str) -> &str {
    let text = text.trim_start();
    if let Some(line) = text.strip_prefix("//") {
        return line.split_once('\n').map_or("", |(_, rest)| without_comments(rest));
    }
    match text.strip_prefix("/*") {
        Some(block) => block.split_once("*/").map_or("", |(_, rest)| without_comments(rest)),
        None => text,
    }
}

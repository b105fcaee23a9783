//! Helix: the server and the languages that use it, in `languages.toml`.

use std::path::Path;

use super::{Change, Plan, appended, is_on_path, quoted, read};

/// Languages and the servers that Helix gives them by itself: a list in the configuration replaces Helix's own, so those
/// must be in it. Servers that are not installed are skipped.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("c", &["clangd"]),
    ("cpp", &["clangd"]),
    ("go", &["gopls", "golangci-lint-lsp"]),
    ("javascript", &["typescript-language-server"]),
    ("python", &["ruff", "jedi", "pylsp"]),
    ("rust", &["rust-analyzer"]),
    ("typescript", &["typescript-language-server"]),
];

/// Returns what is missing in Helix's configuration.
pub(super) fn plan(config: &Path, program: &Path) -> anyhow::Result<Plan> {
    let path = config.join("languages.toml");
    let text = read(&path)?;
    let mut plan = Plan::default();
    if text.contains("[language-server.infill-ls]") {
        plan.notes.push(format!("{} has infill-ls already.", path.display()));
        return Ok(plan);
    }
    let (there, missing): (Vec<_>, Vec<_>) =
        LANGUAGES.iter().partition(|(language, _)| has_language(&text, language));
    let command = if is_on_path(program) { "\"infill-ls\"".into() } else { quoted(program) };
    let mut added =
        format!("[language-server.infill-ls]\ncommand = {command}\nargs = [\"serve\"]\ntimeout = 60\n");
    for (language, servers) in missing {
        let servers: Vec<String> =
            servers.iter().chain(&["infill-ls"]).map(|server| format!("\"{server}\"")).collect();
        added +=
            &format!("\n[[language]]\nname = \"{language}\"\nlanguage-servers = [{}]\n", servers.join(", "));
    }
    if !there.is_empty() {
        let names: Vec<&str> = there.iter().map(|(language, _)| *language).collect();
        plan.notes.push(format!(
            "You have settings of your own for {}: add \"infill-ls\" to their `language-servers` yourself.",
            names.join(", ")
        ));
    }
    plan.changes.push(Change { path, text: appended(&text, &added), shown: added });
    plan.notes.push(
        "In Helix, the suggestion is an item of the completion menu (C-x asks for it), and `space a` on a comment \
         that describes a function offers to write it."
            .into(),
    );
    Ok(plan)
}

/// Returns whether a language is configured in a text of TOML. A parser would tell it from a comment; being wrong here
/// only means that the user is told to add a word.
fn has_language(text: &str, language: &str) -> bool {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("name"));
    names
        .filter_map(|rest| rest.trim_start().strip_prefix('='))
        .any(|value| value.trim().trim_matches(['"', '\'']) == language)
}

//! Neovim: the plugin, which this program carries, in the directory where Neovim looks for packages, and the line of
//! `init.lua` that starts it.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Change, Folder, Plan, appended, is_on_path, quoted, read};

macro_rules! plugin {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../editors/nvim/", $path)))
    };
}

/// The plugin's files. A list and no macro that walks the directory: those do not notice changes on stable Rust, and a test
/// holds this against the directory.
pub(super) const PLUGIN: &[(&str, &str)] = &[
    plugin!("doc/infill.txt"),
    plugin!("lsp/infill_ls.lua"),
    plugin!("lua/infill/action.lua"),
    plugin!("lua/infill/command.lua"),
    plugin!("lua/infill/confirm.lua"),
    plugin!("lua/infill/faults.lua"),
    plugin!("lua/infill/ghost.lua"),
    plugin!("lua/infill/health.lua"),
    plugin!("lua/infill/init.lua"),
    plugin!("lua/infill/keys.lua"),
    plugin!("lua/infill/model.lua"),
    plugin!("lua/infill/notice.lua"),
    plugin!("lua/infill/options.lua"),
    plugin!("lua/infill/page.lua"),
    plugin!("lua/infill/preview.lua"),
    plugin!("lua/infill/restart.lua"),
    plugin!("lua/infill/server.lua"),
    plugin!("lua/infill/status.lua"),
    plugin!("lua/infill/suggestion.lua"),
    plugin!("lua/infill/told.lua"),
    plugin!("plugin/infill.lua"),
];

/// Returns what is missing in Neovim's directories.
pub(super) fn plan(config: &Path, program: &Path) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    let directory = packages()?.join("infill-ls").join("start").join("infill-ls");
    let differs = |(path, text): &&(&str, &str)| {
        std::fs::read_to_string(directory.join(path)).map_or(true, |there| there != *text)
    };
    let files: Vec<_> = PLUGIN.iter().filter(differs).copied().collect();
    if !files.is_empty() {
        plan.folder = Some(Folder { directory, files });
    }
    let path = config.join("init.lua");
    let text = read(&path)?;
    if text.contains("require('infill')") || text.contains("require(\"infill\")") {
        plan.notes.push(format!("{} starts infill-ls already.", path.display()));
    } else {
        let options = match is_on_path(program) {
            true => String::new(),
            false => format!("{{ binary = {} }}", quoted(program)),
        };
        let line = format!("require('infill').setup({options})\n");
        plan.changes.push(Change { path, text: appended(&text, &line), shown: line });
    }
    plan.notes.push(
        "In Neovim, type, and ghost text appears; Tab accepts it. `:checkhealth infill` says what is missing, and \
         `:help infill` the rest (after `:helptags ALL`)."
            .into(),
    );
    Ok(plan)
}

/// Returns where Neovim looks for packages of the user.
fn packages() -> anyhow::Result<PathBuf> {
    let base = directories::BaseDirs::new().context("there is no home directory")?;
    let data = match std::env::var_os("XDG_DATA_HOME") {
        Some(directory) if cfg!(unix) && !directory.is_empty() => PathBuf::from(directory).join("nvim"),
        _ if cfg!(unix) => base.home_dir().join(".local").join("share").join("nvim"),
        _ => base.data_local_dir().join("nvim-data"),
    };
    Ok(data.join("site").join("pack"))
}

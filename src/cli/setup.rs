//! `infill-ls setup`: what an editor needs to know of this program, printed or written. Nothing is changed that was not
//! shown first and agreed to. What goes where is in one file for each editor.

mod helix;
mod nvim;
mod vscode;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

/// Arguments of `setup`.
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// The editor
    editor: Editor,
    /// Write the configuration, after asking, instead of printing it
    #[arg(long)]
    write: bool,
    /// Do not ask
    #[arg(long, requires = "write")]
    yes: bool,
    /// The editor's configuration directory, where it is not the usual one
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Editor {
    Nvim,
    Vscode,
    Helix,
}

/// What is to be done for an editor.
#[derive(Debug, Default)]
struct Plan {
    folder: Option<Folder>,
    changes: Vec<Change>,
    /// What is left for the user to know or to do, a paragraph each.
    notes: Vec<String>,
}

/// Files of ours in a directory of their own: they are written over without showing each.
#[derive(Debug)]
struct Folder {
    directory: PathBuf,
    /// Paths below the directory and texts.
    files: Vec<(&'static str, &'static str)>,
}

/// One file of the user's and what it is to hold.
#[derive(Debug)]
struct Change {
    path: PathBuf,
    /// The whole new text.
    text: String,
    /// What of it a person has to see: the lines that are added.
    shown: String,
}

/// Prints or writes the configuration; exits with 1 when the user does not want it written.
///
/// # Errors
/// When the configuration that is there cannot be read, or the new one not written.
pub fn run(args: SetupArgs) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let config = match args.config {
        Some(directory) => directory,
        None => usual_directory(args.editor)?,
    };
    let plan = match args.editor {
        Editor::Nvim => nvim::plan(&config, &program)?,
        Editor::Vscode => vscode::plan(&config, &program)?,
        Editor::Helix => helix::plan(&config, &program)?,
    };
    let mut out = std::io::stdout().lock();
    show(&plan, &mut out)?;
    let is_empty = plan.changes.is_empty() && plan.folder.is_none();
    if is_empty {
        writeln!(out, "Nothing is missing in {}.\n", config.display())?;
    } else if args.write {
        if !(args.yes || agreed(&mut out)?) {
            writeln!(out, "Nothing was written.")?;
            return Ok(ExitCode::FAILURE);
        }
        carry_out(&plan, &mut out)?;
    }
    for note in &plan.notes {
        writeln!(out, "{note}\n")?;
    }
    if !(args.write || is_empty) {
        writeln!(out, "`--write` does it for you, after asking.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(plan: &Plan, out: &mut impl Write) -> std::io::Result<()> {
    if let Some(Folder { directory, files }) = &plan.folder {
        writeln!(out, "Put {} files of the plugin into {}\n", files.len(), directory.display())?;
    }
    for change in &plan.changes {
        let verb = if change.path.exists() { "Add to" } else { "Create" };
        writeln!(out, "{verb} {}:\n\n{}\n", change.path.display(), indented(&change.shown))?;
    }
    Ok(())
}

fn carry_out(plan: &Plan, out: &mut impl Write) -> anyhow::Result<()> {
    if let Some(Folder { directory, files }) = &plan.folder {
        for (path, text) in files {
            write(&directory.join(path), text)?;
        }
        writeln!(out, "Wrote {}", directory.display())?;
    }
    for change in &plan.changes {
        write(&change.path, &change.text)?;
        writeln!(out, "Wrote {}", change.path.display())?;
    }
    Ok(writeln!(out)?)
}

fn agreed(out: &mut impl Write) -> anyhow::Result<bool> {
    write!(out, "Write this? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    // The end of the input, where nobody can answer, is a no.
    std::io::stdin().lock().read_line(&mut answer).context("no answer can be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Writes in place: people's configuration is often a link into a repository of theirs, which a renamed file would cut.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written", path.display());
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).with_context(failed)?;
    }
    std::fs::write(path, text).with_context(failed)
}

/// Returns the text of a file, or nothing where there is none.
fn read(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Returns a text with lines added to its end, apart from what stands before them.
fn appended(text: &str, added: &str) -> String {
    let separator = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{separator}{added}")
}

fn indented(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| match line {
        "" => String::new(),
        line => format!("    {line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn usual_directory(editor: Editor) -> anyhow::Result<PathBuf> {
    let Some(base) = directories::BaseDirs::new() else {
        bail!("there is no home directory; name the editor's configuration directory with --config");
    };
    // Neovim and Helix keep to ~/.config also where the system has another place.
    let plain = match std::env::var_os("XDG_CONFIG_HOME") {
        Some(directory) if cfg!(unix) && !directory.is_empty() => PathBuf::from(directory),
        _ if cfg!(unix) => base.home_dir().join(".config"),
        _ => base.config_dir().to_owned(),
    };
    Ok(match editor {
        Editor::Nvim if cfg!(windows) => base.data_local_dir().join("nvim"),
        Editor::Nvim => plain.join("nvim"),
        Editor::Helix => plain.join("helix"),
        Editor::Vscode => base.config_dir().join("Code").join("User"),
    })
}

/// Returns whether editors find the program by its name alone.
fn is_on_path(program: &Path) -> bool {
    let directories = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&directories).any(|directory| program.parent() == Some(&directory))
}

/// Returns a path as a string of TOML, JSON and Lua, which agree on these escapes.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

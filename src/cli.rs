//! The command line: one file per subcommand.

pub mod model;
pub mod progress;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "infill-ls", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List, fetch and delete models
    Model(model::ModelArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let Command::Model(args) = Cli::parse().command;
    model::run(args).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr().lock(), "infill-ls: {error:#}");
        ExitCode::FAILURE
    })
}

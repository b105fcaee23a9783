//! The command line: one file per subcommand.

mod bench;
mod model;
mod model_args;
mod progress;

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
    /// Measure the speed on this machine
    Bench(bench::BenchArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Model(args) => model::run(args),
        Command::Bench(args) => bench::run(args),
    };
    result.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr().lock(), "infill-ls: {error:#}");
        ExitCode::FAILURE
    })
}

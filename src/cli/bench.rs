//! `infill-ls bench`: speed on this machine, beside a peer's in the same run. Of quality only what typing
//! shows: which suggestions are what the author wrote.

mod engine;
pub mod load;
mod peer;
mod table;
pub mod typing;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tokens per second of the engine, in prefill and decode, and how they scale with threads and context
    Engine(engine::EngineArgs),
    /// Key to suggestion while somebody types, and what a key costs in tokens
    Typing(typing::TypingArgs),
    /// Suggestions per second while many users type against a remote source
    Load(load::LoadArgs),
}

/// Runs the benchmark.
///
/// # Errors
/// When the model or the peer cannot be run, or the JSON file cannot be written.
pub fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Engine(args) => engine::run(args),
        What::Typing(args) => typing::run(args),
        What::Load(args) => load::run(args),
    }
}

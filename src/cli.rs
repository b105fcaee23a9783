//! The command line: one file per subcommand. Results go to standard output, everything else to standard error.

mod ask;
mod assistant;
pub mod bench;
mod complete;
mod context;
mod doctor;
mod engine;
mod explain;
mod fix;
mod generate;
mod implement;
mod log;
mod model;
mod model_args;
mod place;
mod progress;
mod remote;
mod run_args;
mod serve;
mod setup;
mod speed;
mod stats;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Completes code with a model that runs inside this program: no account, no second server, nothing leaves the machine.
#[derive(Debug, Parser)]
#[command(name = "infill-ls", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::ServeArgs,
    #[command(flatten)]
    log: log::LogArgs,
}

const EXAMPLES: &str = "\
Without a subcommand it is the language server, as an editor starts it.

Examples:
  infill-ls complete src/main.py:12:5     print what belongs at line 12, column 5
  infill-ls implement src/main.py:8       write the function that the comment on line 8 describes
  infill-ls fix src/main.py --check 'python3 -m py_compile {file}'
  infill-ls ask 'What is a mutex?'        answer a question
  infill-ls model list                    show the models
  infill-ls doctor                        say what works, how fast, and why it was silent
  infill-ls stats                         show what happened to the suggestions

Exit codes: 0 done; 1 nothing to show, or an error that a message explains; 2 a wrong command line.
The model is fetched at first use, into the cache directory (INFILL_LS_CACHE moves it).";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve an editor over standard input and output (what happens without a subcommand, too)
    Serve(serve::ServeArgs),
    /// Print the completion at a place in a file
    Complete(complete::CompleteArgs),
    /// Generate text from a prompt
    Generate(generate::GenerateArgs),
    /// Answer a question about programming or about files
    Ask(ask::AskArgs),
    /// Explain a file or a part of it
    Explain(explain::ExplainArgs),
    /// Write the function that a comment describes
    Implement(implement::ImplementArgs),
    /// Mend a file until a check is content
    Fix(fix::FixArgs),
    /// Show what the model would be shown at a place in a file, and why
    Context(context::ContextArgs),
    /// List, fetch and delete models
    Model(model::ModelArgs),
    /// Keep the keys of servers in the keyring of the operating system
    Remote(remote::RemoteArgs),
    /// Print an editor's configuration, or write it after asking
    Setup(setup::SetupArgs),
    /// Say what works on this machine, how fast, and why the last requests were silent
    Doctor(doctor::DoctorArgs),
    /// Show what happened to the suggestions: accepted, kept, keys saved; by language and by day
    Stats(stats::StatsArgs),
    /// Measure the speed on this machine
    Bench(bench::BenchArgs),
    /// Run the engine that all editor windows share, which they start by themselves; --stop ends it
    Engine(engine::EngineArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.log.start().and_then(|()| run(cli.command, cli.serve)).unwrap_or_else(|error| {
        // `infill-ls doctor | head` has got what it wanted.
        let broken_pipe = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
        if error.chain().any(|cause| cause.downcast_ref().is_some_and(broken_pipe)) {
            return ExitCode::SUCCESS;
        }
        // Nobody can be told that standard error does not work.
        let _ = writeln!(std::io::stderr().lock(), "infill-ls: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Option<Command>, serve: serve::ServeArgs) -> anyhow::Result<ExitCode> {
    match command {
        None => serve::run(serve),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Complete(args)) => complete::run(args),
        Some(Command::Generate(args)) => generate::run(args),
        Some(Command::Ask(args)) => ask::run(args),
        Some(Command::Explain(args)) => explain::run(args),
        Some(Command::Implement(args)) => implement::run(args),
        Some(Command::Fix(args)) => fix::run(args),
        Some(Command::Context(args)) => context::run(args),
        Some(Command::Model(args)) => model::run(args),
        Some(Command::Remote(args)) => remote::run(args),
        Some(Command::Setup(args)) => setup::run(args),
        Some(Command::Doctor(args)) => doctor::run(args),
        Some(Command::Stats(args)) => stats::run(args),
        Some(Command::Bench(args)) => bench::run(args),
        Some(Command::Engine(args)) => engine::run(args),
    }
}

//! `infill-ls serve`: the language server on standard input and output.

use std::process::ExitCode;

use clap::Args;

use super::run_args::{self, RunArgs};
use crate::config::Settings;
use crate::fetch::cache_dir;
use crate::server::{self, Options};

/// Arguments of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Talk over standard input and output; this is the only way, and the flag is taken because some editors send it
    #[arg(long)]
    stdio: bool,
}

/// Serves one editor.
///
/// # Errors
/// When no runtime can be started.
pub fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let mut settings = Settings::default();
    args.run.apply(&mut settings);
    let options = Options { settings, log_dir: cache_dir().ok() };
    let command_line = args.run;
    let factory = move |settings: &Settings| {
        // What is said on the command line holds against what the editor says.
        let mut settings = settings.clone();
        command_line.apply(&mut settings);
        run_args::start(&settings) as std::sync::Arc<dyn crate::source::Source>
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit =
        runtime.block_on(server::run(tokio::io::stdin(), tokio::io::stdout(), options, Box::new(factory)));
    // A read of standard input cannot be taken back, so waiting for the runtime could last for ever.
    runtime.shutdown_background();
    Ok(ExitCode::from(exit.code()))
}

//! `infill-ls serve`: the language server on standard input and output.

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use clap::Args;

use super::engine;
use super::run_args::RunArgs;
use super::speed::keep;
use crate::config::Settings;
use crate::fetch::{DEFAULT_MODEL, Speed, cache_dir};
use crate::server::{self, Options};
use crate::source::Source;

/// Arguments of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Load the model in this process instead of sharing one engine with your other windows
    #[arg(long, env = "INFILL_LS_NO_SHARE", value_parser = clap::builder::FalseyValueParser::new())]
    no_share: bool,
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
    settings.engine.share &= !args.no_share;
    let options = Options { settings, log_dir: cache_dir().ok() };
    let ServeArgs { run: command_line, no_share, .. } = args;
    let started = Arc::new(OnceLock::new());
    let starting = Arc::clone(&started);
    let factory = move |settings: &Settings| {
        // What is said on the command line holds against what the editor says.
        let mut settings = settings.clone();
        command_line.apply(&mut settings);
        settings.engine.share &= !no_share;
        let source = engine::start(&settings);
        let model = settings.model.unwrap_or_else(|| DEFAULT_MODEL.into());
        let source = &starting.get_or_init(|| Running { model, source }).source;
        Arc::clone(source)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit =
        runtime.block_on(server::run(tokio::io::stdin(), tokio::io::stdout(), options, Box::new(factory)));
    // A read of standard input cannot be taken back, so waiting for the runtime could last for ever.
    runtime.shutdown_background();
    if let Some(running) = started.get() {
        running.keep_speed();
    }
    Ok(ExitCode::from(exit.code()))
}

/// What the editor's settings have started.
struct Running {
    model: String,
    source: Arc<dyn Source>,
}

impl Running {
    /// Keeps how fast the model was; the choice of a model shows it.
    fn keep_speed(&self) {
        let counters = self.source.counters();
        if counters.prefill_measured {
            let prefill_per_second = counters.prefill_per_second as f64;
            keep(&self.model, Speed { prefill_per_second, decode_per_second: None });
        }
    }
}

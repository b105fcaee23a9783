//! Where the log goes: standard error, or a file. Standard output belongs to the results and to the protocol.

use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// What is logged, and where.
#[derive(Debug, Clone, Default, Args)]
pub struct LogArgs {
    /// Append the log to FILE instead of standard error
    #[arg(long, global = true, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// What is logged: error, warn, info, debug or trace. RUST_LOG, if set, says it in more detail
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn")]
    log_level: String,
}

impl LogArgs {
    /// Starts to log.
    ///
    /// # Errors
    /// When the file cannot be written or the level is none.
    pub fn start(&self) -> anyhow::Result<()> {
        let filter = match std::env::var("RUST_LOG") {
            Ok(filter) if !filter.is_empty() => {
                EnvFilter::try_new(filter).context("RUST_LOG is not a log filter")?
            }
            _ => EnvFilter::try_new(&self.log_level).with_context(|| {
                format!("--log-level {}: use error, warn, info, debug or trace", self.log_level)
            })?,
        };
        let writer = match &self.log_file {
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                BoxMakeWriter::new(file.with_context(|| format!("--log-file {}", path.display()))?)
            }
            None => BoxMakeWriter::new(std::io::stderr),
        };
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
        log.with_ansi(self.is_coloured()).init();
        Ok(())
    }

    /// An editor shows its server's standard error as it is, and so would show the signs that switch colours.
    fn is_coloured(&self) -> bool {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        self.log_file.is_none() && !refused && std::io::stderr().is_terminal()
    }
}

//! The choice of a model on the command line, shared by all subcommands that run one.

use std::path::PathBuf;

use clap::Args;

use super::progress::terminal_progress;
use crate::fetch::{DEFAULT_MODEL, Routes, Store};

/// Which model to run.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelChoice {
    /// A name from `infill-ls model list`, or the path of a GGUF file or of a folder with a checkpoint
    #[arg(long, value_name = "NAME|PATH", env = "INFILL_LS_MODEL")]
    pub model: Option<String>,
}

impl ModelChoice {
    /// Returns the model's file, fetched first, with a progress bar, when it is not there.
    ///
    /// # Errors
    /// When it cannot be had; the message says what to do.
    pub fn obtain(&self) -> anyhow::Result<PathBuf> {
        let name = self.model.as_deref().unwrap_or(DEFAULT_MODEL);
        Ok(Store::open()?.obtain(name, &Routes::from_env(), &terminal_progress())?)
    }
}

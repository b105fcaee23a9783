//! Where completions come from, seen by everything above: a trait, its requests and its answers.
//! A source turns text parts into tokens or into a remote request; it knows nothing of LSP.

mod embedded;
mod fallback;
mod remote;
mod shared;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::complete::{Prompt, TokenCount, TokenOdds};
use crate::engine::{CancelToken, FinishReason, GenerationParams, Usage, Watch};

pub use crate::engine::{Counters, Readiness};
pub use embedded::{EmbeddedSource, Locate, PromptEncoder, Resting, Sparing, locate};
pub use fallback::FallbackSource;
pub use remote::{
    Key, KeySource, KeyStore, Keyring, MarkerChoice, Preview, RemoteKind, RemoteOptions, RemoteSource, Trial,
};
pub use shared::{
    EngineReport, Inside, Launch, Place, Running, SharedOptions, SharedSource, Taken, directory, host,
    log_file, running, stop,
};

/// A future that a source hands out.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A source of generated text.
pub trait Source: Send + Sync {
    /// Returns whether the model is there, and if not, how far it is.
    fn status(&self) -> Status;

    /// Returns the model's token count; `None` while no model is loaded.
    fn counter(&self) -> Option<Arc<dyn TokenCount + Send + Sync>>;

    /// Generates; dropping the future cancels the work.
    fn generate(&self, request: Request) -> BoxFuture<Result<Generation, SourceError>>;

    /// Has something made ready in idle time that a later request of the branch will need.
    fn prepare(&self, branch: u64, ahead: Ahead);

    /// Frees what is kept for a branch: its document was closed.
    fn forget(&self, branch: u64);

    /// Returns what was computed since the start.
    fn counters(&self) -> Counters;

    /// Returns how a remote source fares, where there is one.
    fn remote(&self) -> Option<RemoteReport> {
        None
    }

    /// Returns which engine answers, where the model runs on this machine.
    fn engine(&self) -> Option<EngineReport> {
        None
    }
}

/// How a remote source fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RemoteReport {
    /// The model and where it runs.
    pub name: String,
    /// Why it is not asked at the moment.
    pub away: Option<String>,
    /// Requests sent to it.
    pub requests: u64,
    /// Of these, those that it did not answer.
    pub failed: u64,
    /// Requests that the model inside was asked instead.
    pub fell_back: u64,
    /// Why the model inside was asked the last time, if it was.
    pub instead: Option<String>,
    /// Requests that were not sent, for their text must not leave the machine.
    pub withheld: u64,
    /// Secrets that were masked in what was sent.
    pub masked: u64,
}

/// Whether a source can answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Status {
    /// The model is being fetched or loaded.
    Loading {
        /// What is going on, in a few words ("downloading …", "loading …").
        stage: String,
        /// How much is done, in `total`'s unit.
        done: u64,
        /// The whole; 0 for what takes a moment only.
        total: u64,
    },
    /// Requests are answered.
    Ready {
        /// The model's name.
        model: String,
    },
    /// There will be no answers until something is mended.
    Failed {
        /// What went wrong and what to do.
        message: String,
    },
}

/// One generation asked for.
pub struct Request {
    /// Whose it is: one number for each document. A newer request of a branch overtakes the older one.
    pub branch: u64,
    /// What the model reads.
    pub input: Input,
    /// Prompts that would do as well, the better ones first, where `input` would take too long to be read.
    pub others: Vec<Prompt>,
    /// The time that reading the prompt may take before one of the others is taken.
    pub latency: Duration,
    /// How it writes.
    pub params: GenerationParams,
    /// Sees the text while it is written.
    pub watch: Watch,
    /// Stops it.
    pub cancel: CancelToken,
    /// Whether it is done only while nobody waits, and ends as overtaken when anything else is asked.
    pub idle: bool,
    /// The files that the input's own text is of; none where it is no file's. What may leave the machine goes by them.
    pub files: Vec<PathBuf>,
}

/// What the model reads, in text; special tokens are the source's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The text around a cursor.
    Infill(Prompt),
    /// A text that is gone on with as it is.
    Text(String),
    /// A task in the model's chat form.
    Chat {
        /// The system message.
        system: String,
        /// The user's message.
        user: String,
        /// The beginning of the answer, written for the model.
        answer_start: String,
    },
}

/// What a later request will need.
#[derive(Debug, Clone, PartialEq)]
pub enum Ahead {
    /// A file from where its prompts begin: a prompt whose prefix goes on to the end, and so holds that of any cursor.
    File(Prompt),
    /// The same behind other files than before; what is there serves until the readiness says that this is there.
    NewContext(Prompt, Readiness),
    /// A prompt that is likely to come next.
    Prompt(Prompt),
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// All text generated, also what the watcher did not want.
    pub text: String,
    /// How sure the model was of each piece of it; empty where the source cannot tell.
    pub tokens: Vec<TokenOdds>,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it cost.
    pub usage: Usage,
}

/// Why nothing was generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SourceError {
    /// The model is not there yet.
    #[error("the model is still loading")]
    Loading,
    /// The caller's token was set.
    #[error("cancelled")]
    Cancelled,
    /// A newer request of the same branch came.
    #[error("overtaken by a newer request")]
    Overtaken,
    /// The prompt alone fills the model's context.
    #[error(
        "the prompt has {tokens} tokens, more than the context of {context} holds; lower the prompt budget or raise `context`"
    )]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that fit.
        context: usize,
    },
    /// The remote source does not answer; the message says why.
    #[error("{0}")]
    Away(String),
    /// The text must not leave the machine.
    #[error("nothing is sent from here: no folder of the setting `remote.folders` holds the file")]
    Private,
    /// Anything else; the message says what to do.
    #[error("{0}")]
    Failed(String),
}

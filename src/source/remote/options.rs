//! What a remote source is made of: plain data, and the one thing that must not be printed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::keyring::KeyStore;
use super::llama_server::LlamaServer;
use super::markers::{CODEGEMMA, CODELLAMA, DEEPSEEK, Family, QWEN, STARCODER};
use super::mistral::Mistral;
use super::ollama::Ollama;
use super::openai::OpenAi;
use super::protocol::Protocol;
use super::tgi::Tgi;

/// Which server is asked, and how.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// What kind of server it is.
    pub kind: RemoteKind,
    /// Its address; `None` is where such a server usually listens.
    pub url: Option<String>,
    /// The model's name on the server; `None` is the first one that it names.
    pub model: Option<String>,
    /// What the server wants to be shown.
    pub key: Option<KeySource>,
    /// How a gap is shown.
    pub markers: MarkerChoice,
    /// Folders whose text may be sent.
    pub folders: Vec<String>,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long the server may be silent.
    pub read: Duration,
    /// Further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// Whether the proxy variables of the environment count.
    pub proxy: bool,
}

/// Where the key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// It is known.
    Known(Key),
    /// It lies under a name in a store, which is opened at the first request.
    Stored {
        /// The name.
        name: String,
        /// The store.
        store: Arc<dyn KeyStore>,
    },
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(key) => key.fmt(f),
            Self::Stored { name, .. } => write!(f, "the key `{name}`"),
        }
    }
}

/// A key, which is shown to its server only.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Returns the key that an environment variable holds.
    ///
    /// # Errors
    /// When there is no such variable; the message names it.
    pub fn from_env(variable: &str) -> Result<Self, String> {
        let key = std::env::var(variable).unwrap_or_default();
        match key.trim() {
            "" => Err(format!("the environment variable `{variable}` of `remote.key_env` is not set")),
            key => Ok(Self(key.to_owned())),
        }
    }

    /// Returns the key as it is sent.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::secrets::MASK)
    }
}

/// The kinds of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteKind {
    /// llama.cpp's own server.
    LlamaServer,
    /// A server with OpenAI's interface.
    Openai,
    /// vLLM.
    Vllm,
    /// Text Generation Inference.
    Tgi,
    /// Ollama.
    Ollama,
    /// Mistral's service.
    Mistral,
}

impl RemoteKind {
    /// Returns its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::LlamaServer => "llama-server",
            Self::Openai => "openai",
            Self::Vllm => "vllm",
            Self::Tgi => "tgi",
            Self::Ollama => "ollama",
            Self::Mistral => "mistral",
        }
    }

    pub(super) fn usual_url(self) -> &'static str {
        match self {
            Self::LlamaServer => "http://127.0.0.1:8080",
            Self::Openai => "https://api.openai.com/v1",
            Self::Vllm => "http://127.0.0.1:8000",
            Self::Tgi => "http://127.0.0.1:3000",
            Self::Ollama => "http://127.0.0.1:11434",
            Self::Mistral => "https://api.mistral.ai",
        }
    }

    pub(super) fn protocol(self) -> Box<dyn Protocol> {
        match self {
            Self::LlamaServer => Box::new(LlamaServer),
            Self::Openai => Box::new(OpenAi { vllm: false }),
            Self::Vllm => Box::new(OpenAi { vllm: true }),
            Self::Tgi => Box::new(Tgi::default()),
            Self::Ollama => Box::new(Ollama),
            Self::Mistral => Box::new(Mistral),
        }
    }

    /// Returns whether such servers put a suffix into the model's own form.
    pub(super) fn knows_gaps(self) -> bool {
        matches!(self, Self::LlamaServer | Self::Ollama | Self::Mistral)
    }
}

/// How a gap is shown where the server takes a plain prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MarkerChoice {
    /// By the kind of server and the model's name.
    #[default]
    Auto,
    /// As a suffix.
    Suffix,
    /// Qwen's markers.
    Qwen,
    /// StarCoder's and Granite's.
    Starcoder,
    /// DeepSeek's.
    Deepseek,
    /// Code Llama's.
    Codellama,
    /// CodeGemma's.
    Codegemma,
}

impl MarkerChoice {
    pub(super) fn family(self, model: Option<&str>, kind: RemoteKind) -> Option<&'static Family> {
        match self {
            Self::Auto if kind.knows_gaps() => None,
            Self::Auto => model.and_then(Family::of),
            Self::Suffix => None,
            Self::Qwen => Some(&QWEN),
            Self::Starcoder => Some(&STARCODER),
            Self::Deepseek => Some(&DEEPSEEK),
            Self::Codellama => Some(&CODELLAMA),
            Self::Codegemma => Some(&CODEGEMMA),
        }
    }
}

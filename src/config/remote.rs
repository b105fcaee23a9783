//! The settings of a remote source: which server is asked, with which key, and what may be sent there.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::count;

/// A server that is asked instead of the model inside. Off by default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteSettings {
    /// What kind of server it is.
    pub kind: RemoteKind,
    /// Its address; `None` is where that kind of server usually listens.
    pub url: Option<String>,
    /// The model's name on the server; `None` takes the first one that the server has.
    pub model: Option<String>,
    /// The environment variable with the key.
    pub key_env: Option<String>,
    /// The name of the key in the keyring of the operating system.
    pub key_name: Option<String>,
    /// How a prompt says where the gap is.
    pub markers: RemoteMarkers,
    /// Folders whose text may be sent.
    pub folders: Vec<String>,
    /// Whether the model inside answers while the server cannot.
    pub fallback: bool,
    /// Milliseconds that a connection may take.
    pub connect_ms: NonZeroUsize,
    /// Milliseconds that the server may be silent.
    pub read_ms: NonZeroUsize,
    /// A file with further certificate authorities.
    pub ca_file: Option<String>,
    /// Whether the proxy variables of the environment count.
    pub proxy: bool,
}

/// The kinds of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteKind {
    /// No server is asked.
    #[default]
    None,
    /// llama.cpp's own server.
    LlamaServer,
    /// A server with OpenAI's completions.
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

/// How a prompt says where the gap is, where the server does not know that itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemoteMarkers {
    /// By the kind of server and the model's name.
    #[default]
    Auto,
    /// The server takes the suffix by itself.
    Suffix,
    /// As Qwen's coders were trained.
    Qwen,
    /// As StarCoder and Granite were trained.
    Starcoder,
    /// As DeepSeek's coders were trained.
    Deepseek,
    /// As Code Llama was trained.
    Codellama,
    /// As CodeGemma was trained.
    Codegemma,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            kind: RemoteKind::None,
            url: None,
            model: None,
            key_env: None,
            key_name: None,
            markers: RemoteMarkers::Auto,
            folders: Vec::new(),
            fallback: true,
            connect_ms: count(2_000),
            read_ms: count(5_000),
            ca_file: None,
            proxy: true,
        }
    }
}

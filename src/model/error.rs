//! What can go wrong with a model: reading its file, and running it. Each message says what to do next.

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be opened or mapped.
    #[error(
        "cannot read the model file {path}: {source}; check the path given by --model or the setting `model`"
    )]
    Io {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file does not begin like a GGUF file.
    #[error(
        "{path} is not a GGUF file (it begins with {found}); give a .gguf file, or a name from `infill-ls model list`"
    )]
    NotGguf {
        /// The file.
        path: String,
        /// The first bytes, printable.
        found: String,
    },
    /// The header cannot be parsed, or promises what the file does not hold.
    #[error(
        "{path} is a broken or truncated GGUF file: {reason}; fetch it again (`infill-ls model pull`, or copy it anew)"
    )]
    Broken {
        /// The file.
        path: String,
        /// What does not fit.
        reason: String,
    },
    /// The network is of a kind that is not built yet.
    #[error("{path} holds a `{architecture}` model, which is not supported yet; supported: {supported}")]
    Unsupported {
        /// The file.
        path: String,
        /// `general.architecture` of the file.
        architecture: String,
        /// The names that would work.
        supported: String,
    },
    /// Positions are scaled in a way that is not built yet.
    #[error(
        "{path} scales its positions in a way that is not supported: `{key}` is `{kind}`; supported: {supported}; choose another model (`infill-ls model list`), or run this one in a server of its own (setting `remote.kind`)"
    )]
    Scaling {
        /// The file.
        path: String,
        /// The key that says so.
        key: String,
        /// Its value.
        kind: String,
        /// The values that would work.
        supported: &'static str,
    },
    /// The device asked for is not there, or the build does not know it.
    #[error(
        "no {feature} device can be used: {reason}; build with `--features {feature}` and check the driver, or set `device` to \"cpu\""
    )]
    NoDevice {
        /// The build feature, which is also the value of the setting.
        feature: &'static str,
        /// What candle says.
        reason: String,
    },
    /// The file was replaced while its weights were out of memory.
    #[error("the model file {path} is not the one any more that was loaded; restart the server")]
    Changed {
        /// The file.
        path: String,
    },
    /// The numbers do not fit this machine, or candle says no.
    #[error("the model cannot be set up: {0}")]
    Setup(String),
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        Self::Setup(error.to_string())
    }
}

/// Why a forward pass gave no logits.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// Somebody asked to stop; the cache is as it was.
    #[error("interrupted")]
    Interrupted,
    /// The cache has no room for the tokens.
    #[error("the context of {capacity} tokens is full")]
    Full {
        /// Tokens that the cache holds at most.
        capacity: usize,
    },
    /// No memory could be set up for it.
    #[error("{0}")]
    Setup(String),
    /// A token that the vocabulary does not have.
    #[error("token {0} is not in the model's vocabulary")]
    UnknownToken(u32),
    /// The computation failed.
    #[error("the model failed: {0}")]
    Compute(#[from] candle_core::Error),
}

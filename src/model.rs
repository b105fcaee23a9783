//! What the network computes: a model file in, tokens in, logits out. It knows tensors and tokens, and nothing of
//! documents, prompts or jobs. The only user of candle, `tokenizers` and `minijinja`.

mod architecture;
mod chat;
mod checkpoint;
mod cpu;
mod decoder;
mod embedding;
mod error;
mod gguf;
mod gpu;
mod infill;
pub mod kernels;
mod kv_cache;
mod linear;
mod load;
mod markers;
mod ops;
mod reload;
mod sampler;
mod tokenizer;
mod weights;

pub use architecture::{Architecture, SUPPORTED};
pub use chat::{ChatPart, ChatTemplate};
pub use cpu::{cpu_features, cpu_kernel, physical_cores};
pub use decoder::Decoder;
pub use error::{ForwardError, ModelError};
pub use gguf::GgufFile;
pub use infill::Infill;
pub use kv_cache::{KvCache, Sequence};
pub use load::{Compute, LoadOptions, Loaded, load};
pub use markers::{ChatTokens, FimTokens, Markers, RepoTokens};
pub use reload::Reload;
pub use sampler::{Logits, Probabilities, Sampler};
pub use tokenizer::{Detokenizer, Stable, TextPart, TokenId, Tokenizer};

/// Which positions of a forward pass go through the output layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// None: the tokens only fill the cache.
    Nothing,
    /// The last one.
    Last,
    /// Every one, in order; for checking drafts and for tests.
    All,
}

/// A network that continues token sequences; implemented by [`Decoder`] and, in tests, by scripted models.
pub trait LanguageModel: Send + Sync {
    /// Sees to it that the model is in memory, so that the time for that is nobody's computing. Other calls do it too.
    ///
    /// # Errors
    /// When the weights were given up meanwhile and cannot be read again.
    fn wake(&self) -> Result<(), ForwardError> {
        Ok(())
    }

    /// Returns an empty cache for at most `capacity` tokens.
    ///
    /// # Errors
    /// When the memory cannot be had.
    fn new_cache(&self, capacity: usize) -> Result<KvCache, ModelError>;

    /// Appends `tokens` to `sequence` and returns the logits asked for; `None` for [`Output::Nothing`].
    ///
    /// `interrupted` is asked before each layer. When it says so the sequence is left as it was before the call.
    ///
    /// # Errors
    /// [`ForwardError::Interrupted`], [`ForwardError::Full`] when there is no room, or what candle reports.
    fn forward(
        &self,
        sequence: &mut Sequence<'_>,
        tokens: &[TokenId],
        output: Output,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Logits>, ForwardError>;
}

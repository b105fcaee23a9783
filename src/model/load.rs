//! From a path to everything that is needed to run a model: network, tokenizer, markers.

use std::path::Path;

use super::{Architecture, Decoder, GgufFile, Markers, ModelError, Tokenizer};

/// How to load.
#[derive(Debug, Clone, Copy)]
pub struct LoadOptions {
    /// Positions in use at most; the model's own context bounds it too.
    pub context: usize,
    /// Threads that compute.
    pub threads: usize,
    /// What computes.
    pub compute: Compute,
}

/// What computes the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compute {
    /// Our kernels, on the CPU.
    #[default]
    Kernels,
    /// candle's own ops, on any device; also what the kernels are compared with.
    Candle,
}

/// A model ready to run.
pub struct Loaded {
    /// The network.
    pub decoder: Decoder,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its special tokens.
    pub markers: Markers,
    /// The file's own name for itself, or the file name.
    pub name: String,
}

/// Loads a GGUF file.
///
/// # Errors
/// See [`ModelError`]; each message names the file and what to do.
pub fn load(path: &Path, options: LoadOptions) -> Result<Loaded, ModelError> {
    let file = GgufFile::open(path)?;
    let architecture = Architecture::from_gguf(&file)?;
    let tokenizer = Tokenizer::from_gguf(&file)?;
    let markers = Markers::from_gguf(&file, &tokenizer);
    if markers.fim.is_none() {
        return Err(ModelError::NoInfill { path: file.path().to_owned() });
    }
    let decoder = Decoder::from_gguf(&file, architecture, options)?;
    let name = file.string("general.name").map(str::to_owned);
    let name = name.or_else(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    Ok(Loaded { decoder, tokenizer, markers, name: name.unwrap_or_default() })
}

//! From a path to everything that is needed to run a model: network, tokenizer, markers.

use std::path::Path;

use candle_core::Device;
use candle_core::utils::{cuda_is_available, metal_is_available};

use super::checkpoint::{self, Checkpoint};
use super::ops::Place;
use super::{Architecture, ChatTemplate, Decoder, GgufFile, Markers, ModelError, Reload, Tokenizer, gpu};

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
    /// candle's own ops on the CPU: what the kernels are compared with.
    Candle,
    /// candle's own ops on an NVIDIA GPU; in builds with the feature `cuda`.
    Cuda,
    /// candle's own ops on an Apple GPU; in builds with the feature `metal`.
    Metal,
}

impl Compute {
    /// Returns the fastest that this build knows and this machine has.
    pub fn best() -> Self {
        match (cuda_is_available(), metal_is_available()) {
            (true, _) if gpu::cuda().is_ok() => Self::Cuda,
            (_, true) if gpu::metal().is_ok() => Self::Metal,
            _ => Self::Kernels,
        }
    }

    /// Returns why no GPU computes, though this build can use one.
    pub fn missing_gpu() -> Option<String> {
        let missing = |name: &str, gpu: Result<Device, String>| Some(format!("{name}: {}", gpu.err()?));
        match (cuda_is_available(), metal_is_available()) {
            (true, _) => missing("cuda", gpu::cuda()),
            (_, true) => missing("metal", gpu::metal()),
            _ => None,
        }
    }

    pub(super) fn place(self, threads: usize) -> Result<Place, ModelError> {
        let unavailable = |feature| move |reason| ModelError::NoDevice { feature, reason };
        Ok(match self {
            Self::Kernels => Place::on_threads(threads),
            Self::Candle => Place::on_device(Device::Cpu),
            Self::Cuda => Place::on_device(gpu::cuda().map_err(unavailable("cuda"))?),
            Self::Metal => Place::on_device(gpu::metal().map_err(unavailable("metal"))?),
        })
    }
}

/// A model ready to run.
pub struct Loaded {
    /// The network.
    pub decoder: Decoder,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its special tokens.
    pub markers: Markers,
    /// Its chat form, if its file carries one.
    pub chat: Option<ChatTemplate>,
    /// The file's own name for itself, or the file name.
    pub name: String,
    /// The way back to the network's weights.
    pub reload: Reload,
}

impl Loaded {
    /// Lets it compute on the threads of another model, if both compute on threads: one of them waits for the other anyway.
    pub fn share_threads(&mut self, other: &Self) {
        if let Some(pool) = other.decoder.pool() {
            self.decoder.compute_on(&pool);
            self.reload.compute_on(&pool);
        }
    }
}

/// Loads a GGUF file, or a folder with a model as Hugging Face publishes it.
///
/// # Errors
/// See [`ModelError`]; each message names the file and what to do.
pub fn load(path: &Path, options: LoadOptions) -> Result<Loaded, ModelError> {
    if let Some(folder) = checkpoint::folder(path) {
        return load_checkpoint(&folder, options);
    }
    let file = GgufFile::open(path)?;
    let architecture = Architecture::from_gguf(&file)?;
    // A third of the time is the vocabulary's, which is made while the weights are repacked.
    let (decoder, vocabulary) = std::thread::scope(|scope| {
        let vocabulary = scope.spawn(|| vocabulary(&file));
        let decoder = Decoder::from_gguf(&file, architecture, options);
        (decoder, vocabulary.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (tokenizer, markers, chat) = vocabulary?;
    let decoder = decoder?;
    let name = file.string("general.name").map(str::to_owned);
    let name = name.or_else(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    let reload = Reload::from_gguf(path, &file, &decoder)?;
    file.let_go();
    // Freeing its hundred thousands of strings takes a while, too, and nobody has to wait for that.
    std::thread::spawn(move || drop(file));
    Ok(Loaded { decoder, tokenizer, markers, chat, name: name.unwrap_or_default(), reload })
}

fn load_checkpoint(folder: &Path, options: LoadOptions) -> Result<Loaded, ModelError> {
    let checkpoint = Checkpoint::open(folder)?;
    let decoder = Decoder::from_weights(&checkpoint, checkpoint.architecture()?, options)?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (markers, chat) = (checkpoint.markers(), checkpoint.chat(folder));
    let reload = Reload::from_folder(folder, &decoder)?;
    Ok(Loaded { decoder, markers, chat, name, tokenizer: checkpoint.tokenizer, reload })
}

fn vocabulary(file: &GgufFile) -> Result<(Tokenizer, Markers, Option<ChatTemplate>), ModelError> {
    let tokenizer = Tokenizer::from_gguf(file)?;
    let markers = Markers::from_gguf(file, &tokenizer);
    let chat = ChatTemplate::from_gguf(file, &tokenizer);
    Ok((tokenizer, markers, chat))
}

//! A model as Hugging Face publishes it: a folder with `config.json`, `tokenizer.json` and `model.safetensors`, or the parts
//! that `model.safetensors.index.json` names. Its tensors are given out under the names and in the layout that GGUF files
//! have, so that there is one decoder for both. Weights stay as they are in the file, in 32 or in 16 bits.

mod names;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candle_core::DType;
use candle_core::quantized::GgmlDType;
use candle_core::safetensors::MmapedSafetensors;
use serde_json::Value;

use super::architecture::gguf_name;
use super::gguf::RawTensor;
use super::weights::Weights;
use super::{Architecture, ChatTemplate, Markers, ModelError, TokenId, Tokenizer};
use names::{Change, Names};

/// A folder with a model, opened.
pub(super) struct Checkpoint {
    shown: String,
    tensors: MmapedSafetensors,
    names: Names,
    config: Value,
    /// The token that its tokenizer puts before every text.
    begin: Option<TokenId>,
    pub(super) tokenizer: Tokenizer,
}

/// Returns the folder of a model in parts, if `path` is one or names a file of one.
pub(super) fn folder(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let is_part = path.extension().is_some_and(|extension| extension == "safetensors" || extension == "json");
    path.parent().filter(|_| is_part).map(Path::to_owned)
}

impl Checkpoint {
    /// Opens a folder.
    ///
    /// # Errors
    /// When a file is missing or broken, or the model is of a kind that is not supported.
    pub(super) fn open(folder: &Path) -> Result<Self, ModelError> {
        let shown = folder.display().to_string();
        let config = json(&folder.join("config.json"))?;
        let names = Names::of(gguf_name(&config, &shown)?);
        let paths = parts(folder)?;
        // SAFETY: the maps are read-only; as with a GGUF file, who truncates one by hand while it is read gets SIGBUS.
        let tensors = unsafe { MmapedSafetensors::multi(&paths) };
        let tensors = tensors.map_err(|error| ModelError::Broken {
            path: shown_parts(&paths),
            reason: error.to_string().lines().next().unwrap_or_default().to_owned(),
        })?;
        let described = json(&folder.join("tokenizer.json"))?;
        let tokenizer = Tokenizer::from_json(&described, &shown)?;
        let begin = begins_with(&described["post_processor"]).and_then(|text| tokenizer.special(text));
        Ok(Self { shown, tensors, names, config, begin, tokenizer })
    }

    /// Returns the description of the model.
    ///
    /// # Errors
    /// When numbers of its `config.json` are missing or do not fit each other.
    pub(super) fn architecture(&self) -> Result<Architecture, ModelError> {
        Architecture::from_config(&self.config, &|name| self.has(name), &self.shown)
    }

    /// Returns the special tokens.
    pub(super) fn markers(&self) -> Markers {
        Markers { begin: self.begin, ..Markers::from_tokenizer(&self.tokenizer) }
    }

    /// Returns the chat form: from a file of its own, or from the tokenizer's configuration.
    pub(super) fn chat(&self, folder: &Path) -> Option<ChatTemplate> {
        let config = json(&folder.join("tokenizer_config.json")).unwrap_or_default();
        let file = std::fs::read_to_string(folder.join("chat_template.jinja")).ok();
        ChatTemplate::from_json(&config, file)
    }

    /// Returns the name that a tensor has here, of those that it may have.
    fn found(&self, name: &str) -> Option<(String, Change)> {
        let (candidates, change) = self.names.candidates(name)?;
        let found = candidates.into_iter().find(|name| self.tensors.get(name).is_ok())?;
        Some((found, change))
    }
}

impl Weights for Checkpoint {
    fn raw(&self, name: &str) -> Result<RawTensor<'_>, ModelError> {
        let (found, change) =
            self.found(name).ok_or_else(|| self.broken(format!("it lacks the tensor `{name}`")))?;
        let view = self.tensors.get(&found)?;
        let absurd = || self.broken(format!("the tensor `{found}` has the shape {:?}", view.shape()));
        let shape = match *view.shape() {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => return Err(absurd()),
        };
        let dtype = match DType::try_from(view.dtype()) {
            Ok(DType::F32) => GgmlDType::F32,
            Ok(DType::F16) => GgmlDType::F16,
            Ok(DType::BF16) => GgmlDType::BF16,
            _ => {
                let kind = view.dtype();
                return Err(self.broken(format!("the tensor `{found}` has numbers of the kind {kind:?}")));
            }
        };
        let raw = RawTensor { dtype, shape, bytes: view.data().into(), start: 0 };
        match change {
            Change::None => Ok(raw),
            Change::Turned => Ok(turned(&raw)),
            Change::PlusOne => plus_one(&raw),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.found(name).is_some()
    }

    fn broken(&self, reason: String) -> ModelError {
        ModelError::Broken { path: self.shown.clone(), reason }
    }
}

/// Returns a matrix with rows and columns exchanged.
fn turned(raw: &RawTensor<'_>) -> RawTensor<'static> {
    let (rows, columns) = raw.shape;
    let size = raw.dtype.type_size();
    let at = |row: usize, column: usize| &raw.bytes[(row * columns + column) * size..][..size];
    let bytes = (0..columns).flat_map(|column| (0..rows).flat_map(move |row| at(row, column)));
    let bytes: Vec<u8> = bytes.copied().collect();
    RawTensor { dtype: raw.dtype, shape: (columns, rows), bytes: bytes.into(), start: 0 }
}

/// Returns a vector with 1 added to each number, in 32 bits.
fn plus_one(raw: &RawTensor<'_>) -> Result<RawTensor<'static>, ModelError> {
    let cpu = candle_core::Device::Cpu;
    let values = raw.to_qtensor(&cpu)?.dequantize(&cpu)?.flatten_all()?.to_vec1::<f32>()?;
    let bytes: Cow<'static, [u8]> = values.iter().flat_map(|value| (value + 1.0).to_le_bytes()).collect();
    Ok(RawTensor { dtype: GgmlDType::F32, shape: raw.shape, bytes, start: 0 })
}

/// Returns the files that hold the tensors.
fn parts(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let index = folder.join("model.safetensors.index.json");
    if !index.is_file() {
        return Ok(vec![folder.join("model.safetensors")]);
    }
    let broken = |reason: String| ModelError::Broken { path: index.display().to_string(), reason };
    let listed = json(&index)?;
    let map = listed["weight_map"].as_object().ok_or_else(|| broken("it holds no `weight_map`".into()))?;
    let files: BTreeSet<&str> = map.values().filter_map(Value::as_str).collect();
    // Only files of the folder itself: the index may come from anywhere.
    match files.iter().find(|file| Path::new(file).components().count() != 1 || file.starts_with("..")) {
        Some(file) => Err(broken(format!("it names the file `{file}` outside its folder"))),
        None => Ok(files.into_iter().map(|file| folder.join(file)).collect()),
    }
}

/// Returns the special token that a post-processor puts before a text.
fn begins_with(processor: &Value) -> Option<&str> {
    match processor["processors"].as_array() {
        Some(parts) => parts.iter().find_map(begins_with),
        None => processor["single"][0]["SpecialToken"]["id"].as_str(),
    }
}

fn shown_parts(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn json(path: &Path) -> Result<Value, ModelError> {
    let shown = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|source| ModelError::Io { path: shown.clone(), source })?;
    serde_json::from_str(&text).map_err(|error| ModelError::Broken { path: shown, reason: error.to_string() })
}

//! A model as Hugging Face publishes it: a folder with `config.json`, `model.safetensors` and `tokenizer.json`. It is read
//! into the names and the layout that GGUF files have, so that there is one decoder for both. Weights stay in 32 bits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use super::architecture::{Attention, Mlp, Norm, Position};
use super::gguf::RawTensor;
use super::weights::Weights;
use super::{Architecture, Markers, ModelError, Tokenizer};

/// A folder with a model, read.
pub(super) struct Checkpoint {
    shown: String,
    tensors: HashMap<String, Matrix>,
    pub(super) architecture: Architecture,
    pub(super) tokenizer: Tokenizer,
}

/// A tensor in 32 bits; a vector has one row.
struct Matrix {
    shape: (usize, usize),
    bytes: Vec<u8>,
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
    /// Reads a folder.
    ///
    /// # Errors
    /// When a file is missing or broken, or the model is of a kind that is not supported.
    pub(super) fn open(folder: &Path) -> Result<Self, ModelError> {
        let shown = folder.display().to_string();
        let config = json(&folder.join("config.json"))?;
        let weights = folder.join("model.safetensors");
        let tensors = candle_core::safetensors::load(&weights, &Device::Cpu);
        let tensors = tensors.map_err(|error| ModelError::Broken {
            path: weights.display().to_string(),
            reason: error.to_string().lines().next().unwrap_or_default().to_owned(),
        })?;
        let architecture = gpt2(&config, &shown)?;
        let mut checkpoint = Self {
            tokenizer: Tokenizer::from_json(&json(&folder.join("tokenizer.json"))?, &shown)?,
            tensors: HashMap::new(),
            architecture,
            shown,
        };
        checkpoint.take(&tensors)?;
        Ok(checkpoint)
    }

    /// Returns the special tokens: a base model of this kind has none but its end.
    pub(super) fn markers(&self) -> Markers {
        Markers { fim: None, repo: None, chat: None, begin: None }
    }

    /// Takes over the tensors, under the names of GGUF files. Linear layers of GPT-2 are kept the other way round, and its
    /// queries, keys and values are one matrix.
    fn take(&mut self, tensors: &HashMap<String, Tensor>) -> Result<(), ModelError> {
        let find = |name: &str| {
            let found = tensors.get(name).or_else(|| tensors.get(&format!("transformer.{name}")));
            found.cloned().ok_or_else(|| self.broken(format!("it lacks the tensor `{name}`")))
        };
        let hidden = self.architecture.hidden;
        let mut taken: Vec<(String, Tensor)> = vec![
            ("token_embd.weight".into(), find("wte.weight")?),
            ("position_embd.weight".into(), find("wpe.weight")?),
            ("output_norm.weight".into(), find("ln_f.weight")?),
            ("output_norm.bias".into(), find("ln_f.bias")?),
        ];
        for layer in 0..self.architecture.layers {
            let part = |from: &str| find(&format!("h.{layer}.{from}"));
            let name = |to: &str| format!("blk.{layer}.{to}");
            for (from, to) in [("ln_1", "attn_norm"), ("ln_2", "ffn_norm")] {
                taken.push((name(&format!("{to}.weight")), part(&format!("{from}.weight"))?));
                taken.push((name(&format!("{to}.bias")), part(&format!("{from}.bias"))?));
            }
            for (from, to) in
                [("attn.c_proj", "attn_output"), ("mlp.c_fc", "ffn_up"), ("mlp.c_proj", "ffn_down")]
            {
                taken.push((name(&format!("{to}.weight")), turned(&part(&format!("{from}.weight"))?)?));
                taken.push((name(&format!("{to}.bias")), part(&format!("{from}.bias"))?));
            }
            let (weight, bias) = (turned(&part("attn.c_attn.weight")?)?, part("attn.c_attn.bias")?);
            for (index, to) in ["attn_q", "attn_k", "attn_v"].into_iter().enumerate() {
                taken.push((name(&format!("{to}.weight")), weight.narrow(0, index * hidden, hidden)?));
                taken.push((name(&format!("{to}.bias")), bias.narrow(0, index * hidden, hidden)?));
            }
        }
        for (name, tensor) in taken {
            let matrix = Matrix::new(&tensor)?;
            self.tensors.insert(name, matrix);
        }
        Ok(())
    }
}

impl Weights for Checkpoint {
    fn raw(&self, name: &str) -> Result<RawTensor<'_>, ModelError> {
        let matrix = self.tensors.get(name);
        let matrix = matrix.ok_or_else(|| self.broken(format!("it lacks the tensor `{name}`")))?;
        Ok(RawTensor { dtype: GgmlDType::F32, shape: matrix.shape, bytes: &matrix.bytes, start: 0 })
    }

    fn broken(&self, reason: String) -> ModelError {
        ModelError::Broken { path: self.shown.clone(), reason }
    }
}

impl Matrix {
    fn new(tensor: &Tensor) -> Result<Self, ModelError> {
        let shape = match *tensor.dims() {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => return Err(ModelError::Setup(format!("a tensor has the shape {:?}", tensor.shape()))),
        };
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(Self { shape, bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect() })
    }
}

fn turned(tensor: &Tensor) -> Result<Tensor, ModelError> {
    Ok(tensor.t()?.contiguous()?)
}

fn json(path: &Path) -> Result<Value, ModelError> {
    let shown = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|source| ModelError::Io { path: shown.clone(), source })?;
    serde_json::from_str(&text).map_err(|error| ModelError::Broken { path: shown, reason: error.to_string() })
}

/// Reads the description of a GPT-2.
fn gpt2(config: &Value, shown: &str) -> Result<Architecture, ModelError> {
    let name = config["model_type"].as_str().unwrap_or("none");
    if name != "gpt2" {
        return Err(ModelError::Unsupported {
            path: shown.to_owned(),
            architecture: name.to_owned(),
            supported: "gpt2, or a GGUF file".into(),
        });
    }
    let broken = |reason: String| ModelError::Broken { path: shown.to_owned(), reason };
    let number = |key: &str| {
        let number = config[key].as_u64().and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| broken(format!("its config.json lacks the number `{key}`")))
    };
    let (hidden, heads) = (number("n_embd")?, number("n_head")?);
    let activation = config["activation_function"].as_str().unwrap_or("gelu_new");
    if activation != "gelu_new" || config["scale_attn_by_inverse_layer_idx"] == true {
        return Err(broken(format!("it is a variant of GPT-2 that is not supported ({activation})")));
    }
    let described = Architecture {
        name: "gpt2".into(),
        layers: number("n_layer")?,
        hidden,
        feed_forward: config["n_inner"].as_u64().map_or(4 * hidden, |inner| inner as usize),
        vocabulary: number("vocab_size")?,
        context: number("n_positions")?,
        attention: Attention {
            heads,
            kv_heads: heads,
            head_dim: hidden.checked_div(heads).unwrap_or(0),
            qkv_bias: true,
            output_bias: true,
        },
        norm: Norm::Layer { epsilon: config["layer_norm_epsilon"].as_f64().unwrap_or(1e-5) },
        position: Position::Learned,
        mlp: Mlp::Gelu,
        tied_embeddings: true,
    };
    described.check().map_err(broken)?;
    Ok(described)
}

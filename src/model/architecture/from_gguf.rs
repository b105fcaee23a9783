//! Descriptions from the metadata of GGUF files. The keys and what stands for a missing one are those of llama.cpp
//! (`src/llama-arch.cpp`, `src/models/*.cpp`).

use super::rotary::{Long, Rotary, Scaling, Yarn, yarn_magnitude};
use super::{
    Activation, Architecture, Attention, Gate, Mlp, Norm, Position, SUPPORTED, Scales, Window, all_but_every,
};
use crate::model::kernels::RotaryStyle;
use crate::model::weights::Weights;
use crate::model::{GgufFile, ModelError};

/// The keys of one architecture in one file.
struct Keys<'a> {
    file: &'a GgufFile,
    name: &'a str,
}

impl Keys<'_> {
    fn required(&self, key: &str) -> Result<usize, ModelError> {
        self.file.required_number(&format!("{}.{key}", self.name))
    }

    fn number(&self, key: &str) -> Option<usize> {
        let number = self.file.number(&format!("{}.{key}", self.name))?;
        Some(usize::try_from(number).unwrap_or(0))
    }

    fn float(&self, key: &str) -> Option<f64> {
        self.file.float(&format!("{}.{key}", self.name))
    }

    fn string(&self, key: &str) -> Option<&str> {
        self.file.string(&format!("{}.{key}", self.name))
    }
}

impl Architecture {
    /// Reads the description from a file's metadata.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for an architecture not in [`SUPPORTED`], [`ModelError::Broken`] for numbers that
    /// are missing or do not fit each other.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        let name = file.string("general.architecture");
        let name = name.ok_or_else(|| file.broken("its metadata lacks `general.architecture`"))?;
        let unsupported = |name: String| ModelError::Unsupported {
            path: file.path().to_owned(),
            architecture: name,
            supported: SUPPORTED.join(", "),
        };
        if !SUPPORTED.contains(&name) {
            return Err(unsupported(name.to_owned()));
        }
        let keys = Keys { file, name };
        if keys.number("expert_count").is_some_and(|experts| experts > 0) {
            return Err(unsupported(format!("{name} with experts")));
        }
        if name == "stablelm" && !file.has("blk.0.ffn_norm.weight") {
            return Err(unsupported(format!("{name} with attention and feed-forward side by side")));
        }
        if name == "glm4" && file.value("glm4.rope.dimension_sections").is_some() {
            return Err(unsupported(format!("{name} with pictures")));
        }
        let described = describe(&keys)?;
        described.check().map_err(|reason| file.broken(reason))?;
        Ok(described)
    }
}

fn describe(keys: &Keys<'_>) -> Result<Architecture, ModelError> {
    let Keys { file, name } = *keys;
    let (hidden, layers) = (keys.required("embedding_length")?, keys.required("block_count")?);
    let is_old = matches!(name, "gpt2" | "starcoder");
    let is_gemma = matches!(name, "gemma" | "gemma2" | "gemma3");
    let norm = match is_old || matches!(name, "starcoder2" | "stablelm") {
        true => Norm::Layer { epsilon: keys.float("attention.layer_norm_epsilon").unwrap_or(1e-5) },
        false => Norm::Rms { epsilon: keys.float("attention.layer_norm_rms_epsilon").unwrap_or(1e-6) },
    };
    let attention = attention(keys, hidden, layers)?;
    let gate = match name {
        "gpt2" | "starcoder" | "starcoder2" => Gate::Absent,
        "phi3" | "glm4" => Gate::Fused,
        _ => Gate::Separate,
    };
    let gelu = is_gemma || gate == Gate::Absent;
    let position = match is_old {
        true => Position::Learned,
        false => Position::Rotary(rotary(keys, attention.head_dim, layers)?),
    };
    let divisor = keys.float("logit_scale").filter(|_| name == "granite").unwrap_or(1.0);
    let scales = Scales {
        embedding: match is_gemma {
            true => (hidden as f64).sqrt(),
            false => keys.float("embedding_scale").unwrap_or(1.0),
        },
        residual: keys.float("residual_scale").unwrap_or(1.0),
        logits: 1.0 / divisor,
        logit_cap: match name {
            "gemma2" => Some(keys.float("final_logit_softcapping").unwrap_or(30.0)),
            _ => keys.float("final_logit_softcapping").filter(|&cap| cap > 0.0),
        },
    };
    Ok(Architecture {
        name: name.to_owned(),
        layers,
        hidden,
        feed_forward: keys.required("feed_forward_length")?,
        vocabulary: file.array("tokenizer.ggml.tokens")?.len(),
        context: context(keys)?,
        attention,
        norm,
        post_norms: matches!(name, "gemma2" | "gemma3" | "glm4"),
        position,
        mlp: Mlp {
            gate,
            activation: if gelu { Activation::Gelu } else { Activation::Silu },
            bias: file.has("blk.0.ffn_down.bias"),
        },
        tied_embeddings: !file.has("output.weight"),
        scales,
    })
}

/// Some files with YaRN still say what the model was trained for, before its positions were scaled.
fn context(keys: &Keys<'_>) -> Result<usize, ModelError> {
    let whole = keys.required("context_length")?;
    let original = keys.number("rope.scaling.original_context_length");
    let scaled = original.zip(keys.float("rope.scaling.factor"));
    let scaled = scaled.filter(|_| keys.string("rope.scaling.type") == Some("yarn"));
    Ok(scaled.map_or(whole, |(original, factor)| whole.max((original as f64 * factor) as usize)))
}

fn attention(keys: &Keys<'_>, hidden: usize, layers: usize) -> Result<Attention, ModelError> {
    let Keys { file, name } = *keys;
    let heads = keys.required("attention.head_count")?;
    let head_dim = keys.number("attention.key_length");
    let head_dim = head_dim.unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0));
    let fused = file.has("blk.0.attn_qkv.weight");
    // The largest Gemmas are the only ones whose scale is not that of the head's width, and no key says so.
    let largest = matches!((name, layers), ("gemma2", 46) | ("gemma3", 62));
    let default_scale = match largest {
        true => (hidden as f64 / heads as f64).sqrt().recip(),
        false => (head_dim as f64).sqrt().recip(),
    };
    Ok(Attention {
        heads,
        kv_heads: match name {
            "qwen2" => keys.required("attention.head_count_kv")?,
            _ => keys.number("attention.head_count_kv").unwrap_or(heads),
        },
        head_dim,
        fused,
        qkv_bias: match name {
            "qwen2" => true,
            _ => file.has(if fused { "blk.0.attn_qkv.bias" } else { "blk.0.attn_q.bias" }),
        },
        output_bias: file.has("blk.0.attn_output.bias"),
        head_norms: matches!(name, "qwen3" | "gemma3"),
        scale: keys.float("attention.scale").filter(|&scale| scale > 0.0).unwrap_or(default_scale),
        soft_cap: match name {
            "gemma2" => Some(keys.float("attn_logit_softcapping").unwrap_or(50.0)),
            _ => None,
        },
        window: window(keys, layers),
    })
}

/// Which layers look at the last positions only: by a list, by every how many one does not, or all.
fn window(keys: &Keys<'_>, layers: usize) -> Option<Window> {
    let every = match keys.name {
        "gemma2" => 2,
        "gemma3" => 6,
        "phi3" | "starcoder2" => layers + 1,
        _ => return None,
    };
    let size = match keys.name {
        "gemma2" => keys.number("attention.sliding_window").unwrap_or(4096),
        _ => keys.number("attention.sliding_window")?,
    };
    let key = "attention.sliding_window_pattern";
    let every = keys.number(key).unwrap_or(every).max(1);
    let listed = keys.file.flags(&format!("{}.{key}", keys.name));
    let layers = listed.unwrap_or_else(|| all_but_every(every, layers));
    Some(Window { size, layers }).filter(|window| window.size > 0)
}

/// The keys of [`ModelError::Scaling`].
const SCALINGS: &str = "none, linear, yarn, longrope";

fn rotary(keys: &Keys<'_>, head_dim: usize, layers: usize) -> Result<Rotary, ModelError> {
    let Keys { file, name } = *keys;
    // Files of the first three have the rows of queries and keys in another order than the checkpoints they come from.
    let is_paired = matches!(name, "llama" | "granite" | "smollm3" | "glm4");
    let style = if is_paired { RotaryStyle::Pairs } else { RotaryStyle::Halves };
    let dims = keys.number("rope.dimension_count").unwrap_or(head_dim);
    let base = keys.float("rope.freq_base").unwrap_or(10_000.0);
    let factors = |name: &str| factors(file, name, dims / 2).map(Scaling::Factors);
    let mut magnitude = keys.float("rope.scaling.attn_factor").unwrap_or(1.0);
    let mut long = None;
    let scaling = if file.has("rope_freqs.weight") {
        factors("rope_freqs.weight")?
    } else if file.has("rope_factors_short.weight") {
        let beyond = original(keys)?;
        let scaling = factors("rope_factors_long.weight")?;
        long = Some(Long { beyond, frequencies: Rotary::new(style, dims, base, &scaling).frequencies });
        factors("rope_factors_short.weight")?
    } else {
        let factor = keys.float("rope.scaling.factor").or_else(|| keys.float("rope.scale_linear"));
        let factor = factor.filter(|&factor| factor > 0.0);
        match (keys.string("rope.scaling.type"), factor) {
            (Some("none"), _) | (Some("linear" | "yarn") | None, None) => Scaling::None,
            (Some("linear") | None, Some(factor)) => Scaling::Linear(factor),
            (Some("yarn"), Some(factor)) => {
                magnitude *= yarn_attention(keys, factor);
                yarn(keys, factor)?
            }
            (Some("longrope"), _) => {
                return Err(file.broken("it lacks the tensor `rope_factors_short.weight`"));
            }
            (Some(kind), _) => {
                return Err(ModelError::Scaling {
                    path: file.path().to_owned(),
                    key: format!("{name}.rope.scaling.type"),
                    kind: kind.to_owned(),
                    supported: SCALINGS,
                });
            }
        }
    };
    let mut rotary = Rotary { magnitude, long, ..Rotary::new(style, dims, base, &scaling) };
    match name {
        "gemma3" => {
            let base = keys.float("rope.freq_base_swa").unwrap_or(10_000.0);
            rotary.windowed = Some(Rotary::new(style, dims, base, &Scaling::None).frequencies);
        }
        // No key says so; it is so in llama.cpp, too.
        "smollm3" => {
            rotary.layers = Some(all_but_every(4, layers));
        }
        _ => {}
    }
    Ok(rotary)
}

/// Returns the positions of the first training.
fn original(keys: &Keys<'_>) -> Result<usize, ModelError> {
    match keys.number("rope.scaling.original_context_length") {
        Some(original) => Ok(original),
        None => keys.required("context_length"),
    }
}

fn yarn(keys: &Keys<'_>, factor: f64) -> Result<Scaling, ModelError> {
    Ok(Scaling::Yarn(Yarn {
        factor,
        original: original(keys)? as f64,
        fast: keys.float("rope.scaling.yarn_beta_fast").unwrap_or(32.0),
        slow: keys.float("rope.scaling.yarn_beta_slow").unwrap_or(1.0),
        rounded: true,
    }))
}

/// What YaRN multiplies turned numbers with. llama.cpp's script writes the factor that a `config.json` gives; llama.cpp itself
/// reads it and then takes the usual one all the same. Here it is what the model was trained with.
fn yarn_attention(keys: &Keys<'_>, factor: f64) -> f64 {
    let usual = yarn_magnitude(factor, 1.0);
    let over = keys.float("rope.scaling.yarn_log_multiplier").map(|scale| yarn_magnitude(factor, scale));
    keys.float("rope.scaling.yarn_attn_factor").unwrap_or(usual / over.unwrap_or(1.0))
}

fn factors(file: &GgufFile, name: &str, count: usize) -> Result<Vec<f64>, ModelError> {
    let factors = file.vector(name, count, &candle_core::Device::Cpu)?.to_vec1::<f32>()?;
    Ok(factors.into_iter().map(f64::from).collect())
}

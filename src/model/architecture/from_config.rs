//! Descriptions from the `config.json` of a checkpoint. The keys and what stands for a missing one are those of
//! transformers' configurations; what the tensors themselves show (biases, an output layer) is asked of them.

mod positions;

use serde_json::Value;

use super::{
    Activation, Architecture, Attention, CONFIG_TYPES, Gate, MOST_LAYERS, Mlp, Norm, Position, Scales, Window,
};
use crate::model::ModelError;
use positions::rotary;

/// A configuration, with the name of the model for messages.
struct Config<'a> {
    values: &'a Value,
    shown: &'a str,
}

impl Config<'_> {
    fn broken(&self, reason: String) -> ModelError {
        ModelError::Broken { path: self.shown.to_owned(), reason }
    }

    fn number(&self, keys: &[&str]) -> Option<usize> {
        let number = keys.iter().find_map(|key| self.values[*key].as_u64())?;
        usize::try_from(number).ok()
    }

    fn required(&self, keys: &[&str]) -> Result<usize, ModelError> {
        self.number(keys)
            .ok_or_else(|| self.broken(format!("its config.json lacks the number `{}`", keys[0])))
    }

    fn float(&self, key: &str) -> Option<f64> {
        self.values[key].as_f64()
    }

    fn string(&self, key: &str) -> Option<&str> {
        self.values[key].as_str()
    }
}

impl Architecture {
    /// Reads the description from a `config.json`; `has` says whether the checkpoint has a tensor, by its name in GGUF
    /// files, and `shown` is what the model is called in messages.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for an architecture not in [`CONFIG_TYPES`], [`ModelError::Broken`] for numbers that
    /// are missing or do not fit each other.
    pub(in crate::model) fn from_config(
        values: &Value,
        has: &dyn Fn(&str) -> bool,
        shown: &str,
    ) -> Result<Self, ModelError> {
        let name = gguf_name(values, shown)?;
        // Models that also see pictures keep the text's part in a part of its own.
        let values = if values["text_config"].is_object() { &values["text_config"] } else { values };
        let config = Config { values, shown };
        let described = describe(&config, name, has)?;
        described.check().map_err(|reason| config.broken(reason))?;
        Ok(described)
    }
}

/// Returns the name that GGUF files have for the architecture of a `config.json`.
pub(in crate::model) fn gguf_name(values: &Value, shown: &str) -> Result<&'static str, ModelError> {
    let kind = values["model_type"].as_str().unwrap_or("none");
    let known = CONFIG_TYPES.iter().find(|(name, _)| *name == kind);
    known.map(|(_, name)| *name).ok_or_else(|| ModelError::Unsupported {
        path: shown.to_owned(),
        architecture: kind.to_owned(),
        supported: CONFIG_TYPES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
    })
}

fn describe(config: &Config<'_>, name: &str, has: &dyn Fn(&str) -> bool) -> Result<Architecture, ModelError> {
    let hidden = config.required(&["hidden_size", "n_embd"])?;
    let layers = config.required(&["num_hidden_layers", "n_layer"])?;
    let is_old = matches!(name, "gpt2" | "starcoder");
    let is_gemma = matches!(name, "gemma" | "gemma2" | "gemma3");
    let layer_epsilon = ["layer_norm_epsilon", "norm_epsilon", "layer_norm_eps"];
    let layer_epsilon = layer_epsilon.iter().find_map(|key| config.float(key));
    let norm = match is_old || matches!(name, "starcoder2" | "stablelm") {
        true => Norm::Layer { epsilon: layer_epsilon.unwrap_or(1e-5) },
        false => Norm::Rms { epsilon: config.float("rms_norm_eps").unwrap_or(1e-6) },
    };
    let gate = match name {
        "gpt2" | "starcoder" | "starcoder2" => Gate::Absent,
        "phi3" | "glm4" => Gate::Fused,
        _ => Gate::Separate,
    };
    let attention = attention(config, name, hidden, layers, has)?;
    let position = match is_old {
        true => Position::Learned,
        false => Position::Rotary(rotary(config, name, attention.head_dim, layers)?),
    };
    let inner = match is_old {
        true => config.number(&["n_inner"]).unwrap_or(4 * hidden),
        false => config.required(&["intermediate_size"])?,
    };
    Ok(Architecture {
        name: name.to_owned(),
        layers,
        hidden,
        feed_forward: inner,
        vocabulary: config.required(&["vocab_size"])?,
        context: positions::context(config, name)?,
        attention,
        norm,
        post_norms: matches!(name, "gemma2" | "gemma3" | "glm4"),
        position,
        mlp: Mlp { gate, activation: activation(config, is_gemma)?, bias: has("blk.0.ffn_down.bias") },
        tied_embeddings: !has("output.weight"),
        scales: Scales {
            embedding: match is_gemma {
                true => (hidden as f64).sqrt(),
                false => config.float("embedding_multiplier").unwrap_or(1.0),
            },
            residual: config.float("residual_multiplier").unwrap_or(1.0),
            logits: config.float("logits_scaling").unwrap_or(1.0).recip(),
            logit_cap: config.float("final_logit_softcapping"),
        },
    })
}

fn activation(config: &Config<'_>, is_gemma: bool) -> Result<Activation, ModelError> {
    let keys = ["hidden_activation", "activation_function", "hidden_act"];
    let named = keys.iter().find_map(|key| config.string(key));
    match named {
        Some("silu" | "swish") => Ok(Activation::Silu),
        // Gemma was published as `gelu` and meant the approximation.
        Some("gelu_new" | "gelu_pytorch_tanh" | "gelu_fast") => Ok(Activation::Gelu),
        Some("gelu") if is_gemma => Ok(Activation::Gelu),
        other => {
            Err(config
                .broken(format!("its activation function `{}` is not supported", other.unwrap_or("none"))))
        }
    }
}

fn attention(
    config: &Config<'_>,
    name: &str,
    hidden: usize,
    layers: usize,
    has: &dyn Fn(&str) -> bool,
) -> Result<Attention, ModelError> {
    let heads = config.required(&["num_attention_heads", "n_head"])?;
    let head_dim = config.number(&["head_dim"]);
    let head_dim = head_dim.unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0));
    let variant = |key: &str, wanted: bool| config.values[key].as_bool().is_some_and(|is| is != wanted);
    let plain = ["scale_attn_by_inverse_layer_idx", "use_parallel_residual", "qk_layernorm"];
    if variant("multi_query", true) || plain.iter().any(|key| variant(key, false)) {
        return Err(config.broken("it is a variant of its architecture that is not supported".into()));
    }
    let kv_heads = match name {
        "starcoder" => 1,
        _ => config.number(&["num_key_value_heads"]).unwrap_or(heads),
    };
    let fused = has("blk.0.attn_qkv.weight");
    let scale = match config.float("attention_multiplier") {
        Some(scale) => scale,
        None => config.float("query_pre_attn_scalar").unwrap_or(head_dim as f64).sqrt().recip(),
    };
    Ok(Attention {
        heads,
        kv_heads,
        head_dim,
        fused,
        qkv_bias: has(if fused { "blk.0.attn_qkv.bias" } else { "blk.0.attn_q.bias" }),
        output_bias: has("blk.0.attn_output.bias"),
        head_norms: matches!(name, "qwen3" | "gemma3"),
        scale,
        soft_cap: config.float("attn_logit_softcapping").filter(|_| name == "gemma2"),
        window: window(config, name, layers),
    })
}

fn window(config: &Config<'_>, name: &str, layers: usize) -> Option<Window> {
    if matches!(name, "qwen2" | "qwen3" | "smollm3") && config.values["use_sliding_window"] != true {
        return None;
    }
    let size = config.number(&["sliding_window"])?;
    let listed = config.values["layer_types"].as_array();
    let listed = listed.map(|types| types.iter().map(|kind| kind == "sliding_attention").collect());
    let every = config.number(&["sliding_window_pattern", "_sliding_window_pattern"]);
    let every = every.unwrap_or(if name == "gemma3" { 6 } else { 2 }).max(1);
    let pattern = |layer: usize| match name {
        "gemma2" | "gemma3" => !layer.is_multiple_of(every),
        "qwen2" | "qwen3" => config.number(&["max_window_layers"]).is_some_and(|first| layer > first),
        _ => true,
    };
    Some(Window {
        size,
        layers: listed.unwrap_or_else(|| (1..=layers.min(MOST_LAYERS)).map(pattern).collect()),
    })
}

//! The declarative description of a decoder: what to read from a model file and how the one forward pass is to be
//! put together. A new architecture is a new description, not a new forward pass. The descriptions are read from the
//! metadata of a GGUF file or from the `config.json` of a checkpoint; both end in the same one.

mod from_config;
mod from_gguf;
mod rotary;

use super::kernels::AttentionShape;

pub(super) use from_config::gguf_name;
pub use rotary::Rotary;

/// Names of `general.architecture` in GGUF files that can be run. Checkpoints have the same ones by the names that
/// transformers gives them, see [`CONFIG_TYPES`].
pub const SUPPORTED: &[&str] = &[
    "qwen2",
    "qwen3",
    "llama",
    "starcoder2",
    "starcoder",
    "gpt2",
    "granite",
    "gemma",
    "gemma2",
    "gemma3",
    "phi3",
    "stablelm",
    "smollm3",
    "glm4",
];

/// Values of `model_type` in a `config.json`, and the name that GGUF files have for the same.
pub(super) const CONFIG_TYPES: &[(&str, &str)] = &[
    ("qwen2", "qwen2"),
    ("qwen3", "qwen3"),
    ("llama", "llama"),
    ("mistral", "llama"),
    ("starcoder2", "starcoder2"),
    ("gpt_bigcode", "starcoder"),
    ("gpt2", "gpt2"),
    ("granite", "granite"),
    ("gemma", "gemma"),
    ("gemma2", "gemma2"),
    ("gemma3", "gemma3"),
    ("gemma3_text", "gemma3"),
    ("phi3", "phi3"),
    ("stablelm", "stablelm"),
    ("smollm3", "smollm3"),
    ("glm4", "glm4"),
];

/// Numbers beyond which a header is taken for broken; the largest dense models stay far below.
const MOST_LAYERS: usize = 1_000;
const MOST_WIDTH: usize = 1 << 20;

/// How a decoder is built.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// `general.architecture`.
    pub name: String,
    /// Decoder layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the MLP.
    pub feed_forward: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// Tokens that the model was trained to see at once.
    pub context: usize,
    /// How tokens look at each other.
    pub attention: Attention,
    /// How a layer's input is normalised.
    pub norm: Norm,
    /// Whether what attention and MLP give is normalised too, before it is added.
    pub post_norms: bool,
    /// How positions enter.
    pub position: Position,
    /// What stands between two attentions.
    pub mlp: Mlp,
    /// Whether the output layer is the embedding again.
    pub tied_embeddings: bool,
    /// Numbers that some families multiply with.
    pub scales: Scales,
}

/// Grouped-query attention.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Whether queries, keys and values are made by one matrix in the file.
    pub fused: bool,
    /// Whether query, key and value have a bias.
    pub qkv_bias: bool,
    /// Whether what comes out of it has one.
    pub output_bias: bool,
    /// Whether every head of queries and keys is normalised.
    pub head_norms: bool,
    /// What scores are multiplied with.
    pub scale: f64,
    /// The bound that scores come near to but never reach.
    pub soft_cap: Option<f64>,
    /// Layers that look at the last positions only.
    pub window: Option<Window>,
}

/// Attention that reaches back over some positions only.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Positions that are seen, the own one included.
    pub size: usize,
    /// For each layer, whether it is bound by it.
    pub layers: Vec<bool>,
}

/// A norm of the residual stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Norm {
    /// Root mean square, without mean and bias.
    Rms {
        /// Added to the mean square.
        epsilon: f64,
    },
    /// Mean and variance, with a bias.
    Layer {
        /// Added to the variance.
        epsilon: f64,
    },
}

/// Positions.
#[derive(Debug, Clone, PartialEq)]
pub enum Position {
    /// Queries and keys turn with their position.
    Rotary(Rotary),
    /// A learned vector for each position, added to the token's.
    Learned,
}

/// The feed-forward part of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    /// `down(act(gate(x)) * up(x))` instead of `down(act(up(x)))`.
    pub gate: Gate,
    /// What stands in the middle.
    pub activation: Activation,
    /// Whether its layers have a bias.
    pub bias: bool,
}

/// Where the gate of a feed-forward part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// There is none.
    Absent,
    /// In a matrix of its own.
    Separate,
    /// The first half of the matrix of `up`.
    Fused,
}

/// What makes a feed-forward part more than one matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// GELU in the approximation by the hyperbolic tangent.
    Gelu,
}

/// Numbers that some families multiply with; 1 for the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Scales {
    /// Of the embedding.
    pub embedding: f64,
    /// Of what attention and MLP add to the residual stream.
    pub residual: f64,
    /// Of the logits.
    pub logits: f64,
    /// The bound that logits come near to but never reach.
    pub logit_cap: Option<f64>,
}

impl Default for Scales {
    fn default() -> Self {
        Self { embedding: 1.0, residual: 1.0, logits: 1.0, logit_cap: None }
    }
}

impl Attention {
    /// Returns the attention of one layer, in the terms of the kernels.
    pub(super) fn shape(&self, layer: usize) -> AttentionShape {
        AttentionShape {
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            scale: self.scale as f32,
            soft_cap: self.soft_cap.map(|cap| cap as f32),
            window: self.window.as_ref().filter(|window| window.layers[layer]).map(|window| window.size),
        }
    }

    /// Returns whether a layer looks at the last positions only.
    pub(super) fn is_windowed(&self, layer: usize) -> bool {
        self.window.as_ref().is_some_and(|window| window.layers[layer])
    }
}

/// Returns which layers have what every so many lacks. A header may say any number of layers; that there are too many is found
/// by the check.
fn all_but_every(every: usize, layers: usize) -> Vec<bool> {
    (1..=layers.min(MOST_LAYERS)).map(|layer| !layer.is_multiple_of(every)).collect()
}

impl Architecture {
    /// Returns whether the CPU's kernels can run it: they go over heads sixteen numbers at a time.
    pub(super) fn fits_kernels(&self) -> bool {
        self.attention.head_dim.is_multiple_of(16)
    }

    /// Returns whether queries and keys of a layer turn with their position.
    pub(super) fn turns(&self, layer: usize) -> bool {
        match &self.position {
            Position::Rotary(rotary) => rotary.layers.as_ref().is_none_or(|layers| layers[layer]),
            Position::Learned => false,
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let within = |what: &str, n: usize, most: usize| match n {
            0 => Err(format!("its {what} is 0")),
            n if n > most => Err(format!("its {what} is {n}, more than {most}")),
            _ => Ok(()),
        };
        within("number of layers", self.layers, MOST_LAYERS)?;
        within("width", self.hidden, MOST_WIDTH)?;
        within("feed-forward width", self.feed_forward, MOST_WIDTH)?;
        within("context length", self.context, 1 << 30)?;
        within("vocabulary", self.vocabulary, 1 << 24)?;
        let Attention { heads, kv_heads, head_dim, .. } = self.attention;
        within("number of heads", heads, self.hidden)?;
        within("number of key heads", kv_heads, heads)?;
        within("head width", head_dim, MOST_WIDTH)?;
        if !heads.is_multiple_of(kv_heads) || !head_dim.is_multiple_of(2) {
            return Err(format!(
                "{heads} heads of {head_dim} with {kv_heads} key heads do not fit each other"
            ));
        }
        if let Some(window) = &self.attention.window {
            within("attention window", window.size, 1 << 30)?;
            if window.layers.len() != self.layers {
                return Err(format!("{} layers have {} windows", self.layers, window.layers.len()));
            }
        }
        let positive = |number: f64| number.is_finite() && number > 0.0;
        let Scales { embedding, residual, logits, logit_cap } = self.scales;
        let caps = [logit_cap, self.attention.soft_cap].into_iter().flatten();
        if !caps.chain([embedding, residual, logits, self.attention.scale]).all(positive) {
            return Err("one of its scales is not above 0".into());
        }
        match &self.position {
            Position::Rotary(rotary) => rotary.check(head_dim, self.layers),
            Position::Learned => Ok(()),
        }
    }
}

//! The declarative description of a decoder: what to read from a model file and how the one forward pass is to be
//! put together. A new architecture is a new description here, not a new forward pass.

use super::{GgufFile, ModelError};

/// Names of `general.architecture` that can be run.
pub const SUPPORTED: &[&str] = &["qwen2"];

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
    /// How positions enter.
    pub position: Position,
    /// What stands between two attentions.
    pub mlp: Mlp,
    /// Whether the output layer is the embedding again.
    pub tied_embeddings: bool,
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
    /// Whether query, key and value have a bias.
    pub qkv_bias: bool,
    /// Whether what comes out of it has one.
    pub output_bias: bool,
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
    /// Rotary embedding of a head's two halves against each other (the "NeoX" order).
    Rotary {
        /// The base of the frequencies.
        base: f64,
    },
    /// A learned vector for each position, added to the token's.
    Learned,
}

/// The feed-forward part of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Mlp {
    /// `down(silu(gate(x)) * up(x))`.
    GatedSilu,
    /// `down(gelu(up(x)))` with biases, in the approximation by the hyperbolic tangent.
    Gelu,
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
        match name {
            "qwen2" => Self::qwen2(file),
            _ => Err(ModelError::Unsupported {
                path: file.path().to_owned(),
                architecture: name.to_owned(),
                supported: SUPPORTED.join(", "),
            }),
        }
    }

    fn qwen2(file: &GgufFile) -> Result<Self, ModelError> {
        let number = |key: &str| file.required_number(&format!("qwen2.{key}"));
        let (hidden, heads) = (number("embedding_length")?, number("attention.head_count")?);
        let head_dim = match file.number("qwen2.attention.key_length") {
            Some(length) => usize::try_from(length).unwrap_or(0),
            None => hidden.checked_div(heads).unwrap_or(0),
        };
        let described = Self {
            name: "qwen2".into(),
            layers: number("block_count")?,
            hidden,
            feed_forward: number("feed_forward_length")?,
            vocabulary: file.array("tokenizer.ggml.tokens")?.len(),
            context: number("context_length")?,
            attention: Attention {
                heads,
                kv_heads: number("attention.head_count_kv")?,
                head_dim,
                qkv_bias: true,
                output_bias: false,
            },
            norm: Norm::Rms { epsilon: file.float("qwen2.attention.layer_norm_rms_epsilon").unwrap_or(1e-6) },
            position: Position::Rotary { base: file.float("qwen2.rope.freq_base").unwrap_or(10_000.0) },
            mlp: Mlp::GatedSilu,
            tied_embeddings: !file.has_tensor("output.weight"),
        };
        described.check().map_err(|reason| file.broken(reason))?;
        Ok(described)
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
        within("head width", head_dim, self.hidden)?;
        if !heads.is_multiple_of(kv_heads) || !head_dim.is_multiple_of(2) {
            return Err(format!(
                "{heads} heads of {head_dim} with {kv_heads} key heads do not fit each other"
            ));
        }
        Ok(())
    }
}

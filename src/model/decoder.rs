//! The decoder: one forward pass for every architecture that [`Architecture`] can describe.

use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::architecture::{Architecture, Attention, Mlp, Norm, Position};
use super::embedding::Embedding;
use super::kernels::WorkerPool;
use super::kv_cache::RowShape;
use super::linear::QuantLinear;
use super::ops::{self, Angles, Place, Rotary};
use super::weights::Weights;
use super::{
    ForwardError, GgufFile, KvCache, LanguageModel, LoadOptions, Logits, ModelError, Output, Sequence,
    TokenId,
};

/// A loaded network.
pub struct Decoder {
    architecture: Architecture,
    place: Place,
    embedding: Embedding,
    layers: Vec<Layer>,
    /// A vector for each position, where those are learned.
    positions: Option<Tensor>,
    norm: NormWeights,
    output: QuantLinear,
    rotary: Option<Rotary>,
    context: usize,
}

/// What a norm scales by and adds.
struct NormWeights {
    weight: Tensor,
    bias: Option<Tensor>,
}

struct Layer {
    attention_norm: NormWeights,
    query: QuantLinear,
    key: QuantLinear,
    value: QuantLinear,
    attention_output: QuantLinear,
    mlp_norm: NormWeights,
    /// Only where the feed-forward part has a gate.
    gate: Option<QuantLinear>,
    up: QuantLinear,
    down: QuantLinear,
}

impl Decoder {
    /// Reads the weights.
    ///
    /// # Errors
    /// When a tensor is missing, has another shape than the description says, or cannot be held.
    pub fn from_gguf(
        file: &GgufFile,
        architecture: Architecture,
        options: LoadOptions,
    ) -> Result<Self, ModelError> {
        Self::from_weights(file, architecture, options)
    }

    /// Reads the weights out of any kind of file.
    pub(super) fn from_weights(
        file: &dyn Weights,
        architecture: Architecture,
        options: LoadOptions,
    ) -> Result<Self, ModelError> {
        let place = options.compute.place(options.threads)?;
        let device = &place.device;
        let (hidden, vocabulary) = (architecture.hidden, architecture.vocabulary);
        let embedding = file.matrix("token_embd.weight", vocabulary, hidden)?;
        let output = match architecture.tied_embeddings {
            true => QuantLinear::new(&embedding, None, &place)?,
            false => QuantLinear::new(&file.matrix("output.weight", vocabulary, hidden)?, None, &place)?,
        };
        let mut layers = Vec::with_capacity(architecture.layers);
        for index in 0..architecture.layers {
            layers.push(Layer::new(file, &architecture, index, &place)?);
        }
        let context = options.context.min(architecture.context);
        let (rotary, positions) = match architecture.position {
            Position::Rotary { base } => (Some(Rotary::new(architecture.attention.head_dim, base)), None),
            Position::Learned => {
                let table = file.matrix("position_embd.weight", architecture.context, hidden)?;
                (None, Some(table.to_qtensor(device)?.dequantize(device)?))
            }
        };
        Ok(Self {
            embedding: Embedding::new(file, &embedding, &place)?,
            norm: NormWeights::new(file, "output_norm", &architecture, device)?,
            rotary,
            positions,
            architecture,
            place,
            layers,
            output,
            context,
        })
    }

    /// Returns the positions in use.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Returns the threads that compute, if it runs on the CPU's kernels.
    pub fn pool(&self) -> Option<Arc<WorkerPool>> {
        self.place.pool.clone()
    }

    fn embed(&self, tokens: &[TokenId]) -> Result<Tensor, ForwardError> {
        let unknown = tokens.iter().find(|&&token| token as usize >= self.architecture.vocabulary);
        if let Some(&token) = unknown {
            return Err(ForwardError::UnknownToken(token));
        }
        Ok(self.embedding.rows(tokens, &self.place)?)
    }

    /// Adds what the model has learned of the positions from `first` on.
    fn placed(&self, x: Tensor, first: usize) -> candle_core::Result<Tensor> {
        match &self.positions {
            Some(positions) => &x + positions.narrow(0, first, x.dim(0)?)?,
            None => Ok(x),
        }
    }

    fn normalise(&self, x: &Tensor, norm: &NormWeights) -> candle_core::Result<Tensor> {
        match (&self.architecture.norm, &norm.bias) {
            (Norm::Layer { epsilon }, Some(bias)) => {
                candle_nn::ops::layer_norm(x, &norm.weight, bias, *epsilon as f32)
            }
            (Norm::Rms { epsilon } | Norm::Layer { epsilon }, _) => {
                self.place.rms_norm(x, &norm.weight, *epsilon)
            }
        }
    }

    /// Attention of one layer over the sequence, which it extends by the rows of `x`.
    fn attention(
        &self,
        index: usize,
        x: &Tensor,
        angles: &Angles,
        sequence: &mut Sequence<'_>,
    ) -> candle_core::Result<Tensor> {
        let layer = &self.layers[index];
        let x = self.normalise(x, &layer.attention_norm)?;
        let projections = [&layer.query, &layer.key, &layer.value];
        let projected = QuantLinear::forward_all(projections, &x, &self.place)?;
        let shape = &self.architecture.attention;
        let attended = self.place.attend(projected, angles, sequence.layer(index), shape)?;
        layer.attention_output.forward(&attended, &self.place)
    }

    fn feed_forward(&self, index: usize, x: &Tensor) -> candle_core::Result<Tensor> {
        let layer = &self.layers[index];
        let x = self.normalise(x, &layer.mlp_norm)?;
        let inner = match &layer.gate {
            Some(gate) => {
                let [gate, up] = QuantLinear::forward_all([gate, &layer.up], &x, &self.place)?;
                self.place.gated_silu(gate, &up)?
            }
            None => layer.up.forward(&x, &self.place)?.gelu()?,
        };
        layer.down.forward(&inner, &self.place)
    }

    fn logits(&self, x: &Tensor, output: Output) -> Result<Option<Logits>, ForwardError> {
        let rows = match output {
            Output::Nothing => return Ok(None),
            Output::Last => ops::last_row(x)?,
            Output::All => x.clone(),
        };
        Ok(Some(Logits::new(self.output.forward(&self.normalise(&rows, &self.norm)?, &self.place)?)))
    }
}

impl LanguageModel for Decoder {
    fn new_cache(&self, capacity: usize) -> Result<KvCache, ModelError> {
        let Attention { kv_heads, head_dim, .. } = self.architecture.attention;
        let shape = RowShape { layers: self.layers.len(), kv_heads, head_dim };
        let capacity = capacity.min(self.context);
        match self.place.pool {
            Some(_) => KvCache::of_rows(shape, capacity),
            None => KvCache::of_tensors(shape, capacity, &self.place.device),
        }
    }

    fn forward(
        &self,
        sequence: &mut Sequence<'_>,
        tokens: &[TokenId],
        output: Output,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Logits>, ForwardError> {
        if tokens.is_empty() {
            return Ok(None);
        }
        sequence.reserve(tokens.len())?;
        let angles = match &self.rotary {
            Some(rotary) => rotary.angles(sequence.len(), tokens.len(), &self.place)?,
            None => Angles::None,
        };
        let mut x = self.placed(self.embed(tokens)?, sequence.len())?;
        for index in 0..self.layers.len() {
            if interrupted() {
                return Err(ForwardError::Interrupted);
            }
            let attended = self.attention(index, &x, &angles, sequence)?;
            x = self.place.add(x, &attended)?;
            let fed = self.feed_forward(index, &x)?;
            x = self.place.add(x, &fed)?;
        }
        let logits = self.logits(&x, output)?;
        sequence.commit(tokens);
        Ok(logits)
    }
}

impl NormWeights {
    fn new(
        file: &dyn Weights,
        name: &str,
        architecture: &Architecture,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let part = |part: &str| file.vector(&format!("{name}.{part}"), architecture.hidden, device);
        let bias = match architecture.norm {
            Norm::Layer { .. } => Some(part("bias")?),
            Norm::Rms { .. } => None,
        };
        Ok(Self { weight: part("weight")?, bias })
    }
}

impl Layer {
    fn new(
        file: &dyn Weights,
        architecture: &Architecture,
        index: usize,
        place: &Place,
    ) -> Result<Self, ModelError> {
        let shape = &architecture.attention;
        let (hidden, inner) = (architecture.hidden, architecture.feed_forward);
        let (q, kv) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
        let name = |part: &str| format!("blk.{index}.{part}");
        let norm = |part: &str| NormWeights::new(file, &name(part), architecture, &place.device);
        let linear = |part: &str, rows: usize, columns: usize, bias: bool| {
            let weight = file.matrix(&name(&format!("{part}.weight")), rows, columns)?;
            let bias = match bias {
                true => Some(file.vector(&name(&format!("{part}.bias")), rows, &Device::Cpu)?.to_vec1()?),
                false => None,
            };
            QuantLinear::new(&weight, bias, place)
        };
        let (has_gate, mlp_bias) = match architecture.mlp {
            Mlp::GatedSilu => (true, false),
            Mlp::Gelu => (false, true),
        };
        Ok(Self {
            attention_norm: norm("attn_norm")?,
            query: linear("attn_q", q, hidden, shape.qkv_bias)?,
            key: linear("attn_k", kv, hidden, shape.qkv_bias)?,
            value: linear("attn_v", kv, hidden, shape.qkv_bias)?,
            attention_output: linear("attn_output", hidden, q, shape.output_bias)?,
            mlp_norm: norm("ffn_norm")?,
            gate: if has_gate { Some(linear("ffn_gate", inner, hidden, false)?) } else { None },
            up: linear("ffn_up", inner, hidden, mlp_bias)?,
            down: linear("ffn_down", hidden, inner, mlp_bias)?,
        })
    }
}

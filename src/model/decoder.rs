//! The decoder: one forward pass for every architecture that [`Architecture`] can describe.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};

use super::architecture::{Architecture, Attention, Mlp, Norm, Position};
use super::kernels::WorkerPool;
use super::kv_cache::RowShape;
use super::linear::QuantLinear;
use super::ops::{self, Angles, Place, Rotary};
use super::{
    ForwardError, GgufFile, KvCache, LanguageModel, LoadOptions, Logits, ModelError, Output, Sequence,
    TokenId,
};

/// A loaded network.
pub struct Decoder {
    architecture: Architecture,
    place: Place,
    embedding: QTensor,
    layers: Vec<Layer>,
    norm: Tensor,
    output: QuantLinear,
    rotary: Rotary,
    context: usize,
}

struct Layer {
    attention_norm: Tensor,
    query: QuantLinear,
    key: QuantLinear,
    value: QuantLinear,
    attention_output: QuantLinear,
    mlp_norm: Tensor,
    gate: QuantLinear,
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
            layers.push(Layer::from_gguf(file, &architecture, index, &place)?);
        }
        let Position::Rotary { base } = architecture.position;
        let context = options.context.min(architecture.context);
        Ok(Self {
            embedding: embedding.to_qtensor(device)?,
            norm: file.vector("output_norm.weight", hidden, device)?,
            rotary: Rotary::new(architecture.attention.head_dim, base),
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
        Ok(self.embedding.embedding(&Tensor::new(tokens, &self.place.device)?)?)
    }

    fn normalise(&self, x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
        let Norm::Rms { epsilon } = self.architecture.norm;
        self.place.rms_norm(x, weight, epsilon)
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
        let Mlp::GatedSilu = self.architecture.mlp;
        let [gate, up] = QuantLinear::forward_all([&layer.gate, &layer.up], &x, &self.place)?;
        layer.down.forward(&self.place.gated_silu(gate, &up)?, &self.place)
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
        let angles = self.rotary.angles(sequence.len(), tokens.len(), &self.place)?;
        let mut x = self.embed(tokens)?;
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

impl Layer {
    fn from_gguf(
        file: &GgufFile,
        architecture: &Architecture,
        index: usize,
        place: &Place,
    ) -> Result<Self, ModelError> {
        let shape = &architecture.attention;
        let (hidden, inner) = (architecture.hidden, architecture.feed_forward);
        let (q, kv) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
        let name = |part: &str| format!("blk.{index}.{part}");
        let norm = |part: &str| file.vector(&name(part), hidden, &place.device);
        let linear = |part: &str, rows: usize, columns: usize, bias: bool| {
            let weight = file.matrix(&name(&format!("{part}.weight")), rows, columns)?;
            let bias = match bias {
                true => Some(file.vector(&name(&format!("{part}.bias")), rows, &Device::Cpu)?.to_vec1()?),
                false => None,
            };
            QuantLinear::new(&weight, bias, place)
        };
        Ok(Self {
            attention_norm: norm("attn_norm.weight")?,
            query: linear("attn_q", q, hidden, shape.qkv_bias)?,
            key: linear("attn_k", kv, hidden, shape.qkv_bias)?,
            value: linear("attn_v", kv, hidden, shape.qkv_bias)?,
            attention_output: linear("attn_output", hidden, q, false)?,
            mlp_norm: norm("ffn_norm.weight")?,
            gate: linear("ffn_gate", inner, hidden, false)?,
            up: linear("ffn_up", inner, hidden, false)?,
            down: linear("ffn_down", hidden, inner, false)?,
        })
    }
}

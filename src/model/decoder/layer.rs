//! The weights of one layer, read as the description says. Matrices that a file keeps in one piece are cut: their rows
//! lie one behind the other, whatever the quantisation, so that nothing of the forward pass depends on it.

use candle_core::{Device, Tensor};

use crate::model::ModelError;
use crate::model::architecture::{Architecture, Gate, Norm};
use crate::model::linear::QuantLinear;
use crate::model::ops::Place;
use crate::model::weights::Weights;

/// What a norm scales by and adds.
pub(super) struct NormWeights {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
}

/// A layer.
pub(super) struct Layer {
    pub(super) attention_norm: NormWeights,
    pub(super) query: QuantLinear,
    pub(super) key: QuantLinear,
    pub(super) value: QuantLinear,
    /// The norms of every head of queries and of keys, where the description has them.
    pub(super) head_norms: Option<[Tensor; 2]>,
    pub(super) attention_output: QuantLinear,
    pub(super) attention_post_norm: Option<NormWeights>,
    pub(super) mlp_norm: NormWeights,
    /// Only where the feed-forward part has a gate.
    pub(super) gate: Option<QuantLinear>,
    pub(super) up: QuantLinear,
    pub(super) down: QuantLinear,
    pub(super) mlp_post_norm: Option<NormWeights>,
}

impl NormWeights {
    pub(super) fn new(
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

/// A place in a file where linear layers are read.
struct Reader<'a> {
    file: &'a dyn Weights,
    place: &'a Place,
    index: usize,
}

impl Reader<'_> {
    fn name(&self, part: &str) -> String {
        format!("blk.{}.{part}", self.index)
    }

    fn linear(&self, part: &str, rows: usize, columns: usize, bias: bool) -> Result<QuantLinear, ModelError> {
        let [linear] = self.cut(part, [rows], columns, bias)?;
        Ok(linear)
    }

    /// Reads layers whose rows follow each other in one matrix.
    fn cut<const N: usize>(
        &self,
        part: &str,
        rows: [usize; N],
        columns: usize,
        bias: bool,
    ) -> Result<[QuantLinear; N], ModelError> {
        let all = rows.iter().sum();
        let weight = self.file.matrix(&self.name(&format!("{part}.weight")), all, columns)?;
        let bias: Option<Vec<f32>> = match bias {
            true => {
                Some(self.file.vector(&self.name(&format!("{part}.bias")), all, &Device::Cpu)?.to_vec1()?)
            }
            false => None,
        };
        let mut first = 0;
        let mut layers = Vec::with_capacity(N);
        for rows in rows {
            let range = first..first + rows;
            first += rows;
            let weight = weight.rows(range.clone()).ok_or_else(|| self.short(part))?;
            let bias = bias.as_ref().map(|bias| bias[range].to_vec());
            layers.push(QuantLinear::new(&weight, bias, self.place)?);
        }
        layers.try_into().map_err(|_| self.short(part))
    }

    fn short(&self, part: &str) -> ModelError {
        self.file.broken(format!("the tensor `{}` is too short", self.name(part)))
    }
}

impl Layer {
    pub(super) fn new(
        file: &dyn Weights,
        architecture: &Architecture,
        index: usize,
        place: &Place,
    ) -> Result<Self, ModelError> {
        let (shape, mlp) = (&architecture.attention, &architecture.mlp);
        let (hidden, inner) = (architecture.hidden, architecture.feed_forward);
        let (q, kv) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
        let reader = Reader { file, place, index };
        let norm = |part: &str| NormWeights::new(file, &reader.name(part), architecture, &place.device);
        let post_norm = |part: &str| architecture.post_norms.then(|| norm(part)).transpose();
        let head_norm = |part: &str| file.vector(&reader.name(part), shape.head_dim, &place.device);
        let [query, key, value] = match shape.fused {
            true => reader.cut("attn_qkv", [q, kv, kv], hidden, shape.qkv_bias)?,
            false => [
                reader.linear("attn_q", q, hidden, shape.qkv_bias)?,
                reader.linear("attn_k", kv, hidden, shape.qkv_bias)?,
                reader.linear("attn_v", kv, hidden, shape.qkv_bias)?,
            ],
        };
        let (gate, up) = match mlp.gate {
            Gate::Absent => (None, reader.linear("ffn_up", inner, hidden, mlp.bias)?),
            Gate::Separate => {
                let gate = reader.linear("ffn_gate", inner, hidden, mlp.bias)?;
                (Some(gate), reader.linear("ffn_up", inner, hidden, mlp.bias)?)
            }
            Gate::Fused => {
                let [gate, up] = reader.cut("ffn_up", [inner, inner], hidden, mlp.bias)?;
                (Some(gate), up)
            }
        };
        Ok(Self {
            attention_norm: norm("attn_norm")?,
            query,
            key,
            value,
            head_norms: match shape.head_norms {
                true => Some([head_norm("attn_q_norm.weight")?, head_norm("attn_k_norm.weight")?]),
                false => None,
            },
            attention_output: reader.linear("attn_output", hidden, q, shape.output_bias)?,
            attention_post_norm: post_norm("post_attention_norm")?,
            mlp_norm: norm("ffn_norm")?,
            gate,
            up,
            down: reader.linear("ffn_down", hidden, inner, mlp.bias)?,
            mlp_post_norm: post_norm("post_ffw_norm")?,
        })
    }
}

//! The operations between two linear layers: norm, rotary embedding, attention, activation. Each takes the rows of
//! one chunk; none keeps state.

use candle_core::{D, DType, Device, Result, Tensor};

use super::architecture::Attention;

/// Cosines and sines of the rotary embedding, `[positions, head_dim / 2]` each.
pub(super) struct RotaryTable {
    cos: Tensor,
    sin: Tensor,
}

impl RotaryTable {
    /// Builds the table for the positions in use; the whole trained context would be 16 times as long.
    pub(super) fn new(head_dim: usize, base: f64, positions: usize, device: &Device) -> Result<Self> {
        let half = head_dim / 2;
        let frequency = |i: usize| 1.0 / (base as f32).powf(2.0 * i as f32 / head_dim as f32);
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let frequencies = Tensor::from_vec(frequencies, (1, half), device)?;
        let positions = Tensor::arange(0, positions as u32, device)?.to_dtype(DType::F32)?;
        let angles = positions.unsqueeze(1)?.matmul(&frequencies)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()? })
    }

    /// Rotates `[heads, n, head_dim]`, whose first row stands at `position`.
    pub(super) fn rotate(&self, x: &Tensor, position: usize) -> Result<Tensor> {
        let n = x.dim(1)?;
        let (cos, sin) = (self.cos.narrow(0, position, n)?, self.sin.narrow(0, position, n)?);
        candle_nn::rotary_emb::rope(&x.unsqueeze(0)?, &cos, &sin)?.squeeze(0)
    }
}

/// Splits `[n, heads * head_dim]` into `[heads, n, head_dim]`.
pub(super) fn split_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, width) = x.dims2()?;
    x.reshape((n, heads, width / heads))?.transpose(0, 1)?.contiguous()
}

/// Attends `q` `[heads, n, d]`, the last `n` positions, to `keys` and `values` `[kv_heads, len, d]`; returns
/// `[n, heads * d]`. Query heads of a group read the same key head, as rows of one product.
pub(super) fn attend(q: &Tensor, keys: &Tensor, values: &Tensor, shape: &Attention) -> Result<Tensor> {
    let (heads, n, d) = q.dims3()?;
    let (kv_heads, len) = (shape.kv_heads, keys.dim(1)?);
    let group = heads / kv_heads;
    let q = q.reshape((kv_heads, group * n, d))?;
    let scores = (q.matmul(&keys.transpose(1, 2)?)? * (1.0 / (d as f64).sqrt()))?;
    let scores = match n {
        1 => scores,
        _ => {
            let mask = causal_mask(n, len, q.device())?;
            let grouped = scores.reshape((kv_heads * group, n, len))?.broadcast_add(&mask)?;
            grouped.reshape((kv_heads, group * n, len))?
        }
    };
    let weights = candle_nn::ops::softmax_last_dim(&scores)?;
    let out = weights.matmul(&values.contiguous()?)?.reshape((heads, n, d))?;
    out.transpose(0, 1)?.reshape((n, heads * d))
}

/// Returns 0 where the `i`-th of the last `n` positions may look, minus infinity elsewhere; `[n, len]`.
fn causal_mask(n: usize, len: usize, device: &Device) -> Result<Tensor> {
    let visible = |row: usize| len - n + row;
    let cell = |row: usize, column: usize| if column <= visible(row) { 0.0 } else { f32::NEG_INFINITY };
    let mask: Vec<f32> = (0..n).flat_map(|row| (0..len).map(move |column| cell(row, column))).collect();
    Tensor::from_vec(mask, (n, len), device)
}

/// Returns `silu(gate) * up`.
pub(super) fn gated_silu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.silu()? * up
}

/// Normalises rows by their root mean square.
pub(super) fn rms_norm(x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    candle_nn::ops::rms_norm(x, weight, epsilon as f32)
}

/// Returns the last row of `[n, width]`.
pub(super) fn last_row(x: &Tensor) -> Result<Tensor> {
    x.narrow(0, x.dim(D::Minus2)? - 1, 1)
}

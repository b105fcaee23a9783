//! Attention and rotary embedding by candle's own ops: what a GPU runs, and what the kernels are compared with.

use candle_core::{DType, Device, Result, Tensor};

use super::Angles;
use crate::model::architecture::Attention;
use crate::model::kv_cache::LayerSpan;

pub(super) fn angles(frequencies: &[f64], first: usize, n: usize, device: &Device) -> Result<Angles> {
    let frequencies: Vec<f32> = frequencies.iter().map(|&f| f as f32).collect();
    let frequencies = Tensor::new(frequencies.as_slice(), device)?.unsqueeze(0)?;
    let positions = Tensor::arange(first as u32, (first + n) as u32, device)?.to_dtype(DType::F32)?;
    let angles = positions.unsqueeze(1)?.matmul(&frequencies)?;
    Ok(Angles::Candle { cos: angles.cos()?, sin: angles.sin()? })
}

pub(super) fn attend(
    [query, key, value]: [Tensor; 3],
    angles: Option<(&Tensor, &Tensor)>,
    layer: LayerSpan<'_>,
    shape: &Attention,
) -> Result<Tensor> {
    let rotate = |x: Tensor| match angles {
        Some((cos, sin)) => candle_nn::rotary_emb::rope(&x.unsqueeze(0)?, cos, sin)?.squeeze(0),
        None => Ok(x),
    };
    let query = rotate(split_heads(&query, shape.heads)?)?;
    let key = rotate(split_heads(&key, shape.kv_heads)?)?;
    let value = split_heads(&value, shape.kv_heads)?;
    let (keys, values) = layer.write_tensors(&key, &value)?;
    scaled_dot_product(&query, &keys, &values)
}

/// Splits `[n, heads * head_dim]` into `[heads, n, head_dim]`.
fn split_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, width) = x.dims2()?;
    x.reshape((n, heads, width / heads))?.transpose(0, 1)?.contiguous()
}

/// Attends `q` `[heads, n, d]`, the last `n` positions, to `keys` and `values` `[kv_heads, len, d]`; returns
/// `[n, heads * d]`. Query heads of a group read the same key head, as rows of one product.
fn scaled_dot_product(q: &Tensor, keys: &Tensor, values: &Tensor) -> Result<Tensor> {
    let (heads, n, d) = q.dims3()?;
    let (kv_heads, len, _) = keys.dims3()?;
    let group = heads / kv_heads;
    let q = q.reshape((kv_heads, group * n, d))?;
    let scores = (q.matmul(&keys.transpose(1, 2)?)? * (1.0 / (d as f64).sqrt()))?;
    let scores = match n {
        1 => scores,
        _ => {
            let mask = causal_mask(n, len, q.device())?;
            let grouped = scores.reshape((heads, n, len))?.broadcast_add(&mask)?;
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

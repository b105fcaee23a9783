//! Attention and rotary embedding by candle's own ops: what a GPU runs, and what the kernels are compared with.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::rotary_emb::{rope, rope_i};

use super::fused::Fused;
use crate::model::kernels::{AttentionShape, RotaryStyle};
use crate::model::kv_cache::LayerSpan;

/// Returns the cosines and sines of `n` positions from `first` on, `[n, pairs]`.
pub(super) fn angles(
    frequencies: &[f64],
    first: usize,
    n: usize,
    device: &Device,
) -> Result<(Tensor, Tensor)> {
    let frequencies: Vec<f32> = frequencies.iter().map(|&f| f as f32).collect();
    let frequencies = Tensor::new(frequencies.as_slice(), device)?.unsqueeze(0)?;
    let positions = Tensor::arange(first as u32, (first + n) as u32, device)?.to_dtype(DType::F32)?;
    let angles = positions.unsqueeze(1)?.matmul(&frequencies)?;
    Ok((angles.cos()?, angles.sin()?))
}

pub(super) fn attend(
    [query, key, value]: [Tensor; 3],
    turn: Option<(RotaryStyle, &Tensor, &Tensor)>,
    layer: LayerSpan<'_>,
    shape: AttentionShape,
    fused: Option<Fused>,
) -> Result<Tensor> {
    let rotated = |x: Tensor| match turn {
        Some((style, cos, sin)) => rotate(&x, style, cos, sin),
        None => Ok(x),
    };
    let query = rotated(split_heads(&query, shape.heads)?)?;
    let key = rotated(split_heads(&key, shape.kv_heads)?)?;
    let value = split_heads(&value, shape.kv_heads)?;
    let (keys, values) = layer.write_tensors(&key, &value)?;
    let (n, len) = (query.dim(1)?, keys.dim(1)?);
    match fused.filter(|kernel| kernel.can(n, len, shape)) {
        Some(kernel) => kernel.attend(&query, &keys, &values, shape),
        None => scaled_dot_product(&query, &keys, &values, shape),
    }
}

/// Turns the first numbers of each head of `[heads, n, head_dim]`, as many as there are angles for.
fn rotate(x: &Tensor, style: RotaryStyle, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let (turning, width) = (2 * cos.dim(1)?, x.dim(D::Minus1)?);
    let first = x.narrow(D::Minus1, 0, turning)?.contiguous()?.unsqueeze(0)?;
    let turned = match style {
        RotaryStyle::Halves => rope(&first, cos, sin)?,
        RotaryStyle::Pairs => rope_i(&first, cos, sin)?,
    };
    let turned = turned.squeeze(0)?;
    match width - turning {
        0 => Ok(turned),
        // What is put together along the last dimension is not contiguous, as a cache wants its keys.
        still => Tensor::cat(&[&turned, &x.narrow(D::Minus1, turning, still)?], D::Minus1)?.contiguous(),
    }
}

/// Splits `[n, heads * head_dim]` into `[heads, n, head_dim]`.
fn split_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, width) = x.dims2()?;
    x.reshape((n, heads, width / heads))?.transpose(0, 1)?.contiguous()
}

/// Attends `q` `[heads, n, d]`, the last `n` positions, to `keys` and `values` `[kv_heads, len, d]`; returns
/// `[n, heads * d]`. Query heads of a group read the same key head, as rows of one product.
pub(super) fn scaled_dot_product(
    q: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    shape: AttentionShape,
) -> Result<Tensor> {
    let (heads, n, d) = q.dims3()?;
    let (kv_heads, len, _) = keys.dims3()?;
    let group = heads / kv_heads;
    let (keys, values) = (keys.to_dtype(q.dtype())?, values.to_dtype(q.dtype())?);
    let q = q.reshape((kv_heads, group * n, d))?;
    let scores = (q.matmul(&keys.transpose(1, 2)?)? * f64::from(shape.scale))?;
    let scores = match shape.soft_cap.map(f64::from) {
        Some(cap) => ((scores / cap)?.tanh()? * cap)?,
        None => scores,
    };
    let reach = shape.window.unwrap_or(usize::MAX);
    let scores = match n {
        1 if len <= reach => scores,
        _ => {
            let mask = causal_mask(n, len, reach, q.device())?;
            let grouped = scores.reshape((heads, n, len))?.broadcast_add(&mask)?;
            grouped.reshape((kv_heads, group * n, len))?
        }
    };
    let weights = candle_nn::ops::softmax_last_dim(&scores)?;
    let out = weights.matmul(&values.contiguous()?)?.reshape((heads, n, d))?;
    out.transpose(0, 1)?.reshape((n, heads * d))
}

/// Returns 0 where the `i`-th of the last `n` positions may look, minus infinity elsewhere; `[n, len]`.
fn causal_mask(n: usize, len: usize, reach: usize, device: &Device) -> Result<Tensor> {
    let cell = |row: usize, column: usize| {
        let own = len - n + row;
        if column <= own && own - column < reach { 0.0 } else { f32::NEG_INFINITY }
    };
    let mask: Vec<f32> = (0..n).flat_map(|row| (0..len).map(move |column| cell(row, column))).collect();
    Tensor::from_vec(mask, (n, len), device)
}

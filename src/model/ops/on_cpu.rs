//! The kernels as candle custom ops: slices out of tensors and back. No arithmetic here.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, InplaceOp1, InplaceOp2, Layout, Result, Shape, Tensor};

use crate::model::architecture::Activation;
use crate::model::kernels::{self, AttentionShape, F16, KernelError, RotaryAngles, RotaryStyle, WorkerPool};
use crate::model::kv_cache::LayerSpan;

/// Gives the numbers of a contiguous tensor on the CPU as one slice.
pub(in crate::model) fn rows<T>(x: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => f(slice(storage, layout)?),
        _ => candle_core::bail!("the kernels run on the CPU only"),
    }
}

pub(in crate::model) fn failed(error: KernelError) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
}

fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => candle_core::bail!("the kernels need contiguous f32 rows"),
    }
}

fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => candle_core::bail!("the kernels need contiguous f32 rows"),
    }
}

pub(super) fn rms_norm(x: &Tensor, weight: &Tensor, epsilon: f32, pool: &WorkerPool) -> Result<Tensor> {
    x.apply_op2_no_bwd(weight, &RmsNorm { epsilon, pool })
}

pub(super) fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f32,
    pool: &WorkerPool,
) -> Result<Tensor> {
    x.apply_op3_no_bwd(weight, bias, &LayerNorm { epsilon, pool })
}

pub(super) fn add(x: Tensor, y: &Tensor, pool: &WorkerPool) -> Result<Tensor> {
    x.inplace_op2(y, &Paired { name: "add", kernel: kernels::add, pool })?;
    Ok(x)
}

pub(super) fn gated(activation: Activation, gate: Tensor, up: &Tensor, pool: &WorkerPool) -> Result<Tensor> {
    let op = match activation {
        Activation::Silu => Paired { name: "silu-mul", kernel: kernels::silu_mul, pool },
        Activation::Gelu => Paired { name: "gelu-mul", kernel: kernels::gelu_mul, pool },
    };
    gate.inplace_op2(up, &op)?;
    Ok(gate)
}

pub(super) fn gelu(x: Tensor, pool: &WorkerPool) -> Result<Tensor> {
    x.inplace_op1(&Gelu { pool })?;
    Ok(x)
}

pub(super) fn attend(
    [query, key, value]: [Tensor; 3],
    turn: Option<(RotaryStyle, &RotaryAngles)>,
    layer: LayerSpan<'_>,
    shape: AttentionShape,
    pool: &WorkerPool,
) -> Result<Tensor> {
    if let Some((style, angles)) = turn {
        let rotate = Rotate { head_dim: shape.head_dim, style, angles, pool };
        query.inplace_op1(&rotate)?;
        key.inplace_op1(&rotate)?;
    }
    let (segments, tail) = layer.write_rows(&key, &value)?;
    let segments: Vec<_> = segments.into_iter().chain([tail]).collect();
    rows(&query, |queries| {
        let mut out = vec![0f32; queries.len()];
        kernels::attention::<F16>(queries, &segments, shape, &mut out, pool).map_err(failed)?;
        Tensor::from_vec(out, query.shape(), query.device())
    })
}

struct RmsNorm<'a> {
    epsilon: f32,
    pool: &'a WorkerPool,
}

impl CustomOp2 for RmsNorm<'_> {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, x_layout)?;
        let mut out = vec![0f32; x.len()];
        let weight = slice(weight, weight_layout)?;
        kernels::rms_norm(x, weight, self.epsilon, &mut out, self.pool).map_err(failed)?;
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }
}

struct LayerNorm<'a> {
    epsilon: f32,
    pool: &'a WorkerPool,
}

impl CustomOp3 for LayerNorm<'_> {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight) = (slice(x, x_layout)?, slice(weight, weight_layout)?);
        let mut out = vec![0f32; x.len()];
        let bias = Some(slice(bias, bias_layout)?);
        kernels::layer_norm(x, weight, bias, self.epsilon, &mut out, self.pool).map_err(failed)?;
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }
}

struct Gelu<'a> {
    pool: &'a WorkerPool,
}

impl InplaceOp1 for Gelu<'_> {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, layout: &Layout) -> Result<()> {
        kernels::gelu(slice_mut(x, layout)?, self.pool).map_err(failed)
    }
}

type PairedKernel = fn(&mut [f32], &[f32], &WorkerPool) -> std::result::Result<(), KernelError>;

/// A kernel that works on one tensor's memory and reads another's.
struct Paired<'a> {
    name: &'static str,
    kernel: PairedKernel,
    pool: &'a WorkerPool,
}

impl InplaceOp2 for Paired<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        x_layout: &Layout,
        y: &CpuStorage,
        y_layout: &Layout,
    ) -> Result<()> {
        (self.kernel)(slice_mut(x, x_layout)?, slice(y, y_layout)?, self.pool).map_err(failed)
    }
}

struct Rotate<'a> {
    head_dim: usize,
    style: RotaryStyle,
    angles: &'a RotaryAngles,
    pool: &'a WorkerPool,
}

impl InplaceOp1 for Rotate<'_> {
    fn name(&self) -> &'static str {
        "rope"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let x = slice_mut(x, layout)?;
        kernels::rope(x, self.head_dim, self.style, self.angles, self.pool).map_err(failed)
    }
}

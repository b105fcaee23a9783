//! One quantised linear layer, `y = x Wᵀ + b`, whatever the quantisation and the device. The only place that knows
//! how weights are kept in memory: repacked for the kernels on a CPU, as candle's own `QMatMul` elsewhere and for
//! formats that the kernels do not have.

use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul};
use candle_core::{CpuStorage, Device, Module, Result, Storage, Tensor};

use super::ModelError;
use super::gguf::RawTensor;
use super::kernels::{Activations, Format, KernelError, QuantMatrix, WorkerPool, matmul};

/// Where layers compute: the device, and on a CPU the threads.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) pool: Arc<WorkerPool>,
}

/// A linear layer with quantised weights `[out, in]`.
pub(super) struct QuantLinear {
    weight: Weight,
    bias: Option<Vec<f32>>,
}

enum Weight {
    Packed(QuantMatrix),
    Candle(QMatMul),
}

impl QuantLinear {
    pub(super) fn new(
        raw: &RawTensor<'_>,
        bias: Option<Vec<f32>>,
        place: &Place,
    ) -> std::result::Result<Self, ModelError> {
        let (rows, cols) = raw.shape;
        let weight = match format(raw.dtype).filter(|_| place.device.is_cpu()) {
            Some(format) => {
                let packed = QuantMatrix::from_gguf(format, rows, cols, raw.bytes, &place.pool);
                Weight::Packed(packed.map_err(|error| ModelError::Setup(error.to_string()))?)
            }
            None => Weight::Candle(QMatMul::from_qtensor(raw.to_qtensor(&place.device)?)?),
        };
        Ok(Self { weight, bias })
    }

    /// Maps `[n, in]` to `[n, out]`.
    pub(super) fn forward(&self, x: &Tensor, place: &Place) -> Result<Tensor> {
        let [y] = Self::forward_all([self], x, place)?;
        Ok(y)
    }

    /// Maps the same `[n, in]` through several layers; the rows are quantised once for all of them.
    pub(super) fn forward_all<const N: usize>(
        layers: [&Self; N],
        x: &Tensor,
        place: &Place,
    ) -> Result<[Tensor; N]> {
        let packed = layers.iter().any(|layer| matches!(layer.weight, Weight::Packed(_)));
        let activations = match packed {
            true => {
                Some(with_rows(x, |rows, cols| Activations::new(rows, cols, &place.pool).map_err(failed))?)
            }
            false => None,
        };
        let outputs = layers.iter().map(|layer| match (&layer.weight, &activations) {
            (Weight::Packed(weight), Some(activations)) => layer.packed(weight, activations, place),
            (Weight::Candle(weight), _) => layer.candle(weight, x),
            (Weight::Packed(_), None) => unreachable!("activations are made when a layer is packed"),
        });
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        outputs.try_into().map_err(|_| candle_core::Error::Msg("one output for each layer".into()))
    }

    fn packed(&self, weight: &QuantMatrix, activations: &Activations, place: &Place) -> Result<Tensor> {
        let (n, out) = (activations.rows(), weight.rows());
        let mut y = vec![0f32; n * out];
        matmul(weight, activations, self.bias.as_deref(), &mut y, &place.pool).map_err(failed)?;
        Tensor::from_vec(y, (n, out), &place.device)
    }

    fn candle(&self, weight: &QMatMul, x: &Tensor) -> Result<Tensor> {
        let y = weight.forward(x)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(&Tensor::new(bias.as_slice(), x.device())?),
            None => Ok(y),
        }
    }
}

/// Gives the rows of a contiguous `[n, width]` tensor on the CPU as one slice, and their width.
pub(super) fn with_rows<T>(x: &Tensor, f: impl FnOnce(&[f32], usize) -> Result<T>) -> Result<T> {
    let (storage, layout) = x.storage_and_layout();
    let width = x.dim(candle_core::D::Minus1)?;
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => f(&values[start..end], width),
        _ => candle_core::bail!("a kernel needs contiguous f32 rows on the CPU"),
    }
}

pub(super) fn failed(error: KernelError) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
}

/// Returns the kernels' name for a quantisation, for those that they have.
pub(super) fn format(dtype: GgmlDType) -> Option<Format> {
    match dtype {
        GgmlDType::Q4_0 => Some(Format::Q4_0),
        GgmlDType::Q5_0 => Some(Format::Q5_0),
        GgmlDType::Q8_0 => Some(Format::Q8_0),
        GgmlDType::Q4K => Some(Format::Q4_K),
        GgmlDType::Q5K => Some(Format::Q5_K),
        GgmlDType::Q6K => Some(Format::Q6_K),
        _ => None,
    }
}

//! One quantised linear layer, `y = x Wᵀ + b`, whatever the quantisation and the device. The only place that knows
//! how weights are kept in memory: repacked for the kernels on a CPU, as candle's own `QMatMul` elsewhere and for
//! formats that the kernels do not have.

use candle_core::quantized::{GgmlDType, QMatMul};
use candle_core::{D, Module, Result, Tensor};

use super::ModelError;
use super::gguf::RawTensor;
use super::kernels::{Activations, Format, QuantMatrix, WorkerPool, matmul};
use super::ops::{Place, failed, rows};

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
        let weight = match (format(raw.dtype), &place.pool) {
            (Some(format), Some(pool)) => {
                let packed = QuantMatrix::from_gguf(format, rows, cols, raw.bytes, pool);
                Weight::Packed(packed.map_err(|error| ModelError::Setup(error.to_string()))?)
            }
            _ => Weight::Candle(QMatMul::from_qtensor(raw.to_qtensor(&place.device)?)?),
        };
        Ok(Self { weight, bias })
    }

    /// Maps `[n, in]` to `[n, out]`.
    pub(super) fn forward(&self, x: &Tensor, place: &Place) -> Result<Tensor> {
        let [y] = Self::forward_all([self], x, place)?;
        Ok(y)
    }

    /// Maps the same `[n, in]` through several layers; for the kernels its rows are quantised once for all of them.
    pub(super) fn forward_all<const N: usize>(
        layers: [&Self; N],
        x: &Tensor,
        place: &Place,
    ) -> Result<[Tensor; N]> {
        let mut quantised = None;
        let outputs = layers.iter().map(|layer| match (&layer.weight, &place.pool) {
            (Weight::Packed(weight), Some(pool)) => {
                if quantised.is_none() {
                    let width = x.dim(D::Minus1)?;
                    quantised = Some(rows(x, |x| Activations::new(x, width, pool).map_err(failed))?);
                }
                layer.packed(weight, quantised.as_ref(), x, pool)
            }
            (Weight::Candle(weight), _) => layer.candle(weight, x),
            (Weight::Packed(_), None) => candle_core::bail!("packed weights need the kernels' threads"),
        });
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        outputs.try_into().map_err(|_| candle_core::Error::Msg("one output for each layer".into()))
    }

    fn packed(
        &self,
        weight: &QuantMatrix,
        quantised: Option<&Activations>,
        x: &Tensor,
        pool: &WorkerPool,
    ) -> Result<Tensor> {
        let quantised = quantised.ok_or_else(|| candle_core::Error::Msg("no activations".into()))?;
        let (n, out) = (quantised.rows(), weight.rows());
        let mut y = vec![0f32; n * out];
        matmul(weight, quantised, self.bias.as_deref(), &mut y, pool).map_err(failed)?;
        Tensor::from_vec(y, (n, out), x.device())
    }

    fn candle(&self, weight: &QMatMul, x: &Tensor) -> Result<Tensor> {
        let y = weight.forward(x)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(&Tensor::new(bias.as_slice(), x.device())?),
            None => Ok(y),
        }
    }
}

/// Returns the kernels' name for a quantisation, for those that they have.
fn format(dtype: GgmlDType) -> Option<Format> {
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

//! One linear layer, `y = x Wᵀ + b`, whatever the quantisation and the device. The only place that knows how weights
//! are kept in memory: repacked for the kernels on a CPU, or as the floats that they are, as candle's own `QMatMul`
//! elsewhere and for formats that the kernels do not have.

use candle_core::quantized::{GgmlDType, QMatMul};
use candle_core::{Module, Result, Tensor};

use super::ModelError;
use super::gguf::RawTensor;
use super::kernels::{
    Activations, DenseMatrix, DenseType, Format, Product, QuantMatrix, dense_matmul, matmul_all,
};
use super::ops::{Place, failed, rows};

/// A linear layer with weights `[out, in]`.
pub(super) struct QuantLinear {
    weight: Weight,
    /// Where it is the kernels that add it.
    bias: Option<Vec<f32>>,
}

enum Weight {
    Packed(QuantMatrix),
    Dense(DenseMatrix),
    /// On its device, with the bias beside it.
    Candle(QMatMul, Option<Tensor>),
}

impl QuantLinear {
    pub(super) fn new(
        raw: &RawTensor<'_>,
        bias: Option<Vec<f32>>,
        place: &Place,
    ) -> std::result::Result<Self, ModelError> {
        let (rows, cols) = raw.shape;
        let wrong = |error: super::kernels::KernelError| ModelError::Setup(error.to_string());
        let weight = match (Format::of(raw.dtype), dense_type(raw.dtype), &place.pool) {
            (Some(format), _, Some(pool)) => {
                let packed = QuantMatrix::from_gguf(format, rows, cols, &raw.bytes, pool);
                Weight::Packed(packed.map_err(wrong)?)
            }
            (None, Some(kind), Some(_)) => {
                Weight::Dense(DenseMatrix::new(kind, rows, cols, &raw.bytes).map_err(wrong)?)
            }
            _ => {
                let bias = bias.as_deref().map(|bias| Tensor::new(bias, &place.device)).transpose()?;
                let weight = QMatMul::from_qtensor(raw.to_qtensor(&place.device)?)?;
                return Ok(Self { weight: Weight::Candle(weight, bias), bias: None });
            }
        };
        Ok(Self { weight, bias })
    }

    /// Maps `[n, in]` to `[n, out]`.
    pub(super) fn forward(&self, x: &Tensor, place: &Place) -> Result<Tensor> {
        match self.weight {
            Weight::Packed(_) => {
                let [y] = Self::forward_all([self], x, place)?;
                Ok(y)
            }
            _ => self.alone(x, place),
        }
    }

    /// Maps the same `[n, in]` through several layers. With the kernels it is one parallel step for all of them, and the
    /// rows are quantised once.
    pub(super) fn forward_all<const N: usize>(
        layers: [&Self; N],
        x: &Tensor,
        place: &Place,
    ) -> Result<[Tensor; N]> {
        let packed = layers.iter().all(|layer| matches!(layer.weight, Weight::Packed(_)));
        let (Some(pool), true) = (&place.pool, packed) else {
            return all(layers.map(|layer| layer.alone(x, place)));
        };
        let (n, width) = x.dims2()?;
        let quantised = rows(x, |x| Activations::new(x, width, pool).map_err(failed))?;
        let mut outputs = layers.map(|layer| vec![0f32; n * layer.packed_width()]);
        let mut products = layers.iter().zip(&mut outputs).filter_map(|(layer, out)| match &layer.weight {
            Weight::Packed(weights) => Some(Product { weights, bias: layer.bias.as_deref(), out }),
            Weight::Dense(_) | Weight::Candle(..) => None,
        });
        let products = all(layers.map(|_| products.next().ok_or_else(no_kernel)))?;
        matmul_all(&quantised, products, pool).map_err(failed)?;
        all(outputs.map(|y| {
            let width = y.len() / n.max(1);
            Tensor::from_vec(y, (n, width), x.device())
        }))
    }

    fn packed_width(&self) -> usize {
        match &self.weight {
            Weight::Packed(weight) => weight.rows(),
            Weight::Dense(_) | Weight::Candle(..) => 0,
        }
    }

    /// Maps `[n, in]` through a layer that shares its rows with layers of another kind.
    fn alone(&self, x: &Tensor, place: &Place) -> Result<Tensor> {
        match (&self.weight, &place.pool) {
            (Weight::Packed(_), Some(_)) => self.forward(x, place),
            (Weight::Dense(weight), Some(pool)) => {
                let n = x.dim(0)?;
                let mut y = vec![0f32; n * weight.rows()];
                rows(x, |x| dense_matmul(weight, x, self.bias.as_deref(), &mut y, pool).map_err(failed))?;
                Tensor::from_vec(y, (n, weight.rows()), x.device())
            }
            (Weight::Packed(_) | Weight::Dense(_), None) => Err(no_kernel()),
            (Weight::Candle(weight, None), _) => weight.forward(x),
            (Weight::Candle(weight, Some(bias)), _) => weight.forward(x)?.broadcast_add(bias),
        }
    }
}

/// Returns how the kernels call a tensor of floats.
fn dense_type(dtype: GgmlDType) -> Option<DenseType> {
    match dtype {
        GgmlDType::F32 => Some(DenseType::F32),
        GgmlDType::F16 => Some(DenseType::F16),
        GgmlDType::BF16 => Some(DenseType::Bf16),
        _ => None,
    }
}

/// Returns all values, or the first error.
fn all<T, const N: usize>(results: [Result<T>; N]) -> Result<[T; N]> {
    let values: Vec<T> = results.into_iter().collect::<Result<_>>()?;
    values.try_into().map_err(|_| candle_core::Error::Msg("one value for each layer".into()))
}

fn no_kernel() -> candle_core::Error {
    candle_core::Error::Msg("packed weights and candle's are used in one place".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn a_device_gets_quantised_weights_as_they_are() {
        let place = Place::on_device(Device::Cpu);
        let is_quantised = |dtype: GgmlDType| {
            let bytes = vec![0; 2 * 256 / dtype.block_size() * dtype.type_size()];
            let raw = RawTensor { dtype, shape: (2, 256), bytes: bytes.into(), start: 0 };
            let linear = QuantLinear::new(&raw, Some(vec![1.0, 2.0]), &place).unwrap();
            let y =
                linear.forward(&Tensor::ones((3, 256), DType::F32, &Device::Cpu).unwrap(), &place).unwrap();
            assert_eq!(y.to_vec2::<f32>().unwrap(), [[1.0, 2.0]; 3], "the bias is added");
            matches!(linear.weight, Weight::Candle(QMatMul::QTensor(_), _))
        };
        for dtype in [GgmlDType::Q4K, GgmlDType::Q6K, GgmlDType::Q8_0, GgmlDType::Q4_0] {
            assert!(is_quantised(dtype), "{dtype:?}");
        }
        assert!(!is_quantised(GgmlDType::F16));
    }
}

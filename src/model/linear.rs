//! One quantised linear layer, `y = x Wᵀ + b`, whatever the quantisation and the device. The only place that knows
//! how weights are kept in memory.

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{Device, Module, Result, Tensor};

use super::ModelError;
use super::gguf::RawTensor;

/// Bytes of one Q5_0 block: a half-precision scale, 32 high bits, 32 nibbles.
const Q5_0_BLOCK: usize = 22;

/// A linear layer with quantised weights `[out, in]`.
pub(super) struct QuantLinear {
    weight: QMatMul,
    bias: Option<Tensor>,
}

impl QuantLinear {
    pub(super) fn new(
        raw: &RawTensor<'_>,
        bias: Option<Tensor>,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let tensor = match raw.dtype {
            // candle has no fast Q5_0 product on x86; as Q8_0 the same numbers take 1.5 times the bytes.
            GgmlDType::Q5_0 => {
                let bytes = q5_0_to_q8_0(raw.bytes);
                let storage = QStorage::from_data(bytes.into(), device, GgmlDType::Q8_0)?;
                QTensor::new(storage, raw.shape)?
            }
            _ => raw.to_qtensor(device)?,
        };
        Ok(Self { weight: QMatMul::from_qtensor(tensor)?, bias })
    }

    /// Maps `[n, in]` to `[n, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.weight.forward(x)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// Rewrites Q5_0 blocks as Q8_0 blocks: the same scales, the 5-bit integers in 8 bits, so nothing is lost.
fn q5_0_to_q8_0(blocks: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(blocks.len() / Q5_0_BLOCK * 34);
    for block in blocks.chunks_exact(Q5_0_BLOCK) {
        let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
        let nibbles = &block[6..];
        let value = |index: usize| {
            let byte = nibbles[index % 16];
            let low = if index < 16 { byte & 15 } else { byte >> 4 };
            let bit = ((high >> index) & 1) as u8;
            (low | bit << 4).wrapping_sub(16)
        };
        out.extend_from_slice(&block[..2]);
        out.extend((0..32).map(value));
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn q8_0_holds_the_numbers_of_q5_0() {
        let block: Vec<u8> = (0..3 * Q5_0_BLOCK as u32)
            .map(|i| match i % Q5_0_BLOCK as u32 {
                0 => 0x00,
                1 => 0x3c,
                _ => (i * 37 % 251) as u8,
            })
            .collect();
        let tensor = |bytes: &[u8], dtype| {
            let storage = QStorage::from_data(bytes.into(), &Device::Cpu, dtype).unwrap();
            let tensor = QTensor::new(storage, (1, 96)).unwrap().dequantize(&Device::Cpu).unwrap();
            tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let expected = tensor(&block, GgmlDType::Q5_0);
        assert!(expected.iter().any(|&x| x != expected[0]));
        assert_eq!(tensor(&q5_0_to_q8_0(&block), GgmlDType::Q8_0), expected);
    }
}

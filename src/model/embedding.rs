//! The embedding: one row of numbers for each token, read where the file lies. Only the rows of the tokens at hand are
//! looked up, so it is neither repacked nor copied, which saves a fifth of the memory and of the time to load. On other
//! devices it is candle's.

use std::ops::Range;
use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{Result, Tensor};
use memmap2::Mmap;

use super::gguf::RawTensor;
use super::kernels::{Format, dequantize_row};
use super::ops::{Place, failed};
use super::weights::Weights;
use super::{ModelError, TokenId};

/// The embedding of a vocabulary.
pub(super) enum Embedding {
    Mapped(Mapped),
    Candle(QTensor),
}

/// Rows that lie in the file.
pub(super) struct Mapped {
    map: Arc<Mmap>,
    bytes: Range<usize>,
    format: Format,
    row_bytes: usize,
    columns: usize,
}

impl Embedding {
    /// Takes the matrix `raw` of `file`.
    pub(super) fn new(
        file: &dyn Weights,
        raw: &RawTensor<'_>,
        place: &Place,
    ) -> std::result::Result<Self, ModelError> {
        match (Format::of(raw.dtype), &place.pool, file.mapped()) {
            (Some(format), Some(_), Some(map)) => {
                let columns = raw.shape.1;
                let row_bytes = format.row_bytes(columns).map_err(|e| ModelError::Setup(e.to_string()))?;
                let bytes = raw.start..raw.start + raw.bytes.len();
                Ok(Self::Mapped(Mapped { map, bytes, format, row_bytes, columns }))
            }
            _ => Ok(Self::Candle(raw.to_qtensor(&place.device)?)),
        }
    }

    /// Returns the rows of `tokens`, `[n, hidden]`; they must be in the vocabulary.
    pub(super) fn rows(&self, tokens: &[TokenId], place: &Place) -> Result<Tensor> {
        match self {
            Self::Mapped(mapped) => mapped.rows(tokens, place),
            Self::Candle(matrix) => matrix.embedding(&Tensor::new(tokens, &place.device)?),
        }
    }
}

impl Mapped {
    fn rows(&self, tokens: &[TokenId], place: &Place) -> Result<Tensor> {
        let matrix = self.map.get(self.bytes.clone()).unwrap_or_default();
        let mut numbers = vec![0f32; tokens.len() * self.columns];
        for (&token, row) in tokens.iter().zip(numbers.chunks_exact_mut(self.columns)) {
            let from = token as usize * self.row_bytes;
            let bytes = matrix.get(from..from + self.row_bytes).unwrap_or_default();
            dequantize_row(self.format, bytes, row).map_err(failed)?;
        }
        Tensor::from_vec(numbers, (tokens.len(), self.columns), &place.device)
    }
}

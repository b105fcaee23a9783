//! Where a decoder's weights come from: tensors by the names that GGUF files have, each checked against its shape.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use memmap2::Mmap;

use super::ModelError;
use super::gguf::RawTensor;

/// A source of weights.
pub(super) trait Weights {
    /// Returns a tensor's bytes.
    ///
    /// # Errors
    /// When there is no such tensor, or not all of it.
    fn raw(&self, name: &str) -> Result<RawTensor<'_>, ModelError>;

    /// Returns whether there is a tensor of this name.
    fn has(&self, name: &str) -> bool;

    /// Returns the error that says what is wrong with the file.
    fn broken(&self, reason: String) -> ModelError;

    /// Returns the file in memory, where its tensors lie in one.
    fn mapped(&self) -> Option<Arc<Mmap>> {
        None
    }

    /// Returns a matrix in its own quantisation, having checked its shape.
    ///
    /// # Errors
    /// When it is missing or of another shape.
    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<RawTensor<'_>, ModelError> {
        let raw = self.raw(name)?;
        if raw.shape != (rows, columns) {
            let (r, c) = raw.shape;
            return Err(self.broken(format!("the tensor `{name}` is {r}x{c}, not {rows}x{columns}")));
        }
        Ok(raw)
    }

    /// Returns a vector (norm weight, bias) as f32, having checked its length.
    ///
    /// # Errors
    /// When it is missing or of another length.
    fn vector(&self, name: &str, length: usize, device: &Device) -> Result<Tensor, ModelError> {
        let raw = self.matrix(name, 1, length)?;
        let tensor = raw.to_qtensor(device)?;
        Ok(tensor.dequantize(device)?.reshape(length)?)
    }
}

//! From logits to the next token: greedy, or drawn with temperature, top-k and top-p by
//! `candle_transformers::generation`.

use candle_core::{IndexOp, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};

use super::kernels::softmax;
use super::{ForwardError, TokenId};

/// Logits of one or more positions, `[rows, vocabulary]`.
#[derive(Debug, Clone)]
pub struct Logits(Tensor);

impl Logits {
    pub(super) fn new(tensor: Tensor) -> Self {
        Self(tensor)
    }

    /// Returns logits of one or more positions; for scripted models.
    ///
    /// # Errors
    /// When candle cannot hold them.
    pub fn from_rows(rows: Vec<Vec<f32>>) -> Result<Self, ForwardError> {
        Ok(Self(Tensor::new(rows, &candle_core::Device::Cpu)?))
    }

    /// Returns how many positions there are.
    pub fn rows(&self) -> usize {
        self.0.dim(0).unwrap_or(0)
    }

    /// Returns one position's logits.
    ///
    /// # Errors
    /// When there is no such position.
    pub fn row(&self, index: usize) -> Result<Vec<f32>, ForwardError> {
        Ok(self.0.get(index)?.to_vec1()?)
    }

    /// Returns one position's probabilities, at temperature 1.
    ///
    /// # Errors
    /// When there is no such position.
    pub fn probabilities(&self, index: usize) -> Result<Probabilities, ForwardError> {
        let mut row = self.row(index)?;
        softmax(&mut row);
        Ok(Probabilities(row))
    }
}

/// The probability of every token at one position.
#[derive(Debug, Clone)]
pub struct Probabilities(Vec<f32>);

impl Probabilities {
    /// Returns how likely a token is; 0 for one that the model does not have.
    pub fn of(&self, token: TokenId) -> f32 {
        self.0.get(token as usize).copied().unwrap_or(0.0)
    }

    /// Returns the likeliest token, of equals the first, and how likely it is.
    pub fn likeliest(&self) -> (TokenId, f32) {
        let mut best = (0, 0.0);
        for (token, &probability) in (0..).zip(&self.0) {
            if probability > best.1 {
                best = (token, probability);
            }
        }
        best
    }
}

/// Draws tokens.
pub struct Sampler(LogitsProcessor);

impl Sampler {
    /// Returns a sampler; `temperature` 0 is greedy, whatever the other two say.
    pub fn new(seed: u64, temperature: f64, top_k: Option<usize>, top_p: Option<f64>) -> Self {
        let sampling = match (top_k, top_p) {
            _ if temperature <= 0.0 => Sampling::ArgMax,
            (None, None) => Sampling::All { temperature },
            (Some(k), None) => Sampling::TopK { k, temperature },
            (None, Some(p)) => Sampling::TopP { p, temperature },
            (Some(k), Some(p)) => Sampling::TopKThenTopP { k, p, temperature },
        };
        Self(LogitsProcessor::from_sampling(seed, sampling))
    }

    /// Returns the next token by one row of `logits`.
    ///
    /// # Errors
    /// When there is no such row, or it holds no numbers.
    pub fn sample(&mut self, logits: &Logits, row: usize) -> Result<TokenId, ForwardError> {
        Ok(self.0.sample(&logits.0.i(row)?)?)
    }

    /// Returns the next token by one row of `logits`, as if there were no tokens but `allowed`; `None` if it is empty.
    ///
    /// # Errors
    /// When there is no such row, or it lacks one of the tokens.
    pub fn sample_among(
        &mut self,
        logits: &Logits,
        row: usize,
        allowed: &[TokenId],
    ) -> Result<Option<TokenId>, ForwardError> {
        if allowed.is_empty() {
            return Ok(None);
        }
        // The others are left out rather than given minus infinity: top-p sorts what it gets, and this is less.
        let row = logits.0.i(row)?;
        let row = row.index_select(&Tensor::new(allowed, row.device())?, 0)?;
        let index = self.0.sample(&row)?;
        Ok(allowed.get(index as usize).copied())
    }
}

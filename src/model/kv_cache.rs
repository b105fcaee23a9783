//! Keys and values of the tokens that a sequence holds, in memory that was reserved once. Truncating is moving a
//! length; rows beyond it are overwritten by what comes next. Which sequence to keep is the engine's business.

use candle_core::{DType, Device, Tensor};

use super::{ForwardError, ModelError, TokenId};

/// One sequence's cache, and the tokens that it stands for.
pub struct KvCache {
    tokens: Vec<TokenId>,
    capacity: usize,
    layers: Vec<LayerCache>,
}

/// One layer's keys and values, each `[kv_heads, capacity, head_dim]`.
pub(super) struct LayerCache {
    keys: Tensor,
    values: Tensor,
}

impl KvCache {
    /// Returns a cache without layers, for models that keep no keys (scripted ones in tests).
    pub fn without_layers(capacity: usize) -> Self {
        Self { tokens: Vec::new(), capacity, layers: Vec::new() }
    }

    pub(super) fn new(
        layers: usize,
        kv_heads: usize,
        capacity: usize,
        head_dim: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let zeros = || Tensor::zeros((kv_heads, capacity, head_dim), DType::F32, device);
        let layer = |_| Ok(LayerCache { keys: zeros()?, values: zeros()? });
        let layers = (0..layers).map(layer).collect::<Result<_, candle_core::Error>>()?;
        Ok(Self { tokens: Vec::new(), capacity, layers })
    }

    /// Returns how many tokens it holds.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Returns how many tokens it can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the tokens that it holds.
    pub fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    /// Forgets all but the first `length` tokens, in constant time; more than it holds changes nothing.
    pub fn truncate(&mut self, length: usize) {
        self.tokens.truncate(length);
    }

    /// Returns how many of `tokens`, from the first on, it holds already.
    pub fn shared_prefix(&self, tokens: &[TokenId]) -> usize {
        self.tokens.iter().zip(tokens).take_while(|(held, wanted)| held == wanted).count()
    }

    /// Checks that `more` tokens fit.
    pub fn reserve(&self, more: usize) -> Result<(), ForwardError> {
        match self.len() + more <= self.capacity {
            true => Ok(()),
            false => Err(ForwardError::Full { capacity: self.capacity }),
        }
    }

    /// Counts `tokens` as held; their rows must have been written in every layer.
    pub fn commit(&mut self, tokens: &[TokenId]) {
        self.tokens.extend_from_slice(tokens);
    }

    pub(super) fn layer(&self, index: usize) -> &LayerCache {
        &self.layers[index]
    }
}

impl LayerCache {
    /// Writes keys and values `[kv_heads, n, head_dim]` at `position` and returns views of all rows up to their end.
    pub(super) fn extend(
        &self,
        position: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> candle_core::Result<(Tensor, Tensor)> {
        let end = position + keys.dim(1)?;
        self.keys.slice_set(keys, 1, position)?;
        self.values.slice_set(values, 1, position)?;
        Ok((self.keys.narrow(1, 0, end)?, self.values.narrow(1, 0, end)?))
    }
}

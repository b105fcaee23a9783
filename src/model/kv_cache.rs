//! Keys and values of the tokens that a sequence holds. Truncating is moving a length; rows beyond it are overwritten by
//! what comes next. A sequence can stand on the first rows of another cache without copying or changing them, so that
//! many cursors share one file. Which caches to keep is the engine's business.

use candle_core::{DType, Device, Result, Tensor};

use super::kernels::{F16, KvRows, KvSegment};
use super::ops::{failed, rows};
use super::{ForwardError, ModelError, TokenId};

/// The rows of one run of tokens, and the tokens that they stand for.
pub struct KvCache {
    tokens: Vec<TokenId>,
    capacity: usize,
    /// The most tokens that it has held: the system has given memory for these.
    touched: usize,
    layers: Vec<Layer>,
}

/// One layer's keys and values.
enum Layer {
    /// For the kernels: half precision, in their own block layout.
    Rows(KvRows<F16>),
    /// For candle's ops: `[kv_heads, capacity, head_dim]` each.
    Tensors { keys: Tensor, values: Tensor },
}

/// A sequence of tokens: the first rows of a shared cache, then a tail of its own.
pub struct Sequence<'a> {
    base: Option<(&'a KvCache, usize)>,
    tail: &'a mut KvCache,
}

/// One layer of a sequence, at its end.
pub(super) struct LayerSpan<'a> {
    base: Option<(&'a Layer, usize)>,
    tail: &'a mut Layer,
    /// Rows of the tail that count.
    held: usize,
}

/// The shape of a row, for making caches.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowShape {
    pub(super) layers: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
}

impl KvCache {
    /// Returns a cache without layers, for models that keep no keys (scripted ones in tests).
    pub fn without_layers(capacity: usize) -> Self {
        Self { tokens: Vec::new(), capacity, touched: 0, layers: Vec::new() }
    }

    /// Returns a cache for the kernels. Room is reserved at once but taken by the system only as it is written.
    pub(super) fn of_rows(shape: RowShape, capacity: usize) -> std::result::Result<Self, ModelError> {
        let layer = |_| {
            let mut rows = KvRows::new(shape.kv_heads, shape.head_dim)?;
            rows.reserve(capacity);
            Ok(Layer::Rows(rows))
        };
        let layers = (0..shape.layers).map(layer).collect::<std::result::Result<_, _>>();
        let layers =
            layers.map_err(|error: super::kernels::KernelError| ModelError::Setup(error.to_string()))?;
        Ok(Self { tokens: Vec::new(), capacity, touched: 0, layers })
    }

    /// Returns a cache for candle's ops, in the precision in which they keep keys and values.
    pub(super) fn of_tensors(
        shape: RowShape,
        capacity: usize,
        device: &Device,
        kept: DType,
    ) -> std::result::Result<Self, ModelError> {
        let zeros = || Tensor::zeros((shape.kv_heads, capacity, shape.head_dim), kept, device);
        let layer = |_| Ok(Layer::Tensors { keys: zeros()?, values: zeros()? });
        let layers = (0..shape.layers).map(layer).collect::<Result<_>>()?;
        Ok(Self { tokens: Vec::new(), capacity, touched: 0, layers })
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

    /// Returns the bytes that its rows take in memory, those beyond a truncation included.
    pub fn bytes(&self) -> usize {
        let layer = |layer: &Layer| match layer {
            Layer::Rows(rows) => self.touched * rows.row_bytes(),
            Layer::Tensors { keys, values } => {
                (keys.elem_count() + values.elem_count()) * keys.dtype().size_in_bytes()
            }
        };
        self.layers.iter().map(layer).sum()
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
}

impl<'a> Sequence<'a> {
    /// Returns the sequence that a cache holds by itself.
    pub fn new(tail: &'a mut KvCache) -> Self {
        Self { base: None, tail }
    }

    /// Returns the first `length` rows of `base` followed by `tail`, whose rows must have been computed after them.
    pub fn forked(base: &'a KvCache, length: usize, tail: &'a mut KvCache) -> Self {
        Self { base: Some((base, length.min(base.len()))).filter(|(_, length)| *length > 0), tail }
    }

    /// Returns how many tokens it holds.
    pub fn len(&self) -> usize {
        self.base.map_or(0, |(_, length)| length) + self.tail.len()
    }

    /// Returns whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many tokens it can hold.
    pub fn capacity(&self) -> usize {
        self.tail.capacity
    }

    /// Forgets all but the first `length` tokens; the base stays as it is.
    pub fn truncate(&mut self, length: usize) {
        let base = self.base.map_or(0, |(_, length)| length);
        self.tail.truncate(length.saturating_sub(base));
        self.base = self.base.map(|(cache, held)| (cache, held.min(length)));
    }

    /// Returns the tokens that it holds, in order.
    pub fn tokens(&self) -> impl Iterator<Item = TokenId> + '_ {
        let base = self.base.map_or(&[][..], |(base, length)| &base.tokens[..length]);
        base.iter().chain(&self.tail.tokens).copied()
    }

    /// Checks that `more` tokens fit.
    ///
    /// # Errors
    /// [`ForwardError::Full`] when there is no room for them.
    pub fn reserve(&self, more: usize) -> std::result::Result<(), ForwardError> {
        match self.len() + more <= self.tail.capacity {
            true => Ok(()),
            false => Err(ForwardError::Full { capacity: self.tail.capacity }),
        }
    }

    /// Counts `tokens` as held; their rows must have been written in every layer.
    pub fn commit(&mut self, tokens: &[TokenId]) {
        self.tail.tokens.extend_from_slice(tokens);
        self.tail.touched = self.tail.touched.max(self.tail.tokens.len());
    }

    pub(super) fn layer(&mut self, index: usize) -> LayerSpan<'_> {
        let base = self.base.map(|(base, length)| (&base.layers[index], length));
        LayerSpan { base, held: self.tail.tokens.len(), tail: &mut self.tail.layers[index] }
    }
}

impl<'a> LayerSpan<'a> {
    /// Writes keys and values `[n, kv_heads * head_dim]` at the end and returns what is to be attended to: the rows
    /// of the base, if any, and those of the tail with the new ones.
    pub(super) fn write_rows(
        self,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(Option<KvSegment<'a, F16>>, KvSegment<'a, F16>)> {
        let Layer::Rows(tail) = self.tail else { return other_place() };
        let new = keys.dim(0)?;
        rows(keys, |keys| rows(values, |values| tail.write(self.held, keys, values).map_err(failed)))?;
        let base = match self.base {
            Some((Layer::Rows(base), length)) => Some(base.segment(length).map_err(failed)?),
            Some(_) => return other_place(),
            None => None,
        };
        Ok((base, tail.segment(self.held + new).map_err(failed)?))
    }

    /// Writes keys and values `[kv_heads, n, head_dim]` at the end and returns all rows up to there.
    pub(super) fn write_tensors(self, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        let Layer::Tensors { keys: held_keys, values: held_values } = self.tail else { return other_place() };
        let end = self.held + keys.dim(1)?;
        held_keys.slice_set(&keys.to_dtype(held_keys.dtype())?, 1, self.held)?;
        held_values.slice_set(&values.to_dtype(held_values.dtype())?, 1, self.held)?;
        let (keys, values) = (held_keys.narrow(1, 0, end)?, held_values.narrow(1, 0, end)?);
        match self.base {
            None => Ok((keys, values)),
            Some((Layer::Tensors { keys: base_keys, values: base_values }, length)) => Ok((
                Tensor::cat(&[base_keys.narrow(1, 0, length)?, keys], 1)?,
                Tensor::cat(&[base_values.narrow(1, 0, length)?, values], 1)?,
            )),
            Some(_) => other_place(),
        }
    }
}

fn other_place<T>() -> Result<T> {
    candle_core::bail!("the cache was made for another place")
}

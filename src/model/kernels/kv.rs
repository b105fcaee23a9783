//! Cached keys and values in the order in which attention reads them. Not which rows are cached and for how
//! long: that is the engine's.
//!
//! Rows stand in blocks of sixteen positions. In a block come first the keys of each head, transposed
//! (`[head][dimension] [position]`, so that sixteen scores are sixteen lanes), then the values of each head
//! as they are (`[head][position] [dimension]`). A row can be written over at any time, so a cache is cut
//! back by forgetting its length.

use std::ops::Range;

use super::error::{KernelError, expect_len};
use super::float16::F16;
use super::simd::{LANES, Simd};

/// Positions in a block.
pub(super) const POSITIONS: usize = LANES;

/// What keys and values are stored as: [`F16`], which takes half the memory, or `f32`.
pub trait KvElement: Copy + Default + Send + Sync + 'static + Element {}

/// The part of [`KvElement`] that only the kernels see.
pub trait Element: Sized {
    #[doc(hidden)]
    fn from_f32(value: f32) -> Self;
    #[doc(hidden)]
    #[allow(private_bounds, private_interfaces)]
    fn load<S: Simd>(simd: S, from: &[Self; LANES]) -> S::V;
}

impl KvElement for f32 {}
impl KvElement for F16 {}

impl Element for f32 {
    #[inline]
    fn from_f32(value: f32) -> Self {
        value
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load<S: Simd>(simd: S, from: &[Self; LANES]) -> S::V {
        simd.load(from)
    }
}

impl Element for F16 {
    #[inline]
    fn from_f32(value: f32) -> Self {
        // Beyond the range the largest number is less wrong than infinity, which would make NaN of a whole
        // row.
        F16::from_f32(value.clamp(-65504.0, 65504.0))
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load<S: Simd>(simd: S, from: &[Self; LANES]) -> S::V {
        simd.load_half(from)
    }
}

/// The keys and values of one layer for a run of positions, growing as it is written.
#[derive(Clone)]
pub struct KvRows<T> {
    kv_heads: usize,
    head_dim: usize,
    blocks: Vec<T>,
}

impl<T: KvElement> KvRows<T> {
    /// No rows yet; a row has `kv_heads` keys and as many values of `head_dim` numbers (a multiple of 16)
    /// each.
    pub fn new(kv_heads: usize, head_dim: usize) -> Result<Self, KernelError> {
        if head_dim == 0 || !head_dim.is_multiple_of(LANES) {
            return Err(KernelError::Columns { cols: head_dim, block: LANES });
        }
        if kv_heads == 0 {
            return Err(KernelError::Size { what: "the number of key and value heads" });
        }
        Ok(Self { kv_heads, head_dim, blocks: Vec::new() })
    }

    /// Numbers in a row of keys, and in one of values.
    fn width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    fn block_len(&self) -> usize {
        2 * POSITIONS * self.width()
    }

    /// Rows that can be read: those written, and the rest of their last block, which is zero.
    pub fn capacity(&self) -> usize {
        self.blocks.len() / self.block_len() * POSITIONS
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        2 * self.kv_heads * self.head_dim * size_of::<T>()
    }

    /// Bytes in memory.
    pub fn byte_size(&self) -> usize {
        self.blocks.capacity() * size_of::<T>()
    }

    /// Makes room for `rows` rows, so that writing them moves nothing.
    pub fn reserve(&mut self, rows: usize) {
        let blocks = rows.div_ceil(POSITIONS) * self.block_len();
        self.blocks.reserve_exact(blocks.saturating_sub(self.blocks.len()));
    }

    /// Gives back the memory of all rows from `rows` on, except those in the same block.
    pub fn shrink(&mut self, rows: usize) {
        self.blocks.truncate(rows.div_ceil(POSITIONS) * self.block_len());
        self.blocks.shrink_to_fit();
    }

    /// Writes rows from number `first` on, over what is there. `keys` and `values` are
    /// `[rows][kv_heads][head_dim]`.
    pub fn write(&mut self, first: usize, keys: &[f32], values: &[f32]) -> Result<(), KernelError> {
        let (width, head_dim, block_len) = (self.width(), self.head_dim, self.block_len());
        let rows = keys.len() / width;
        expect_len("the keys", keys.len(), rows * width)?;
        expect_len("the values", values.len(), keys.len())?;
        self.grow(first + rows);
        for (row, (keys, values)) in keys.chunks_exact(width).zip(values.chunks_exact(width)).enumerate() {
            let (block, lane) = ((first + row) / POSITIONS, (first + row) % POSITIONS);
            let block = &mut self.blocks[block * block_len..][..block_len];
            let (key_part, value_part) = block.split_at_mut(POSITIONS * width);
            for (to, &key) in key_part[lane..].iter_mut().step_by(POSITIONS).zip(keys) {
                *to = T::from_f32(key);
            }
            for (head, values) in values.chunks_exact(head_dim).enumerate() {
                let to = &mut value_part[(head * POSITIONS + lane) * head_dim..][..head_dim];
                to.iter_mut().zip(values).for_each(|(to, &value)| *to = T::from_f32(value));
            }
        }
        Ok(())
    }

    /// Copies rows `from` of another cache of the same shape to here, from row `to` on.
    pub fn copy_rows(&mut self, other: &Self, from: Range<usize>, to: usize) -> Result<(), KernelError> {
        expect_len("the rows of the other cache", other.width(), self.width())?;
        if from.end > other.capacity() || from.start > from.end {
            return Err(KernelError::Length {
                what: "the other cache",
                expected: from.end,
                actual: other.capacity(),
            });
        }
        self.grow(to + from.len());
        let (width, head_dim, block_len) = (self.width(), self.head_dim, self.block_len());
        for (source, target) in from.clone().zip(to..) {
            let source_block = &other.blocks[source / POSITIONS * block_len..][..block_len];
            let target_block = &mut self.blocks[target / POSITIONS * block_len..][..block_len];
            let (source, target) = (source % POSITIONS, target % POSITIONS);
            for at in (0..POSITIONS * width).step_by(POSITIONS) {
                target_block[at + target] = source_block[at + source];
            }
            for head in self.kv_heads..2 * self.kv_heads {
                let at = |position: usize| (head * POSITIONS + position) * head_dim;
                target_block[at(target)..][..head_dim]
                    .copy_from_slice(&source_block[at(source)..][..head_dim]);
            }
        }
        Ok(())
    }

    /// The first `len` rows, for attention. An error if there are fewer.
    pub fn segment(&self, len: usize) -> Result<KvSegment<'_, T>, KernelError> {
        if len > self.capacity() {
            return Err(KernelError::Length { what: "the cache", expected: len, actual: self.capacity() });
        }
        Ok(KvSegment { rows: self, len })
    }

    fn grow(&mut self, rows: usize) {
        let needed = rows.div_ceil(POSITIONS) * self.block_len();
        if self.blocks.len() < needed {
            self.blocks.resize(needed, T::default());
        }
    }
}

/// The first rows of a cache: a part of the keys and values that attention goes over.
#[derive(Clone, Copy)]
pub struct KvSegment<'a, T> {
    rows: &'a KvRows<T>,
    len: usize,
}

impl<'a, T: KvElement> KvSegment<'a, T> {
    /// Rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a row has this shape.
    pub(super) fn has_shape(&self, kv_heads: usize, head_dim: usize) -> bool {
        self.rows.kv_heads == kv_heads && self.rows.head_dim == head_dim
    }

    /// The keys of a head in a block: `[head_dim][POSITIONS]`.
    #[inline]
    pub(super) fn keys(&self, block: usize, head: usize) -> &'a [T] {
        let size = POSITIONS * self.rows.head_dim;
        &self.rows.blocks[block * self.rows.block_len() + head * size..][..size]
    }

    /// The values of a head in a block: `[POSITIONS][head_dim]`.
    #[inline]
    pub(super) fn values(&self, block: usize, head: usize) -> &'a [T] {
        self.keys(block, self.rows.kv_heads + head)
    }
}

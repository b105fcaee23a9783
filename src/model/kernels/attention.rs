//! Attention of a run of new positions over cached keys and values, causal, with grouped heads. Not the
//! cache: that is `kv`.
//!
//! A tile is some rows, a row being one head of one position, of heads that share keys. It takes two passes:
//! all scores of the tile, then the weighted sum of the values. Every number is computed in one order: a
//! score over the dimensions, the largest score and the sum of the exponentials in sixteen lanes by absolute
//! position, a weighted value over the positions. So it matters neither where segments meet nor which rows
//! share a tile. (The usual one-pass form with a running maximum saves a buffer of four bytes for each
//! position and row, but its rounding depends on where the blocks begin.)

use std::cell::RefCell;

use super::cpu::CpuKernel;
use super::error::{KernelError, expect_len};
use super::kv::{KvElement, KvSegment, POSITIONS};
use super::pool::{Shared, WorkerPool};
use super::simd::{Computation, LANES, Simd, dispatch};

/// The most rows of a tile, on any CPU.
const MAX_ROWS: usize = 8;
/// Rows that a task goes through, some tiles of it: the keys stay in the second-level cache for them.
const TASK_ROWS: usize = 32;

/// The heads of attention, and what becomes of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / kv_heads` neighbouring heads of queries.
    pub kv_heads: usize,
    /// Numbers in a head, a multiple of 16.
    pub head_dim: usize,
    /// What scores are multiplied with.
    pub scale: f32,
    /// Scores become `cap * tanh(score / cap)`.
    pub soft_cap: Option<f32>,
    /// Positions that a query sees at most, its own included.
    pub window: Option<usize>,
}

impl AttentionShape {
    /// The usual attention: scores are divided by the root of a head's width, and all positions are seen.
    pub fn new(heads: usize, kv_heads: usize, head_dim: usize) -> Self {
        let scale = 1.0 / (head_dim as f32).sqrt();
        Self { heads, kv_heads, head_dim, scale, soft_cap: None, window: None }
    }
}

/// `out = softmax(queries * keys * scale) * values` for the last positions of a sequence.
///
/// `queries` and `out` are `[positions][heads][head_dim]`. The keys and values of all positions, those of the
/// queries themselves included, are in `segments`, in order; each query sees its own position and all before
/// it, or as many of them as the window has.
pub fn attention<T: KvElement>(
    queries: &[f32],
    segments: &[KvSegment<'_, T>],
    shape: AttentionShape,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    attention_with(CpuKernel::best(), queries, segments, shape, out, pool)
}

/// [`attention`] with a kernel of one's choice, for tests and measurements.
pub fn attention_with<T: KvElement>(
    kernel: CpuKernel,
    queries: &[f32],
    segments: &[KvSegment<'_, T>],
    shape: AttentionShape,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    let AttentionShape { heads, kv_heads, head_dim, .. } = shape;
    if head_dim == 0 || kv_heads == 0 || heads == 0 || !heads.is_multiple_of(kv_heads) {
        return Err(KernelError::Size { what: "the number of heads, or of heads to a key," });
    }
    let positions = queries.len() / (heads * head_dim);
    expect_len("the queries", queries.len(), positions * heads * head_dim)?;
    expect_len("the attention's output", out.len(), queries.len())?;
    if !segments.iter().all(|segment| segment.has_shape(kv_heads, head_dim)) {
        return Err(KernelError::Size { what: "the shape of a cache" });
    }
    let keys: usize = segments.iter().map(KvSegment::len).sum();
    if keys < positions {
        return Err(KernelError::Length { what: "the cache", expected: positions, actual: keys });
    }
    let out = Shared::new(out);
    let job = Job { queries, segments, shape, first: keys - positions, out: &out };
    let rows = positions * heads / kv_heads;
    // With few rows, so small tasks that all threads have one.
    let task_rows = rows
        .div_ceil(pool.threads().div_ceil(kv_heads))
        .next_multiple_of(MAX_ROWS)
        .clamp(MAX_ROWS, TASK_ROWS);
    let tasks_of_head = rows.div_ceil(task_rows);
    pool.run(kv_heads * tasks_of_head, |task| {
        // The last positions have the most keys: first come, first served works best with these in front.
        let first_row = (tasks_of_head - 1 - task / kv_heads) * task_rows;
        let task =
            Task { job, kv_head: task % kv_heads, first_row, end_row: rows.min(first_row + task_rows) };
        dispatch(kernel, task);
    });
    Ok(())
}

struct Job<'a, T> {
    queries: &'a [f32],
    segments: &'a [KvSegment<'a, T>],
    shape: AttentionShape,
    /// The position of the first query.
    first: usize,
    out: &'a Shared<'a, f32>,
}

impl<T> Clone for Job<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Job<'_, T> {}

/// Some rows of the heads that share a head of keys. Row `r` is head `r % group` of the group, at position `r
/// / group`.
struct Task<'a, T> {
    job: Job<'a, T>,
    kv_head: usize,
    first_row: usize,
    end_row: usize,
}

#[derive(Default)]
struct Scratch {
    /// The queries of a tile, scaled, `[MAX_ROWS][head_dim]`.
    queries: Vec<f32>,
    /// The scores of a tile, `[MAX_ROWS][stride]`.
    scores: Vec<f32>,
}

thread_local! {
    /// A thread keeps its buffers from call to call.
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch { queries: Vec::new(), scores: Vec::new() }) };
}

impl<T: KvElement> Computation for Task<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut scratch = SCRATCH.take();
        let mut row = self.first_row;
        while row < self.end_row {
            let count = S::ROWS.min(self.end_row - row);
            self.tile(simd, row, count, &mut scratch);
            row += count;
        }
        SCRATCH.set(scratch);
    }
}

impl<T: KvElement> Task<'_, T> {
    fn group(&self) -> usize {
        self.job.shape.heads / self.job.shape.kv_heads
    }

    /// Keys that a row sees.
    fn keys(&self, row: usize) -> usize {
        self.job.first + row / self.group() + 1
    }

    /// Keys before the first that a row sees.
    fn unseen(&self, row: usize) -> usize {
        self.job.shape.window.map_or(0, |window| self.keys(row).saturating_sub(window))
    }

    /// Where a row's head begins among queries and output.
    fn place(&self, row: usize) -> usize {
        let head = self.kv_head * self.group() + row % self.group();
        (row / self.group() * self.job.shape.heads + head) * self.job.shape.head_dim
    }

    #[inline(always)]
    fn tile<S: Simd>(&self, simd: S, row: usize, count: usize, scratch: &mut Scratch) {
        let keys = self.keys(row + count - 1);
        // A segment's last block may be half in use; its lanes go beyond the end and are written over by the
        // next segment.
        let stride = keys.next_multiple_of(LANES) + LANES;
        let head_dim = self.job.shape.head_dim;
        scratch.queries.resize(MAX_ROWS * head_dim, 0.0);
        if scratch.scores.len() < MAX_ROWS * stride {
            scratch.scores.resize(MAX_ROWS * stride, 0.0);
        }
        let scale = self.job.shape.scale;
        for (lane, to) in scratch.queries.chunks_exact_mut(head_dim).enumerate().take(S::ROWS) {
            // Lanes without a row repeat the last one; what they give is not looked at.
            let from = self.place(row + lane.min(count - 1));
            let query = &self.job.queries[from..from + head_dim];
            to.iter_mut().zip(query).for_each(|(to, query)| *to = query * scale);
        }
        // The first row of a tile sees the earliest keys of all.
        let unseen = self.unseen(row);
        self.scores(simd, unseen, keys, stride, scratch);
        let mut sums = [0.0; MAX_ROWS];
        for (lane, sum) in sums.iter_mut().enumerate().take(S::ROWS) {
            let row = row + lane.min(count - 1);
            let scores = &mut scratch.scores[lane * stride..][..stride];
            let (unseen, keys) = (self.unseen(row), self.keys(row));
            if let Some(cap) = self.job.shape.soft_cap {
                bound(simd, scores, unseen, keys, cap);
            }
            *sum = soften(simd, scores, unseen, keys);
        }
        self.values(simd, row, count, unseen, keys, stride, &scratch.scores, &sums);
    }

    /// The scores of all rows of a tile with the first `keys` keys, but for blocks of `unseen` ones.
    #[inline(always)]
    fn scores<S: Simd>(&self, simd: S, unseen: usize, keys: usize, stride: usize, scratch: &mut Scratch) {
        let head_dim = self.job.shape.head_dim;
        let mut position = 0;
        for segment in self.job.segments {
            let len = segment.len().min(keys - position);
            for block in first_block(unseen, position, len)..len.div_ceil(POSITIONS) {
                let block_keys = segment.keys(block, self.kv_head);
                let mut sums = [simd.splat(0.0); MAX_ROWS];
                for dimension in (0..head_dim).step_by(LANES) {
                    let queries = factors::<S>(&scratch.queries, head_dim, dimension);
                    add_products(
                        simd,
                        &queries,
                        &block_keys[dimension * POSITIONS..],
                        POSITIONS,
                        LANES,
                        &mut sums,
                    );
                }
                for (lane, sum) in sums.into_iter().enumerate().take(S::ROWS) {
                    let at = lane * stride + position + block * POSITIONS;
                    if let Some(to) = scratch.scores[at..].first_chunk_mut() {
                        simd.store(sum, to);
                    }
                }
            }
            position += len;
        }
    }

    /// The values weighted with the exponentials, divided by their sums, to the output.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "the parts of one tile")]
    fn values<S: Simd>(
        &self,
        simd: S,
        row: usize,
        count: usize,
        unseen: usize,
        keys: usize,
        stride: usize,
        weights: &[f32],
        sums: &[f32; MAX_ROWS],
    ) {
        let head_dim = self.job.shape.head_dim;
        for column in (0..head_dim).step_by(LANES) {
            let mut totals = [simd.splat(0.0); MAX_ROWS];
            let mut position = 0;
            for segment in self.job.segments {
                let len = segment.len().min(keys - position);
                for block in first_block(unseen, position, len)..len.div_ceil(POSITIONS) {
                    let count = POSITIONS.min(len - block * POSITIONS);
                    let values = &segment.values(block, self.kv_head)[column..];
                    let weights = factors::<S>(weights, stride, position + block * POSITIONS);
                    add_products(simd, &weights, values, head_dim, count, &mut totals);
                }
                position += len;
            }
            for lane in 0..count {
                let total = simd.div(totals[lane], simd.splat(sums[lane]));
                // SAFETY: a row belongs to one task, and its head to no other row.
                let to = unsafe { self.job.out.slice(self.place(row + lane) + column, LANES) };
                if let Some(to) = to.first_chunk_mut() {
                    simd.store(total, to);
                }
            }
        }
    }
}

/// The first block of a segment that has a key which is seen. Leaving out the others changes no bit: they would add
/// products with zero.
#[inline(always)]
fn first_block(unseen: usize, position: usize, len: usize) -> usize {
    (unseen.saturating_sub(position) / POSITIONS).min(len.div_ceil(POSITIONS))
}

/// Sixteen factors of each row of a tile.
type Factors<'a> = [&'a [f32; LANES]; MAX_ROWS];

/// The factors from number `at` on of the rows of a buffer, which are `stride` apart.
#[inline(always)]
fn factors<S: Simd>(buffer: &[f32], stride: usize, at: usize) -> Factors<'_> {
    let mut factors: Factors<'_> = [&[0.0; LANES]; MAX_ROWS];
    for row in 0..S::ROWS {
        if let Some(sixteen) = buffer[row * stride + at..].first_chunk() {
            factors[row] = sixteen;
        }
    }
    factors
}

/// `sums[row] += factors[row][i] * vectors[i * stride..]` for `i` below `count` and sixteen, in order.
#[inline(always)]
fn add_products<S: Simd, T: KvElement>(
    simd: S,
    factors: &Factors<'_>,
    vectors: &[T],
    stride: usize,
    count: usize,
    sums: &mut [S::V; MAX_ROWS],
) {
    for i in 0..count.min(LANES) {
        let Some(vector) = vectors[i * stride..].first_chunk() else { break };
        let vector = T::load(simd, vector);
        for row in 0..S::ROWS {
            sums[row] = simd.mul_add(simd.splat(factors[row][i]), vector, sums[row]);
        }
    }
}

/// Bends the scores that are seen, so that none goes beyond `cap`: `cap * tanh(score / cap)`.
#[inline(always)]
fn bound<S: Simd>(simd: S, scores: &mut [f32], unseen: usize, keys: usize, cap: f32) {
    let (vectors, _) = scores.as_chunks_mut::<LANES>();
    let (one, cap) = (simd.splat(1.0), simd.splat(cap));
    for vector in &mut vectors[unseen / LANES..keys.div_ceil(LANES)] {
        // tanh(u) = 1 - 2 / (exp(2 u) + 1)
        let twice = simd.mul(simd.splat(2.0), simd.div(simd.load(vector), cap));
        let rest = simd.div(simd.splat(2.0), simd.add(simd.exp(twice), one));
        simd.store(simd.mul(cap, simd.sub(one, rest)), vector);
    }
}

/// Turns the first `keys` scores, but for the `unseen` ones, into exponentials of their distance from the largest,
/// the rest into zeros; their sum.
#[inline(always)]
fn soften<S: Simd>(simd: S, scores: &mut [f32], unseen: usize, keys: usize) -> f32 {
    scores[..unseen].fill(f32::NEG_INFINITY);
    scores[keys..].fill(f32::NEG_INFINITY);
    let (vectors, _) = scores.as_chunks_mut::<LANES>();
    let used = keys.div_ceil(LANES);
    let mut largest = simd.splat(f32::NEG_INFINITY);
    for vector in &vectors[..used] {
        largest = simd.max(largest, simd.load(vector));
    }
    let largest = simd.splat(simd.largest(largest));
    let mut sum = simd.splat(0.0);
    for vector in &mut vectors[..used] {
        let weight = simd.exp(simd.sub(simd.load(vector), largest));
        sum = simd.add(sum, weight);
        simd.store(weight, vector);
    }
    // A row of a tile with fewer keys than its neighbours adds nothing for the rest.
    vectors[used..].as_flattened_mut().fill(0.0);
    simd.sum(sum)
}

//! Rows of activations in eight bits: the right-hand side of every quantised product. Not about weights.
//!
//! Each row is quantised by itself, 32 inputs to a scale, so a row's bits never depend on the rows beside it.
//! The K formats, for which ggml shares one scale among 256 inputs, get the finer 32 here as well.

use super::cpu::CpuKernel;
use super::error::{KernelError, expect_len};
use super::format::BLOCK;
use super::pool::{Shared, WorkerPool};
use super::simd::{Computation, LANES, Simd, dispatch};

/// Rows that are stored together, so that four bytes of each stand side by side.
pub(super) const GROUP: usize = 4;
/// A block of a group of four rows.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Record {
    /// By unit and row: the four bytes of four inputs, in the order in which they stand in memory.
    pub(super) codes: [[i32; GROUP]; BLOCK / 4],
    pub(super) scales: [f32; GROUP],
    /// The sums of the codes, negative.
    pub(super) neg_sums: [i32; GROUP],
    /// The sums of the first sixteen codes, negative.
    pub(super) neg_first: [i32; GROUP],
    /// The sums of the codes, times the scale.
    pub(super) scaled_sums: [f32; GROUP],
}

// Three cache lines.
const _: () = assert!(size_of::<Record>() == 192);

const ZERO: Record = Record {
    codes: [[0; GROUP]; BLOCK / 4],
    scales: [0.0; GROUP],
    neg_sums: [0; GROUP],
    neg_first: [0; GROUP],
    scaled_sums: [0.0; GROUP],
};

/// Rows of activations, quantised to eight bits. Its memory is kept when it is filled again.
#[derive(Default)]
pub struct Activations {
    rows: usize,
    blocks: usize,
    records: Vec<Record>,
}

impl Activations {
    /// Quantises `values`, rows of `cols` numbers (a multiple of 32).
    pub fn new(values: &[f32], cols: usize, pool: &WorkerPool) -> Result<Self, KernelError> {
        let mut activations = Self::default();
        activations.fill(values, cols, pool)?;
        Ok(activations)
    }

    /// Quantises other rows into the same memory.
    pub fn fill(&mut self, values: &[f32], cols: usize, pool: &WorkerPool) -> Result<(), KernelError> {
        if cols == 0 || !cols.is_multiple_of(BLOCK) {
            return Err(KernelError::Columns { cols, block: BLOCK });
        }
        self.rows = values.len() / cols;
        self.blocks = cols / BLOCK;
        expect_len("the activations", values.len(), self.rows * cols)?;
        let groups = self.rows.div_ceil(GROUP);
        self.records.resize(groups * self.blocks, ZERO);
        let (blocks, kernel) = (self.blocks, CpuKernel::best());
        let shared = Shared::new(&mut self.records);
        pool.run(groups, |group| {
            // SAFETY: every task has the records of a group of its own.
            let records = unsafe { shared.slice(group * blocks, blocks) };
            let start = group * GROUP * cols;
            let rows = &values[start..values.len().min(start + GROUP * cols)];
            dispatch(kernel, Group { records, rows, cols });
        });
        Ok(())
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a row.
    pub fn cols(&self) -> usize {
        self.blocks * BLOCK
    }

    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    pub(super) fn groups(&self) -> usize {
        self.rows.div_ceil(GROUP)
    }

    /// The records of a group, one for each block.
    pub(super) fn group(&self, group: usize) -> &[Record] {
        &self.records[group * self.blocks..][..self.blocks]
    }
}

/// The rows of a group, quantised into its records.
struct Group<'a> {
    records: &'a mut [Record],
    rows: &'a [f32],
    cols: usize,
}

impl Computation for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if self.rows.len() < GROUP * self.cols {
            self.records.fill(ZERO);
        }
        for (lane, row) in self.rows.chunks_exact(self.cols).enumerate() {
            for (record, values) in self.records.iter_mut().zip(row.as_chunks::<BLOCK>().0) {
                fill_lane(simd, record, lane, values);
            }
        }
    }
}

/// Quantises 32 numbers to -127 to 127.
#[inline(always)]
fn fill_lane<S: Simd>(simd: S, record: &mut Record, lane: usize, values: &[f32; BLOCK]) {
    /// Added and taken off again, it rounds to the nearest integer, ties to even; the integer is in its low
    /// bits.
    const ROUND: f32 = 12_582_912.0;
    /// Below this the inverse would overflow; such a block is zero for all that it adds.
    const TINY: f32 = 1e-30;
    let [first, second] = values.as_chunks::<LANES>().0 else { return };
    let halves = [simd.load(first), simd.load(second)];
    let zero = simd.splat(0.0);
    let first_sizes = simd.max(halves[0], simd.sub(zero, halves[0]));
    let second_sizes = simd.max(halves[1], simd.sub(zero, halves[1]));
    let largest = simd.largest(simd.max(first_sizes, second_sizes));
    let (scale, inverse) = if largest < TINY { (0.0, 0.0) } else { (largest / 127.0, 127.0 / largest) };
    let mut sums = [0.0; 2];
    for half in 0..2 {
        let rounded = simd.add(simd.mul(halves[half], simd.splat(inverse)), simd.splat(ROUND));
        // The sum of sixteen small integers is exact in any order.
        sums[half] = simd.sum(simd.sub(rounded, simd.splat(ROUND)));
        for (unit, four) in record.codes[4 * half..].iter_mut().zip(simd.low_bytes(rounded)) {
            unit[lane] = four;
        }
    }
    record.scales[lane] = scale;
    record.neg_sums[lane] = -(sums[0] + sums[1]) as i32;
    record.neg_first[lane] = -sums[0] as i32;
    record.scaled_sums[lane] = scale * (sums[0] + sums[1]);
}

//! Rows of activations in eight bits: the right-hand side of every quantised product. Not about weights.
//!
//! Each row is quantised by itself, 32 inputs to a scale, so a row's bits never depend on the rows beside it. The K formats,
//! for which ggml shares one scale among 256 inputs, get the finer 32 here as well.

use super::error::{KernelError, expect_len};
use super::format::BLOCK;
use super::pool::{Shared, WorkerPool};

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
        let blocks = self.blocks;
        let shared = Shared::new(&mut self.records);
        pool.run(groups, |group| {
            // SAFETY: every task has the records of a group of its own.
            let records = unsafe { shared.slice(group * blocks, blocks) };
            let start = group * GROUP * cols;
            let rows = &values[start..values.len().min(start + GROUP * cols)];
            fill_group(records, rows, cols);
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

fn fill_group(records: &mut [Record], rows: &[f32], cols: usize) {
    if rows.len() < GROUP * cols {
        records.fill(ZERO);
    }
    for (lane, row) in rows.chunks_exact(cols).enumerate() {
        for (record, values) in records.iter_mut().zip(row.as_chunks::<BLOCK>().0) {
            fill_lane(record, lane, values);
        }
    }
}

fn fill_lane(record: &mut Record, lane: usize, values: &[f32; BLOCK]) {
    let (scale, codes) = quantize(values);
    for (unit, four) in codes.as_chunks::<4>().0.iter().enumerate() {
        record.codes[unit][lane] = i32::from_ne_bytes(four.map(|code| code as u8));
    }
    let sum = |codes: &[i8]| codes.iter().map(|&code| i32::from(code)).sum::<i32>();
    let (first, second) = (sum(&codes[..BLOCK / 2]), sum(&codes[BLOCK / 2..]));
    record.scales[lane] = scale;
    record.neg_sums[lane] = -(first + second);
    record.neg_first[lane] = -first;
    record.scaled_sums[lane] = scale * (first + second) as f32;
}

/// The scale and the codes, -127 to 127, of 32 numbers.
#[inline]
fn quantize(values: &[f32; BLOCK]) -> (f32, [i8; BLOCK]) {
    /// Added and taken off again, it rounds to the nearest integer, ties to even, without an instruction for it.
    const ROUND: f32 = 12_582_912.0;
    /// Below this the inverse would overflow; such a block is zero for all that it adds.
    const TINY: f32 = 1e-30;
    let mut lanes = [0f32; 8];
    for eight in values.as_chunks::<8>().0 {
        for (lane, value) in lanes.iter_mut().zip(eight) {
            *lane = if value.abs() > *lane { value.abs() } else { *lane };
        }
    }
    let largest = lanes.iter().fold(0f32, |a, &b| if b > a { b } else { a });
    if largest < TINY {
        return (0.0, [0; BLOCK]);
    }
    let inverse = 127.0 / largest;
    (largest / 127.0, std::array::from_fn(|i| (values[i] * inverse + ROUND).to_bits() as i8))
}

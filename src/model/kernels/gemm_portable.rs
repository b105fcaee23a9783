//! The inner loops of the matrix product in plain Rust: for every CPU, and the plainest statement of what the
//! others do. Not tiling: that is `matmul`.

use super::activations::{GROUP, Record};
use super::float16::F16;
use super::layout::{PANEL, Panel, UNIT, UNITS, UNPACKED_BLOCK, packed_block};
use super::matmul::{Rows, Sums};

/// Sixteen numbers, one for each output.
type Lanes = [f32; PANEL];
type Integers = [i32; PANEL];

/// Widens the codes of a panel to a byte each.
pub(super) fn unpack(panel: &Panel<'_>, unpacked: &mut [u8]) {
    let blocks = unpacked.as_chunks_mut::<UNPACKED_BLOCK>().0;
    for (index, unpacked) in blocks.iter_mut().enumerate().take(panel.blocks) {
        unpack_block(panel.format.bits(), &panel.record(index)[..packed_block(panel.format)], unpacked);
    }
}

fn unpack_block(bits: usize, packed: &[u8], unpacked: &mut [u8; UNPACKED_BLOCK]) {
    if bits == 8 {
        unpacked.copy_from_slice(packed);
        return;
    }
    let half = UNPACKED_BLOCK / 2;
    for (at, byte) in packed[..half].iter().enumerate() {
        unpacked[at] = byte & 15;
        unpacked[at + half] = byte >> 4;
    }
    let high = &packed[half..];
    for (unit, unpacked) in unpacked.chunks_exact_mut(UNIT).enumerate() {
        match bits {
            5 => unpacked.iter_mut().zip(high).for_each(|(code, high)| *code |= ((high >> unit) & 1) << 4),
            6 => {
                let high = &high[unit / 4 * UNIT..];
                unpacked
                    .iter_mut()
                    .zip(high)
                    .for_each(|(code, high)| *code |= ((high >> (2 * (unit % 4))) & 3) << 4);
            }
            _ => {}
        }
    }
}

/// The sums of a tile, from the unpacked codes if there are any, otherwise from the panel's own.
pub(super) fn tile(panel: &Panel<'_>, unpacked: Option<&[u8]>, rows: &Rows<'_>, sums: &mut Sums) {
    sums[..rows.count].fill([0.0; PANEL]);
    let mut block = [0u8; UNPACKED_BLOCK];
    for index in 0..panel.blocks {
        let codes = match unpacked {
            Some(unpacked) => unpacked[index * UNPACKED_BLOCK..].first_chunk().unwrap_or(&block),
            None => {
                let record = panel.record(index);
                unpack_block(panel.format.bits(), &record[..packed_block(panel.format)], &mut block);
                &block
            }
        };
        let scales = BlockScales::new(panel, index);
        for (row, sums) in sums[..rows.count].iter_mut().enumerate() {
            scales.add(codes, &rows.groups[row / GROUP][index], row % GROUP, sums);
        }
    }
}

/// The scales of a block, widened.
enum BlockScales {
    Simple { scale: Lanes, shift: u32 },
    WithMin { scale: Lanes, min: Lanes },
    Halves { scale: Lanes, steps: [Integers; 2], shift: u32 },
}

impl BlockScales {
    fn new(panel: &Panel<'_>, index: usize) -> Self {
        let record = panel.record(index);
        let scales = &record[packed_block(panel.format)..];
        let supers = panel.supers(index);
        match (panel.format.offset_shift(), supers.is_empty()) {
            (None, _) => {
                let product = |supers: &[u8], steps: &[u8]| {
                    let halves = half_floats(supers);
                    std::array::from_fn(|output| halves[output] * f32::from(steps[output]))
                };
                let (scale, min) = (product(supers, scales), product(&supers[2 * PANEL..], &scales[PANEL..]));
                Self::WithMin { scale, min }
            }
            (Some(shift), true) => Self::Simple { scale: half_floats(scales), shift },
            (Some(shift), false) => {
                let steps =
                    [0, PANEL].map(|at| std::array::from_fn(|output| i32::from(scales[at + output] as i8)));
                Self::Halves { scale: half_floats(supers), steps, shift }
            }
        }
    }

    /// Adds the products of a block with one row.
    fn add(&self, codes: &[u8; UNPACKED_BLOCK], record: &Record, lane: usize, sums: &mut Lanes) {
        let activation_scale = record.scales[lane];
        let (neg_sum, neg_first) = (record.neg_sums[lane], record.neg_first[lane]);
        match self {
            Self::Simple { scale, shift } => {
                let products = products(codes, record, lane, 0..UNITS, neg_sum << shift);
                add_scaled(sums, &products, scale, activation_scale);
            }
            Self::WithMin { scale, min } => {
                let products = products(codes, record, lane, 0..UNITS, 0);
                add_scaled(sums, &products, scale, activation_scale);
                for (sum, min) in sums.iter_mut().zip(min) {
                    *sum -= min * record.scaled_sums[lane];
                }
            }
            Self::Halves { scale, steps, shift } => {
                let first = products(codes, record, lane, 0..UNITS / 2, neg_first << shift);
                let second = products(codes, record, lane, UNITS / 2..UNITS, (neg_sum - neg_first) << shift);
                let both = std::array::from_fn(|i| first[i] * steps[0][i] + second[i] * steps[1][i]);
                add_scaled(sums, &both, scale, activation_scale);
            }
        }
    }
}

/// The products of codes and activations over some units, added to a common start.
#[inline]
fn products(
    codes: &[u8; UNPACKED_BLOCK],
    record: &Record,
    lane: usize,
    units: std::ops::Range<usize>,
    start: i32,
) -> Integers {
    let mut products = [start; PANEL];
    for unit in units {
        let four = record.codes[unit][lane].to_ne_bytes().map(|code| i32::from(code as i8));
        let codes = codes[unit * UNIT..][..UNIT].as_chunks::<4>().0;
        for (product, codes) in products.iter_mut().zip(codes) {
            let pairs = i32::from(codes[0]) * four[0] + i32::from(codes[1]) * four[1];
            *product += pairs + i32::from(codes[2]) * four[2] + i32::from(codes[3]) * four[3];
        }
    }
    products
}

/// `sums + products * (scale * activation_scale)`, rounded after each step as on every other CPU.
#[inline]
fn add_scaled(sums: &mut Lanes, products: &Integers, scale: &Lanes, activation_scale: f32) {
    for ((sum, product), scale) in sums.iter_mut().zip(products).zip(scale) {
        *sum += *product as f32 * (scale * activation_scale);
    }
}

#[inline]
fn half_floats(bytes: &[u8]) -> Lanes {
    std::array::from_fn(|i| F16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]).to_f32())
}

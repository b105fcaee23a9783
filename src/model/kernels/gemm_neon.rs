//! The inner loops of the matrix product for 64-bit ARM with `dotprod`. Not tiling: that is `matmul`.
//!
//! A unit, four inputs of sixteen outputs, is four registers. `sdot` multiplies the codes, which are small
//! enough to count as signed, with the four activations of one lane of another register, in which the four
//! rows of a group stand side by side. The instruction is written as assembly, since its intrinsic is not in
//! stable Rust.
#![allow(clippy::needless_range_loop, reason = "an index counts registers of several arrays at once")]

use std::arch::aarch64::*;
use std::arch::asm;

use super::activations::{GROUP, Record};
use super::format::Format;
use super::layout::{BLOCK_SCALES, PANEL, Panel, UNIT, UNITS};
use super::matmul::{Rows, Sums};

/// One half float for each output and block.
const SIMPLE: u8 = 0;
/// A step and a minimum for each output and block, two half floats for each super-block.
const WITH_MIN: u8 = 1;
/// A step for each output and half block, a half float for each super-block.
const HALVES: u8 = 2;
/// Outputs in a register of sums.
const LANES: usize = 4;
/// Registers of sums that a row has at a time: half of the panel, so that four rows stay in registers.
const QUADS: usize = 2;

/// Widens the codes of a panel to a byte each.
///
/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn unpack(panel: &Panel<'_>, unpacked: &mut [u8]) {
    match panel.format.bits() {
        4 => unpack_blocks::<4>(panel, unpacked),
        5 => unpack_blocks::<5>(panel, unpacked),
        6 => unpack_blocks::<6>(panel, unpacked),
        _ => unpack_blocks::<8>(panel, unpacked),
    }
}

#[target_feature(enable = "neon,dotprod")]
fn unpack_blocks<const BITS: usize>(panel: &Panel<'_>, unpacked: &mut [u8]) {
    for (index, unpacked) in unpacked.chunks_exact_mut(UNIT * UNITS).enumerate().take(panel.blocks) {
        let codes = panel.record(index);
        for quad in 0..UNIT / 16 {
            for (unit, register) in units::<BITS>(codes, quad).into_iter().enumerate() {
                let to = &mut unpacked[unit * UNIT + 16 * quad..][..16];
                // SAFETY: sixteen bytes.
                unsafe { vst1q_u8(to.as_mut_ptr(), register) };
            }
        }
    }
}

/// The sums of a tile, from the unpacked codes if there are any, otherwise from the panel's own.
///
/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn tile(panel: &Panel<'_>, unpacked: Option<&[u8]>, rows: &Rows<'_>, sums: &mut Sums) {
    for (group, sums) in sums.chunks_mut(GROUP).take(rows.count.div_ceil(GROUP)).enumerate() {
        let count = (rows.count - group * GROUP).min(GROUP);
        by_format(panel, unpacked, rows.groups[group], &mut sums[..count]);
    }
}

#[target_feature(enable = "neon,dotprod")]
fn by_format(panel: &Panel<'_>, unpacked: Option<&[u8]>, rows: &[Record], sums: &mut [[f32; PANEL]]) {
    match (panel.format, unpacked.is_some()) {
        (Format::Q4_0, false) => by_rows::<4, SIMPLE, 3>(panel, unpacked, rows, sums),
        (Format::Q4_0, true) => by_rows::<8, SIMPLE, 3>(panel, unpacked, rows, sums),
        (Format::Q5_0, false) => by_rows::<5, SIMPLE, 4>(panel, unpacked, rows, sums),
        (Format::Q5_0, true) => by_rows::<8, SIMPLE, 4>(panel, unpacked, rows, sums),
        (Format::Q8_0, _) => by_rows::<8, SIMPLE, 7>(panel, None, rows, sums),
        (Format::Q4_K, false) => by_rows::<4, WITH_MIN, 0>(panel, unpacked, rows, sums),
        (Format::Q5_K, false) => by_rows::<5, WITH_MIN, 0>(panel, unpacked, rows, sums),
        (Format::Q4_K | Format::Q5_K, true) => by_rows::<8, WITH_MIN, 0>(panel, unpacked, rows, sums),
        (Format::Q6_K, false) => by_rows::<6, HALVES, 5>(panel, unpacked, rows, sums),
        (Format::Q6_K, true) => by_rows::<8, HALVES, 5>(panel, unpacked, rows, sums),
    }
}

#[target_feature(enable = "neon,dotprod")]
fn by_rows<const BITS: usize, const KIND: u8, const SHIFT: i32>(
    panel: &Panel<'_>,
    unpacked: Option<&[u8]>,
    rows: &[Record],
    sums: &mut [[f32; PANEL]],
) {
    match sums.len() {
        1 => dot::<BITS, KIND, SHIFT, 1>(panel, unpacked, rows, sums),
        2 => dot::<BITS, KIND, SHIFT, 2>(panel, unpacked, rows, sums),
        3 => dot::<BITS, KIND, SHIFT, 3>(panel, unpacked, rows, sums),
        _ => dot::<BITS, KIND, SHIFT, 4>(panel, unpacked, rows, sums),
    }
}

/// The dot products of the sixteen outputs of a panel with `ROWS` rows.
#[target_feature(enable = "neon,dotprod")]
fn dot<const BITS: usize, const KIND: u8, const SHIFT: i32, const ROWS: usize>(
    panel: &Panel<'_>,
    unpacked: Option<&[u8]>,
    rows: &[Record],
    sums: &mut [[f32; PANEL]],
) {
    for half in 0..PANEL / LANES / QUADS {
        let mut totals = [[vdupq_n_f32(0.0); ROWS]; QUADS];
        for (index, record) in rows.iter().enumerate().take(panel.blocks) {
            let weights = panel.record(index);
            let codes = match unpacked {
                Some(unpacked) => &unpacked[index * UNIT * UNITS..][..UNIT * UNITS],
                None => &weights[..UNIT * BITS],
            };
            let scales = &weights[weights.len() - BLOCK_SCALES..];
            let supers = panel.supers(index);
            for (quad, totals) in totals.iter_mut().enumerate() {
                let quad = half * QUADS + quad;
                let units = units::<BITS>(codes, quad);
                // SAFETY: this function has the features.
                unsafe { add_block::<KIND, SHIFT, ROWS>(totals, &units, record, scales, supers, quad) };
            }
        }
        for (quad, totals) in totals.iter().enumerate() {
            for (sums, total) in sums.iter_mut().zip(totals) {
                let to = &mut sums[(half * QUADS + quad) * LANES..][..LANES];
                // SAFETY: four floats.
                unsafe { vst1q_f32(to.as_mut_ptr(), *total) };
            }
        }
    }
}

/// Adds a block of four outputs to the totals of the rows.
///
/// # Safety
/// The CPU has the features that `dot` names.
#[inline(always)]
unsafe fn add_block<const KIND: u8, const SHIFT: i32, const ROWS: usize>(
    totals: &mut [float32x4_t; ROWS],
    units: &[uint8x16_t; UNITS],
    record: &Record,
    scales: &[u8],
    supers: &[u8],
    quad: usize,
) {
    // SAFETY: the intrinsics work on registers and need only the features, which the caller vouches for.
    unsafe {
        if KIND == SIMPLE {
            let scale = half_floats(scales, quad);
            let products = products::<SHIFT, ROWS, 0, UNITS>(units, record);
            for row in 0..ROWS {
                totals[row] = add_scaled(totals[row], products[row], scale, record.scales[row]);
            }
        } else if KIND == WITH_MIN {
            let scale = vmulq_f32(half_floats(supers, quad), vcvtq_f32_s32(bytes::<false>(scales, quad)));
            let min_steps = vcvtq_f32_s32(bytes::<false>(&scales[PANEL..], quad));
            let min = vmulq_f32(half_floats(&supers[2 * PANEL..], quad), min_steps);
            let products = products::<SHIFT, ROWS, 0, UNITS>(units, record);
            for row in 0..ROWS {
                let total = add_scaled(totals[row], products[row], scale, record.scales[row]);
                totals[row] = vsubq_f32(total, vmulq_n_f32(min, record.scaled_sums[row]));
            }
        } else {
            let scale = half_floats(supers, quad);
            let steps = [bytes::<true>(scales, quad), bytes::<true>(&scales[PANEL..], quad)];
            let first = products::<SHIFT, ROWS, 0, { UNITS / 2 }>(units, record);
            let second = products::<SHIFT, ROWS, { UNITS / 2 }, UNITS>(units, record);
            for row in 0..ROWS {
                let both = vmlaq_s32(vmulq_s32(first[row], steps[0]), second[row], steps[1]);
                totals[row] = add_scaled(totals[row], both, scale, record.scales[row]);
            }
        }
    }
}

/// For each row, the sums of the products of codes less offset with activations, over some units of a block.
///
/// # Safety
/// The CPU has the features that `dot` names.
#[inline(always)]
unsafe fn products<const SHIFT: i32, const ROWS: usize, const FROM: usize, const TO: usize>(
    units: &[uint8x16_t; UNITS],
    record: &Record,
) -> [int32x4_t; ROWS] {
    // SAFETY: as in `add_block`; a unit of a record is four integers.
    unsafe {
        let mut products = [vdupq_n_s32(0); ROWS];
        for row in 0..ROWS {
            let neg_sum = match (FROM, TO) {
                (0, UNITS) => record.neg_sums[row],
                (0, _) => record.neg_first[row],
                _ => record.neg_sums[row] - record.neg_first[row],
            };
            // Eight-bit codes are taken as signed, which is the same as taking the offset off.
            products[row] = vdupq_n_s32(if SHIFT == 0 || SHIFT == 7 { 0 } else { neg_sum << SHIFT });
        }
        for unit in FROM..TO {
            let codes = vreinterpretq_s8_u8(units[unit]);
            let codes = if SHIFT == 7 { veorq_s8(codes, vdupq_n_s8(-128)) } else { codes };
            let rows = vreinterpretq_s8_s32(vld1q_s32(record.codes[unit].as_ptr()));
            products[0] = sdot::<0>(products[0], codes, rows);
            if ROWS > 1 {
                products[1] = sdot::<1>(products[1], codes, rows);
            }
            if ROWS > 2 {
                products[2] = sdot::<2>(products[2], codes, rows);
            }
            if ROWS > 3 {
                products[3] = sdot::<3>(products[3], codes, rows);
            }
        }
        products
    }
}

/// Adds to each sum the products of its four codes with the four activations of a lane.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot<const LANE: i32>(sums: int32x4_t, codes: int8x16_t, rows: int8x16_t) -> int32x4_t {
    let mut sums = sums;
    // SAFETY: works on registers alone.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {codes:v}.16b, {rows:v}.4b[{lane}]",
            sums = inout(vreg) sums,
            codes = in(vreg) codes,
            rows = in(vreg) rows,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// `total + sums * (scale * activation_scale)`, rounded after each step as on every other CPU.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_scaled(total: float32x4_t, sums: int32x4_t, scale: float32x4_t, activation_scale: f32) -> float32x4_t {
    vaddq_f32(total, vmulq_f32(vcvtq_f32_s32(sums), vmulq_n_f32(scale, activation_scale)))
}

/// Four outputs of the eight units of a block, a byte for each code.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn units<const BITS: usize>(codes: &[u8], quad: usize) -> [uint8x16_t; UNITS] {
    assert!(codes.len() >= UNIT * BITS && quad < UNIT / 16);
    // SAFETY: the block has `BITS` vectors of 64 bytes; `index` is below `BITS` and `quad` below four.
    let load = |index: usize| unsafe { vld1q_u8(codes.as_ptr().add(UNIT * index + 16 * quad)) };
    let mut units = [vdupq_n_u8(0); UNITS];
    if BITS == 8 {
        for unit in 0..UNITS {
            units[unit] = load(unit);
        }
        return units;
    }
    for unit in 0..4 {
        let nibbles = load(unit);
        units[unit] = vandq_u8(nibbles, vdupq_n_u8(15));
        units[unit + 4] = vshrq_n_u8::<4>(nibbles);
    }
    if BITS == 5 {
        add_bits::<1, 16>(&mut units, load(4));
    } else if BITS == 6 {
        add_bits::<2, 48>(&mut units[..4], load(4));
        add_bits::<2, 48>(&mut units[4..], load(5));
    }
    units
}

/// Adds bits `WIDTH * u` and up of each byte of `high` to unit `u`, where `MASK` has its high bits.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_bits<const WIDTH: i8, const MASK: u8>(units: &mut [uint8x16_t], high: uint8x16_t) {
    for (unit, register) in units.iter_mut().enumerate() {
        let shifted = vshlq_u8(high, vdupq_n_s8(4 - WIDTH * unit as i8));
        *register = vorrq_u8(*register, vandq_u8(shifted, vdupq_n_u8(MASK)));
    }
}

/// Four half floats, widened; by assembly for the same reason as `sdot`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn half_floats(bytes: &[u8], quad: usize) -> float32x4_t {
    let bytes = &bytes[2 * LANES * quad..][..2 * LANES];
    // SAFETY: eight bytes; the instruction works on registers alone.
    unsafe {
        let halves = vld1_u8(bytes.as_ptr());
        let floats: float32x4_t;
        asm!(
            "fcvtl {floats:v}.4s, {halves:v}.4h",
            floats = out(vreg) floats,
            halves = in(vreg) halves,
            options(pure, nomem, nostack, preserves_flags),
        );
        floats
    }
}

/// Four small integers, widened.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn bytes<const SIGNED: bool>(bytes: &[u8], quad: usize) -> int32x4_t {
    let four: [i32; LANES] = std::array::from_fn(|i| {
        let byte = bytes[LANES * quad + i];
        if SIGNED { i32::from(byte as i8) } else { i32::from(byte) }
    });
    // SAFETY: four integers.
    unsafe { vld1q_s32(four.as_ptr()) }
}

/// Runs a loop of `sdot`, for measuring what the CPU can do at best; the operations of a round.
///
/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn multiply(rounds: usize) -> f64 {
    const CHAINS: usize = 12;
    let mut sums = [vdupq_n_s32(0); CHAINS];
    for _ in 0..rounds {
        let codes = std::hint::black_box(vdupq_n_s8(3));
        for sum in &mut sums {
            *sum = sdot::<0>(*sum, codes, codes);
        }
    }
    std::hint::black_box(sums);
    (CHAINS * 32) as f64
}

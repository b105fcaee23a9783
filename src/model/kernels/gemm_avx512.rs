//! The inner loops of the matrix product for AVX-512 with VNNI. Not tiling: that is `matmul`.
//!
//! A register holds a unit: four inputs of sixteen outputs. `vpdpbusd` multiplies its unsigned codes with
//! four signed activations, broadcast from memory, and adds the four products to sixteen sums, with no
//! saturation anywhere. The sums begin at minus the offset of the codes times the sum of the activations, so
//! that taking the offset off costs nothing.
#![allow(clippy::needless_range_loop, reason = "an index counts registers of several arrays at once")]

use std::arch::x86_64::*;

use super::activations::{GROUP, Record};
use super::format::Format;
use super::gemm_x86::{HALVES, SIMPLE, WITH_MIN, codes_of, fetch_ahead, start};
use super::layout::{BLOCK_SCALES, PANEL, Panel, UNIT, UNITS};
use super::matmul::{Rows, Sums};

/// Widens the codes of a panel to a byte each.
///
/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) fn unpack(panel: &Panel<'_>, unpacked: &mut [u8]) {
    match panel.format.bits() {
        4 => unpack_blocks::<4>(panel, unpacked),
        5 => unpack_blocks::<5>(panel, unpacked),
        6 => unpack_blocks::<6>(panel, unpacked),
        _ => unpack_blocks::<8>(panel, unpacked),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn unpack_blocks<const BITS: usize>(panel: &Panel<'_>, unpacked: &mut [u8]) {
    for (index, unpacked) in unpacked.chunks_exact_mut(UNIT * UNITS).enumerate().take(panel.blocks) {
        let codes = panel.record(index);
        fetch_ahead(codes);
        let units = units::<BITS>(codes);
        for (unit, bytes) in units.into_iter().zip(unpacked.chunks_exact_mut(UNIT)) {
            // SAFETY: 64 bytes.
            unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), unit) };
        }
    }
}

/// The sums of a tile, from the unpacked codes if there are any, otherwise from the panel's own.
///
/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) fn tile(panel: &Panel<'_>, unpacked: Option<&[u8]>, rows: &Rows<'_>, sums: &mut Sums) {
    match (panel.format, unpacked.is_some()) {
        (Format::Q4_0, false) => by_rows::<4, SIMPLE, 3>(panel, unpacked, rows, sums),
        (Format::Q4_0, true) => by_rows::<8, SIMPLE, 3>(panel, unpacked, rows, sums),
        (Format::Q5_0, false) => by_rows::<5, SIMPLE, 4>(panel, unpacked, rows, sums),
        (Format::Q5_0, true) => by_rows::<8, SIMPLE, 4>(panel, unpacked, rows, sums),
        (Format::Q8_0, _) => by_rows::<8, SIMPLE, 7>(panel, unpacked, rows, sums),
        (Format::Q4_K, false) => by_rows::<4, WITH_MIN, 0>(panel, unpacked, rows, sums),
        (Format::Q5_K, false) => by_rows::<5, WITH_MIN, 0>(panel, unpacked, rows, sums),
        (Format::Q4_K | Format::Q5_K, true) => by_rows::<8, WITH_MIN, 0>(panel, unpacked, rows, sums),
        (Format::Q6_K, false) => by_rows::<6, HALVES, 5>(panel, unpacked, rows, sums),
        (Format::Q6_K, true) => by_rows::<8, HALVES, 5>(panel, unpacked, rows, sums),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn by_rows<const BITS: usize, const KIND: u8, const SHIFT: u32>(
    panel: &Panel<'_>,
    unpacked: Option<&[u8]>,
    rows: &Rows<'_>,
    sums: &mut Sums,
) {
    match rows.count {
        1 => dot::<BITS, KIND, SHIFT, 1>(panel, unpacked, rows, sums),
        2 => dot::<BITS, KIND, SHIFT, 2>(panel, unpacked, rows, sums),
        3 => dot::<BITS, KIND, SHIFT, 3>(panel, unpacked, rows, sums),
        4 => dot::<BITS, KIND, SHIFT, 4>(panel, unpacked, rows, sums),
        5..=8 => dot::<BITS, KIND, SHIFT, 8>(panel, unpacked, rows, sums),
        _ => dot::<BITS, KIND, SHIFT, 12>(panel, unpacked, rows, sums),
    }
}

/// The dot products of the sixteen outputs of a panel with `ROWS` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn dot<const BITS: usize, const KIND: u8, const SHIFT: u32, const ROWS: usize>(
    panel: &Panel<'_>,
    unpacked: Option<&[u8]>,
    rows: &Rows<'_>,
    sums: &mut Sums,
) {
    let mut totals = [_mm512_setzero_ps(); ROWS];
    for index in 0..panel.blocks {
        let weights = panel.record(index);
        if BITS < 8 || ROWS <= GROUP {
            fetch_ahead(weights);
        }
        let records: [&Record; 3] = std::array::from_fn(|i| &rows.groups[i][index]);
        let units = units::<BITS>(codes_of::<BITS>(weights, unpacked, index));
        let scales = (&weights[weights.len() - BLOCK_SCALES..], panel.supers(index));
        // SAFETY: this function has the features.
        unsafe {
            match KIND {
                SIMPLE => add_simple::<SHIFT, ROWS>(&mut totals, &units, records, scales.0),
                WITH_MIN => add_with_min(&mut totals, &units, records, scales),
                _ => add_halves::<SHIFT, ROWS>(&mut totals, &units, records, scales),
            }
        }
    }
    for (sums, total) in sums.iter_mut().zip(totals) {
        // SAFETY: sixteen floats.
        unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), total) };
    }
}

/// Adds a block with one scale for each output.
///
/// # Safety
/// The CPU has the features that `dot` names; so in the next two.
#[inline(always)]
unsafe fn add_simple<const SHIFT: u32, const ROWS: usize>(
    totals: &mut [__m512; ROWS],
    units: &[__m512i; UNITS],
    records: [&Record; 3],
    scales: &[u8],
) {
    // SAFETY: the caller vouches for the features, which is all that is needed; so in the next two.
    unsafe {
        let scale = half_floats(scales);
        let products = products::<SHIFT, ROWS, 0, UNITS>(units, records);
        for row in 0..ROWS {
            let activation_scale = records[row / GROUP].scales[row % GROUP];
            totals[row] = add_scaled(totals[row], products[row], scale, activation_scale);
        }
    }
}

/// Adds a block with a step and a minimum for each output.
///
/// # Safety
/// As for `add_simple`.
#[inline(always)]
unsafe fn add_with_min<const ROWS: usize>(
    totals: &mut [__m512; ROWS],
    units: &[__m512i; UNITS],
    records: [&Record; 3],
    (steps, supers): (&[u8], &[u8]),
) {
    // SAFETY: as in `add_simple`.
    unsafe {
        let scale = _mm512_mul_ps(half_floats(supers), unsigned_bytes(steps));
        let min = _mm512_mul_ps(half_floats(&supers[2 * PANEL..]), unsigned_bytes(&steps[PANEL..]));
        let products = products::<0, ROWS, 0, UNITS>(units, records);
        for row in 0..ROWS {
            let (record, lane) = (records[row / GROUP], row % GROUP);
            let total = add_scaled(totals[row], products[row], scale, record.scales[lane]);
            let below = _mm512_mul_ps(min, _mm512_set1_ps(record.scaled_sums[lane]));
            totals[row] = _mm512_sub_ps(total, below);
        }
    }
}

/// Adds a block with a step for each half and output.
///
/// # Safety
/// As for `add_simple`.
#[inline(always)]
unsafe fn add_halves<const SHIFT: u32, const ROWS: usize>(
    totals: &mut [__m512; ROWS],
    units: &[__m512i; UNITS],
    records: [&Record; 3],
    (steps, supers): (&[u8], &[u8]),
) {
    // SAFETY: as in `add_simple`.
    unsafe {
        let scale = half_floats(supers);
        let steps = [signed_bytes(steps), signed_bytes(&steps[PANEL..])];
        let first = products::<SHIFT, ROWS, 0, { UNITS / 2 }>(units, records);
        let second = products::<SHIFT, ROWS, { UNITS / 2 }, UNITS>(units, records);
        for row in 0..ROWS {
            let first = _mm512_mullo_epi32(first[row], steps[0]);
            let both = _mm512_add_epi32(first, _mm512_mullo_epi32(second[row], steps[1]));
            totals[row] = add_scaled(totals[row], both, scale, records[row / GROUP].scales[row % GROUP]);
        }
    }
}

/// For each row, the sums of the products of codes less offset with activations, over some units of a block.
///
/// Always inlined, which the compiler allows only without the attribute that names the CPU's features: a call
/// here would put the sums into memory and cost half of the speed.
///
/// # Safety
/// The CPU has the features that `dot` names.
#[inline(always)]
unsafe fn products<const SHIFT: u32, const ROWS: usize, const FROM: usize, const TO: usize>(
    units: &[__m512i; UNITS],
    records: [&Record; 3],
) -> [__m512i; ROWS] {
    // SAFETY: the intrinsics work on registers and need only the features, which the caller vouches for.
    unsafe {
        let mut products = [_mm512_setzero_si512(); ROWS];
        for row in 0..ROWS {
            let start = _mm512_set1_epi32(start::<FROM, TO>(records[row / GROUP], row % GROUP));
            products[row] = if SHIFT == 0 { products[row] } else { _mm512_slli_epi32::<SHIFT>(start) };
        }
        for unit in FROM..TO {
            for row in 0..ROWS {
                let four = _mm512_set1_epi32(records[row / GROUP].codes[unit][row % GROUP]);
                products[row] = _mm512_dpbusd_epi32(products[row], units[unit], four);
            }
        }
        products
    }
}

/// `total + sums * (scale * activation_scale)`, rounded after each step as on every other CPU.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn add_scaled(total: __m512, sums: __m512i, scale: __m512, activation_scale: f32) -> __m512 {
    let scale = _mm512_mul_ps(scale, _mm512_set1_ps(activation_scale));
    _mm512_add_ps(total, _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale))
}

/// The eight units of a block, a byte for each code.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn units<const BITS: usize>(codes: &[u8]) -> [__m512i; UNITS] {
    debug_assert!(codes.len() >= UNIT * BITS);
    // SAFETY: the block has `BITS` vectors of 64 bytes, and `index` is below `BITS`.
    let load = |index: usize| unsafe { _mm512_loadu_si512(codes.as_ptr().add(UNIT * index).cast()) };
    if BITS == 8 {
        return std::array::from_fn(load);
    }
    let low = _mm512_set1_epi8(15);
    let nibbles: [__m512i; 4] = std::array::from_fn(load);
    let mut units = [_mm512_setzero_si512(); UNITS];
    for unit in 0..4 {
        units[unit] = _mm512_and_si512(nibbles[unit], low);
        units[unit + 4] = _mm512_and_si512(_mm512_srli_epi16::<4>(nibbles[unit]), low);
    }
    if BITS == 5 {
        add_bit(&mut units, load(4));
    } else if BITS == 6 {
        add_bit_pairs(&mut units[..4], load(4));
        add_bit_pairs(&mut units[4..], load(5));
    }
    units
}

/// Adds bit `u` of each byte of `high` to unit `u` as its bit 4.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn add_bit(units: &mut [__m512i; UNITS], high: __m512i) {
    let shifted = [
        _mm512_slli_epi16::<4>(high),
        _mm512_slli_epi16::<3>(high),
        _mm512_slli_epi16::<2>(high),
        _mm512_slli_epi16::<1>(high),
        high,
        _mm512_srli_epi16::<1>(high),
        _mm512_srli_epi16::<2>(high),
        _mm512_srli_epi16::<3>(high),
    ];
    for (unit, shifted) in units.iter_mut().zip(shifted) {
        *unit = or_masked(*unit, shifted, _mm512_set1_epi8(16));
    }
}

/// Adds bit pair `u` of each byte of `high` to the `u`-th of four units as its bits 4 and 5.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn add_bit_pairs(units: &mut [__m512i], high: __m512i) {
    let shifted =
        [_mm512_slli_epi16::<4>(high), _mm512_slli_epi16::<2>(high), high, _mm512_srli_epi16::<2>(high)];
    for (unit, shifted) in units.iter_mut().zip(shifted) {
        *unit = or_masked(*unit, shifted, _mm512_set1_epi8(48));
    }
}

/// `a | (b & mask)`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn or_masked(a: __m512i, b: __m512i, mask: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0b1111_1000>(a, b, mask)
}

/// Sixteen half floats; the slice has as many, the alternative is there for the compiler.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn half_floats(bytes: &[u8]) -> __m512 {
    let Some(bytes) = bytes.first_chunk::<{ 2 * PANEL }>() else { return _mm512_setzero_ps() };
    // SAFETY: 32 bytes.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn unsigned_bytes(bytes: &[u8]) -> __m512 {
    let Some(bytes) = bytes.first_chunk::<PANEL>() else { return _mm512_setzero_ps() };
    // SAFETY: 16 bytes.
    _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn signed_bytes(bytes: &[u8]) -> __m512i {
    let Some(bytes) = bytes.first_chunk::<PANEL>() else { return _mm512_setzero_si512() };
    // SAFETY: 16 bytes.
    _mm512_cvtepi8_epi32(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

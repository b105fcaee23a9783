//! The inner loops of the matrix product for AVX2. Not tiling: that is `matmul`.
//!
//! A unit, four inputs of sixteen outputs, is two registers. `vpmaddubsw` multiplies unsigned codes with
//! signed activations and adds pairs of products in sixteen bits, saturating; so as many units are added in
//! sixteen bits as cannot overflow (two products of a code of at most `2^bits - 1` with 127), and the rest in
//! 32. Eight bits would saturate with the first pair: there the codes' absolute values are multiplied with
//! activations that have taken over their signs.
#![allow(clippy::needless_range_loop, reason = "an index counts registers of several arrays at once")]

use std::arch::x86_64::*;

use super::activations::{GROUP, Record};
use super::format::Format;
use super::gemm_x86::{HALVES, SIMPLE, WITH_MIN, codes_of, fetch_ahead, start};
use super::layout::{BLOCK_SCALES, PANEL, Panel, UNIT, UNITS};
use super::matmul::{Rows, Sums};

/// Outputs in a register of sums.
const LANES: usize = 8;

/// Widens the codes of a panel to a byte each.
///
/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn unpack(panel: &Panel<'_>, unpacked: &mut [u8]) {
    match panel.format.bits() {
        4 => unpack_blocks::<4>(panel, unpacked),
        5 => unpack_blocks::<5>(panel, unpacked),
        6 => unpack_blocks::<6>(panel, unpacked),
        _ => unpack_blocks::<8>(panel, unpacked),
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn unpack_blocks<const BITS: usize>(panel: &Panel<'_>, unpacked: &mut [u8]) {
    for (index, unpacked) in unpacked.chunks_exact_mut(UNIT * UNITS).enumerate().take(panel.blocks) {
        let codes = panel.record(index);
        fetch_ahead(codes);
        for half in 0..2 {
            for (unit, register) in units::<BITS>(codes, half).into_iter().enumerate() {
                let to = &mut unpacked[unit * UNIT + half * UNIT / 2..][..UNIT / 2];
                // SAFETY: 32 bytes.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), register) };
            }
        }
    }
}

/// The sums of a tile, from the unpacked codes if there are any, otherwise from the panel's own.
///
/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn tile(panel: &Panel<'_>, unpacked: Option<&[u8]>, rows: &Rows<'_>, sums: &mut Sums) {
    for (group, sums) in sums.chunks_mut(GROUP).take(rows.count.div_ceil(GROUP)).enumerate() {
        let count = (rows.count - group * GROUP).min(GROUP);
        by_format(panel, unpacked, rows.groups[group], &mut sums[..count]);
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn by_format(panel: &Panel<'_>, unpacked: Option<&[u8]>, rows: &[Record], sums: &mut [[f32; PANEL]]) {
    match (panel.format, unpacked.is_some()) {
        (Format::Q4_0, false) => by_rows::<4, SIMPLE, 3, 8>(panel, unpacked, rows, sums),
        (Format::Q4_0, true) => by_rows::<8, SIMPLE, 3, 8>(panel, unpacked, rows, sums),
        (Format::Q5_0, false) => by_rows::<5, SIMPLE, 4, 4>(panel, unpacked, rows, sums),
        (Format::Q5_0, true) => by_rows::<8, SIMPLE, 4, 4>(panel, unpacked, rows, sums),
        (Format::Q8_0, _) => by_rows::<8, SIMPLE, 0, 1>(panel, unpacked, rows, sums),
        (Format::Q4_K, false) => by_rows::<4, WITH_MIN, 0, 8>(panel, unpacked, rows, sums),
        (Format::Q4_K, true) => by_rows::<8, WITH_MIN, 0, 8>(panel, unpacked, rows, sums),
        (Format::Q5_K, false) => by_rows::<5, WITH_MIN, 0, 4>(panel, unpacked, rows, sums),
        (Format::Q5_K, true) => by_rows::<8, WITH_MIN, 0, 4>(panel, unpacked, rows, sums),
        (Format::Q6_K, false) => by_rows::<6, HALVES, 5, 2>(panel, unpacked, rows, sums),
        (Format::Q6_K, true) => by_rows::<8, HALVES, 5, 2>(panel, unpacked, rows, sums),
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn by_rows<const BITS: usize, const KIND: u8, const SHIFT: i32, const CHUNK: usize>(
    panel: &Panel<'_>,
    unpacked: Option<&[u8]>,
    rows: &[Record],
    sums: &mut [[f32; PANEL]],
) {
    match sums.len() {
        1 => dot::<BITS, KIND, SHIFT, CHUNK, 1>(panel, unpacked, rows, sums),
        2 => dot::<BITS, KIND, SHIFT, CHUNK, 2>(panel, unpacked, rows, sums),
        3 => dot::<BITS, KIND, SHIFT, CHUNK, 3>(panel, unpacked, rows, sums),
        _ => dot::<BITS, KIND, SHIFT, CHUNK, 4>(panel, unpacked, rows, sums),
    }
}

/// The dot products of the sixteen outputs of a panel with `ROWS` rows; `CHUNK` units are added in sixteen
/// bits.
#[target_feature(enable = "avx2,fma,f16c")]
fn dot<const BITS: usize, const KIND: u8, const SHIFT: i32, const CHUNK: usize, const ROWS: usize>(
    panel: &Panel<'_>,
    unpacked: Option<&[u8]>,
    rows: &[Record],
    sums: &mut [[f32; PANEL]],
) {
    let mut totals = [[_mm256_setzero_ps(); ROWS]; 2];
    for (index, record) in rows.iter().enumerate().take(panel.blocks) {
        let weights = panel.record(index);
        if BITS < 8 || ROWS == 1 {
            fetch_ahead(weights);
        }
        let codes = codes_of::<BITS>(weights, unpacked, index);
        let (scales, supers) = (&weights[weights.len() - BLOCK_SCALES..], panel.supers(index));
        for (half, totals) in totals.iter_mut().enumerate() {
            let units = units::<BITS>(codes, half);
            // SAFETY: this function has the features.
            unsafe {
                match KIND {
                    SIMPLE => add_simple::<SHIFT, CHUNK, ROWS>(totals, &units, record, scales, half),
                    WITH_MIN => add_with_min::<CHUNK, ROWS>(totals, &units, record, (scales, supers), half),
                    _ => add_halves::<SHIFT, CHUNK, ROWS>(totals, &units, record, (scales, supers), half),
                }
            }
        }
    }
    for (row, sums) in sums.iter_mut().enumerate().take(ROWS) {
        for (half, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            // SAFETY: eight floats.
            unsafe { _mm256_storeu_ps(sums.as_mut_ptr(), totals[half][row]) };
        }
    }
}

/// Adds half of the outputs of a block with one scale for each output.
///
/// # Safety
/// The CPU has the features that `dot` names; so in the next two.
#[inline(always)]
unsafe fn add_simple<const SHIFT: i32, const CHUNK: usize, const ROWS: usize>(
    totals: &mut [__m256; ROWS],
    units: &[__m256i; UNITS],
    record: &Record,
    scales: &[u8],
    half: usize,
) {
    // SAFETY: the caller vouches for the features, which is all that is needed; so in the next two.
    unsafe {
        let scale = half_floats(&scales[2 * LANES * half..]);
        let products = products::<SHIFT, CHUNK, ROWS, 0, UNITS>(units, record);
        for row in 0..ROWS {
            totals[row] = add_scaled(totals[row], products[row], scale, record.scales[row]);
        }
    }
}

/// Adds half of the outputs of a block with a step and a minimum for each output.
///
/// # Safety
/// As for `add_simple`.
#[inline(always)]
unsafe fn add_with_min<const CHUNK: usize, const ROWS: usize>(
    totals: &mut [__m256; ROWS],
    units: &[__m256i; UNITS],
    record: &Record,
    (steps, supers): (&[u8], &[u8]),
    half: usize,
) {
    // SAFETY: as in `add_simple`.
    unsafe {
        let (steps, supers) = (&steps[LANES * half..], &supers[2 * LANES * half..]);
        let scale = _mm256_mul_ps(half_floats(supers), unsigned_bytes(steps));
        let min = _mm256_mul_ps(half_floats(&supers[2 * PANEL..]), unsigned_bytes(&steps[PANEL..]));
        let products = products::<0, CHUNK, ROWS, 0, UNITS>(units, record);
        for row in 0..ROWS {
            let total = add_scaled(totals[row], products[row], scale, record.scales[row]);
            let below = _mm256_mul_ps(min, _mm256_set1_ps(record.scaled_sums[row]));
            totals[row] = _mm256_sub_ps(total, below);
        }
    }
}

/// Adds half of the outputs of a block with a step for each half of the inputs and output.
///
/// # Safety
/// As for `add_simple`.
#[inline(always)]
unsafe fn add_halves<const SHIFT: i32, const CHUNK: usize, const ROWS: usize>(
    totals: &mut [__m256; ROWS],
    units: &[__m256i; UNITS],
    record: &Record,
    (steps, supers): (&[u8], &[u8]),
    half: usize,
) {
    // SAFETY: as in `add_simple`.
    unsafe {
        let scale = half_floats(&supers[2 * LANES * half..]);
        let steps = &steps[LANES * half..];
        let steps = [signed_bytes(steps), signed_bytes(&steps[PANEL..])];
        let first = products::<SHIFT, CHUNK, ROWS, 0, { UNITS / 2 }>(units, record);
        let second = products::<SHIFT, CHUNK, ROWS, { UNITS / 2 }, UNITS>(units, record);
        for row in 0..ROWS {
            let first = _mm256_mullo_epi32(first[row], steps[0]);
            let both = _mm256_add_epi32(first, _mm256_mullo_epi32(second[row], steps[1]));
            totals[row] = add_scaled(totals[row], both, scale, record.scales[row]);
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
unsafe fn products<
    const SHIFT: i32,
    const CHUNK: usize,
    const ROWS: usize,
    const FROM: usize,
    const TO: usize,
>(
    units: &[__m256i; UNITS],
    record: &Record,
) -> [__m256i; ROWS] {
    // SAFETY: the intrinsics work on registers and need only the features, which the caller vouches for.
    unsafe {
        let mut products = [_mm256_setzero_si256(); ROWS];
        for row in 0..ROWS {
            let start = _mm256_set1_epi32(start::<FROM, TO>(record, row));
            products[row] = if SHIFT == 0 { products[row] } else { _mm256_slli_epi32::<SHIFT>(start) };
        }
        for chunk in (FROM..TO).step_by(CHUNK) {
            let mut narrow = [_mm256_setzero_si256(); ROWS];
            for unit in chunk..chunk + CHUNK {
                for row in 0..ROWS {
                    let pairs = pairs::<CHUNK>(units[unit], _mm256_set1_epi32(record.codes[unit][row]));
                    narrow[row] = if unit == chunk { pairs } else { _mm256_add_epi16(narrow[row], pairs) };
                }
            }
            for row in 0..ROWS {
                let wide = _mm256_madd_epi16(narrow[row], _mm256_set1_epi16(1));
                products[row] = _mm256_add_epi32(products[row], wide);
            }
        }
        products
    }
}

/// The sums of two products each, in sixteen bits.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn pairs<const CHUNK: usize>(codes: __m256i, activations: __m256i) -> __m256i {
    // SAFETY: as in `products`.
    unsafe {
        if CHUNK > 1 {
            return _mm256_maddubs_epi16(codes, activations);
        }
        // Eight bits: 128 * 127 * 2 is still below 2^15.
        let codes = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
        _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(activations, codes))
    }
}

/// `total + sums * (scale * activation_scale)`, rounded after each step as on every other CPU.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_scaled(total: __m256, sums: __m256i, scale: __m256, activation_scale: f32) -> __m256 {
    let scale = _mm256_mul_ps(scale, _mm256_set1_ps(activation_scale));
    _mm256_add_ps(total, _mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale))
}

/// Half of the outputs of the eight units of a block, a byte for each code.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn units<const BITS: usize>(codes: &[u8], half: usize) -> [__m256i; UNITS] {
    debug_assert!(codes.len() >= UNIT * BITS);
    // SAFETY: the block has `BITS` vectors of 64 bytes, `index` is below `BITS` and `half` below two.
    let load = |index: usize| unsafe {
        _mm256_loadu_si256(codes.as_ptr().add(UNIT * index + UNIT / 2 * half).cast())
    };
    if BITS == 8 {
        return std::array::from_fn(load);
    }
    let low = _mm256_set1_epi8(15);
    let nibbles: [__m256i; 4] = std::array::from_fn(load);
    let mut units = [_mm256_setzero_si256(); UNITS];
    for unit in 0..4 {
        units[unit] = _mm256_and_si256(nibbles[unit], low);
        units[unit + 4] = _mm256_and_si256(_mm256_srli_epi16::<4>(nibbles[unit]), low);
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
#[target_feature(enable = "avx2,fma,f16c")]
fn add_bit(units: &mut [__m256i; UNITS], high: __m256i) {
    let shifted = [
        _mm256_slli_epi16::<4>(high),
        _mm256_slli_epi16::<3>(high),
        _mm256_slli_epi16::<2>(high),
        _mm256_slli_epi16::<1>(high),
        high,
        _mm256_srli_epi16::<1>(high),
        _mm256_srli_epi16::<2>(high),
        _mm256_srli_epi16::<3>(high),
    ];
    for (unit, shifted) in units.iter_mut().zip(shifted) {
        *unit = _mm256_or_si256(*unit, _mm256_and_si256(shifted, _mm256_set1_epi8(16)));
    }
}

/// Adds bit pair `u` of each byte of `high` to the `u`-th of four units as its bits 4 and 5.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_bit_pairs(units: &mut [__m256i], high: __m256i) {
    let shifted =
        [_mm256_slli_epi16::<4>(high), _mm256_slli_epi16::<2>(high), high, _mm256_srli_epi16::<2>(high)];
    for (unit, shifted) in units.iter_mut().zip(shifted) {
        *unit = _mm256_or_si256(*unit, _mm256_and_si256(shifted, _mm256_set1_epi8(48)));
    }
}

/// Eight half floats; the slice has as many, the alternative is there for the compiler.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn half_floats(bytes: &[u8]) -> __m256 {
    let Some(bytes) = bytes.first_chunk::<{ 2 * LANES }>() else { return _mm256_setzero_ps() };
    // SAFETY: 16 bytes.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn unsigned_bytes(bytes: &[u8]) -> __m256 {
    let Some(bytes) = bytes.first_chunk::<LANES>() else { return _mm256_setzero_ps() };
    // SAFETY: 8 bytes.
    _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(bytes.as_ptr().cast()) }))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn signed_bytes(bytes: &[u8]) -> __m256i {
    let Some(bytes) = bytes.first_chunk::<LANES>() else { return _mm256_setzero_si256() };
    // SAFETY: 8 bytes.
    _mm256_cvtepi8_epi32(unsafe { _mm_loadl_epi64(bytes.as_ptr().cast()) })
}

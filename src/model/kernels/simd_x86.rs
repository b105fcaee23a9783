//! [`Simd`] for x86: one AVX-512 register, or two of AVX2. Not the choice between them: that is
//! `simd::dispatch`.

use std::arch::x86_64::*;

use super::float16::F16;
use super::simd::{Computation, LANES, Simd};

/// Proof that the CPU has AVX-512 F, BW, VL and DQ.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// Proof that the CPU has AVX2, FMA and F16C.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
pub(super) fn with_avx512<C: Computation>(computation: C) -> C::Output {
    computation.run(Avx512(()))
}

/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn with_avx2<C: Computation>(computation: C) -> C::Output {
    computation.run(Avx2(()))
}

// SAFETY of all that follows: the value `self` exists only where `dispatch` has found the features, and loads
// and stores go through references to arrays of the size that they move.

impl Simd for Avx512 {
    type V = __m512;
    const ROWS: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn load_half(self, from: &[F16; LANES]) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn zero_below(self, v: Self::V, x: Self::V, limit: f32) -> Self::V {
        // SAFETY: as above.
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLT_UQ>(x, _mm512_set1_ps(limit)), v) }
    }
    #[inline(always)]
    fn scale_by_bits(self, v: Self::V, exponent: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe {
            let shifted = _mm512_slli_epi32::<23>(_mm512_castps_si512(exponent));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(v), shifted))
        }
    }
    #[inline(always)]
    fn low_bytes(self, v: Self::V) -> [i32; LANES / 4] {
        let mut packed = [0; LANES / 4];
        // SAFETY: as above; four integers are sixteen bytes.
        unsafe {
            let bytes = _mm512_cvtepi32_epi8(_mm512_castps_si512(v));
            _mm_storeu_si128(packed.as_mut_ptr().cast(), bytes);
        }
        packed
    }
}

impl Simd for Avx2 {
    type V = [__m256; 2];
    const ROWS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_set1_ps(x); 2] }
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))] }
    }
    #[inline(always)]
    fn load_half(self, from: &[F16; LANES]) -> Self::V {
        // SAFETY: as above.
        unsafe {
            let halves = _mm256_loadu_si256(from.as_ptr().cast());
            [
                _mm256_cvtph_ps(_mm256_castsi256_si128(halves)),
                _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(halves)),
            ]
        }
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), v[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), v[1]);
        }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }
    #[inline(always)]
    fn zero_below(self, v: Self::V, x: Self::V, limit: f32) -> Self::V {
        // SAFETY: as above.
        unsafe {
            let limit = _mm256_set1_ps(limit);
            let keep = [_mm256_cmp_ps::<_CMP_NLT_UQ>(x[0], limit), _mm256_cmp_ps::<_CMP_NLT_UQ>(x[1], limit)];
            [_mm256_and_ps(v[0], keep[0]), _mm256_and_ps(v[1], keep[1])]
        }
    }
    #[inline(always)]
    fn scale_by_bits(self, v: Self::V, exponent: Self::V) -> Self::V {
        let half = |i: usize| {
            // SAFETY: as above.
            unsafe {
                let shifted = _mm256_slli_epi32::<23>(_mm256_castps_si256(exponent[i]));
                _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v[i]), shifted))
            }
        };
        [half(0), half(1)]
    }
    #[inline(always)]
    fn low_bytes(self, v: Self::V) -> [i32; LANES / 4] {
        let mut packed = [0; LANES / 4];
        // SAFETY: as above; four integers are sixteen bytes.
        unsafe {
            let low = _mm256_set1_epi32(0xff);
            let first = _mm256_and_si256(_mm256_castps_si256(v[0]), low);
            let second = _mm256_and_si256(_mm256_castps_si256(v[1]), low);
            // Packing works within halves of registers, so the quarters are put in order in between.
            let words = _mm256_permute4x64_epi64::<0b1101_1000>(_mm256_packus_epi32(first, second));
            let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(packed.as_mut_ptr().cast(), bytes);
        }
        packed
    }
}

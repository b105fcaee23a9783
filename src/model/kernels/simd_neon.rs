//! [`Simd`] for 64-bit ARM: four NEON registers. Not the choice of it: that is `simd::dispatch`.

use std::arch::aarch64::*;
use std::arch::asm;

use super::float16::F16;
use super::simd::{Computation, LANES, Simd};

/// Proof that the CPU has NEON.
#[derive(Clone, Copy)]
pub(super) struct Neon(());

/// # Safety
/// The CPU has the features below.
#[target_feature(enable = "neon,dotprod")]
pub(super) fn with_neon<C: Computation>(computation: C) -> C::Output {
    computation.run(Neon(()))
}

type Quads = [float32x4_t; 4];

// SAFETY of all that follows: the value `self` exists only where `dispatch` has found the features, and loads
// and stores go through references to arrays of the size that they move.

/// Applies an instruction to each of the four registers.
#[inline(always)]
fn zip(a: Quads, b: Quads, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Quads {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl Simd for Neon {
    type V = Quads;
    const ROWS: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: as above.
        unsafe { [vdupq_n_f32(x); 4] }
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        // SAFETY: as above.
        let quad = |i: usize| unsafe { vld1q_f32(from.as_ptr().add(4 * i)) };
        [quad(0), quad(1), quad(2), quad(3)]
    }
    #[inline(always)]
    fn load_half(self, from: &[F16; LANES]) -> Self::V {
        let quad = |i: usize| {
            let floats: float32x4_t;
            // SAFETY: as above; the intrinsic of this instruction is not in stable Rust.
            unsafe {
                let halves = vld1_u16(from.as_ptr().add(4 * i).cast());
                asm!(
                    "fcvtl {floats:v}.4s, {halves:v}.4h",
                    floats = out(vreg) floats,
                    halves = in(vreg) halves,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            floats
        };
        [quad(0), quad(1), quad(2), quad(3)]
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        for (i, quad) in v.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe { vst1q_f32(to.as_mut_ptr().add(4 * i), quad) };
        }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        zip(a, b, |a, b| unsafe { vaddq_f32(a, b) })
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        zip(a, b, |a, b| unsafe { vsubq_f32(a, b) })
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        zip(a, b, |a, b| unsafe { vmulq_f32(a, b) })
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        zip(a, b, |a, b| unsafe { vdivq_f32(a, b) })
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        zip(a, b, |a, b| unsafe { vmaxq_f32(a, b) })
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: as above.
        zip(a, b, |a, b| unsafe { vminq_f32(a, b) })
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: as above.
        unsafe {
            [
                vfmaq_f32(c[0], a[0], b[0]),
                vfmaq_f32(c[1], a[1], b[1]),
                vfmaq_f32(c[2], a[2], b[2]),
                vfmaq_f32(c[3], a[3], b[3]),
            ]
        }
    }
    #[inline(always)]
    fn zero_below(self, v: Self::V, x: Self::V, limit: f32) -> Self::V {
        // SAFETY: as above.
        zip(v, x, |v, x| unsafe {
            let below = vcltq_f32(x, vdupq_n_f32(limit));
            vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), below))
        })
    }
    #[inline(always)]
    fn scale_by_bits(self, v: Self::V, exponent: Self::V) -> Self::V {
        // SAFETY: as above.
        zip(v, exponent, |v, exponent| unsafe {
            let shifted = vshlq_n_u32::<23>(vreinterpretq_u32_f32(exponent));
            vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(v), shifted))
        })
    }
    #[inline(always)]
    fn low_bytes(self, v: Self::V) -> [i32; LANES / 4] {
        let mut packed = [0; LANES / 4];
        // SAFETY: as above; four integers are sixteen bytes.
        unsafe {
            let bits = v.map(|quad| vreinterpretq_u32_f32(quad));
            let first = vmovn_u16(vcombine_u16(vmovn_u32(bits[0]), vmovn_u32(bits[1])));
            let second = vmovn_u16(vcombine_u16(vmovn_u32(bits[2]), vmovn_u32(bits[3])));
            vst1q_s32(packed.as_mut_ptr(), vreinterpretq_s32_u8(vcombine_u8(first, second)));
        }
        packed
    }
}

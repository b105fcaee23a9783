//! Sixteen floats at a time: what attention and the row-wise operations are written in. Not for quantised
//! products, whose instructions differ too much between CPUs.
//!
//! An operation is written once, generic over [`Simd`], in functions that are always inlined; [`dispatch`]
//! compiles it for each instruction set. A value of a type that implements `Simd` is the proof that the CPU
//! has the instructions: it is made in `dispatch` alone, after asking.

use super::cpu::CpuKernel;
use super::float16::F16;

/// Lanes of a vector, on every CPU; so sums have one order on all of them.
pub(super) const LANES: usize = 16;

/// An instruction set.
pub(super) trait Simd: Copy {
    /// Sixteen floats.
    type V: Copy;
    /// Rows that a tile of attention holds in registers.
    const ROWS: usize;

    fn splat(self, x: f32) -> Self::V;
    fn load(self, from: &[f32; LANES]) -> Self::V;
    fn load_half(self, from: &[F16; LANES]) -> Self::V;
    fn store(self, v: Self::V, to: &mut [f32; LANES]);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the CPU can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `v` with zero in the lanes where `x < limit`.
    fn zero_below(self, v: Self::V, x: Self::V, limit: f32) -> Self::V;
    /// The bits of `v` plus the bits of `exponent` shifted left by 23: `v` times two to the power of an
    /// integer.
    fn scale_by_bits(self, v: Self::V, exponent: Self::V) -> Self::V;

    /// The lowest byte of every lane, four lanes to an integer, in the order of memory.
    fn low_bytes(self, v: Self::V) -> [i32; LANES / 4];

    /// The lanes as an array.
    #[inline(always)]
    fn array(self, v: Self::V) -> [f32; LANES] {
        let mut array = [0.0; LANES];
        self.store(v, &mut array);
        array
    }

    /// The sum of all lanes, halves first.
    #[inline(always)]
    fn sum(self, v: Self::V) -> f32 {
        let a = self.array(v);
        let b: [f32; 8] = std::array::from_fn(|i| a[i] + a[i + 8]);
        let c: [f32; 4] = std::array::from_fn(|i| b[i] + b[i + 4]);
        (c[0] + c[2]) + (c[1] + c[3])
    }

    /// The largest lane.
    #[inline(always)]
    fn largest(self, v: Self::V) -> f32 {
        let larger = |a: f32, b: f32| if a > b { a } else { b };
        let a = self.array(v);
        let b: [f32; 8] = std::array::from_fn(|i| larger(a[i], a[i + 8]));
        let c: [f32; 4] = std::array::from_fn(|i| larger(b[i], b[i + 4]));
        larger(larger(c[0], c[2]), larger(c[1], c[3]))
    }

    /// The first lanes from a slice of fewer than sixteen, zero in the others.
    #[inline(always)]
    fn load_part(self, from: &[f32]) -> Self::V {
        let mut array = [0.0; LANES];
        array[..from.len()].copy_from_slice(from);
        self.load(&array)
    }

    /// The exponential function, to about two units in the last place; zero below -87.
    #[inline(always)]
    fn exp(self, x: Self::V) -> Self::V {
        /// Added, it leaves the nearest integer in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let clamped = self.max(self.min(x, self.splat(88.0)), self.splat(-87.0));
        let exponent = self.mul_add(clamped, self.splat(std::f32::consts::LOG2_E), self.splat(ROUND));
        let n = self.sub(exponent, self.splat(ROUND));
        // ln 2 in two parts, so that the difference is exact to more than single precision.
        let r = self.mul_add(n, self.splat(-0.693_359_4), clamped);
        let r = self.mul_add(n, self.splat(2.121_944_4e-4), r);
        let mut p = self.splat(1.987_569_1e-4);
        for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0, 1.0] {
            p = self.mul_add(p, r, self.splat(coefficient));
        }
        self.zero_below(self.scale_by_bits(p, exponent), x, -87.0)
    }
}

/// A computation that is compiled for every instruction set.
pub(super) trait Computation {
    type Output;
    /// Must be `#[inline(always)]`, and so must all that it calls with `simd`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a computation with the instructions of a kernel, or in plain Rust if this machine has them not.
#[inline]
pub(super) fn dispatch<C: Computation>(kernel: CpuKernel, computation: C) -> C::Output {
    if !kernel.is_available() {
        return computation.run(Portable);
    }
    match kernel {
        // SAFETY: the CPU has the instructions, by the question above; so in all arms.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx512Vnni => unsafe { super::simd_x86::with_avx512(computation) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx2 => unsafe { super::simd_x86::with_avx2(computation) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        CpuKernel::NeonDotprod => unsafe { super::simd_neon::with_neon(computation) },
        _ => computation.run(Portable),
    }
}

/// Plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    type V = [f32; LANES];
    const ROWS: usize = 2;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        *from
    }
    #[inline(always)]
    fn load_half(self, from: &[F16; LANES]) -> Self::V {
        from.map(F16::to_f32)
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        *to = v;
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `f32::mul_add`, which without the instruction is a call for each lane.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn zero_below(self, v: Self::V, x: Self::V, limit: f32) -> Self::V {
        zip(v, x, |v, x| if x < limit { 0.0 } else { v })
    }
    #[inline(always)]
    fn scale_by_bits(self, v: Self::V, exponent: Self::V) -> Self::V {
        zip(v, exponent, |v, e| f32::from_bits(v.to_bits().wrapping_add(e.to_bits() << 23)))
    }
    #[inline(always)]
    fn low_bytes(self, v: Self::V) -> [i32; LANES / 4] {
        let byte = |i: usize| v[i].to_bits() as u8;
        std::array::from_fn(|i| {
            i32::from_ne_bytes([byte(4 * i), byte(4 * i + 1), byte(4 * i + 2), byte(4 * i + 3)])
        })
    }
}

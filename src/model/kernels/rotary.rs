//! Rotary position embedding. Not the choice of frequencies for a model: they are handed in.

use super::cpu::CpuKernel;
use super::error::{KernelError, expect_len};
use super::pool::{Shared, WorkerPool};
use super::simd::{Computation, LANES, Simd, dispatch};

/// Rows in a task.
const TASK_ROWS: usize = 16;

/// Which numbers of a head turn together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotaryStyle {
    /// Number `i` with number `i + half`: Qwen, StarCoder2 and most files of the llama family from
    /// transformers.
    Halves,
    /// Number `2 i` with number `2 i + 1`: GGUF files of the llama architecture.
    Pairs,
}

/// The cosines and sines for a run of positions, the same for all layers and heads.
#[derive(Debug, Clone, Default)]
pub struct RotaryAngles {
    /// Pairs that turn in a head.
    pairs: usize,
    /// `[position][pairs]`.
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

/// The usual frequencies, in radians a position: `base` to the power of `-2 i / dims` for each of `dims / 2`
/// pairs.
pub fn rotary_frequencies(dims: usize, base: f64) -> Vec<f64> {
    (0..dims / 2).map(|pair| base.powf(-2.0 * pair as f64 / dims as f64)).collect()
}

impl RotaryAngles {
    /// The angles of `rows` positions from `first` on. They are computed in double precision, so that they
    /// are as good at position 30,000 as at 3.
    pub fn new(frequencies: &[f64], first: usize, rows: usize) -> Self {
        let angles = (first..first + rows)
            .flat_map(|at| frequencies.iter().map(move |frequency| at as f64 * frequency));
        let (cosines, sines) = angles.map(|angle| (angle.cos() as f32, angle.sin() as f32)).unzip();
        Self { pairs: frequencies.len(), cosines, sines }
    }

    /// The same angles for numbers that are also multiplied with `magnitude`.
    pub fn scaled(mut self, magnitude: f64) -> Self {
        if magnitude != 1.0 {
            let scaled = |x: &mut f32| *x = (f64::from(*x) * magnitude) as f32;
            self.cosines.iter_mut().chain(&mut self.sines).for_each(scaled);
        }
        self
    }

    /// Positions.
    pub fn rows(&self) -> usize {
        self.cosines.len() / self.pairs.max(1)
    }
}

/// Turns the first numbers of every head of `x`, `[rows][heads][head_dim]`, by the angles of its row.
pub fn rope(
    x: &mut [f32],
    head_dim: usize,
    style: RotaryStyle,
    angles: &RotaryAngles,
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    rope_with(CpuKernel::best(), x, head_dim, style, angles, pool)
}

pub(super) fn rope_with(
    kernel: CpuKernel,
    x: &mut [f32],
    head_dim: usize,
    style: RotaryStyle,
    angles: &RotaryAngles,
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    if head_dim < 2 * angles.pairs || angles.pairs == 0 {
        return Err(KernelError::Size { what: "the number of rotary dimensions" });
    }
    let rows = angles.rows();
    let width = x.len() / rows.max(1) / head_dim * head_dim;
    expect_len("the numbers to rotate", x.len(), rows * width)?;
    let len = x.len();
    let shared = Shared::new(x);
    pool.run(rows.div_ceil(TASK_ROWS), |task| {
        let first = task * TASK_ROWS;
        let at = first * width;
        // SAFETY: every task has rows of its own.
        let x = unsafe { shared.slice(at, (TASK_ROWS * width).min(len - at)) };
        dispatch(kernel, Rotation { x, width, head_dim, style, angles, first });
    });
    Ok(())
}

struct Rotation<'a> {
    x: &'a mut [f32],
    width: usize,
    head_dim: usize,
    style: RotaryStyle,
    angles: &'a RotaryAngles,
    first: usize,
}

impl Computation for Rotation<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let pairs = self.angles.pairs;
        for (row, numbers) in self.x.chunks_exact_mut(self.width.max(1)).enumerate() {
            let at = (self.first + row) * pairs;
            let (cosines, sines) = (&self.angles.cosines[at..at + pairs], &self.angles.sines[at..at + pairs]);
            for head in numbers.chunks_exact_mut(self.head_dim) {
                match self.style {
                    RotaryStyle::Halves => rotate_halves(simd, &mut head[..2 * pairs], cosines, sines),
                    RotaryStyle::Pairs => rotate_pairs(&mut head[..2 * pairs], cosines, sines),
                }
            }
        }
    }
}

#[inline(always)]
fn rotate_halves<S: Simd>(simd: S, head: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let (first, second) = head.split_at_mut(cosines.len());
    let whole = cosines.len() / LANES * LANES;
    let vectors = first.as_chunks_mut::<LANES>().0.iter_mut().zip(second.as_chunks_mut::<LANES>().0);
    let angles = cosines.as_chunks::<LANES>().0.iter().zip(sines.as_chunks::<LANES>().0);
    for ((a, b), (cosine, sine)) in vectors.zip(angles) {
        let (x, y) = (simd.load(a), simd.load(b));
        let (cosine, sine) = (simd.load(cosine), simd.load(sine));
        simd.store(simd.sub(simd.mul(x, cosine), simd.mul(y, sine)), a);
        simd.store(simd.add(simd.mul(y, cosine), simd.mul(x, sine)), b);
    }
    let rest = first[whole..].iter_mut().zip(&mut second[whole..]);
    for ((a, b), (cosine, sine)) in rest.zip(cosines[whole..].iter().zip(&sines[whole..])) {
        (*a, *b) = rotated(*a, *b, *cosine, *sine);
    }
}

#[inline(always)]
fn rotate_pairs(head: &mut [f32], cosines: &[f32], sines: &[f32]) {
    for (pair, (cosine, sine)) in head.as_chunks_mut::<2>().0.iter_mut().zip(cosines.iter().zip(sines)) {
        (pair[0], pair[1]) = rotated(pair[0], pair[1], *cosine, *sine);
    }
}

#[inline(always)]
fn rotated(x: f32, y: f32, cosine: f32, sine: f32) -> (f32, f32) {
    (x * cosine - y * sine, y * cosine + x * sine)
}

//! Products with a matrix of floats in 32 or 16 bits: checkpoints as they were trained, and files that were not
//! quantised. Not for quantised weights: these are in `matmul`.
//!
//! An output is a sum over the inputs in sixteen lanes, in input order, and the lanes are added in one order: neither
//! the rows beside it nor the threads show in its bits.

use super::cpu::CpuKernel;
use super::error::{KernelError, expect_len};
use super::float16::F16;
use super::pool::{Shared, WorkerPool};
use super::simd::{Computation, LANES, Simd, dispatch};

/// Rows that a weight is multiplied with while it is in a register.
const TILE_ROWS: usize = 4;
/// Outputs in a task.
const TASK_OUTPUTS: usize = 16;

/// How the numbers of a [`DenseMatrix`] are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenseType {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
}

/// A weight matrix of floats, `rows` outputs by `cols` inputs.
#[derive(Debug)]
pub struct DenseMatrix {
    rows: usize,
    cols: usize,
    values: Values,
}

#[derive(Debug)]
enum Values {
    F32(Vec<f32>),
    F16(Vec<F16>),
    Bf16(Vec<Bf16>),
}

/// The upper half of a single-precision number.
#[derive(Debug, Clone, Copy, Default)]
struct Bf16(u16);

impl DenseMatrix {
    /// Takes over `rows` rows of `cols` numbers from their bytes, little-endian.
    pub fn new(kind: DenseType, rows: usize, cols: usize, bytes: &[u8]) -> Result<Self, KernelError> {
        let size = if kind == DenseType::F32 { 4 } else { 2 };
        let expected = rows.checked_mul(cols).and_then(|count| count.checked_mul(size)).filter(|&n| n > 0);
        let expected = expected.ok_or(KernelError::Size { what: "the number of rows or columns" })?;
        expect_len("a tensor's bytes", bytes.len(), expected)?;
        let pairs = bytes.as_chunks::<2>().0.iter();
        let values = match kind {
            DenseType::F32 => {
                Values::F32(bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect())
            }
            DenseType::F16 => Values::F16(pairs.map(|&two| F16::from_le_bytes(two)).collect()),
            DenseType::Bf16 => Values::Bf16(pairs.map(|&two| Bf16(u16::from_le_bytes(two))).collect()),
        };
        Ok(Self { rows, cols, values })
    }

    /// Outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }
}

/// `out[row][output] = sum of weights[output] * x[row] + bias[output]`; `out` has a number for each row and output.
pub fn dense_matmul(
    weights: &DenseMatrix,
    x: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    dense_matmul_with(CpuKernel::best(), weights, x, bias, out, pool)
}

fn dense_matmul_with(
    kernel: CpuKernel,
    weights: &DenseMatrix,
    x: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    let rows = x.len() / weights.cols;
    expect_len("the activations", x.len(), rows * weights.cols)?;
    expect_len("the product", out.len(), rows * weights.rows)?;
    if let Some(bias) = bias {
        expect_len("the bias", bias.len(), weights.rows)?;
    }
    let out = Shared::new(out);
    pool.run(weights.rows.div_ceil(TASK_OUTPUTS), |task| {
        let first = task * TASK_OUTPUTS;
        let outputs = first..weights.rows.min(first + TASK_OUTPUTS);
        match &weights.values {
            Values::F32(values) => dispatch(kernel, Outputs { weights, values, x, bias, outputs, out: &out }),
            Values::F16(values) => dispatch(kernel, Outputs { weights, values, x, bias, outputs, out: &out }),
            Values::Bf16(values) => {
                dispatch(kernel, Outputs { weights, values, x, bias, outputs, out: &out })
            }
        }
    });
    Ok(())
}

/// A number of a matrix.
trait Weight: Copy + Default {
    /// Must be `#[inline(always)]`.
    fn load<S: Simd>(simd: S, from: &[Self; LANES]) -> S::V;
}

impl Weight for f32 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self; LANES]) -> S::V {
        simd.load(from)
    }
}

impl Weight for F16 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self; LANES]) -> S::V {
        simd.load_half(from)
    }
}

impl Weight for Bf16 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self; LANES]) -> S::V {
        simd.load(&from.map(|half| f32::from_bits(u32::from(half.0) << 16)))
    }
}

/// Some outputs of all rows.
struct Outputs<'a, T> {
    weights: &'a DenseMatrix,
    values: &'a [T],
    x: &'a [f32],
    bias: Option<&'a [f32]>,
    outputs: std::ops::Range<usize>,
    out: &'a Shared<'a, f32>,
}

impl<T: Weight> Computation for Outputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let cols = self.weights.cols;
        for (tile, x) in self.x.chunks(TILE_ROWS * cols).enumerate() {
            for output in self.outputs.clone() {
                let sums = products(simd, &self.values[output * cols..][..cols], x);
                let bias = self.bias.map_or(0.0, |bias| bias[output]);
                for (lane, sum) in sums.into_iter().enumerate().take(x.len() / cols) {
                    let at = (tile * TILE_ROWS + lane) * self.weights.rows + output;
                    // SAFETY: an output belongs to one task.
                    let to = unsafe { self.out.slice(at, 1) };
                    to[0] = simd.sum(sum) + bias;
                }
            }
        }
    }
}

/// The products of an output's weights with up to four rows, in lanes.
#[inline(always)]
fn products<S: Simd, T: Weight>(simd: S, weights: &[T], x: &[f32]) -> [S::V; TILE_ROWS] {
    let cols = weights.len();
    let last = x.len() / cols - 1;
    let rows: [&[f32]; TILE_ROWS] = std::array::from_fn(|row| &x[row.min(last) * cols..][..cols]);
    let mut sums = [simd.splat(0.0); TILE_ROWS];
    let (vectors, rest) = weights.as_chunks::<LANES>();
    for (index, weights) in vectors.iter().enumerate() {
        let weights = T::load(simd, weights);
        for row in 0..TILE_ROWS {
            if let Some(x) = rows[row][index * LANES..].first_chunk() {
                sums[row] = simd.mul_add(weights, simd.load(x), sums[row]);
            }
        }
    }
    if !rest.is_empty() {
        let mut padded = [T::default(); LANES];
        padded[..rest.len()].copy_from_slice(rest);
        let weights = T::load(simd, &padded);
        for row in 0..TILE_ROWS {
            let x = simd.load_part(&rows[row][vectors.len() * LANES..]);
            sums[row] = simd.mul_add(weights, x, sums[row]);
        }
    }
    sums
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::reference::Numbers;
    use super::*;

    fn matrix(kind: DenseType, rows: usize, cols: usize) -> (DenseMatrix, Vec<f64>) {
        let values = Numbers::new(cols as u64).floats(rows * cols);
        let half = |x: &f32| match kind {
            DenseType::F16 => F16::from_f32(*x).0,
            _ => (x.to_bits() >> 16) as u16,
        };
        let bytes: Vec<u8> = match kind {
            DenseType::F32 => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            _ => values.iter().flat_map(|x| half(x).to_le_bytes()).collect(),
        };
        let exact = |x: &f32| match kind {
            DenseType::F32 => *x,
            DenseType::F16 => F16(half(x)).to_f32(),
            DenseType::Bf16 => f32::from_bits(u32::from(half(x)) << 16),
        };
        let exact = values.iter().map(|x| f64::from(exact(x))).collect();
        (DenseMatrix::new(kind, rows, cols, &bytes).unwrap(), exact)
    }

    #[test]
    fn a_product_is_the_plain_sum_whatever_the_rows_beside_and_the_threads() {
        for (kind, cols) in [DenseType::F32, DenseType::F16, DenseType::Bf16]
            .into_iter()
            .flat_map(|kind| [1, 15, 16, 50].map(|cols| (kind, cols)))
        {
            let (weights, exact) = matrix(kind, 37, cols);
            let (x, bias) = (Numbers::new(9).floats(11 * cols), Numbers::new(8).floats(37));
            for kernel in CpuKernel::available() {
                let product = |x: &[f32], threads| {
                    let mut out = vec![f32::NAN; x.len() / cols * 37];
                    let pool = WorkerPool::new(threads);
                    dense_matmul_with(kernel, &weights, x, Some(&bias), &mut out, &pool).unwrap();
                    out
                };
                let all = product(&x, 3);
                for (row, out) in x.chunks(cols).zip(all.chunks(37)) {
                    assert_eq!(product(row, 1), out, "{kernel} {kind:?} {cols}");
                    for (output, value) in out.iter().enumerate() {
                        let weights = &exact[output * cols..][..cols];
                        let sum: f64 = row.iter().zip(weights).map(|(x, w)| f64::from(*x) * w).sum();
                        let error = (f64::from(*value) - sum - f64::from(bias[output])).abs();
                        assert!(error < 1e-5, "{kernel} {kind:?} {cols}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn wrong_sizes_are_errors() {
        assert!(DenseMatrix::new(DenseType::F16, 2, 3, &[0; 11]).is_err());
        assert!(DenseMatrix::new(DenseType::F32, 0, 3, &[]).is_err());
        assert!(DenseMatrix::new(DenseType::F32, usize::MAX, 3, &[]).is_err());
        let matrix = DenseMatrix::new(DenseType::F32, 1, 2, &[0; 8]).unwrap();
        assert!(dense_matmul(&matrix, &[0.0; 3], None, &mut [0.0; 1], &WorkerPool::new(1)).is_err());
    }
}

//! Operations on rows of `f32` that need no weights but a vector: norms, activation functions, sums. Not
//! rotation: that is `rotary`.
//!
//! Each number of the output depends on its own row alone and is computed in one order, whatever the rows
//! beside it and the threads. Sums go through sixteen lanes.

use super::cpu::CpuKernel;
use super::error::{KernelError, expect_len};
use super::pool::{Shared, WorkerPool};
use super::simd::{Computation, LANES, Simd, dispatch};

/// Numbers in a task: less than this is not worth another thread.
const TASK_NUMBERS: usize = 16 << 10;

/// `out = x / sqrt(mean(x^2) + epsilon) * weight` for each row; a row is as long as `weight`.
pub fn rms_norm(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    norm(CpuKernel::best(), Norm { weight, bias: None, epsilon, centred: false }, x, out, pool)
}

/// `out = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias` for each row; a row is as long as
/// `weight`.
pub fn layer_norm(
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    epsilon: f32,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    norm(CpuKernel::best(), Norm { weight, bias, epsilon, centred: true }, x, out, pool)
}

/// `gate = gate * sigmoid(gate) * up`: the gated activation of most decoders.
pub fn silu_mul(gate: &mut [f32], up: &[f32], pool: &WorkerPool) -> Result<(), KernelError> {
    elementwise(CpuKernel::best(), Operation::SiluMul, gate, up, pool)
}

/// `gate = gelu(gate) * up`, with the approximation of [`gelu`].
pub fn gelu_mul(gate: &mut [f32], up: &[f32], pool: &WorkerPool) -> Result<(), KernelError> {
    elementwise(CpuKernel::best(), Operation::GeluMul, gate, up, pool)
}

/// `x = gelu(x)`, in the approximation with the hyperbolic tangent.
pub fn gelu(x: &mut [f32], pool: &WorkerPool) -> Result<(), KernelError> {
    elementwise(CpuKernel::best(), Operation::Gelu, x, &[], pool)
}

/// `x = x + y`.
pub fn add(x: &mut [f32], y: &[f32], pool: &WorkerPool) -> Result<(), KernelError> {
    elementwise(CpuKernel::best(), Operation::Add, x, y, pool)
}

/// The softmax of a single row, in place.
pub fn softmax(row: &mut [f32]) {
    dispatch(CpuKernel::best(), Softmax(row));
}

#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) weight: &'a [f32],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) epsilon: f32,
    /// Whether the mean is taken off first.
    pub(super) centred: bool,
}

pub(super) fn norm(
    kernel: CpuKernel,
    norm: Norm<'_>,
    x: &[f32],
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    let cols = norm.weight.len();
    if cols == 0 {
        return Err(KernelError::Size { what: "a norm's weight" });
    }
    let rows = x.len() / cols;
    expect_len("the norm's input", x.len(), rows * cols)?;
    expect_len("the norm's output", out.len(), x.len())?;
    if let Some(bias) = norm.bias {
        expect_len("the norm's bias", bias.len(), cols)?;
    }
    let task_rows = (TASK_NUMBERS / cols).max(1);
    let shared = Shared::new(out);
    pool.run(rows.div_ceil(task_rows), |task| {
        let at = task * task_rows * cols;
        let len = (task_rows * cols).min(x.len() - at);
        // SAFETY: every task has rows of its own.
        let out = unsafe { shared.slice(at, len) };
        dispatch(kernel, NormRows { norm, x: &x[at..at + len], out });
    });
    Ok(())
}

struct NormRows<'a> {
    norm: Norm<'a>,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Computation for NormRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let cols = self.norm.weight.len();
        for (x, out) in self.x.chunks_exact(cols).zip(self.out.chunks_exact_mut(cols)) {
            norm_row(simd, &self.norm, x, out);
        }
    }
}

/// A function of two vectors, lane by lane. Not a closure, since a closure cannot be told to be inlined, and
/// instructions that are not inlined into the function that has the CPU's features cost fifty times as much.
trait Lanewise<S: Simd>: Copy {
    /// Must be `#[inline(always)]`.
    fn apply(self, simd: S, x: S::V, y: S::V) -> S::V;
}

#[inline(always)]
fn norm_row<S: Simd>(simd: S, norm: &Norm<'_>, x: &[f32], out: &mut [f32]) {
    let count = x.len() as f32;
    let mean = if norm.centred { sum_of(simd, x, First, simd.splat(0.0)) / count } else { 0.0 };
    // The lanes beyond the end of the row are zero: what they add as squares of the mean is taken off again.
    let squares = sum_of(simd, x, SquaredDifference, simd.splat(mean));
    let beyond = (x.len().next_multiple_of(LANES) - x.len()) as f32;
    let variance = (squares - beyond * mean * mean) / count;
    let normed =
        Normed::<S> { mean: simd.splat(mean), inverse: simd.splat(1.0 / (variance + norm.epsilon).sqrt()) };
    map(simd, normed, x, norm.weight, out);
    if let Some(bias) = norm.bias {
        out.iter_mut().zip(bias).for_each(|(out, bias)| *out += bias);
    }
}

#[derive(Clone, Copy)]
struct First;

impl<S: Simd> Lanewise<S> for First {
    #[inline(always)]
    fn apply(self, _: S, x: S::V, _: S::V) -> S::V {
        x
    }
}

#[derive(Clone, Copy)]
struct SquaredDifference;

impl<S: Simd> Lanewise<S> for SquaredDifference {
    #[inline(always)]
    fn apply(self, simd: S, x: S::V, y: S::V) -> S::V {
        let difference = simd.sub(x, y);
        simd.mul(difference, difference)
    }
}

#[derive(Clone, Copy)]
struct Normed<S: Simd> {
    mean: S::V,
    inverse: S::V,
}

impl<S: Simd> Lanewise<S> for Normed<S> {
    #[inline(always)]
    fn apply(self, simd: S, x: S::V, weight: S::V) -> S::V {
        simd.mul(simd.mul(simd.sub(x, self.mean), self.inverse), weight)
    }
}

/// The sum over a row of a function of its numbers and a constant.
#[inline(always)]
fn sum_of<S: Simd>(simd: S, x: &[f32], f: impl Lanewise<S>, constant: S::V) -> f32 {
    let (vectors, rest) = x.as_chunks::<LANES>();
    let mut total = simd.splat(0.0);
    for vector in vectors {
        total = simd.add(total, f.apply(simd, simd.load(vector), constant));
    }
    if !rest.is_empty() {
        total = simd.add(total, f.apply(simd, simd.load_part(rest), constant));
    }
    simd.sum(total)
}

/// `out = f(x, y)`, number by number.
#[inline(always)]
fn map<S: Simd>(simd: S, f: impl Lanewise<S>, x: &[f32], y: &[f32], out: &mut [f32]) {
    let (out_vectors, out_rest) = out.as_chunks_mut::<LANES>();
    let ((x_vectors, x_rest), (y_vectors, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for ((x, y), out) in x_vectors.iter().zip(y_vectors).zip(out_vectors) {
        simd.store(f.apply(simd, simd.load(x), simd.load(y)), out);
    }
    if !out_rest.is_empty() {
        let rest = simd.array(f.apply(simd, simd.load_part(x_rest), simd.load_part(y_rest)));
        out_rest.copy_from_slice(&rest[..out_rest.len()]);
    }
}

/// `x = f(x, y)`, number by number.
#[inline(always)]
fn update<S: Simd>(simd: S, f: impl Lanewise<S>, x: &mut [f32], y: &[f32]) {
    let ((x_vectors, x_rest), (y_vectors, y_rest)) = (x.as_chunks_mut::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x_vectors.iter_mut().zip(y_vectors) {
        simd.store(f.apply(simd, simd.load(x), simd.load(y)), x);
    }
    if !x_rest.is_empty() {
        let rest = simd.array(f.apply(simd, simd.load_part(x_rest), simd.load_part(y_rest)));
        x_rest.copy_from_slice(&rest[..x_rest.len()]);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    SiluMul,
    GeluMul,
    Gelu,
    Add,
}

/// Applies an operation to `x`, with `y` of the same length where it has two operands.
pub(super) fn elementwise(
    kernel: CpuKernel,
    operation: Operation,
    x: &mut [f32],
    y: &[f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    let one_operand = operation == Operation::Gelu;
    expect_len("the second operand", y.len(), if one_operand { 0 } else { x.len() })?;
    let len = x.len();
    let shared = Shared::new(x);
    pool.run(len.div_ceil(TASK_NUMBERS), |task| {
        let at = task * TASK_NUMBERS;
        let count = TASK_NUMBERS.min(len - at);
        // SAFETY: every task has numbers of its own.
        let x = unsafe { shared.slice(at, count) };
        let y = if one_operand { y } else { &y[at..at + count] };
        dispatch(kernel, Elementwise { operation, x, y });
    });
    Ok(())
}

struct Elementwise<'a> {
    operation: Operation,
    x: &'a mut [f32],
    y: &'a [f32],
}

impl Computation for Elementwise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.operation {
            Operation::SiluMul => update(simd, SiluMul, self.x, self.y),
            Operation::GeluMul => update(simd, GeluMul, self.x, self.y),
            Operation::Add => update(simd, Sum, self.x, self.y),
            Operation::Gelu => {
                let (vectors, rest) = self.x.as_chunks_mut::<LANES>();
                for vector in vectors {
                    simd.store(gelu_of(simd, simd.load(vector)), vector);
                }
                let values = simd.array(gelu_of(simd, simd.load_part(rest)));
                rest.copy_from_slice(&values[..rest.len()]);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct SiluMul;

impl<S: Simd> Lanewise<S> for SiluMul {
    #[inline(always)]
    fn apply(self, simd: S, x: S::V, y: S::V) -> S::V {
        simd.mul(times_sigmoid(simd, x, x), y)
    }
}

#[derive(Clone, Copy)]
struct GeluMul;

impl<S: Simd> Lanewise<S> for GeluMul {
    #[inline(always)]
    fn apply(self, simd: S, x: S::V, y: S::V) -> S::V {
        simd.mul(gelu_of(simd, x), y)
    }
}

#[derive(Clone, Copy)]
struct Sum;

impl<S: Simd> Lanewise<S> for Sum {
    #[inline(always)]
    fn apply(self, simd: S, x: S::V, y: S::V) -> S::V {
        simd.add(x, y)
    }
}

/// `x / (1 + exp(-t))`: `x` times the sigmoid of `t`.
#[inline(always)]
fn times_sigmoid<S: Simd>(simd: S, x: S::V, t: S::V) -> S::V {
    let exp = simd.exp(simd.sub(simd.splat(0.0), t));
    simd.div(x, simd.add(simd.splat(1.0), exp))
}

/// `0.5 * x * (1 + tanh(u))`, which is `x` times the sigmoid of `2 * u`, for `u = sqrt(2 / pi) * (x +
/// 0.044715 * x^3)`.
#[inline(always)]
fn gelu_of<S: Simd>(simd: S, x: S::V) -> S::V {
    let cubic = simd.mul(simd.mul(x, x), simd.splat(0.044_715));
    let inner = simd.mul(x, simd.add(simd.splat(1.0), cubic));
    times_sigmoid(simd, x, simd.mul(inner, simd.splat(1.595_769)))
}

struct Softmax<'a>(&'a mut [f32]);

impl Computation for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let largest = simd.splat(self.0.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a }));
        let (vectors, rest) = self.0.as_chunks_mut::<LANES>();
        let mut total = simd.splat(0.0);
        for vector in vectors.iter_mut() {
            let weight = simd.exp(simd.sub(simd.load(vector), largest));
            total = simd.add(total, weight);
            simd.store(weight, vector);
        }
        if !rest.is_empty() {
            let mut last = [f32::NEG_INFINITY; LANES];
            last[..rest.len()].copy_from_slice(rest);
            let weight = simd.exp(simd.sub(simd.load(&last), largest));
            total = simd.add(total, weight);
            rest.copy_from_slice(&simd.array(weight)[..rest.len()]);
        }
        let inverse = 1.0 / simd.sum(total);
        for weight in self.0.iter_mut() {
            *weight *= inverse;
        }
    }
}

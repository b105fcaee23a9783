//! Tests of the row-wise operations and of the rotation: against the plain formulas, and that a row's bits
//! depend on nothing but the row. Not compiled into the program.
#![allow(clippy::unwrap_used)]

use super::reference::Numbers;
use super::rotary::rope_with;
use super::rowwise::{Norm, Operation, elementwise, norm};
use super::{CpuKernel, RotaryAngles, RotaryStyle, WorkerPool, layer_norm, rotary_frequencies, softmax};

#[track_caller]
fn assert_close(actual: &[f32], expected: impl IntoIterator<Item = f64>, tolerance: f64, what: &str) {
    let mut count = 0;
    for (i, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(*actual) - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{what}, number {i}: {actual} for {expected}");
        count += 1;
    }
    assert_eq!(count, actual.len());
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

#[test]
fn norms_are_the_plain_formulas_and_the_same_for_any_number_of_rows() {
    for (kernel, cols) in
        CpuKernel::available().into_iter().flat_map(|k| [1, 15, 16, 33, 896].map(|c| (k, c)))
    {
        let mut numbers = Numbers::new(cols as u64);
        let (x, weight, bias) = (numbers.floats(40 * cols), numbers.floats(cols), numbers.floats(cols));
        for (centred, bias) in [(false, None), (true, Some(&bias[..])), (true, None)] {
            let params = Norm { weight: &weight, bias, epsilon: 1e-6, centred };
            let mut all = vec![0.0; x.len()];
            norm(kernel, params, &x, &mut all, &WorkerPool::new(3)).unwrap();
            for (row, out) in x.chunks(cols).zip(all.chunks(cols)) {
                let row64 = wide(row);
                let mean = if centred { row64.iter().sum::<f64>() / cols as f64 } else { 0.0 };
                let variance = row64.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / cols as f64;
                let value = |i: usize| {
                    let scaled = (row64[i] - mean) / (variance + 1e-6).sqrt() * f64::from(weight[i]);
                    scaled + bias.map_or(0.0, |bias| f64::from(bias[i]))
                };
                assert_close(
                    out,
                    (0..cols).map(value),
                    2e-4,
                    &format!("{kernel}, {cols}, centred {centred}"),
                );
                let mut alone = vec![0.0; cols];
                norm(kernel, params, row, &mut alone, &WorkerPool::new(1)).unwrap();
                assert!(alone == out);
            }
        }
    }
}

#[test]
fn activations_are_the_plain_formulas_even_far_out() {
    let pool = WorkerPool::new(2);
    let mut numbers = Numbers::new(3);
    let mut x: Vec<f32> = numbers.floats(40_000).iter().map(|x| x * 12.0).collect();
    x.extend([0.0, -0.0, 90.0, -90.0, 1e4, -1e4, 1e30, -1e30, 87.5, -87.5]);
    let y = numbers.floats(x.len());
    for kernel in CpuKernel::available() {
        for operation in [Operation::SiluMul, Operation::GeluMul, Operation::Gelu, Operation::Add] {
            let one = operation == Operation::Gelu;
            let mut out = x.clone();
            elementwise(kernel, operation, &mut out, if one { &[] } else { &y }, &pool).unwrap();
            let expected = x.iter().zip(&y).map(|(&x, &y)| {
                let (x, y) = (f64::from(x), f64::from(y));
                let gelu = 0.5
                    * x
                    * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh());
                match operation {
                    Operation::SiluMul => x / (1.0 + (-x).exp()) * y,
                    Operation::GeluMul => gelu * y,
                    Operation::Gelu => gelu,
                    Operation::Add => x + y,
                }
            });
            assert_close(&out, expected, 2e-6, &format!("{kernel} {operation:?}"));
            let mut part = x[7..100].to_vec();
            elementwise(kernel, operation, &mut part, if one { &[] } else { &y[7..100] }, &pool).unwrap();
            assert_eq!(part, out[7..100], "{kernel} {operation:?}");
        }
    }
}

#[test]
fn a_softmax_sums_to_one_and_keeps_the_ratios() {
    for len in [1, 16, 17, 1000] {
        let x: Vec<f32> = Numbers::new(len as u64).floats(len).iter().map(|x| x * 30.0).collect();
        let mut out = x.clone();
        softmax(&mut out);
        let weights: Vec<f64> = wide(&x).iter().map(|v| (v - 30.0).exp()).collect();
        let total: f64 = weights.iter().sum();
        for (actual, weight) in out.iter().zip(weights) {
            assert!((f64::from(*actual) - weight / total).abs() < 1e-6);
        }
    }
    softmax(&mut []);
}

#[test]
fn the_rotation_is_the_plain_formula_in_both_styles() {
    let frequencies = rotary_frequencies(64, 1e6);
    let (head_dim, heads, rows, first) = (80, 3, 37, 4000);
    let x = Numbers::new(9).floats(rows * heads * head_dim);
    let angles = RotaryAngles::new(&frequencies, first, rows);
    assert_eq!(angles.rows(), rows);
    for kernel in CpuKernel::available() {
        for style in [RotaryStyle::Halves, RotaryStyle::Pairs] {
            let mut out = x.clone();
            rope_with(kernel, &mut out, head_dim, style, &angles, &WorkerPool::new(2)).unwrap();
            let expected = (0..x.len()).map(|i| {
                let (row, place, start) = (i / (heads * head_dim), i % head_dim, i - i % head_dim);
                let (pair, other, sign) = match style {
                    _ if place >= 64 => return f64::from(x[i]),
                    RotaryStyle::Halves if place < 32 => (place, place + 32, -1.0),
                    RotaryStyle::Halves => (place - 32, place - 32, 1.0),
                    RotaryStyle::Pairs if place % 2 == 0 => (place / 2, place + 1, -1.0),
                    RotaryStyle::Pairs => (place / 2, place - 1, 1.0),
                };
                let angle = (first + row) as f64 * 1e6f64.powf(-(pair as f64) / 32.0);
                f64::from(x[i]) * angle.cos() + sign * f64::from(x[start + other]) * angle.sin()
            });
            assert_close(&out, expected, 1e-6, &format!("{kernel} {style:?}"));
        }
    }
}

#[test]
fn wrong_sizes_are_errors() {
    let pool = WorkerPool::new(1);
    assert!(layer_norm(&[0.0; 4], &[], None, 1e-5, &mut [0.0; 4], &pool).is_err());
    assert!(layer_norm(&[0.0; 5], &[0.0; 2], None, 1e-5, &mut [0.0; 5], &pool).is_err());
    assert!(layer_norm(&[0.0; 4], &[0.0; 2], Some(&[0.0]), 1e-5, &mut [0.0; 4], &pool).is_err());
    assert!(elementwise(CpuKernel::best(), Operation::Add, &mut [0.0; 4], &[0.0; 3], &pool).is_err());
    let angles = RotaryAngles::new(&rotary_frequencies(8, 1e4), 0, 2);
    let rope = |len: usize, head_dim| {
        super::rope(&mut vec![0.0; len], head_dim, RotaryStyle::Halves, &angles, &pool)
    };
    assert!(rope(16, 8).is_ok() && rope(15, 8).is_err() && rope(16, 6).is_err());
}

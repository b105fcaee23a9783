//! Tests of the matrix product: every format on every kernel of the machine against the dequantised product,
//! and that a row's bits depend on nothing but the row. Not compiled into the program.
#![allow(clippy::unwrap_used)]

use super::reference::{Numbers, dequantize, uniform};
use super::{
    Activations, CpuKernel, Format, KernelError, Product, QuantMatrix, WorkerPool, dequantize_row, matmul,
    matmul_all, matmul_with,
};

/// What the product should be, and by how much single precision may miss it.
struct Expected {
    products: Vec<f64>,
    bounds: Vec<f64>,
}

/// The product of dequantised weights with activations rounded to `round` (see [`rounded`]).
fn expected(weights: &[f64], rows: &[f64], cols: usize) -> Expected {
    let mut answer = Expected { products: Vec::new(), bounds: Vec::new() };
    for row in rows.chunks_exact(cols) {
        for weights in weights.chunks_exact(cols) {
            let terms = || row.iter().zip(weights).map(|(a, w)| a * w);
            answer.products.push(terms().sum());
            answer.bounds.push(terms().map(f64::abs).sum());
        }
    }
    answer
}

/// Activations as eight bits hold them, computed in the plainest way.
fn rounded(values: &[f32]) -> Vec<f64> {
    let block = |block: &[f32]| {
        let largest = block.iter().fold(0f32, |a, b| a.max(b.abs()));
        let scale = largest / 127.0;
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        block
            .iter()
            .map(|x| f64::from((x * inverse).round_ties_even()) * f64::from(scale))
            .collect::<Vec<_>>()
    };
    values.chunks_exact(32).flat_map(block).collect()
}

fn product(
    kernel: CpuKernel,
    matrix: &QuantMatrix,
    values: &[f32],
    bias: Option<&[f32]>,
    pool: &WorkerPool,
) -> Vec<f32> {
    let activations = Activations::new(values, matrix.cols(), pool).unwrap();
    let mut out = vec![f32::NAN; activations.rows() * matrix.rows()];
    matmul_with(kernel, matrix, &activations, bias, &mut out, pool).unwrap();
    out
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &Expected, tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.products.len());
    for (i, &actual) in actual.iter().enumerate() {
        let error = (f64::from(actual) - expected.products[i]).abs();
        let allowed = expected.bounds[i] * tolerance + 1e-30;
        assert!(
            error <= allowed,
            "{what}, number {i}: {actual} for {}, off by {error}",
            expected.products[i]
        );
    }
}

fn kernels_and_formats() -> impl Iterator<Item = (CpuKernel, Format)> {
    CpuKernel::available().into_iter().flat_map(|kernel| Format::ALL.map(|format| (kernel, format)))
}

#[test]
fn the_product_is_that_of_the_dequantised_weights() {
    let pool = WorkerPool::new(2);
    for format in Format::ALL {
        let blocks = if format.block_len() == 32 { vec![1, 3, 28] } else { vec![1, 3] };
        for (cols, outputs) in blocks.into_iter().zip([33, 16, 7]).map(|(b, o)| (b * format.block_len(), o)) {
            let mut numbers = Numbers::new(cols as u64);
            let bytes = numbers.tensor(format, outputs, cols, 0.02);
            let matrix = QuantMatrix::from_gguf(format, outputs, cols, &bytes, &pool).unwrap();
            let weights = dequantize(format, &bytes);
            let values = numbers.floats(17 * cols);
            let expected = expected(&weights, &rounded(&values), cols);
            for kernel in CpuKernel::available() {
                let actual = product(kernel, &matrix, &values, None, &pool);
                assert_close(&actual, &expected, 2e-6, &format!("{kernel} {format:?} {outputs} x {cols}"));
            }
        }
    }
}

#[test]
fn eight_bits_cost_less_than_a_hundredth_of_the_products_size() {
    let pool = WorkerPool::new(1);
    for (kernel, format) in kernels_and_formats() {
        let mut numbers = Numbers::new(5);
        let (outputs, cols) = (20, 512);
        let bytes = numbers.tensor(format, outputs, cols, 0.02);
        let matrix = QuantMatrix::from_gguf(format, outputs, cols, &bytes, &pool).unwrap();
        let values = numbers.floats(3 * cols);
        let exact: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
        let expected = expected(&dequantize(format, &bytes), &exact, cols);
        let actual = product(kernel, &matrix, &values, None, &pool);
        assert_close(&actual, &expected, 3e-3, &format!("{kernel} {format:?}"));
    }
}

#[test]
fn every_number_of_rows_gives_the_same_bits() {
    let pool = WorkerPool::new(3);
    for (kernel, format) in kernels_and_formats() {
        let mut numbers = Numbers::new(7);
        let (outputs, cols) = (19, format.block_len().max(64));
        let bytes = numbers.tensor(format, outputs, cols, 0.5);
        let matrix = QuantMatrix::from_gguf(format, outputs, cols, &bytes, &pool).unwrap();
        let values = numbers.floats(49 * cols);
        let bias = numbers.floats(outputs);
        let all = product(CpuKernel::Portable, &matrix, &values, Some(&bias), &pool);
        for rows in (1..=17).chain([24, 25, 48, 49]) {
            for first in [0, 49 - rows] {
                let some = &values[first * cols..(first + rows) * cols];
                let actual = product(kernel, &matrix, some, Some(&bias), &pool);
                let expected = &all[first * outputs..(first + rows) * outputs];
                assert!(actual == expected, "{kernel} {format:?}: {rows} rows from {first} differ");
            }
        }
    }
}

#[test]
fn threads_and_tasks_do_not_change_the_bits() {
    let mut numbers = Numbers::new(11);
    let (outputs, cols, rows) = (300, 1024, 150);
    let bytes = numbers.tensor(Format::Q5_0, outputs, cols, 0.5);
    let values = numbers.floats(rows * cols);
    let results = [1, 2, 5, 16].map(|threads| {
        let pool = WorkerPool::new(threads);
        let matrix = QuantMatrix::from_gguf(Format::Q5_0, outputs, cols, &bytes, &pool).unwrap();
        product(CpuKernel::best(), &matrix, &values, None, &pool)
    });
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn several_products_at_once_are_the_same_as_one_by_one() {
    let pool = WorkerPool::new(3);
    let mut numbers = Numbers::new(17);
    let mut matrix = |format, outputs| {
        let bytes = numbers.tensor(format, outputs, 256, 0.1);
        QuantMatrix::from_gguf(format, outputs, 256, &bytes, &pool).unwrap()
    };
    let matrices = [matrix(Format::Q5_0, 70), matrix(Format::Q8_0, 16), matrix(Format::Q4_K, 5)];
    let (values, bias) = (Numbers::new(19).floats(2 * 256), [0.5; 16]);
    let activations = Activations::new(&values, 256, &pool).unwrap();
    let mut outs = [vec![0.0; 140], vec![0.0; 32], vec![0.0; 10]];
    let [q, k, v] = &mut outs;
    let products = [
        Product { weights: &matrices[0], bias: None, out: q },
        Product { weights: &matrices[1], bias: Some(&bias), out: k },
        Product { weights: &matrices[2], bias: None, out: v },
    ];
    matmul_all(&activations, products, &pool).unwrap();
    for (i, out) in outs.iter().enumerate() {
        let bias = (i == 1).then_some(&bias[..]);
        assert_eq!(*out, product(CpuKernel::best(), &matrices[i], &values, bias, &pool));
    }
    let products = [Product { weights: &matrices[0], bias: None, out: &mut [0.0] }];
    assert!(matches!(matmul_all(&activations, products, &pool), Err(KernelError::Length { .. })));
}

#[test]
fn the_largest_codes_saturate_nothing() {
    let pool = WorkerPool::new(1);
    let cols = 256;
    for (kernel, format) in kernels_and_formats() {
        for pattern in [0x00, 0x7f, 0x80, 0xff] {
            for signs in [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]] {
                let bytes = uniform(format, 16, cols, pattern, 1.0);
                let matrix = QuantMatrix::from_gguf(format, 16, cols, &bytes, &pool).unwrap();
                let values: Vec<f32> = (0..14 * cols).map(|i| 127.0 * signs[i % 2]).collect();
                let expected = expected(&dequantize(format, &bytes), &rounded(&values), cols);
                let actual = product(kernel, &matrix, &values, None, &pool);
                assert_close(
                    &actual,
                    &expected,
                    1e-6,
                    &format!("{kernel} {format:?} {pattern:#x} {signs:?}"),
                );
            }
        }
    }
}

#[test]
fn zeros_and_the_largest_scales_stay_finite() {
    let pool = WorkerPool::new(1);
    let cols = 256;
    for (kernel, format) in kernels_and_formats() {
        let bytes = uniform(format, 3, cols, 0x5a, 65504.0);
        let matrix = QuantMatrix::from_gguf(format, 3, cols, &bytes, &pool).unwrap();
        let zeros = product(kernel, &matrix, &vec![0.0; 2 * cols], None, &pool);
        assert!(zeros.iter().all(|x| *x == 0.0), "{kernel} {format:?}");
        let large = product(kernel, &matrix, &vec![1e6; cols], None, &pool);
        let expected = expected(&dequantize(format, &bytes), &rounded(&vec![1e6; cols]), cols);
        assert_close(&large, &expected, 1e-5, &format!("{kernel} {format:?}"));
        let tiny = product(kernel, &matrix, &vec![f32::MIN_POSITIVE / 8.0; cols], None, &pool);
        assert!(tiny.iter().all(|x| x.abs() < 1e-20), "{kernel} {format:?}");
    }
}

#[test]
fn an_embedding_row_is_the_row_of_the_file() {
    for format in Format::ALL {
        let bytes = Numbers::new(13).tensor(format, 3, 512, 0.1);
        let row = bytes.len() / 3;
        let mut numbers = vec![0f32; 512];
        dequantize_row(format, &bytes[row..2 * row], &mut numbers).unwrap();
        for (actual, expected) in numbers.iter().zip(dequantize(format, &bytes[row..2 * row])) {
            assert!((f64::from(*actual) - expected).abs() <= 1e-6 * expected.abs().max(0.1), "{format:?}");
        }
    }
}

#[test]
fn no_rows_are_no_work_and_wrong_sizes_are_errors() {
    let pool = WorkerPool::new(2);
    let bytes = vec![0u8; 2 * 22 * 2];
    let matrix = QuantMatrix::from_gguf(Format::Q5_0, 2, 64, &bytes, &pool).unwrap();
    assert_eq!((matrix.rows(), matrix.cols(), matrix.format()), (2, 64, Format::Q5_0));
    let none = Activations::new(&[], 64, &pool).unwrap();
    assert_eq!(matmul(&matrix, &none, None, &mut [], &pool), Ok(()));
    let one = Activations::new(&[0.0; 64], 64, &pool).unwrap();
    assert!(matches!(matmul(&matrix, &one, None, &mut [0.0; 3], &pool), Err(KernelError::Length { .. })));
    assert!(matches!(
        matmul(&matrix, &one, Some(&[0.0]), &mut [0.0; 2], &pool),
        Err(KernelError::Length { .. })
    ));
    let narrow = Activations::new(&[0.0; 32], 32, &pool).unwrap();
    assert!(matches!(matmul(&matrix, &narrow, None, &mut [0.0; 2], &pool), Err(KernelError::Length { .. })));
    assert!(matches!(Activations::new(&[0.0; 33], 33, &pool), Err(KernelError::Columns { .. })));
    let from =
        |rows, cols, bytes: &[u8]| QuantMatrix::from_gguf(Format::Q4_K, rows, cols, bytes, &pool).err();
    assert!(matches!(from(1, 896, &bytes), Some(KernelError::Columns { cols: 896, block: 256 })));
    assert!(matches!(from(0, 256, &[]), Some(KernelError::Size { .. })));
    assert!(matches!(from(1, 256, &bytes[..1]), Some(KernelError::Length { .. })));
    assert!(matches!(from(usize::MAX, 256, &bytes), Some(KernelError::Size { .. })));
    assert!(dequantize_row(Format::Q8_0, &bytes, &mut [0.0; 32]).is_err());
}

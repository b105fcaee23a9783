//! Criterion benches of the CPU kernels, each kernel of the machine against its measured peaks. Not of whole
//! models: that is `infill-ls bench engine`.
//!
//! `cargo bench --bench kernels` prints the peaks first; then "Gelem/s" of a product is GOP/s (a
//! multiplication and an addition are two), to be set beside the integer peak, and "GiB/s" of a product with
//! one row is what it reads of the weights, to be set beside the read bandwidth. `INFILL_BENCH_THREADS` sets
//! the threads (otherwise all cores).
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a bench has nobody to report an error to")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use infill_ls::model::kernels::{
    Activations, AttentionShape, CpuKernel, F16, Format, KvRows, QuantMatrix, WorkerPool, attention_with,
    integer_peak, matmul_with, read_bandwidth,
};

/// The products of the default model: format, outputs, inputs.
const PRODUCTS: [(Format, usize, usize); 5] = [
    (Format::Q5_0, 896, 896),
    (Format::Q5_0, 4864, 896),
    (Format::Q6_K, 896, 4864),
    (Format::Q4_K, 896, 4864),
    (Format::Q8_0, 37984, 896),
];
/// Weights in memory for the products with one row: more than the caches hold.
const COLD_BYTES: usize = 128 << 20;

fn pool() -> WorkerPool {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let asked = std::env::var("INFILL_BENCH_THREADS").ok().and_then(|threads| threads.parse().ok());
    WorkerPool::new(asked.unwrap_or_else(cores))
}

fn kernels() -> impl Iterator<Item = CpuKernel> {
    CpuKernel::available().into_iter().filter(|kernel| *kernel != CpuKernel::Portable)
}

/// A tensor of pseudo-random codes whose scales are small numbers.
fn tensor(format: Format, rows: usize, cols: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let mut bytes: Vec<u8> = (0..rows * format.row_bytes(cols).unwrap()).map(|_| byte()).collect();
    let scale = F16::from_f32(0.01).0.to_le_bytes();
    let places: &[usize] = match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => &[0],
        Format::Q4_K | Format::Q5_K => &[0, 2],
        Format::Q6_K => &[208],
    };
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        for &place in places {
            block[place..place + 2].copy_from_slice(&scale);
        }
    }
    bytes
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect()
}

/// Prints what the machine could do at best.
fn peaks(_: &mut Criterion) {
    let pool = pool();
    eprintln!(
        "{} threads; read bandwidth {:.1} GB/s",
        pool.threads(),
        read_bandwidth(COLD_BYTES, &pool) / 1e9
    );
    for kernel in kernels() {
        let peak = integer_peak(kernel, &pool).unwrap_or_default();
        eprintln!("{kernel}: integer peak {:.0} GOP/s", peak / 1e9);
    }
}

/// Products with many rows, as in prefill: bound by arithmetic.
fn prefill(criterion: &mut Criterion) {
    let pool = pool();
    let mut group = criterion.benchmark_group("prefill");
    for (format, outputs, inputs) in PRODUCTS.into_iter().filter(|(_, outputs, _)| *outputs < 10_000) {
        let bytes = tensor(format, outputs, inputs);
        let weights = QuantMatrix::from_gguf(format, outputs, inputs, &bytes, &pool).unwrap();
        for (kernel, rows) in kernels().flat_map(|kernel| [64, 256].map(|rows| (kernel, rows))) {
            let activations = Activations::new(&numbers(rows * inputs), inputs, &pool).unwrap();
            let mut out = vec![0.0; rows * outputs];
            group.throughput(Throughput::Elements((2 * rows * outputs * inputs) as u64));
            let name = BenchmarkId::new(format!("{kernel}/{format:?} {outputs}x{inputs}"), rows);
            group.bench_function(name, |bencher| {
                bencher.iter(|| matmul_with(kernel, &weights, &activations, None, &mut out, &pool).unwrap());
            });
        }
    }
    group.finish();
}

/// Products with one row, as in decode: bound by memory, so over more weights than the caches hold.
fn decode(criterion: &mut Criterion) {
    let pool = pool();
    let mut group = criterion.benchmark_group("decode");
    for (format, outputs, inputs) in PRODUCTS {
        let bytes = tensor(format, outputs, inputs);
        let copies = COLD_BYTES.div_ceil(bytes.len());
        let repack = |_| QuantMatrix::from_gguf(format, outputs, inputs, &bytes, &pool).unwrap();
        let weights: Vec<QuantMatrix> = (0..copies).map(repack).collect();
        let activations = Activations::new(&numbers(inputs), inputs, &pool).unwrap();
        let mut out = vec![0.0; outputs];
        group.throughput(Throughput::Bytes(weights.iter().map(|matrix| matrix.byte_size() as u64).sum()));
        for kernel in kernels() {
            group.bench_function(format!("{kernel}/{format:?} {outputs}x{inputs}"), |bencher| {
                bencher.iter(|| {
                    for matrix in &weights {
                        matmul_with(kernel, matrix, &activations, None, &mut out, &pool).unwrap();
                    }
                });
            });
        }
    }
    group.finish();
}

/// Attention of one layer; "Gelem/s" is GFLOP/s.
fn attend(criterion: &mut Criterion) {
    let pool = pool();
    let shape = AttentionShape::new(14, 2, 64);
    let mut group = criterion.benchmark_group("attention");
    for (rows, context) in [(1, 1024), (256, 1024), (256, 4096)] {
        let mut cache = KvRows::<F16>::new(shape.kv_heads, shape.head_dim).unwrap();
        let keys = numbers(context * shape.kv_heads * shape.head_dim);
        cache.write(0, &keys, &keys).unwrap();
        let queries = numbers(rows * shape.heads * shape.head_dim);
        let mut out = vec![0.0; queries.len()];
        let pairs = rows * (2 * context - rows + 1) / 2;
        group.throughput(Throughput::Elements((4 * pairs * shape.heads * shape.head_dim) as u64));
        for kernel in kernels() {
            group.bench_function(
                BenchmarkId::new(kernel.name(), format!("{rows} of {context}")),
                |bencher| {
                    let segments = [cache.segment(context).unwrap()];
                    bencher.iter(|| {
                        attention_with(kernel, &queries, &segments, shape, &mut out, &pool).unwrap()
                    });
                },
            );
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    targets = peaks, prefill, decode, attend
}
criterion_main!(benches);

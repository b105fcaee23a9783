//! What this machine could do at best, for setting measurements beside it. Not a benchmark of the kernels:
//! that is `benches/kernels.rs`.

use std::hint::black_box;
use std::time::Instant;

use super::cpu::CpuKernel;
use super::pool::WorkerPool;

/// Runs of a measurement, of which the best counts: anything else that runs on the machine only takes away.
const RUNS: usize = 20;
/// Rounds of the instruction loop in a task, some tens of microseconds.
const ROUNDS: usize = 5_000;
/// Tasks of a run for each thread: so many that a thread that wakes late matters little.
const TASKS: usize = 30;
/// Bytes read by a thread in a piece.
const PIECE: usize = 1 << 20;

/// Eight-bit multiplications and additions a second, in all threads of the pool together, of the multiplying
/// instruction alone with everything in registers. `None` for plain Rust, which has no such instruction.
pub fn integer_peak(kernel: CpuKernel, pool: &WorkerPool) -> Option<f64> {
    integer_peak_of(kernel, RUNS, ROUNDS, pool)
}

fn integer_peak_of(kernel: CpuKernel, runs: usize, rounds: usize, pool: &WorkerPool) -> Option<f64> {
    let operations = multiply(kernel, 1)?;
    let tasks = TASKS * pool.threads();
    let best = best_seconds(runs, || pool.run(tasks, |_| _ = black_box(multiply(kernel, rounds))));
    Some(operations * (rounds * tasks) as f64 / best)
}

/// Bytes a second that all threads of the pool together read from memory, from a buffer of `bytes`, which
/// should be several times the size of the caches.
pub fn read_bandwidth(bytes: usize, pool: &WorkerPool) -> f64 {
    let buffer = vec![1u64; bytes / size_of::<u64>()];
    let pieces: Vec<&[u64]> = buffer.chunks(PIECE / size_of::<u64>()).collect();
    let sum = |piece: &[u64]| piece.iter().fold(0u64, |sum, word| sum.wrapping_add(*word));
    let best = best_seconds(RUNS, || pool.run(pieces.len(), |piece| _ = black_box(sum(pieces[piece]))));
    size_of_val(&buffer[..]) as f64 / best
}

fn best_seconds(runs: usize, run: impl Fn()) -> f64 {
    let seconds = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(seconds).fold(f64::INFINITY, f64::min)
}

/// Runs a loop of the multiplying instruction; the operations of a round.
fn multiply(kernel: CpuKernel, rounds: usize) -> Option<f64> {
    if !kernel.is_available() {
        return None;
    }
    match kernel {
        // SAFETY: the CPU has the instructions, by the question above; so in all arms.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx512Vnni => Some(unsafe { x86::multiply_avx512(rounds) }),
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx2 => Some(unsafe { x86::multiply_avx2(rounds) }),
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        CpuKernel::NeonDotprod => Some(unsafe { super::gemm_neon::multiply(rounds) }),
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// Sums at a time: more than the instruction's latency needs, and no more than there are registers.
    const CHAINS: usize = 12;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) fn multiply_avx512(rounds: usize) -> f64 {
        const REPEATS: usize = 4;
        let mut sums = [_mm512_setzero_si512(); CHAINS];
        for _ in 0..rounds {
            let codes = black_box(_mm512_set1_epi8(3));
            for _ in 0..REPEATS {
                for sum in &mut sums {
                    *sum = _mm512_dpbusd_epi32(*sum, codes, codes);
                }
            }
        }
        black_box(sums);
        (CHAINS * REPEATS * 128) as f64
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn multiply_avx2(rounds: usize) -> f64 {
        let mut sums = [_mm256_setzero_si256(); CHAINS];
        for _ in 0..rounds {
            let codes = black_box(_mm256_set1_epi8(3));
            for (i, sum) in sums.iter_mut().enumerate() {
                let pairs = _mm256_maddubs_epi16(codes, _mm256_set1_epi8(i as i8));
                *sum = _mm256_add_epi16(*sum, pairs);
            }
        }
        black_box(sums);
        (CHAINS * 64) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::{integer_peak_of, read_bandwidth};
    use crate::model::kernels::{CpuKernel, WorkerPool};

    #[test]
    fn peaks_are_there_for_every_kernel_with_an_instruction_of_its_own() {
        let pool = WorkerPool::new(1);
        assert_eq!(integer_peak_of(CpuKernel::Portable, 1, 1, &pool), None);
        for kernel in CpuKernel::available().into_iter().filter(|kernel| *kernel != CpuKernel::Portable) {
            assert!(integer_peak_of(kernel, 2, 50, &pool).is_some_and(|peak| peak > 1e6 && peak.is_finite()));
        }
        assert!(read_bandwidth(1 << 20, &pool) > 1e6);
    }
}

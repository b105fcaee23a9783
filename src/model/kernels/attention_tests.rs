//! Tests of attention: against the plain formula, and that neither segments nor chunks nor threads show in
//! the bits. Not compiled into the program.
#![allow(clippy::unwrap_used)]

use super::reference::Numbers;
use super::{
    AttentionShape, CpuKernel, F16, KernelError, KvElement, KvRows, WorkerPool, attention, attention_with,
};

const SHAPE: AttentionShape =
    AttentionShape { heads: 6, kv_heads: 2, head_dim: 32, scale: 0.176_776_7, soft_cap: None, window: None };
const WIDTH: usize = SHAPE.kv_heads * SHAPE.head_dim;
const QUERY: usize = SHAPE.heads * SHAPE.head_dim;

/// Queries, keys and values of a sequence.
struct Sequence {
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    shape: AttentionShape,
}

impl Sequence {
    fn new(positions: usize) -> Self {
        let mut numbers = Numbers::new(positions as u64);
        let mut large = |count| numbers.floats(count).iter().map(|x| 3.0 * x).collect();
        Self {
            queries: large(positions * QUERY),
            keys: large(positions * WIDTH),
            values: large(positions * WIDTH),
            shape: SHAPE,
        }
    }

    fn positions(&self) -> usize {
        self.keys.len() / WIDTH
    }

    /// The cache of a range of positions.
    fn cache<T: KvElement>(&self, range: std::ops::Range<usize>) -> KvRows<T> {
        let mut cache = KvRows::new(SHAPE.kv_heads, SHAPE.head_dim).unwrap();
        let range = range.start * WIDTH..range.end * WIDTH;
        cache.write(0, &self.keys[range.clone()], &self.values[range]).unwrap();
        cache
    }

    /// Attention of positions `first..end`, with the cache cut at `borders`.
    fn attend<T: KvElement>(
        &self,
        kernel: CpuKernel,
        first: usize,
        end: usize,
        borders: &[usize],
        threads: usize,
    ) -> Vec<f32> {
        let ends = borders.iter().copied().chain([end]);
        let starts = [0].into_iter().chain(borders.iter().copied());
        let caches: Vec<(KvRows<T>, usize)> =
            starts.zip(ends).map(|(s, e)| (self.cache(s..e), e - s)).collect();
        let segments: Vec<_> = caches.iter().map(|(cache, len)| cache.segment(*len).unwrap()).collect();
        let mut out = vec![f32::NAN; (end - first) * QUERY];
        let queries = &self.queries[first * QUERY..end * QUERY];
        attention_with(kernel, queries, &segments, self.shape, &mut out, &WorkerPool::new(threads)).unwrap();
        out
    }

    /// The plain formula, in double precision.
    fn expected(&self, position: usize, head: usize) -> Vec<f64> {
        let kv = head / (SHAPE.heads / SHAPE.kv_heads) * SHAPE.head_dim;
        let query = &self.queries[position * QUERY + head * SHAPE.head_dim..][..SHAPE.head_dim];
        let row = |rows: &[f32], at: usize| rows[at * WIDTH + kv..][..SHAPE.head_dim].to_vec();
        let score = |at: usize| -> f64 {
            let products = query.iter().zip(row(&self.keys, at)).map(|(q, k)| f64::from(*q) * f64::from(k));
            let score = products.sum::<f64>() * f64::from(self.shape.scale);
            self.shape.soft_cap.map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh())
        };
        let unseen = self.shape.window.map_or(0, |window| (position + 1).saturating_sub(window));
        let scores: Vec<f64> = (unseen..=position).map(score).collect();
        let largest = scores.iter().fold(f64::MIN, |a, &b| a.max(b));
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut out = vec![0.0; SHAPE.head_dim];
        for (at, weight) in (unseen..).zip(&weights) {
            out.iter_mut()
                .zip(row(&self.values, at))
                .for_each(|(out, v)| *out += weight / total * f64::from(v));
        }
        out
    }
}

#[track_caller]
fn assert_close(sequence: &Sequence, out: &[f32], tolerance: f64, what: &str) {
    for position in 0..sequence.positions() {
        for head in 0..SHAPE.heads {
            let out = &out[position * QUERY + head * SHAPE.head_dim..];
            for (actual, expected) in out.iter().zip(sequence.expected(position, head)) {
                let error = (f64::from(*actual) - expected).abs();
                assert!(
                    error < tolerance,
                    "{what}: position {position}, head {head}: {actual} for {expected}"
                );
            }
        }
    }
}

#[test]
fn attention_is_the_softmax_of_the_scores_times_the_values() {
    for positions in [1, 2, 15, 16, 17, 50] {
        let sequence = Sequence::new(positions);
        for kernel in CpuKernel::available() {
            let out = sequence.attend::<f32>(kernel, 0, positions, &[], 2);
            assert_close(&sequence, &out, 2e-5, &format!("{kernel}, f32"));
            let out = sequence.attend::<F16>(kernel, 0, positions, &[], 2);
            assert_close(&sequence, &out, 2e-2, &format!("{kernel}, f16"));
        }
    }
}

#[test]
fn bounded_scores_and_windows_are_the_plain_formula() {
    for window in [None, Some(1), Some(5), Some(16), Some(29), Some(400)] {
        let mut sequence = Sequence::new(70);
        sequence.shape = AttentionShape { scale: 0.3, soft_cap: Some(4.0), window, ..SHAPE };
        for kernel in CpuKernel::available() {
            let out = sequence.attend::<f32>(kernel, 0, 70, &[3, 40], 2);
            assert_close(&sequence, &out, 2e-5, &format!("{kernel}, window {window:?}"));
        }
    }
}

#[test]
fn segments_chunks_and_threads_do_not_change_the_bits() {
    let mut sequence = Sequence::new(53);
    check_bits(&sequence);
    sequence.shape = AttentionShape { soft_cap: Some(3.0), window: Some(11), ..SHAPE };
    check_bits(&sequence);
}

#[track_caller]
fn check_bits(sequence: &Sequence) {
    for kernel in CpuKernel::available() {
        let whole = sequence.attend::<F16>(kernel, 0, 53, &[], 1);
        for borders in [vec![0], vec![1], vec![16], vec![40], vec![5, 37], vec![32, 32], vec![7, 8], vec![53]]
        {
            assert!(whole == sequence.attend::<F16>(kernel, 0, 53, &borders, 3), "{kernel}: {borders:?}");
        }
        for chunk in [1, 7, 16, 50] {
            for first in (0..53).step_by(chunk) {
                let end = 53.min(first + chunk);
                let part = sequence.attend::<F16>(kernel, first, end, &[first], 2);
                assert!(part == whole[first * QUERY..end * QUERY], "{kernel}: chunk {first}..{end}");
            }
        }
    }
}

#[test]
fn kernels_with_fused_arithmetic_agree() {
    let sequence = Sequence::new(40);
    let fused = CpuKernel::available().into_iter().filter(|kernel| *kernel != CpuKernel::Portable);
    let outs: Vec<_> = fused.map(|kernel| sequence.attend::<F16>(kernel, 0, 40, &[9], 1)).collect();
    assert!(outs.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn rows_written_over_and_copied_are_as_if_written_once() {
    let sequence = Sequence::new(40);
    let pool = WorkerPool::new(1);
    let cut = sequence.cache::<F16>(0..40);
    let mut rolled = cut.clone();
    rolled.write(20, &vec![9.0; 20 * WIDTH], &vec![f32::INFINITY; 20 * WIDTH]).unwrap();
    rolled
        .write(20, &sequence.keys[20 * WIDTH..33 * WIDTH], &sequence.values[20 * WIDTH..33 * WIDTH])
        .unwrap();
    let mut copied = KvRows::new(SHAPE.kv_heads, SHAPE.head_dim).unwrap();
    copied.copy_rows(&cut, 3..33, 3).unwrap();
    copied.copy_rows(&cut, 0..3, 0).unwrap();
    let attend = |cache: &KvRows<F16>| {
        let mut out = vec![0.0; QUERY];
        let query = &sequence.queries[32 * QUERY..33 * QUERY];
        attention(query, &[cache.segment(33).unwrap()], SHAPE, &mut out, &pool).unwrap();
        out
    };
    let expected = attend(&cut);
    assert_eq!(attend(&rolled), expected);
    assert_eq!(attend(&copied), expected);
    copied.shrink(16);
    assert_eq!(copied.capacity(), 16);
}

#[test]
fn one_score_far_above_all_others_takes_all_the_weight() {
    let mut sequence = Sequence::new(20);
    sequence.queries.fill(100.0);
    sequence.keys[7 * WIDTH..8 * WIDTH].fill(100.0);
    for kernel in CpuKernel::available() {
        let out = sequence.attend::<f32>(kernel, 19, 20, &[4], 1);
        assert_eq!(out[..SHAPE.head_dim], sequence.values[7 * WIDTH..][..SHAPE.head_dim], "{kernel}");
    }
}

#[test]
fn wrong_shapes_are_errors() {
    let pool = WorkerPool::new(1);
    assert!(KvRows::<F16>::new(2, 20).is_err() && KvRows::<F16>::new(0, 32).is_err());
    let cache = Sequence::new(3).cache::<F16>(0..3);
    assert!(cache.segment(17).is_err());
    let segment = cache.segment(3).unwrap();
    let mut out = vec![0.0; 4 * QUERY];
    let mut attend =
        |queries: usize, shape| attention(&vec![0.0; queries], &[segment], shape, &mut out[..queries], &pool);
    assert!(matches!(attend(4 * QUERY, SHAPE), Err(KernelError::Length { .. })));
    assert!(matches!(attend(QUERY + 1, SHAPE), Err(KernelError::Length { .. })));
    assert!(matches!(attend(QUERY, AttentionShape { heads: 5, ..SHAPE }), Err(KernelError::Size { .. })));
    assert!(matches!(
        attend(QUERY / 2, AttentionShape { head_dim: 16, ..SHAPE }),
        Err(KernelError::Size { .. })
    ));
    assert_eq!(attend(0, SHAPE), Ok(()));
}

//! The CPU kernels: quantised matrix products, attention and row-wise operations on plain `f32` slices.
//!
//! What it is about: everything that runs once per token and per weight, written for the instruction sets
//! that [`CpuKernel`] names and chosen at run time, so that one binary built for the baseline CPU serves
//! every machine. What it is not: it knows no tensors, no model architecture and no file format beyond the
//! bytes of one quantised tensor.
//!
//! # Batch invariance
//!
//! A row's result is the same bit for bit whatever the number of rows computed with it, the number of
//! threads, the tiling and the borders of the cache segments. Matrix products are exact in integers within a
//! block of 32 inputs, and the blocks are added in `f32` in input order with separate multiplications and
//! additions, never fused; so the matrix products also agree between instruction sets. Attention and the
//! row-wise operations sum in one order fixed by the absolute position; they agree between all instruction
//! sets with fused multiply-add, and differ from those only on [`CpuKernel::Portable`], where a fused
//! multiply-add in software would be too slow to be of use.
//!
//! # Where things are
//!
//! | file | |
//! |---|---|
//! | `cpu` | which instruction sets there are |
//! | `format`, `float16` | the bytes of a quantised tensor in a GGUF file |
//! | `layout`, `repack` | [`QuantMatrix`]: the same bits, interleaved for the kernels |
//! | `activations` | [`Activations`]: rows of `f32` in eight bits |
//! | `matmul` | tiles, tasks and threads of a product |
//! | `gemm_*` | its inner loops, one file for each instruction set |
//! | `dense` | products with weights that are floats, not quantised |
//! | `simd*` | sixteen floats at a time, for what follows |
//! | `attention`, `kv` | attention over segments of cached keys and values |
//! | `rowwise`, `rotary` | norms, activation functions, sums; rotary embedding |
//! | `memory` | memory for the weights, in huge pages, and back to the system |
//! | `pool` | [`WorkerPool`]: the threads |
//! | `peak` | what the machine could do at best, for measurements |

mod activations;
mod attention;
#[cfg(test)]
mod attention_tests;
mod cpu;
mod dense;
mod error;
mod float16;
mod format;
#[cfg(target_arch = "x86_64")]
mod gemm_avx2;
#[cfg(target_arch = "x86_64")]
mod gemm_avx512;
#[cfg(target_arch = "aarch64")]
mod gemm_neon;
mod gemm_portable;
#[cfg(target_arch = "x86_64")]
mod gemm_x86;
mod kv;
mod layout;
mod matmul;
mod memory;
mod peak;
mod pool;
#[cfg(test)]
mod product_tests;
#[cfg(test)]
mod reference;
mod repack;
mod rotary;
mod rowwise;
#[cfg(test)]
mod rowwise_tests;
mod simd;
#[cfg(target_arch = "aarch64")]
mod simd_neon;
#[cfg(target_arch = "x86_64")]
mod simd_x86;

pub use activations::Activations;
pub use attention::{AttentionShape, attention, attention_with};
pub use cpu::CpuKernel;
pub use dense::{DenseMatrix, DenseType, dense_matmul};
pub use error::KernelError;
pub use float16::F16;
pub use format::{Format, dequantize_row};
pub use kv::{KvElement, KvRows, KvSegment};
pub use layout::QuantMatrix;
pub use matmul::{Product, matmul, matmul_all, matmul_with};
pub use memory::give_back;
pub use peak::{integer_peak, read_bandwidth};
pub use pool::{WorkerPool, in_background};
pub use rotary::{RotaryAngles, RotaryStyle, rope, rotary_frequencies};
pub use rowwise::{add, gelu, gelu_mul, layer_norm, rms_norm, silu_mul, softmax};

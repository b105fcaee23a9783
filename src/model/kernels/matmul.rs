//! Products of a quantised matrix with rows of activations: tiles, tasks and threads. Not the inner loops:
//! these are in `gemm_*`, one file for each instruction set.
//!
//! A tile is one panel of sixteen outputs times up to twelve rows. With more rows than that, the panel's
//! codes are first widened to a byte each, into memory that stays in the second-level cache, and all tiles of
//! the panel use them; with fewer, the packed bytes are read once, in order, and widened in registers. Both
//! ways do the same arithmetic in the same order.

use std::cell::RefCell;

use super::activations::{Activations, GROUP, Record};
use super::cpu::CpuKernel;
use super::error::{KernelError, expect_len};
use super::format::Format;
use super::layout::{PANEL, Panel, QuantMatrix, UNPACKED_BLOCK};
use super::pool::{Shared, WorkerPool};

/// Groups of rows in a tile.
const TILE_GROUPS: usize = 3;
/// Rows in a tile, at most.
pub(super) const TILE_ROWS: usize = TILE_GROUPS * GROUP;
/// Bytes of activations that a task goes over for each panel; they stay in the second-level cache beside the
/// panel.
const ROW_CHUNK_BYTES: usize = 384 << 10;
/// Bytes of panels in a task with few rows, at most. Such a product reads memory as fast as it can, and every
/// new place in memory costs a start: with two threads, 128 KiB reach 26 GB/s where 1 MiB reaches 34.
const FEW_ROWS_TASK_BYTES: usize = 1024 << 10;
/// Tasks for each thread in a product of many rows.
const TASKS_PER_THREAD: usize = 4;

/// The sums of a tile, one array of sixteen outputs for each row.
pub(super) type Sums = [[f32; PANEL]; TILE_ROWS];

/// The rows of a tile.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    /// Groups of four; where there are fewer, the last is repeated.
    pub(super) groups: [&'a [Record]; TILE_GROUPS],
    /// Rows that count, 1 to [`TILE_ROWS`].
    pub(super) count: usize,
}

impl<'a> Rows<'a> {
    fn new(activations: &'a Activations, first_group: usize, end_group: usize) -> Self {
        let last = end_group.min(first_group + TILE_GROUPS) - 1;
        let groups = std::array::from_fn(|i| activations.group(last.min(first_group + i)));
        let count = activations.rows().min((last + 1) * GROUP) - first_group * GROUP;
        Self { groups, count }
    }
}

/// `out[row][output] = sum of weights[output] * activations[row] + bias[output]`, with the best kernel of
/// this machine.
///
/// `out` has `activations.rows() * weights.rows()` numbers, row after row.
pub fn matmul(
    weights: &QuantMatrix,
    activations: &Activations,
    bias: Option<&[f32]>,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    matmul_with(CpuKernel::best(), weights, activations, bias, out, pool)
}

/// [`matmul`] with a kernel of one's choice, for tests and measurements.
pub fn matmul_with(
    kernel: CpuKernel,
    weights: &QuantMatrix,
    activations: &Activations,
    bias: Option<&[f32]>,
    out: &mut [f32],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    matmul_all_with(kernel, activations, [Product { weights, bias, out }], pool)
}

/// One of several products with the same activations; what [`matmul`] takes.
pub struct Product<'a> {
    pub weights: &'a QuantMatrix,
    pub bias: Option<&'a [f32]>,
    pub out: &'a mut [f32],
}

/// Several products with the same activations at once: the same results as one after the other, with less
/// waiting of threads for each other, which shows when there is one row.
pub fn matmul_all<const N: usize>(
    activations: &Activations,
    products: [Product<'_>; N],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    matmul_all_with(CpuKernel::best(), activations, products, pool)
}

fn matmul_all_with<const N: usize>(
    kernel: CpuKernel,
    activations: &Activations,
    products: [Product<'_>; N],
    pool: &WorkerPool,
) -> Result<(), KernelError> {
    if !kernel.is_available() {
        return Err(KernelError::Unavailable { kernel: kernel.name() });
    }
    for Product { weights, bias, out } in &products {
        expect_len("the activations' row", activations.cols(), weights.cols())?;
        expect_len("the product", out.len(), activations.rows() * weights.rows())?;
        if let Some(bias) = bias {
            expect_len("the bias", bias.len(), weights.rows())?;
        }
    }
    let jobs = products.map(|Product { weights, bias, out }| {
        let plan = Plan::new(weights, activations, pool.threads());
        Job { kernel, weights, activations, bias, out: Shared::new(out), plan }
    });
    pool.run(jobs.iter().map(Job::tasks).sum(), |task| {
        let mut task = task;
        for job in &jobs {
            if task < job.tasks() {
                return job.task(task);
            }
            task -= job.tasks();
        }
    });
    Ok(())
}

/// How a product is cut into tasks.
struct Plan {
    groups_per_task: usize,
    panels_per_task: usize,
    row_chunks: usize,
    panel_chunks: usize,
}

impl Plan {
    fn new(weights: &QuantMatrix, activations: &Activations, threads: usize) -> Self {
        let groups = activations.groups();
        let group_bytes = activations.blocks() * size_of::<Record>();
        let tiles = (ROW_CHUNK_BYTES / group_bytes / TILE_GROUPS).max(2);
        let row_chunks = groups.div_ceil(tiles * TILE_GROUPS);
        // Chunks of about the same size, each of whole tiles but for the last.
        let groups_per_task = groups.div_ceil(row_chunks.max(1)).next_multiple_of(TILE_GROUPS);
        let row_chunks = groups.div_ceil(groups_per_task.max(1));
        let panels = weights.panels();
        let panels_per_task = if groups <= TILE_GROUPS {
            (FEW_ROWS_TASK_BYTES / weights.panel_bytes()).clamp(1, panels.div_ceil(threads))
        } else {
            panels.div_ceil((TASKS_PER_THREAD * threads).div_ceil(row_chunks))
        };
        Self { groups_per_task, panels_per_task, row_chunks, panel_chunks: panels.div_ceil(panels_per_task) }
    }
}

struct Job<'a> {
    kernel: CpuKernel,
    weights: &'a QuantMatrix,
    activations: &'a Activations,
    bias: Option<&'a [f32]>,
    out: Shared<'a, f32>,
    plan: Plan,
}

thread_local! {
    /// The widened codes of a panel; a thread keeps them from product to product.
    static UNPACKED: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "only its place and alignment count")] [u8; 64]);

impl Job<'_> {
    fn tasks(&self) -> usize {
        self.plan.row_chunks * self.plan.panel_chunks
    }

    fn task(&self, task: usize) {
        let plan = &self.plan;
        let first_panel = task / plan.row_chunks * plan.panels_per_task;
        let end_panel = self.weights.panels().min(first_panel + plan.panels_per_task);
        let first_group = task % plan.row_chunks * plan.groups_per_task;
        let end_group = self.activations.groups().min(first_group + plan.groups_per_task);
        // AVX2 and NEON widen the codes anew for each group, so there it pays sooner.
        let few_groups = if self.kernel == CpuKernel::Avx512Vnni { TILE_GROUPS } else { 2 };
        let few = end_group - first_group <= few_groups;
        if few || self.weights.format() == Format::Q8_0 {
            for panel in first_panel..end_panel {
                self.panel(panel, None, first_group, end_group);
            }
            return;
        }
        UNPACKED.with_borrow_mut(|lines| {
            let needed = self.weights.blocks() * UNPACKED_BLOCK / size_of::<Line>();
            if lines.len() < needed {
                lines.resize(needed, Line([0; 64]));
            }
            let unpacked = lines[..needed].as_flattened_bytes_mut();
            for panel in first_panel..end_panel {
                unpack(self.kernel, &self.weights.panel(panel), unpacked);
                self.panel(panel, Some(unpacked), first_group, end_group);
            }
        });
    }

    /// All tiles of a panel with the rows of a task.
    fn panel(&self, index: usize, unpacked: Option<&[u8]>, first_group: usize, end_group: usize) {
        let panel = self.weights.panel(index);
        let mut sums = [[0f32; PANEL]; TILE_ROWS];
        for group in (first_group..end_group).step_by(TILE_GROUPS) {
            let rows = Rows::new(self.activations, group, end_group);
            tile(self.kernel, &panel, unpacked, &rows, &mut sums);
            for (lane, sums) in sums[..rows.count].iter().enumerate() {
                self.store(index, group * GROUP + lane, sums);
            }
        }
    }

    /// Writes sixteen outputs of a row, or as many as there are.
    fn store(&self, panel: usize, row: usize, sums: &[f32; PANEL]) {
        let first = panel * PANEL;
        let count = PANEL.min(self.weights.rows() - first);
        // SAFETY: no other task has this panel with this row.
        let out = unsafe { self.out.slice(row * self.weights.rows() + first, count) };
        match self.bias {
            None => out.copy_from_slice(&sums[..count]),
            Some(bias) => {
                for ((out, sum), bias) in out.iter_mut().zip(sums).zip(&bias[first..]) {
                    *out = sum + bias;
                }
            }
        }
    }
}

trait FlattenedBytes {
    fn as_flattened_bytes_mut(&mut self) -> &mut [u8];
}

impl FlattenedBytes for [Line] {
    fn as_flattened_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: a `Line` is 64 bytes with no padding and no invalid value.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), size_of_val(self)) }
    }
}

/// Widens the codes of a panel to a byte each.
fn unpack(kernel: CpuKernel, panel: &Panel<'_>, unpacked: &mut [u8]) {
    match kernel {
        // SAFETY: `matmul_with` has asked whether the instructions are there; so in all arms here and in
        // `tile`.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx2 => unsafe { super::gemm_avx2::unpack(panel, unpacked) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx512Vnni => unsafe { super::gemm_avx512::unpack(panel, unpacked) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        CpuKernel::NeonDotprod => unsafe { super::gemm_neon::unpack(panel, unpacked) },
        _ => super::gemm_portable::unpack(panel, unpacked),
    }
}

/// The sums of a tile.
fn tile(kernel: CpuKernel, panel: &Panel<'_>, unpacked: Option<&[u8]>, rows: &Rows<'_>, sums: &mut Sums) {
    match kernel {
        // SAFETY: as in `unpack`.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx2 => unsafe { super::gemm_avx2::tile(panel, unpacked, rows, sums) },
        // SAFETY: as in `unpack`.
        #[cfg(target_arch = "x86_64")]
        CpuKernel::Avx512Vnni => unsafe { super::gemm_avx512::tile(panel, unpacked, rows, sums) },
        // SAFETY: as in `unpack`.
        #[cfg(target_arch = "aarch64")]
        CpuKernel::NeonDotprod => unsafe { super::gemm_neon::tile(panel, unpacked, rows, sums) },
        _ => super::gemm_portable::tile(panel, unpacked, rows, sums),
    }
}

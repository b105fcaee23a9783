//! The layout that the kernels compute on, and the matrix that holds it. Not about how it is filled: that is
//! `repack`.
//!
//! A matrix is cut into *panels* of sixteen outputs (rows of the tensor). A panel stores its inputs in blocks
//! of 32, and a block in eight *units* of four inputs by sixteen outputs: byte `4 * output + input` of the
//! 64, so that one 512-bit register, two of 256 or four of 128 bits hold a unit, and an eight-bit dot-product
//! instruction adds up four inputs for every output. Codes are stored unsigned and no wider than in the file:
//!
//! - four vectors of 64 bytes, the low nibbles for units 0 to 3, the high ones for units 4 to 7;
//! - with five bits: one vector more, whose bit `u` belongs to unit `u`;
//! - with six bits: two vectors more, whose bit pair `u` belongs to unit `u`, and to unit `u + 4`;
//! - with eight bits: eight vectors, one for each unit.
//!
//! Behind the codes of each block stand its scales (32 bytes: sixteen half floats, or the sixteen small
//! integers of each of the two kinds that the K formats have), and before the eight blocks of a super-block
//! the half floats that they share. So a product with one row reads memory in one stream, which the
//! processor's prediction needs: scales in a place of their own cost a third of the speed. Interleaving
//! outputs instead of inputs means that no kernel ever adds across a register.

use std::ops::Range;

use super::error::{KernelError, expect_len};
use super::format::{BLOCK, Format, SUPER};
use super::memory::Zeroed;
use super::pool::WorkerPool;
use super::repack;

/// Outputs in a panel.
pub(super) const PANEL: usize = 16;
/// Bytes of a unit: four inputs of each output of a panel.
pub(super) const UNIT: usize = 4 * PANEL;
/// Units of a block.
pub(super) const UNITS: usize = BLOCK / 4;
/// Bytes of a block once its codes are a byte each.
pub(super) const UNPACKED_BLOCK: usize = UNIT * UNITS;
/// Bytes of scales of a block.
pub(super) const BLOCK_SCALES: usize = 2 * PANEL;
/// Panels begin at multiples of a cache line.
const LINE: usize = 64;

/// Where things are in a panel of a matrix, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct PanelLayout {
    pub(super) format: Format,
    pub(super) blocks: usize,
    bytes: usize,
}

impl PanelLayout {
    fn new(format: Format, cols: usize) -> Self {
        let blocks = cols / BLOCK;
        let bytes = blocks * record_bytes(format) + blocks / SUPER * super_scales(format);
        Self { format, blocks, bytes: bytes.next_multiple_of(LINE) }
    }
}

/// Bytes of the codes of a block in a panel.
pub(super) const fn packed_block(format: Format) -> usize {
    format.bits() * PANEL * BLOCK / 8
}

/// Bytes of a block in a panel: codes, then scales.
pub(super) const fn record_bytes(format: Format) -> usize {
    packed_block(format) + BLOCK_SCALES
}

/// Bytes of the scales of a super-block in a panel.
pub(super) const fn super_scales(format: Format) -> usize {
    match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => 0,
        Format::Q4_K | Format::Q5_K => 4 * PANEL,
        Format::Q6_K => 2 * PANEL,
    }
}

/// Where the scales of the super-block of block `index` are in a panel.
#[inline(always)]
pub(super) fn supers_range(format: Format, index: usize) -> Range<usize> {
    let start = index / SUPER * (SUPER * record_bytes(format) + super_scales(format));
    start..start + super_scales(format)
}

/// Where block `index` is in a panel.
#[inline(always)]
pub(super) fn record_range(format: Format, index: usize) -> Range<usize> {
    let start = index * record_bytes(format) + (index / SUPER + 1) * super_scales(format);
    start..start + record_bytes(format)
}

/// Sixteen outputs of a matrix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) format: Format,
    pub(super) blocks: usize,
    bytes: &'a [u8],
}

impl<'a> Panel<'a> {
    /// Codes and scales of a block.
    #[inline(always)]
    pub(super) fn record(&self, index: usize) -> &'a [u8] {
        &self.bytes[record_range(self.format, index)]
    }

    /// The scales that a block shares with the others of its super-block; empty in formats that have none.
    #[inline(always)]
    pub(super) fn supers(&self, index: usize) -> &'a [u8] {
        &self.bytes[supers_range(self.format, index)]
    }
}

/// A quantised weight matrix, `rows` outputs by `cols` inputs, ready to be multiplied with.
///
/// It takes as many bytes as in the file (`Q4_K` and `Q5_K`: an eighth of a bit more for each weight) and is
/// made once, from the file's bytes, which are not kept.
pub struct QuantMatrix {
    rows: usize,
    cols: usize,
    layout: PanelLayout,
    /// A page begins with the first panel, and so each stands on a cache line.
    bytes: Zeroed,
}

impl QuantMatrix {
    /// Repacks a tensor of `rows` rows (outputs) of `cols` numbers (inputs) each from the bytes of a GGUF
    /// file.
    pub fn from_gguf(
        format: Format,
        rows: usize,
        cols: usize,
        bytes: &[u8],
        pool: &WorkerPool,
    ) -> Result<Self, KernelError> {
        let row_bytes = format.row_bytes(cols)?;
        if rows == 0 {
            return Err(KernelError::Size { what: "the number of rows" });
        }
        let expected = rows.checked_mul(row_bytes).ok_or(KernelError::Size { what: "the number of rows" })?;
        expect_len("a tensor's bytes", bytes.len(), expected)?;
        let layout = PanelLayout::new(format, cols);
        let panels = rows.div_ceil(PANEL);
        let size =
            panels.checked_mul(layout.bytes).ok_or(KernelError::Size { what: "the number of rows" })?;
        let mut packed = Zeroed::new(size)?;
        repack::fill(&layout, &mut packed, layout.bytes, bytes, row_bytes, pool);
        Ok(Self { rows, cols, layout, bytes: packed })
    }

    /// Outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The format that it was made from.
    pub fn format(&self) -> Format {
        self.layout.format
    }

    /// Bytes in memory, and what a product with one row reads.
    pub fn byte_size(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn panels(&self) -> usize {
        self.rows.div_ceil(PANEL)
    }

    pub(super) fn blocks(&self) -> usize {
        self.layout.blocks
    }

    pub(super) fn panel_bytes(&self) -> usize {
        self.layout.bytes
    }

    pub(super) fn panel(&self, index: usize) -> Panel<'_> {
        let PanelLayout { format, blocks, bytes } = self.layout;
        Panel { format, blocks, bytes: &self.bytes[index * bytes..][..bytes] }
    }
}

impl std::fmt::Debug for QuantMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QuantMatrix({:?}, {} x {})", self.layout.format, self.rows, self.cols)
    }
}

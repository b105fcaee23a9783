//! The quantised formats of GGUF files: sizes, and how the bytes of a block become numbers.
//! Not about the layout that the kernels compute on: that is `layout`.

use super::error::{KernelError, expect_len};
use super::float16::F16;

/// Inputs that share a scale in every format, and the step of all kernels.
pub(super) const BLOCK: usize = 32;
/// Blocks of 32 in a super-block of the K formats.
pub(super) const SUPER: usize = 8;

/// A quantised tensor format that the kernels can multiply with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types, reason = "the names that the field uses")]
pub enum Format {
    Q4_0,
    Q5_0,
    Q8_0,
    Q4_K,
    Q5_K,
    Q6_K,
}

/// The scales of a block of 32 numbers: how its codes become numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scales {
    /// `scale * (code - offset)`.
    Simple { scale: F16 },
    /// `scale * step * code - min * min_step`.
    WithMin { scale: F16, min: F16, step: u8, min_step: u8 },
    /// `scale * steps[half] * (code - offset)`.
    Halves { scale: F16, steps: [i8; 2] },
}

/// Thirty-two codes, all of them unsigned, with their scales.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Block {
    pub(super) codes: [u8; BLOCK],
    pub(super) scales: Scales,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [Self::Q4_0, Self::Q5_0, Self::Q8_0, Self::Q4_K, Self::Q5_K, Self::Q6_K];

    /// Numbers in a block of the file: columns are a multiple of it.
    pub fn block_len(self) -> usize {
        match self {
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 => BLOCK,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => BLOCK * SUPER,
        }
    }

    /// Bytes of a block of the file.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Q4_0 => 18,
            Self::Q5_0 => 22,
            Self::Q8_0 => 34,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
        }
    }

    /// Bytes of a row of `cols` numbers in the file.
    pub fn row_bytes(self, cols: usize) -> Result<usize, KernelError> {
        if cols == 0 {
            return Err(KernelError::Size { what: "the number of columns" });
        }
        if !cols.is_multiple_of(self.block_len()) {
            return Err(KernelError::Columns { cols, block: self.block_len() });
        }
        (cols / self.block_len())
            .checked_mul(self.block_bytes())
            .ok_or(KernelError::Size { what: "the number of columns" })
    }

    /// Bits of a code.
    pub(super) const fn bits(self) -> usize {
        match self {
            Self::Q4_0 | Self::Q4_K => 4,
            Self::Q5_0 | Self::Q5_K => 5,
            Self::Q6_K => 6,
            Self::Q8_0 => 8,
        }
    }

    /// What is taken from a code before it is scaled, as a power of two; `None` where a minimum does that.
    pub(super) const fn offset_shift(self) -> Option<u32> {
        match self {
            Self::Q4_0 => Some(3),
            Self::Q5_0 => Some(4),
            Self::Q6_K => Some(5),
            Self::Q8_0 => Some(7),
            Self::Q4_K | Self::Q5_K => None,
        }
    }

    /// Block number `index` (of 32 numbers) of a row in the file.
    #[inline]
    pub(super) fn block(self, row: &[u8], index: usize) -> Block {
        let (at, sub) = if self.block_len() == BLOCK { (index, 0) } else { (index / SUPER, index % SUPER) };
        let bytes = &row[at * self.block_bytes()..][..self.block_bytes()];
        match self {
            Self::Q4_0 => simple(bytes, |q, i| nibble(&q[2..], i)),
            Self::Q5_0 => simple(bytes, |q, i| nibble(&q[6..], i) | (((q[2 + i / 8] >> (i % 8)) & 1) << 4)),
            Self::Q8_0 => simple(bytes, |q, i| q[2 + i] ^ 0x80),
            Self::Q4_K => with_min(bytes, sub, |i| k_nibble(&bytes[16..], sub, i)),
            Self::Q5_K => {
                let high = &bytes[16..48];
                with_min(bytes, sub, |i| k_nibble(&bytes[48..], sub, i) | (((high[i] >> sub) & 1) << 4))
            }
            Self::Q6_K => halves(bytes, sub),
        }
    }
}

fn scale_at(bytes: &[u8], at: usize) -> F16 {
    F16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Element `i` of a block whose low nibbles are the first sixteen elements.
#[inline]
fn nibble(bytes: &[u8], i: usize) -> u8 {
    (bytes[i % 16] >> (4 * (i / 16))) & 15
}

/// Element `i` of sub-block `sub`: two neighbouring sub-blocks share 32 bytes, one nibble each.
#[inline]
fn k_nibble(bytes: &[u8], sub: usize, i: usize) -> u8 {
    (bytes[32 * (sub / 2) + i] >> (4 * (sub % 2))) & 15
}

#[inline]
fn simple(bytes: &[u8], code: impl Fn(&[u8], usize) -> u8) -> Block {
    Block {
        codes: std::array::from_fn(|i| code(bytes, i)),
        scales: Scales::Simple { scale: scale_at(bytes, 0) },
    }
}

#[inline]
fn with_min(bytes: &[u8], sub: usize, code: impl Fn(usize) -> u8) -> Block {
    let (step, min_step) = packed_steps(&bytes[4..16], sub);
    let (scale, min) = (scale_at(bytes, 0), scale_at(bytes, 2));
    Block { codes: std::array::from_fn(code), scales: Scales::WithMin { scale, min, step, min_step } }
}

/// The six-bit step and minimum of a sub-block of `Q4_K` and `Q5_K`.
#[inline]
fn packed_steps(packed: &[u8], sub: usize) -> (u8, u8) {
    if sub < 4 {
        (packed[sub] & 63, packed[sub + 4] & 63)
    } else {
        let step = (packed[sub + 4] & 15) | ((packed[sub - 4] >> 6) << 4);
        (step, (packed[sub + 4] >> 4) | ((packed[sub] >> 6) << 4))
    }
}

#[inline]
fn halves(bytes: &[u8], sub: usize) -> Block {
    let (outer, inner) = (sub / 4, sub % 4);
    let low = &bytes[64 * outer + 32 * (inner % 2)..][..BLOCK];
    let high = &bytes[128 + 32 * outer..][..BLOCK];
    let codes =
        std::array::from_fn(|i| ((low[i] >> (4 * (inner / 2))) & 15) | (((high[i] >> (2 * inner)) & 3) << 4));
    let steps = [bytes[192 + 2 * sub] as i8, bytes[193 + 2 * sub] as i8];
    Block { codes, scales: Scales::Halves { scale: scale_at(bytes, 208), steps } }
}

/// Writes the numbers of one row of a tensor, given by the file's bytes of that row, as `f32`.
///
/// For token embeddings: one row is looked up, so that matrix is never repacked for it.
pub fn dequantize_row(format: Format, row: &[u8], out: &mut [f32]) -> Result<(), KernelError> {
    expect_len("a row's bytes", row.len(), format.row_bytes(out.len())?)?;
    for (index, numbers) in out.chunks_exact_mut(BLOCK).enumerate() {
        write_numbers(format, &format.block(row, index), numbers);
    }
    Ok(())
}

fn write_numbers(format: Format, block: &Block, out: &mut [f32]) {
    let offset = format.offset_shift().map_or(0, |shift| 1i32 << shift);
    let number = |i: usize| (i32::from(block.codes[i]) - offset) as f32;
    match block.scales {
        Scales::Simple { scale } => {
            let scale = scale.to_f32();
            out.iter_mut().enumerate().for_each(|(i, x)| *x = number(i) * scale);
        }
        Scales::WithMin { scale, min, step, min_step } => {
            let (scale, min) = (scale.to_f32() * f32::from(step), min.to_f32() * f32::from(min_step));
            out.iter_mut().enumerate().for_each(|(i, x)| *x = number(i) * scale - min);
        }
        Scales::Halves { scale, steps } => {
            let scales = steps.map(|step| scale.to_f32() * f32::from(step));
            out.iter_mut().enumerate().for_each(|(i, x)| *x = number(i) * scales[i / 16]);
        }
    }
}

//! For tests: the formats read in the plainest way, written from their description and not from `format`, and
//! numbers to fill them with. Not compiled into the program.

use super::{F16, Format};

/// A small generator of numbers that are the same in every run.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Between -1 and 1.
    pub(super) fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    pub(super) fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }

    /// A tensor with random codes and scales of about `scale`, either sign.
    pub(super) fn tensor(&mut self, format: Format, rows: usize, cols: usize, scale: f32) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..rows * cols / format.block_len() * format.block_bytes())
            .map(|_| (self.next() >> 32) as u8)
            .collect();
        for block in bytes.chunks_exact_mut(format.block_bytes()) {
            for &at in scale_places(format) {
                block[at..at + 2].copy_from_slice(&F16::from_f32(self.float() * scale).0.to_le_bytes());
            }
        }
        bytes
    }
}

/// Where the half floats of a block are.
fn scale_places(format: Format) -> &'static [usize] {
    match format {
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => &[0],
        Format::Q4_K | Format::Q5_K => &[0, 2],
        Format::Q6_K => &[208],
    }
}

/// A tensor whose codes are all one byte pattern and whose scales are all one number.
pub(super) fn uniform(format: Format, rows: usize, cols: usize, pattern: u8, scale: f32) -> Vec<u8> {
    let mut bytes = vec![pattern; rows * cols / format.block_len() * format.block_bytes()];
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        for &at in scale_places(format) {
            block[at..at + 2].copy_from_slice(&F16::from_f32(scale).0.to_le_bytes());
        }
    }
    bytes
}

/// The numbers of a tensor, block after block, as the description of the format has them.
pub(super) fn dequantize(format: Format, bytes: &[u8]) -> Vec<f64> {
    let blocks = bytes.chunks_exact(format.block_bytes());
    blocks
        .flat_map(|block| match format {
            Format::Q4_0 => q4_0(block),
            Format::Q5_0 => q5_0(block),
            Format::Q8_0 => q8_0(block),
            Format::Q4_K => q45_k(block, None, &block[16..]),
            Format::Q5_K => q45_k(block, Some(&block[16..48]), &block[48..]),
            Format::Q6_K => q6_k(block),
        })
        .collect()
}

fn half(block: &[u8], at: usize) -> f64 {
    f64::from(F16::from_le_bytes([block[at], block[at + 1]]).to_f32())
}

fn q4_0(block: &[u8]) -> Vec<f64> {
    let mut numbers = vec![0.0; 32];
    for j in 0..16 {
        numbers[j] = half(block, 0) * f64::from(i32::from(block[2 + j] & 15) - 8);
        numbers[j + 16] = half(block, 0) * f64::from(i32::from(block[2 + j] >> 4) - 8);
    }
    numbers
}

fn q5_0(block: &[u8]) -> Vec<f64> {
    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    let mut numbers = vec![0.0; 32];
    for j in 0..16 {
        let (first, second) = (((high >> j) << 4) & 16, (high >> (j + 12)) & 16);
        numbers[j] = half(block, 0) * (f64::from(u32::from(block[6 + j] & 15) | first) - 16.0);
        numbers[j + 16] = half(block, 0) * (f64::from(u32::from(block[6 + j] >> 4) | second) - 16.0);
    }
    numbers
}

fn q8_0(block: &[u8]) -> Vec<f64> {
    block[2..].iter().map(|&code| half(block, 0) * f64::from(code as i8)).collect()
}

fn q45_k(block: &[u8], high: Option<&[u8]>, low: &[u8]) -> Vec<f64> {
    let packed = &block[4..16];
    let mut numbers = Vec::new();
    for sub in 0..8 {
        let (step, min) = if sub < 4 {
            (packed[sub] & 63, packed[sub + 4] & 63)
        } else {
            (
                (packed[sub + 4] & 15) | ((packed[sub - 4] >> 6) << 4),
                (packed[sub + 4] >> 4) | ((packed[sub] >> 6) << 4),
            )
        };
        for l in 0..32 {
            let byte = low[sub / 2 * 32 + l];
            let nibble = if sub % 2 == 0 { byte & 15 } else { byte >> 4 };
            let bit = high.map_or(0, |high| if high[l] & (1 << sub) != 0 { 16 } else { 0 });
            let number = half(block, 0) * f64::from(step) * f64::from(nibble + bit);
            numbers.push(number - half(block, 2) * f64::from(min));
        }
    }
    numbers
}

fn q6_k(block: &[u8]) -> Vec<f64> {
    let mut numbers = vec![0.0; 256];
    for n in 0..2 {
        let (low, high) = (&block[64 * n..], &block[128 + 32 * n..]);
        let steps = &block[192 + 8 * n..];
        for l in 0..32 {
            let quarter = [
                (low[l] & 15) | ((high[l] & 3) << 4),
                (low[l + 32] & 15) | (((high[l] >> 2) & 3) << 4),
                (low[l] >> 4) | (((high[l] >> 4) & 3) << 4),
                (low[l + 32] >> 4) | (((high[l] >> 6) & 3) << 4),
            ];
            for (q, code) in quarter.into_iter().enumerate() {
                let step = f64::from(steps[l / 16 + 2 * q] as i8);
                numbers[128 * n + 32 * q + l] = half(block, 208) * step * (f64::from(code) - 32.0);
            }
        }
    }
    numbers
}

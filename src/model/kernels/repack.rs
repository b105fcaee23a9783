//! Filling the panels of a [`super::QuantMatrix`] from the bytes of a file, in parallel. Not about what a
//! panel looks like: that is `layout`.

use super::format::{BLOCK, Format, Scales};
use super::layout::{PANEL, PanelLayout, UNIT, UNITS, packed_block, record_range, supers_range};
use super::pool::{Shared, WorkerPool};

/// Fills all panels of `packed`, `panel_bytes` each, from the rows of a tensor.
pub(super) fn fill(
    layout: &PanelLayout,
    packed: &mut [u8],
    panel_bytes: usize,
    tensor: &[u8],
    row_bytes: usize,
    pool: &WorkerPool,
) {
    let panels = packed.len() / panel_bytes;
    let shared = Shared::new(packed);
    pool.run(panels, |panel| {
        // SAFETY: every task has a panel of its own, and panels do not overlap.
        let bytes = unsafe { shared.slice(panel * panel_bytes, panel_bytes) };
        let rows = &tensor[panel * PANEL * row_bytes..];
        fill_panel(layout, bytes, rows, row_bytes);
    });
}

fn fill_panel(layout: &PanelLayout, panel: &mut [u8], rows: &[u8], row_bytes: usize) {
    // Block by block and not row by row, so that a block of the panel is written to while it is in the
    // nearest cache. Rows that are not there stay zero, codes and scales.
    for index in 0..layout.blocks {
        for (output, row) in rows.chunks_exact(row_bytes).take(PANEL).enumerate() {
            fill_block(layout.format, panel, row, output, index);
        }
    }
}

fn fill_block(format: Format, panel: &mut [u8], row: &[u8], output: usize, index: usize) {
    if format.block_len() == BLOCK {
        let record = &mut panel[record_range(format, index)];
        return copy_block(
            format,
            record,
            &row[index * format.block_bytes()..][..format.block_bytes()],
            output,
        );
    }
    let block = format.block(row, index);
    let record = &mut panel[record_range(format, index)];
    let (codes, scales) = record.split_at_mut(packed_block(format));
    write_codes(format.bits(), codes, &block.codes, output);
    write_scales(&block.scales, scales, output);
    write_super_scales(&block.scales, &mut panel[supers_range(format, index)], output);
}

/// [`fill_block`] for the formats with one scale: the panel's order of nibbles is the file's, so that whole
/// words are copied. The model cannot answer before it is repacked, and most of it is in these formats.
fn copy_block(format: Format, record: &mut [u8], block: &[u8], output: usize) {
    let (codes, scales) = record.split_at_mut(packed_block(format));
    let (scale, block) = block.split_at(2);
    scales[2 * output..2 * output + 2].copy_from_slice(scale);
    let (high, block) = block.split_at(if format == Format::Q5_0 { 4 } else { 0 });
    let flip = if format == Format::Q8_0 { 0x8080_8080 } else { 0 };
    for (unit, four) in codes.as_chunks_mut::<UNIT>().0.iter_mut().zip(block.as_chunks::<4>().0) {
        unit.as_chunks_mut::<4>().0[output] = (u32::from_ne_bytes(*four) ^ flip).to_ne_bytes();
    }
    if let Some(high) = high.first_chunk() {
        let gathered = gather_high_bits(u32::from_le_bytes(*high));
        codes[4 * UNIT + 4 * output..][..4].copy_from_slice(&gathered);
    }
}

/// Byte `i` gets bits `i`, `i + 4`, `i + 8` and so on: the high bits of input `i` of all units.
fn gather_high_bits(bits: u32) -> [u8; 4] {
    std::array::from_fn(|input| {
        let every_fourth = (bits >> input) & 0x1111_1111;
        let pairs = (every_fourth | every_fourth >> 3) & 0x0303_0303;
        let fours = (pairs | pairs >> 6) & 0x000f_000f;
        (fours | fours >> 12) as u8
    })
}

fn write_scales(from: &Scales, scales: &mut [u8], output: usize) {
    let (first, second) = match *from {
        // `copy_block` has done these.
        Scales::Simple { .. } => return,
        Scales::WithMin { step, min_step, .. } => (step, min_step),
        Scales::Halves { steps, .. } => (steps[0] as u8, steps[1] as u8),
    };
    scales[output] = first;
    scales[PANEL + output] = second;
}

fn write_super_scales(from: &Scales, supers: &mut [u8], output: usize) {
    let mut half_at = |at: usize, bits: u16| supers[2 * at..2 * at + 2].copy_from_slice(&bits.to_le_bytes());
    match *from {
        Scales::Simple { .. } => {}
        Scales::WithMin { scale, min, .. } => {
            half_at(output, scale.0);
            half_at(PANEL + output, min.0);
        }
        Scales::Halves { scale, .. } => half_at(output, scale.0),
    }
}

/// Writes the codes of one output of a block, of four to six bits, among those of its panel.
fn write_codes(bits: usize, packed: &mut [u8], codes: &[u8; BLOCK], output: usize) {
    for unit in 0..UNITS / 2 {
        let pair = |i: usize| (codes[4 * unit + i] & 15) | (codes[16 + 4 * unit + i] << 4);
        packed[unit * UNIT + 4 * output..][..4].copy_from_slice(&[pair(0), pair(1), pair(2), pair(3)]);
    }
    let high_units = if bits == 5 { UNITS } else { UNITS / 2 };
    for (vector, high) in packed[4 * UNIT..].chunks_exact_mut(UNIT).enumerate() {
        let codes = &codes[vector * BLOCK / 2..];
        let bit_width = bits - 4;
        for input in 0..4 {
            let gathered = (0..high_units)
                .fold(0, |byte, unit| byte | ((codes[4 * unit + input] >> 4) << (bit_width * unit)));
            high[4 * output + input] = gathered;
        }
    }
}

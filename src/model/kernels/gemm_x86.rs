//! What the two x86 kernels of the matrix product share. Not their arithmetic.

use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};

use super::activations::Record;
use super::layout::{UNIT, UNITS};

/// One half float for each output and block.
pub(super) const SIMPLE: u8 = 0;
/// A step and a minimum for each output and block, two half floats for each super-block.
pub(super) const WITH_MIN: u8 = 1;
/// A step for each output and half block, a half float for each super-block.
pub(super) const HALVES: u8 = 2;

/// How far ahead of the computation the weights are fetched, in bytes. Measured: 2048 and 12288 are slower.
const FETCH_DISTANCE: usize = 6144;

/// Fetches weights that will be wanted some blocks later into the second-level cache. The processor's own
/// prediction stops at every page; into the first-level cache it would push out the activations, which cost a
/// third of the speed.
#[inline(always)]
pub(super) fn fetch_ahead(record: &[u8]) {
    let at = record.as_ptr().wrapping_add(FETCH_DISTANCE);
    // A line more than the record has, for the shared scales that may stand behind it.
    for line in (0..record.len() + 64).step_by(64) {
        // SAFETY: a prefetch reads nothing and cannot fail, whatever the address; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.wrapping_add(line).cast()) };
    }
}

/// Minus the sum of the activations of some units: the whole block or one half.
#[inline(always)]
pub(super) fn start<const FROM: usize, const TO: usize>(record: &Record, lane: usize) -> i32 {
    match (FROM, TO) {
        (0, UNITS) => record.neg_sums[lane],
        (0, _) => record.neg_first[lane],
        _ => record.neg_sums[lane] - record.neg_first[lane],
    }
}

/// The codes of a block: where they have been widened to, or in the block's own record.
#[inline(always)]
pub(super) fn codes_of<'a, const BITS: usize>(
    record: &'a [u8],
    unpacked: Option<&'a [u8]>,
    index: usize,
) -> &'a [u8] {
    match unpacked {
        Some(unpacked) if BITS == 8 => &unpacked[index * UNIT * BITS..][..UNIT * BITS],
        _ => &record[..UNIT * BITS],
    }
}

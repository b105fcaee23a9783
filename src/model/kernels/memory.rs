//! Memory for weights: zeroed, straight from the system, and where Linux offers it in huge pages, which are faster to fill
//! and to read through. Not the allocator's, which keeps what is freed for later: what is given up here is the system's
//! again at once.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

use super::error::KernelError;

/// Bytes of a huge page on the machines at hand; where they are larger the advice is without effect.
#[cfg(target_os = "linux")]
const HUGE: usize = 2 << 20;

/// Zeros, which begin at a page. No memory stands behind them yet: the system gives it as they are written, and so in
/// parallel.
#[derive(Debug)]
pub(super) struct Zeroed(MmapMut);

impl Zeroed {
    /// Returns `len` zeros; at least one.
    pub(super) fn new(len: usize) -> Result<Self, KernelError> {
        let map = MmapMut::map_anon(len)
            .map_err(|error| KernelError::Memory { bytes: len, reason: error.kind() })?;
        advise_huge_pages(&map);
        Ok(Self(map))
    }
}

impl Deref for Zeroed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Zeroed {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Asks for huge pages where whole ones fit: not at the ends, where they would hold memory that nobody uses.
#[cfg(target_os = "linux")]
fn advise_huge_pages(map: &MmapMut) {
    let start = map.as_ptr().align_offset(HUGE).min(map.len());
    let len = (map.len() - start) / HUGE * HUGE;
    if len > 0
        && let Err(error) = map.advise_range(memmap2::Advice::HugePage, start, len)
    {
        tracing::trace!(%error, "no huge pages");
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_: &MmapMut) {}

/// Gives back to the system what the allocator keeps of freed memory, where it can be told to.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only hands back pages of which no allocation is a part.
    unsafe {
        libc::malloc_trim(0);
    }
}

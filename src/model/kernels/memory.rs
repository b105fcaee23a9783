//! Memory for weights: zeroed, and where Linux offers it in huge pages, which are faster to fill and to read through.

/// Bytes of a huge page on the machines at hand; where they are larger the advice is without effect.
const HUGE: usize = 2 << 20;

/// Returns `len` zeros that no page of memory stands behind yet: the system gives them as they are written, and so in
/// parallel.
pub(super) fn zeroed(len: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; len];
    advise_huge_pages(&mut bytes);
    bytes
}

/// Asks for huge pages where whole ones fit: not at the ends, where they would hold memory that nobody uses.
#[cfg(target_os = "linux")]
fn advise_huge_pages(bytes: &mut [u8]) {
    let start = bytes.as_ptr().align_offset(HUGE).min(bytes.len());
    let len = (bytes.len() - start) / HUGE * HUGE;
    if len > 0 {
        let start = bytes[start..].as_mut_ptr().cast();
        // SAFETY: the range lies within the slice, and this advice changes nothing that a program can see.
        let advised = unsafe { rustix::mm::madvise(start, len, rustix::mm::Advice::LinuxHugepage) };
        if let Err(error) = advised {
            tracing::trace!(%error, "no huge pages");
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_: &mut [u8]) {}

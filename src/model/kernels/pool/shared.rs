//! A slice that the tasks of one job write to together. Whether their parts are apart is for the kernel to know.

use std::marker::PhantomData;

/// A slice that several tasks write to, each its own part.
pub(in crate::model::kernels) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it only hands out parts, and `slice` makes the caller promise that they do not overlap.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: as for the mutable slice that it stands for.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(in crate::model::kernels) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// A part of the slice; panics if it is not inside.
    ///
    /// # Safety
    /// No other part that overlaps it may be alive.
    #[allow(clippy::mut_from_ref, reason = "the caller promises that the parts are apart")]
    pub(in crate::model::kernels) unsafe fn slice(&self, at: usize, len: usize) -> &mut [T] {
        assert!(at <= self.len && len <= self.len - at);
        // SAFETY: inside the slice by the assertion, not aliased by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}

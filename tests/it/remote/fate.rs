//! Fates, drawn at random but the same each time. `examples/storm.rs` draws them too.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of fates.
pub struct Fates(AtomicU64);

impl Fates {
    pub fn new() -> Self {
        Self(AtomicU64::new(0x9E37_79B9_7F4A_7C15))
    }

    /// Draws the next one.
    pub fn draw(&self) -> u64 {
        let mut x = self.0.load(Ordering::Relaxed);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.store(x, Ordering::Relaxed);
        x
    }
}

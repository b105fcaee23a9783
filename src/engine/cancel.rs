//! Cancelling: a flag that the asker sets and the engine thread reads before each layer and each token. It remembers
//! when it was set, so that the time until compute stopped can be told. It says nothing about why; the asker knows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A flag shared by whoever waits for a generation and the engine thread that computes it.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    /// Nanoseconds since [`epoch`] plus one; 0 while it is not cancelled.
    at: AtomicU64,
    told: Notify,
}

impl CancelToken {
    /// Returns a token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the engine to stop; it does so within one layer or one token. A second call changes nothing.
    pub fn cancel(&self) {
        let now = epoch().elapsed().as_nanos() as u64 + 1;
        let _ = self.0.at.compare_exchange(0, now, Ordering::Release, Ordering::Relaxed);
        self.0.told.notify_waiters();
    }

    /// Returns whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.at.load(Ordering::Acquire) != 0
    }

    /// Waits until somebody asks to stop.
    pub async fn cancelled(&self) {
        let mut told = std::pin::pin!(self.0.told.notified());
        // Listening begins before the look, so that a cancel between the two is not missed.
        told.as_mut().enable();
        if !self.is_cancelled() {
            told.await;
        }
    }

    /// Returns the time since somebody asked to stop.
    pub fn since(&self) -> Option<Duration> {
        let at = Duration::from_nanos(self.0.at.load(Ordering::Acquire).checked_sub(1)?);
        Some(epoch().elapsed().saturating_sub(at))
    }

    /// Returns a guard that cancels when it is dropped.
    ///
    /// tower-lsp's only sign of `$/cancelRequest` is that the handler's future is dropped, so the future holds this.
    pub fn guard(&self) -> CancelOnDrop {
        CancelOnDrop(Some(self.clone()))
    }
}

/// Cancels its token when dropped, unless [`CancelOnDrop::disarm`] was called.
#[derive(Debug)]
pub struct CancelOnDrop(Option<CancelToken>);

impl CancelOnDrop {
    /// Lets the guard go without cancelling: the work is done.
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(token) = &self.0 {
            token.cancel();
        }
    }
}

/// An instant that all tokens count from: an `Instant` itself does not fit an atomic.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

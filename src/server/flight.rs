//! One generation in flight, and those who wait for it. It goes on while anybody waits and stops with the last: an
//! editor that asks for ghost text and for completion items at one place is served by one generation.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::complete::{Anchored, Completion, Reason};
use crate::engine::CancelToken;
use crate::text::Snapshot;

/// What came of a generation.
#[derive(Debug, Clone)]
pub(super) struct Landing {
    /// The completion, or why there is none.
    pub result: Result<Completion, Reason>,
    /// The mean probability of the tokens that were kept, where the source tells it.
    pub confidence: Option<f32>,
    /// Tokens generated.
    pub tokens: usize,
    /// Prompts for the next request of the document.
    pub anchors: Vec<Anchored>,
    /// The text and the cursor that it was made for.
    pub made_for: Option<(Snapshot, usize)>,
}

impl From<Reason> for Landing {
    fn from(reason: Reason) -> Self {
        Self { result: Err(reason), confidence: None, tokens: 0, anchors: Vec::new(), made_for: None }
    }
}

/// A generation under way; dropping the last reference stops it. `T` is what it lands with.
#[derive(Debug)]
pub(super) struct Flight<T> {
    cancel: CancelToken,
    landing: Strip<T>,
    task: AbortHandle,
}

/// Where a flight lands. The first landing counts.
#[derive(Debug)]
struct Strip<T>(watch::Sender<Option<T>>);

impl<T: From<Reason> + Clone + Send + Sync + 'static> Flight<T> {
    /// Starts work on a task of its own.
    pub(super) fn start<W, F>(work: W) -> Arc<Self>
    where
        W: FnOnce(CancelToken) -> F,
        F: Future<Output = T> + Send + 'static,
    {
        let cancel = CancelToken::new();
        let landing = Strip(watch::Sender::new(None));
        let work = work(cancel.clone());
        // Lands even if the work panics, so that nobody waits for ever.
        let guard = CrashLanding(Strip(landing.0.clone()));
        let task = tokio::spawn(async move { guard.0.land(work.await) });
        Arc::new(Self { cancel, landing, task: task.abort_handle() })
    }

    /// Waits for the outcome.
    pub(super) async fn landed(&self) -> T {
        let mut landing = self.landing.0.subscribe();
        match landing.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(landing)) => landing.clone(),
            // Cannot be: this holds a sender, and it waited for a value.
            _ => Reason::Failed.into(),
        }
    }

    /// Returns whether the outcome is there.
    pub(super) fn is_over(&self) -> bool {
        self.landing.0.borrow().is_some()
    }

    /// Stops it and answers those who wait with a reason.
    pub(super) fn divert(&self, reason: Reason) {
        self.landing.land(reason.into());
        self.stop();
    }
}

impl<T> Flight<T> {
    fn stop(&self) {
        self.cancel.cancel();
        self.task.abort();
    }
}

impl<T> Drop for Flight<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<T> Strip<T> {
    fn land(&self, landing: T) {
        self.0.send_if_modified(|slot| {
            let first = slot.is_none();
            slot.get_or_insert(landing);
            first
        });
    }
}

struct CrashLanding<T: From<Reason>>(Strip<T>);

impl<T: From<Reason>> Drop for CrashLanding<T> {
    fn drop(&mut self) {
        self.0.land(Reason::Failed.into());
    }
}

/// How long a generation goes on when the last one who waited is gone. An editor takes its request back and asks again
/// at every key: if what was typed is what is being written, the new request goes on with it.
const LINGER: Duration = Duration::from_millis(30);

/// One who waits for a flight, which goes on for a moment when they leave.
pub(super) struct Waiting<T: From<Reason> + Clone + Send + Sync + 'static>(pub(super) Arc<Flight<T>>);

impl<T: From<Reason> + Clone + Send + Sync + 'static> Drop for Waiting<T> {
    fn drop(&mut self) {
        let flight = Arc::clone(&self.0);
        if flight.is_over() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(LINGER).await;
                drop(flight);
            });
        }
    }
}

//! Work on the project that nobody waits for, on threads of low priority: the model's threads wait for each other, so that
//! anything that takes a core from one of them stops all.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// The crate's scale goes from 0 to 99, and 50 is what threads start with.
const PRIORITY: u8 = 10;

/// Runs `work` on a thread of its own.
pub(super) fn run(work: impl FnOnce() + Send + 'static) {
    let runtime = tokio::runtime::Handle::current();
    let work = move || {
        let _entered = runtime.enter();
        // Requests need it too and would wait for this thread, at a low priority on a busy machine for seconds.
        crate::workspace::prepare();
        let priority = ThreadPriorityValue::try_from(PRIORITY).map(ThreadPriority::Crossplatform);
        if let Err(error) = priority.map(set_current_thread_priority) {
            tracing::debug!(error, "the project is read at the usual priority");
        }
        work();
    };
    if let Err(error) = std::thread::Builder::new().name("project".into()).spawn(work) {
        tracing::warn!(%error, "the project is not read: no thread");
    }
}

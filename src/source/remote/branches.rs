//! Who overtakes whom: a newer request of a branch ends the older one, and any request ends those that nobody waits for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::CancelToken;

/// The requests under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Branches(Arc<Mutex<All>>);

#[derive(Debug, Default)]
struct All {
    running: HashMap<u64, Running>,
    /// How many there were.
    begun: u64,
}

#[derive(Debug)]
struct Running {
    turn: CancelToken,
    number: u64,
    idle: bool,
}

/// A request's turn; it is over when the token is set.
#[derive(Debug)]
pub(super) struct Turn {
    branches: Branches,
    branch: u64,
    number: u64,
    over: CancelToken,
}

impl Branches {
    /// Begins a request of a branch. A request that nobody waits for gives way to one that is waited for; `None` then.
    pub(super) fn begin(&self, branch: u64, idle: bool) -> Option<Turn> {
        let mut all = self.lock();
        if idle && all.running.values().any(|running| !running.idle) {
            return None;
        }
        if !idle {
            all.running.values().filter(|running| running.idle).for_each(|running| running.turn.cancel());
        }
        let over = CancelToken::new();
        all.begun += 1;
        let number = all.begun;
        if let Some(older) = all.running.insert(branch, Running { turn: over.clone(), number, idle }) {
            older.turn.cancel();
        }
        Some(Turn { branches: self.clone(), branch, number, over })
    }

    /// Ends the request of a branch.
    pub(super) fn end(&self, branch: u64) {
        if let Some(running) = self.lock().running.remove(&branch) {
            running.turn.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits until another request takes over.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.branches.lock();
        if all.running.get(&self.branch).is_some_and(|running| running.number == self.number) {
            all.running.remove(&self.branch);
        }
    }
}

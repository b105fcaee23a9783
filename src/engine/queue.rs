//! The queue before the engine thread. Not a line: the newest job is taken first, for that is where the user is, and
//! a newer job of a branch replaces the one that waits and interrupts the one that runs.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{CancelToken, Job};

/// Jobs that wait, and what is known of the one that runs.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Job>,
    running: Option<(u64, Interrupt)>,
    forgotten: Vec<u64>,
    closed: bool,
}

/// What the engine thread is to do next.
pub(super) enum Next {
    /// Run a job until it is done or interrupted.
    Run(Job, Interrupt),
    /// Free a branch.
    Forget(u64),
}

/// The two reasons for which a running job stops early.
#[derive(Clone, Default)]
pub(super) struct Interrupt {
    pub(super) cancelled: CancelToken,
    pub(super) overtaken: CancelToken,
}

impl Interrupt {
    /// Returns whether to stop.
    pub(super) fn is_set(&self) -> bool {
        self.cancelled.is_cancelled() || self.overtaken.is_cancelled()
    }

    /// Returns the time since the first of the reasons came up.
    pub(super) fn since(&self) -> Option<Duration> {
        self.cancelled.since().max(self.overtaken.since())
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and the state is valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job and returns the waiting one that it replaces. After [`Queue::close`] the job itself comes back.
    pub(super) fn push(&self, job: Job) -> Option<Job> {
        let mut state = self.lock();
        if state.closed {
            return Some(job);
        }
        if let Some((branch, interrupt)) = &state.running
            && *branch == job.branch
        {
            interrupt.overtaken.cancel();
        }
        let older = state.waiting.iter().position(|waiting| waiting.branch == job.branch);
        let older = older.map(|index| state.waiting.remove(index));
        state.waiting.push(job);
        self.changed.notify_one();
        older
    }

    /// Has a branch freed, once nothing of it runs.
    pub(super) fn forget(&self, branch: u64) {
        self.lock().forgotten.push(branch);
        self.changed.notify_one();
    }

    /// Waits for something to do, freeing first, then the newest job; `None` after [`Queue::close`].
    pub(super) fn pop(&self) -> Option<Next> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(branch) = state.forgotten.pop() {
                return Some(Next::Forget(branch));
            }
            if let Some(job) = state.waiting.pop() {
                let interrupt = Interrupt { cancelled: job.cancel.clone(), overtaken: CancelToken::new() };
                state.running = Some((job.branch, interrupt.clone()));
                return Some(Next::Run(job, interrupt));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says that the job taken last is done.
    pub(super) fn done(&self) {
        self.lock().running = None;
    }

    /// Interrupts what runs, takes no more jobs, and returns those that waited.
    pub(super) fn close(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.closed = true;
        if let Some((_, interrupt)) = &state.running {
            interrupt.cancelled.cancel();
        }
        self.changed.notify_all();
        std::mem::take(&mut state.waiting)
    }
}

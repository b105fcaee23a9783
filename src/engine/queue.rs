//! The queue before the engine thread. Not a line: the newest job is taken first, for that is where the user is, and
//! a newer job of a branch replaces the one that waits and interrupts the one that runs. Idle jobs, and what can be made
//! ready for later, run only while nobody waits, and give way to any other job.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::interrupt::Interrupt;
use super::{BranchId, CancelToken, Job, Preparation, Purpose};

/// Jobs that wait, and what is known of the one that runs.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    turn: Duration,
}

#[derive(Default)]
struct State {
    waiting: Vec<Job>,
    /// At most one for each branch and purpose; the newest last.
    idle: Vec<Preparation>,
    forgotten: Vec<Freed>,
    /// Windows that are gone: what was still on its way for them is not done.
    gone: HashSet<u32>,
    /// Windows that had a job, the one whose turn was last at the end.
    turns: Vec<u32>,
    running: Option<Running>,
    closed: bool,
}

/// What the engine thread is at.
enum Running {
    Job { branch: BranchId, idle: bool, since: Instant, interrupt: Interrupt },
    Preparation { key: (BranchId, Purpose), interrupt: Interrupt },
}

/// What the engine thread is to do next.
pub(super) enum Next {
    /// Run a job until it is done or interrupted.
    Run(Box<Job>, Interrupt),
    /// Make something ready until it is done or interrupted.
    Prepare(Preparation, Interrupt),
    /// Free what is kept.
    Forget(Freed),
    /// Free what rests.
    Rest,
}

/// What is to be freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freed {
    /// A document that was closed.
    Branch(BranchId),
    /// All documents of a window that is gone.
    Window(u32),
}

impl Freed {
    /// Returns whether a branch is among it.
    pub(super) fn contains(self, id: BranchId) -> bool {
        match self {
            Self::Branch(branch) => branch == id,
            Self::Window(window) => window == id.window,
        }
    }
}

impl State {
    /// Takes what is to be made ready next: the newest, and new contexts after all else.
    fn next_idle(&mut self) -> Option<Preparation> {
        let urgent = self.idle.iter().rposition(|preparation| preparation.purpose != Purpose::NewContext);
        let index = urgent.or(self.idle.len().checked_sub(1))?;
        Some(self.idle.remove(index))
    }

    /// Takes the newest job of the window whose turn is longest ago, an idle one only when there is no other.
    fn next_job(&mut self) -> Option<Job> {
        let is_urgent = self.waiting.iter().any(|job| !job.request.idle);
        let turn = |job: &Job| self.turns.iter().position(|&window| window == job.branch.window);
        let candidates = self.waiting.iter().enumerate().rev();
        let candidates = candidates.filter(|(_, job)| job.request.idle != is_urgent);
        // Of equals the first is taken, which is the newest; a window that had no turn yet comes before all others.
        let (index, _) = candidates.min_by_key(|(_, job)| turn(job))?;
        let job = self.waiting.remove(index);
        self.turns.retain(|&window| window != job.branch.window);
        self.turns.push(job.branch.window);
        Some(job)
    }
}

impl Queue {
    /// Returns an empty queue, in which a job runs for at least a `turn` before it gives way to one of another branch.
    pub(super) fn new(turn: Duration) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), turn }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and the state is valid between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job and returns the waiting ones that it replaces. After [`Queue::close`] the job itself comes back, and so
    /// does an idle one whose branch has something better to do.
    pub(super) fn push(&self, job: Job) -> Vec<Job> {
        let mut state = self.lock();
        let idle = job.request.idle;
        let same = |other: &Job| other.branch == job.branch;
        if state.closed || state.gone.contains(&job.branch.window) {
            return vec![job];
        }
        if idle && state.waiting.iter().any(|waiting| same(waiting) && !waiting.request.idle) {
            return vec![job];
        }
        // What was asked before may come after, for its prompt may have taken longer to be made.
        let is_newer = |branch, other_idle: bool, since| {
            branch == job.branch && !idle && !other_idle && job.request.since < since
        };
        let running = match &state.running {
            Some(Running::Job { branch, idle, since, .. }) => is_newer(*branch, *idle, *since),
            _ => false,
        };
        let waits = |it: &Job| is_newer(it.branch, it.request.idle, it.request.since);
        if running || state.waiting.iter().any(waits) {
            return vec![job];
        }
        match &state.running {
            Some(Running::Job { branch, idle: false, .. }) if idle && *branch == job.branch => {
                return vec![job];
            }
            Some(Running::Job { branch, idle: runs_idle, interrupt, .. })
                if *runs_idle || !idle && *branch == job.branch =>
            {
                interrupt.overtaken.cancel();
            }
            Some(Running::Job { interrupt, .. }) if !idle => interrupt.want(),
            Some(Running::Preparation { interrupt, .. }) => interrupt.overtaken.cancel(),
            _ => {}
        }
        let replaced = state.waiting.extract_if(.., |waiting| same(waiting)).collect();
        state.waiting.push(job);
        self.changed.notify_one();
        replaced
    }

    /// Puts back a job that gave way, as the oldest; `Some` when it is no longer wanted, for then it comes back.
    pub(super) fn resume_later(&self, job: Job) -> Option<Job> {
        let mut state = self.lock();
        let is_over = state.closed || state.gone.contains(&job.branch.window);
        if is_over || state.waiting.iter().any(|newer| newer.branch == job.branch) {
            return Some(job);
        }
        state.waiting.insert(0, job);
        None
    }

    /// Adds something to make ready. It replaces what was to be made ready for the same purpose, also when that is
    /// under way.
    pub(super) fn prepare(&self, preparation: Preparation) {
        let mut state = self.lock();
        if state.closed || state.gone.contains(&preparation.branch.window) {
            return;
        }
        let wanted = preparation.key();
        match &state.running {
            Some(Running::Preparation { key, interrupt }) if *key == wanted => interrupt.cancelled.cancel(),
            Some(Running::Preparation { key: (_, Purpose::NewContext), interrupt }) => {
                interrupt.overtaken.cancel()
            }
            _ => {}
        }
        state.idle.retain(|older| older.key() != wanted);
        state.idle.push(preparation);
        self.changed.notify_one();
    }

    /// Puts back a preparation that gave way, unless a newer one for the same purpose came meanwhile.
    pub(super) fn put_back(&self, preparation: Preparation) {
        let mut state = self.lock();
        let is_over = state.closed || state.gone.contains(&preparation.branch.window);
        if !is_over && state.idle.iter().all(|newer| newer.key() != preparation.key()) {
            state.idle.push(preparation);
        }
    }

    /// Has branches freed, once nothing of them runs, and returns the jobs that waited for a window that is gone.
    pub(super) fn forget(&self, freed: Freed) -> Vec<Job> {
        let mut state = self.lock();
        state.idle.retain(|preparation| !freed.contains(preparation.branch));
        let mut left = Vec::new();
        if let Freed::Window(gone) = freed {
            state.gone.insert(gone);
            state.turns.retain(|&window| window != gone);
            left = state.waiting.extract_if(.., |job| job.branch.window == gone).collect();
        }
        if let Some(Running::Preparation { key: (branch, _), interrupt }) = &state.running
            && freed.contains(*branch)
        {
            interrupt.cancelled.cancel();
        }
        state.forgotten.push(freed);
        self.changed.notify_one();
        left
    }

    /// Waits for something to do: freeing first, then what rests after the time `until_rest`, however much else there is, then
    /// the newest job, idle ones last, then what can be made ready; `None` after [`Queue::close`].
    pub(super) fn pop(&self, until_rest: Option<Duration>) -> Option<Next> {
        let began = Instant::now();
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(freed) = state.forgotten.pop() {
                return Some(Next::Forget(freed));
            }
            let left = until_rest.map(|until| until.saturating_sub(began.elapsed()));
            if left == Some(Duration::ZERO) {
                return Some(Next::Rest);
            }
            if let Some(job) = state.next_job() {
                let mut interrupt = Interrupt::new(job.cancel.clone(), self.turn);
                let (branch, idle, since) = (job.branch, job.request.idle, job.request.since);
                let others = state.waiting.iter().filter(|other| !other.request.idle);
                if let Some(worked) = others.map(|other| other.request.worked).min() {
                    interrupt.let_know(worked, job.request.worked);
                }
                state.running = Some(Running::Job { branch, idle, since, interrupt: interrupt.clone() });
                return Some(Next::Run(Box::new(job), interrupt));
            }
            if let Some(preparation) = state.next_idle() {
                let interrupt = Interrupt::new(CancelToken::new(), self.turn);
                let key = preparation.key();
                state.running = Some(Running::Preparation { key, interrupt: interrupt.clone() });
                return Some(Next::Prepare(preparation, interrupt));
            }
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Says that what was taken last is done.
    pub(super) fn done(&self) {
        self.lock().running = None;
    }

    /// Interrupts what runs, takes no more jobs, and returns those that waited.
    pub(super) fn close(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.closed = true;
        match &state.running {
            Some(Running::Job { interrupt, .. } | Running::Preparation { interrupt, .. }) => {
                interrupt.cancelled.cancel();
            }
            None => {}
        }
        self.changed.notify_all();
        std::mem::take(&mut state.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::time::Duration;

    use super::{Freed, Next, Queue};
    use crate::engine::{BranchId, CancelToken, GenerationParams, Job, PromptTokens};

    fn push(queue: &Queue, window: u32, document: u64, idle: bool) -> usize {
        queue.push(job(window, document, idle)).len()
    }

    fn job(window: u32, document: u64, idle: bool) -> Job {
        let (params, watch) = (GenerationParams::default(), Box::new(|_: &str| ControlFlow::Continue(())));
        let branch = BranchId { window, document };
        let mut job = Job::new(branch, PromptTokens::default(), params, watch, CancelToken::new(), |_| {});
        job.request.idle = idle;
        job
    }

    /// Takes all that waits, as (window, document).
    fn order(queue: &Queue, jobs: usize) -> Vec<(u32, u64)> {
        let take = |_| match queue.pop(None) {
            Some(Next::Run(job, _)) => {
                queue.done();
                (job.branch.window, job.branch.document)
            }
            _ => panic!("no job"),
        };
        (0..jobs).map(take).collect()
    }

    #[test]
    fn windows_are_served_in_turn_and_each_ones_newest_job_first() {
        let queue = Queue::new(Duration::ZERO);
        for (window, document) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)] {
            assert_eq!(push(&queue, window, document, false), 0);
        }
        assert_eq!(order(&queue, 6), [(3, 1), (2, 2), (1, 3), (2, 1), (1, 2), (1, 1)]);
        // Who was served last waits for the other.
        push(&queue, 2, 1, false);
        push(&queue, 1, 1, false);
        assert_eq!(order(&queue, 1), [(2, 1)]);
        push(&queue, 2, 2, false);
        assert_eq!(order(&queue, 2), [(1, 1), (2, 2)]);
    }

    #[test]
    fn idle_jobs_of_all_windows_come_last_and_a_branch_overtakes_only_its_own() {
        let queue = Queue::new(Duration::ZERO);
        push(&queue, 1, 1, true);
        push(&queue, 2, 1, true);
        push(&queue, 1, 2, false);
        assert_eq!(push(&queue, 2, 2, false), 0, "another window's document of the same number goes on");
        assert_eq!(push(&queue, 2, 2, false), 1);
        let order = order(&queue, 4);
        assert_eq!(order[..2], [(2, 2), (1, 2)]);
        assert_eq!(order.len(), 4);
    }

    #[test]
    fn what_was_asked_before_overtakes_nothing_though_it_comes_later() {
        let queue = Queue::new(Duration::ZERO);
        let [older, newer, newest] = [(); 3].map(|()| job(1, 1, false));
        let since = |replaced: Vec<Job>| replaced.iter().map(|job| job.request.since).collect::<Vec<_>>();
        let (first, second, third) = (older.request.since, newer.request.since, newest.request.since);
        assert!(queue.push(newer).is_empty());
        assert_eq!(since(queue.push(older)), [first]);
        assert_eq!(since(queue.push(newest)), [second]);
        let Some(Next::Run(running, interrupt)) = queue.pop(None) else { panic!("no job") };
        assert_eq!(running.request.since, third);
        let mut late = job(1, 1, false);
        late.request.since = second;
        assert_eq!(since(queue.push(late)), [second]);
        assert!(!interrupt.is_set());
        assert!(queue.push(job(1, 1, false)).is_empty());
        assert!(interrupt.is_set());
    }

    #[test]
    fn a_short_job_is_not_held_up_again_by_a_long_one() {
        let queue = Queue::new(Duration::ZERO);
        push(&queue, 1, 1, false);
        let Some(Next::Run(mut long, interrupt)) = queue.pop(None) else { panic!("no job") };
        assert!(!interrupt.gives_way());
        push(&queue, 2, 1, false);
        assert!(interrupt.gives_way());
        long.request.worked = Duration::from_secs(600);
        assert!(queue.resume_later(*long).is_none());
        let Some(Next::Run(_, interrupt)) = queue.pop(None) else { panic!("no job") };
        assert!(!interrupt.gives_way());
        push(&queue, 3, 1, false);
        assert!(interrupt.gives_way(), "that one has not run yet");
    }

    #[test]
    fn nothing_is_done_for_a_window_that_is_gone() {
        let queue = Queue::new(Duration::ZERO);
        push(&queue, 1, 1, false);
        push(&queue, 2, 1, false);
        assert_eq!(queue.forget(Freed::Window(1)).len(), 1);
        assert_eq!(push(&queue, 1, 2, false), 1, "it comes back");
        assert!(matches!(queue.pop(None), Some(Next::Forget(Freed::Window(1)))));
        assert_eq!(order(&queue, 1), [(2, 1)]);
    }
}

//! The threads that compute: a pool that stays, waits briefly and then sleeps. Not a scheduler: one job at a
//! time, given by one caller, who computes too.
//!
//! A token takes some two hundred parallel steps of 20 to 500 microseconds, so a step must begin within a
//! microsecond or two, without an allocation; and between keystrokes the threads must cost nothing. So a
//! thread that has nothing to do spins for some tens of microseconds and then sleeps on a condition variable.
//! A thread that comes late finds the job closed and is not waited for: on a machine that is busy with other
//! things, the caller does the work alone.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// How often a waiting thread looks before it sleeps; about 50 microseconds.
const SPINS: u32 = 2_000;
/// The job of the current epoch can be joined.
const OPEN: u64 = 1 << 31;
/// The threads that are at work on it.
const ACTIVE: u64 = OPEN - 1;
/// One epoch.
const EPOCH: u64 = 1 << 32;

type Task<'a> = &'a (dyn Fn(usize) + Sync + 'a);

struct State {
    /// Epoch, whether its job is open, and how many workers are at it, in one word, so that joining is one
    /// exchange.
    word: AtomicU64,
    /// The job; written while nobody is at work, read by those who joined.
    job: UnsafeCell<Option<Task<'static>>>,
    next: AtomicUsize,
    tasks: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    quit: AtomicBool,
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
}

// SAFETY: `job` is the only field that is not `Sync` by itself. It is written by the one caller that holds
// `callers`, while the word says closed and nobody active, and read only by threads that have joined an open
// job; the word's release and acquire order the two.
unsafe impl Sync for State {}
// SAFETY: the task behind `job` is `Sync`, so it may be called from any thread.
unsafe impl Send for State {}

/// A fixed number of threads that share out the tasks of one job at a time.
pub struct WorkerPool {
    state: Arc<State>,
    callers: Mutex<()>,
    workers: Vec<JoinHandle<()>>,
}

thread_local! {
    /// Whether this thread is inside a task: a job within a job is done by the thread that gives it.
    static WORKING: Cell<bool> = const { Cell::new(false) };
}

impl WorkerPool {
    /// A pool of `threads` threads, the caller of [`WorkerPool::run`] among them. Fewer if the system gives
    /// no more.
    pub fn new(threads: usize) -> Self {
        let state = Arc::new(State {
            word: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            tasks: AtomicUsize::new(0),
            panic: Mutex::new(None),
            quit: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        });
        let start = |index: usize| {
            let state = Arc::clone(&state);
            std::thread::Builder::new().name(format!("kernel-{index}")).spawn(move || state.work()).ok()
        };
        let workers = (1..threads.max(1)).map_while(start).collect();
        Self { state, callers: Mutex::new(()), workers }
    }

    /// Threads that compute, the caller's among them.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `task` with every number below `tasks`, once each, in any order and on any thread, and returns
    /// when all are done. A panic in a task is handed on to the caller after all threads have stopped. Called
    /// from within a task, it does the tasks one after the other.
    pub fn run(&self, tasks: usize, task: impl Fn(usize) + Sync) {
        if tasks <= 1 || self.workers.is_empty() || WORKING.get() {
            (0..tasks).for_each(task);
            return;
        }
        let _one_caller = lock(&self.callers);
        self.state.open(tasks, &task);
        self.state.share();
        self.state.close();
        let panic = lock(&self.state.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.state.quit.store(true, Ordering::SeqCst);
        drop(lock(&self.state.sleep));
        self.state.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its tasks, so there is nothing to hear from it.
            let _ = worker.join();
        }
    }
}

impl State {
    /// Publishes a job. The caller must close it before `task` goes out of scope, and does so even if a task
    /// panics.
    fn open(&self, tasks: usize, task: Task<'_>) {
        // SAFETY: only the lifetime changes. `close` waits for all that have joined, and nobody joins a
        // closed job.
        let task = unsafe { std::mem::transmute::<Task<'_>, Task<'static>>(task) };
        // SAFETY: the last job is closed and nobody is at work, so nobody reads the slot.
        unsafe { *self.job.get() = Some(task) };
        self.next.store(0, Ordering::Relaxed);
        self.tasks.store(tasks, Ordering::Relaxed);
        let epoch = self.word.load(Ordering::Relaxed) & !(OPEN | ACTIVE);
        self.word.store(epoch.wrapping_add(EPOCH) | OPEN, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // Taking the lock means that a thread on its way to sleep either sees the job or hears the call.
            drop(lock(&self.sleep));
            self.wake.notify_all();
        }
    }

    /// Takes tasks until none is left.
    fn share(&self) {
        WORKING.set(true);
        let done = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: this thread has opened or joined the job, so it is not written to, and its closure
            // lives.
            let task = unsafe { *self.job.get() };
            let tasks = self.tasks.load(Ordering::Relaxed);
            while let Some(task) = task {
                let index = self.next.fetch_add(1, Ordering::Relaxed);
                if index >= tasks {
                    break;
                }
                task(index);
            }
        }));
        WORKING.set(false);
        if let Err(panic) = done {
            // The tasks that are left would be for nothing.
            self.next.store(usize::MAX / 2, Ordering::Relaxed);
            lock(&self.panic).get_or_insert(panic);
        }
    }

    /// Lets nobody join any more and waits for those who have.
    fn close(&self) {
        self.word.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0u32;
        while self.word.load(Ordering::Acquire) & ACTIVE != 0 {
            looks += 1;
            if looks < SPINS {
                std::hint::spin_loop();
            } else {
                // Somebody else has the worker's core; giving up ours may be what it waits for.
                std::thread::yield_now();
            }
        }
    }

    /// A worker's life.
    fn work(&self) {
        let mut seen = 0;
        while let Some(epoch) = self.wait(seen) {
            seen = epoch;
            if self.join(epoch) {
                self.share();
                self.word.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    /// Waits for a job newer than `seen` and returns its epoch; `None` when the pool ends.
    fn wait(&self, seen: u64) -> Option<u64> {
        for _ in 0..SPINS {
            if let Some(answer) = self.news(seen) {
                return answer;
            }
            std::hint::spin_loop();
        }
        let mut guard = lock(&self.sleep);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let answer = loop {
            if let Some(answer) = self.news(seen) {
                break answer;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    /// `Some(None)` at the end, `Some(epoch)` if an open job is there that was not seen.
    fn news(&self, seen: u64) -> Option<Option<u64>> {
        if self.quit.load(Ordering::SeqCst) {
            return Some(None);
        }
        let word = self.word.load(Ordering::SeqCst);
        (word & OPEN != 0 && word / EPOCH != seen).then_some(Some(word / EPOCH))
    }

    /// Joins the job of an epoch unless it has been closed.
    fn join(&self, epoch: u64) -> bool {
        let open = |word: u64| (word & OPEN != 0 && word / EPOCH == epoch).then_some(word + 1);
        self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, open).is_ok()
    }
}

/// Locks; a panic elsewhere leaves nothing half done behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A slice that several tasks write to, each its own part.
pub(super) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it only hands out parts, and `slice` makes the caller promise that they do not overlap.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: as for the mutable slice that it stands for.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// A part of the slice; panics if it is not inside.
    ///
    /// # Safety
    /// No other part that overlaps it may be alive.
    #[allow(clippy::mut_from_ref, reason = "the caller promises that the parts are apart")]
    pub(super) unsafe fn slice(&self, at: usize, len: usize) -> &mut [T] {
        assert!(at <= self.len && len <= self.len - at);
        // SAFETY: inside the slice by the assertion, not aliased by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Shared, WorkerPool};

    #[test]
    fn every_task_is_done_once_and_before_run_returns() {
        for threads in [1, 2, 3, 8] {
            let pool = WorkerPool::new(threads);
            for tasks in (0..40).chain([1000]) {
                let mut done = vec![0u8; tasks];
                let shared = Shared::new(&mut done);
                // SAFETY: every task has a number of its own.
                pool.run(tasks, |task| unsafe { shared.slice(task, 1)[0] += 1 });
                assert!(done.iter().all(|&times| times == 1));
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let pool = WorkerPool::new(3);
        for bad in 0..20 {
            let run = || pool.run(20, |task| assert_ne!(task, bad));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
            let count = AtomicUsize::new(0);
            pool.run(10, |_| _ = count.fetch_add(1, Ordering::Relaxed));
            assert_eq!(count.into_inner(), 10);
        }
    }

    #[test]
    fn a_job_within_a_job_and_callers_at_once_are_done() {
        let pool = WorkerPool::new(2);
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        pool.run(3, |_| pool.run(5, |_| _ = count.fetch_add(1, Ordering::Relaxed)));
                    }
                });
            }
        });
        assert_eq!(count.into_inner(), 4 * 50 * 3 * 5);
    }
}

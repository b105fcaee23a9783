//! Threads of one priority that compute: they stay, wait briefly and then sleep. Not a scheduler: one job at a
//! time, given by one caller, who computes too.
//!
//! A token takes some two hundred parallel steps of 20 to 500 microseconds, so a step must begin within a
//! microsecond or two, without an allocation; and between keystrokes the threads must cost nothing. So a
//! thread that has nothing to do spins for some tens of microseconds and then sleeps on a condition variable.
//! A thread that comes late finds the job closed and is not waited for: on a machine that is busy with other
//! things, the caller does the work alone.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
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
    /// Threads that may be at work, the caller among them; the others rest and are not even woken.
    limit: AtomicUsize,
    raised: Condvar,
}

// SAFETY: `job` is the only field that is not `Sync` by itself. It is written by the one caller that holds
// `callers`, while the word says closed and nobody active, and read only by threads that have joined an open
// job; the word's release and acquire order the two.
unsafe impl Sync for State {}
// SAFETY: the task behind `job` is `Sync`, so it may be called from any thread.
unsafe impl Send for State {}

/// A fixed number of threads that share out the tasks of one job at a time.
pub(super) struct Team {
    state: Arc<State>,
    callers: Mutex<()>,
    workers: Vec<JoinHandle<()>>,
}

thread_local! {
    /// Whether this thread is inside a task: a job within a job is done by the thread that gives it.
    static WORKING: Cell<bool> = const { Cell::new(false) };
}

impl Team {
    /// A team of `threads` threads, the caller of [`Team::run`] among them; each begins with `first`. Fewer if the
    /// system gives no more.
    pub(super) fn new(name: &str, threads: usize, first: fn()) -> Self {
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
            limit: AtomicUsize::new(threads),
            raised: Condvar::new(),
        });
        let start = |index: usize| {
            let state = Arc::clone(&state);
            let work = move || {
                first();
                state.work(index);
            };
            std::thread::Builder::new().name(format!("{name}-{index}")).spawn(work).ok()
        };
        let workers = (1..threads.max(1)).map_while(start).collect();
        Self { state, callers: Mutex::new(()), workers }
    }

    /// Threads that compute, the caller's among them.
    pub(super) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Lets at most `threads` of them compute from the next job on.
    pub(super) fn limit(&self, threads: usize) {
        self.state.limit.store(threads.max(1), Ordering::SeqCst);
        drop(lock(&self.state.sleep));
        self.state.raised.notify_all();
    }

    /// Calls `task` with every number below `tasks`, once each, in any order and on any thread, and returns
    /// when all are done. A panic in a task is handed on to the caller after all threads have stopped. Called
    /// from within a task, it does the tasks one after the other.
    pub(super) fn run(&self, tasks: usize, task: impl Fn(usize) + Sync) {
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

impl Drop for Team {
    fn drop(&mut self) {
        self.state.quit.store(true, Ordering::SeqCst);
        drop(lock(&self.state.sleep));
        self.state.wake.notify_all();
        self.state.raised.notify_all();
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
    fn work(&self, index: usize) {
        let mut seen = 0;
        while let Some(epoch) = self.wait(index, seen) {
            seen = epoch;
            if self.join(epoch) {
                self.share();
                self.word.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    /// Waits for a job newer than `seen` and returns its epoch; `None` when the pool ends.
    fn wait(&self, index: usize, seen: u64) -> Option<u64> {
        self.rest(index);
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

    /// Waits while the limit leaves no place for this thread.
    fn rest(&self, index: usize) {
        let left_out = || index >= self.limit.load(Ordering::SeqCst) && !self.quit.load(Ordering::SeqCst);
        if left_out() {
            let mut guard = lock(&self.sleep);
            while left_out() {
                guard = self.raised.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
        }
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
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The threads that compute, and who gets them: a team for what somebody waits for and, from its first use on, another
//! of low priority for idle work. How a team shares out a job is `team`'s business.

mod shared;
mod team;

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) use shared::Shared;
use team::Team;
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// How much idle work stands back, of 100: on Linux a niceness of 5, a quarter of the time of a program that competes
/// with it. Less would hold up a request that waits for the idle work to let go. A kernel that shares the cores out by
/// sessions first (`sched_autogroup_enabled`, and no control groups) weighs it against the programs of the editor's own session
/// only.
const BACKGROUND_PRIORITY: u8 = 35;
#[cfg(target_os = "linux")]
const BACKGROUND_NICENESS: i32 = 5;

thread_local! {
    /// Whether this thread does idle work.
    static IN_BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

/// A fixed number of threads that share out the tasks of one job at a time. Results do not depend on their number.
pub struct WorkerPool {
    foreground: Team,
    background: OnceLock<Team>,
    limit: AtomicUsize,
}

impl WorkerPool {
    /// A pool of `threads` threads, the caller of [`WorkerPool::run`] among them. Fewer if the system gives
    /// no more.
    pub fn new(threads: usize) -> Self {
        let foreground = Team::new("kernel", threads, || {});
        let limit = AtomicUsize::new(foreground.threads());
        Self { foreground, background: OnceLock::new(), limit }
    }

    /// Threads that compute, the caller's among them.
    pub fn threads(&self) -> usize {
        self.foreground.threads()
    }

    /// Lets at most `threads` of them compute from the next job on, at least one; the others rest.
    pub fn limit(&self, threads: usize) {
        self.limit.store(threads.max(1), Ordering::Relaxed);
        self.foreground.limit(threads);
        if let Some(background) = self.background.get() {
            background.limit(threads);
        }
    }

    /// Calls `task` with every number below `tasks`, once each, in any order and on any thread, and returns
    /// when all are done. A panic in a task is handed on to the caller after all threads have stopped. Called
    /// from within a task, it does the tasks one after the other.
    pub fn run(&self, tasks: usize, task: impl Fn(usize) + Sync) {
        match IN_BACKGROUND.get() {
            false => self.foreground.run(tasks, task),
            true => self.background().run(tasks, task),
        }
    }

    fn background(&self) -> &Team {
        self.background.get_or_init(|| {
            let team = Team::new("idle", self.threads(), stand_back);
            team.limit(self.limit.load(Ordering::Relaxed));
            team
        })
    }
}

/// Runs `work` on a thread of low priority, whose kernels run on such threads too, and waits for it.
///
/// A thread's priority cannot be raised again without privileges, so it is a new one each time: that takes some ten
/// microseconds, and idle work takes milliseconds at least.
pub fn in_background<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let run = move || {
            stand_back();
            IN_BACKGROUND.set(true);
            work()
        };
        match scope.spawn(run).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn stand_back() {
    // Who was started at a low priority is not to be brought forward.
    #[cfg(target_os = "linux")]
    if rustix::process::getpriority_process(None).is_ok_and(|niceness| BACKGROUND_NICENESS <= niceness) {
        return;
    }
    let priority = ThreadPriorityValue::try_from(BACKGROUND_PRIORITY).map(ThreadPriority::Crossplatform);
    if let Err(error) = priority.map(set_current_thread_priority) {
        tracing::debug!(error, "idle work has to run at the usual priority");
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Shared, WorkerPool, in_background};

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

    #[test]
    fn every_task_is_done_once_by_fewer_threads_and_in_the_background_too() {
        let pool = WorkerPool::new(4);
        for limit in [1, 4, 2, 9, 0, 3] {
            pool.limit(limit);
            for background in [false, true] {
                let count = AtomicUsize::new(0);
                let run = || pool.run(100, |_| _ = count.fetch_add(1, Ordering::Relaxed));
                if background {
                    in_background(run)
                } else {
                    run()
                }
                assert_eq!(count.into_inner(), 100);
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn idle_work_stands_back_and_nothing_else_does() {
        fn niceness() -> i32 {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
            let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            fields.nth(16).and_then(|nice| nice.parse().ok()).unwrap_or(i32::MIN)
        }
        let (pool, usual) = (WorkerPool::new(2), niceness());
        let lowest = || {
            let lowest = std::sync::Mutex::new(i32::MAX);
            pool.run(64, |_| {
                let mut lowest = super::team::lock(&lowest);
                *lowest = niceness().min(*lowest);
            });
            lowest.into_inner().unwrap_or(i32::MIN)
        };
        assert_eq!((lowest(), in_background(lowest), lowest()), (usual, usual.max(5), usual));
    }
}

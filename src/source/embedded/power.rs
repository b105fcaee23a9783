//! Fewer threads while the machine runs on its battery, or while other programs keep its cores busy, for those who asked
//! for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use starship_battery::{Manager, State};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::Sparing;
use crate::model::kernels::WorkerPool;

/// How often the load is looked at: what it is, is a mean over this time.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many of these pass between two looks at the battery. Reading one takes some laptops a tenth of a second.
const BATTERY_EVERY: u32 = 4;

/// The share of the cores that others use when the machine begins to count as busy, and when it ends: wide apart, so that
/// what is in between does not make it change all the time.
const BUSY: (f32, f32) = (0.5, 0.25);

/// What was seen of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Seen {
    discharging: bool,
    busy: bool,
}

/// Has fewer threads of the pool compute as `sparing` says, for as long as the pool is used.
pub(super) fn follow(pool: &Arc<WorkerPool>, sparing: Sparing) {
    if sparing.battery_threads.is_none() && sparing.busy_threads.is_none() {
        return;
    }
    let pool = Arc::downgrade(pool);
    let watch = move || watch(&pool, sparing);
    if let Err(error) = std::thread::Builder::new().name("power".into()).spawn(watch) {
        tracing::warn!(%error, "battery and load are not looked at: no thread");
    }
}

fn watch(pool: &Weak<WorkerPool>, sparing: Sparing) {
    let manager = sparing.battery_threads.and_then(|_| {
        Manager::new().inspect_err(|error| tracing::warn!(%error, "the battery is not looked at")).ok()
    });
    let mut load = sparing.busy_threads.and_then(|_| Load::new());
    let (mut seen, mut limit) = (Seen::default(), None);
    for look in 0u32.. {
        let Some(pool) = pool.upgrade() else { return };
        if let Some(manager) = manager.as_ref().filter(|_| look.is_multiple_of(BATTERY_EVERY)) {
            seen.discharging = runs_on_battery(manager);
        }
        if let Some(load) = &mut load {
            seen.busy = is_busy(load.of_others(), seen.busy);
        }
        let threads = threads(sparing, seen, pool.threads());
        if limit.replace(threads).unwrap_or(pool.threads()) != threads {
            tracing::info!(seen.discharging, seen.busy, threads, "threads that compute");
            pool.limit(threads);
        }
        drop(pool);
        std::thread::sleep(INTERVAL);
    }
}

/// Returns how many threads compute.
fn threads(sparing: Sparing, seen: Seen, all: usize) -> usize {
    let on_battery = sparing.battery_threads.filter(|_| seen.discharging);
    let beside_others = sparing.busy_threads.filter(|_| seen.busy);
    all.min(on_battery.unwrap_or(all)).min(beside_others.unwrap_or(all))
}

/// Returns whether others keep the cores busy, of which they use the share `others`.
fn is_busy(others: f32, was_busy: bool) -> bool {
    let (begins, ends) = BUSY;
    if was_busy { ends < others } else { begins < others }
}

/// Returns whether a battery is being emptied; what cannot be read counts as a machine on the mains.
fn runs_on_battery(manager: &Manager) -> bool {
    let Ok(batteries) = manager.batteries() else { return false };
    batteries.flatten().any(|battery| battery.state() == State::Discharging)
}

/// What keeps the cores busy.
struct Load {
    system: System,
    ours: Pid,
}

impl Load {
    fn new() -> Option<Self> {
        let ours = sysinfo::get_current_pid()
            .inspect_err(|error| tracing::warn!(error, "the load is not looked at"))
            .ok()?;
        let mut load = Self { system: System::new(), ours };
        // What it says is what was used since the last look.
        load.of_others();
        Some(load)
    }

    /// Returns the share of the cores that other programs have used since the last look.
    fn of_others(&mut self) -> f32 {
        self.system.refresh_cpu_usage();
        let what = ProcessRefreshKind::nothing().with_cpu().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.ours]), false, what);
        let cores = self.system.cpus().len().max(1) as f32;
        let ours = self.system.process(self.ours).map_or(0.0, |process| process.cpu_usage());
        (self.system.global_cpu_usage() / 100.0 - ours / 100.0 / cores).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_busy_from_half_of_its_cores_on_until_only_a_quarter_is_used() {
        let mut busy = false;
        let seen: Vec<bool> = [0.1, 0.45, 0.6, 0.45, 0.3, 0.2, 0.45]
            .into_iter()
            .map(|others| {
                busy = is_busy(others, busy);
                busy
            })
            .collect();
        assert_eq!(seen, [false, false, true, true, true, false, false]);
    }

    #[test]
    fn the_fewest_threads_of_those_that_apply_compute() {
        let sparing = Sparing { battery_threads: Some(3), busy_threads: Some(2), unused: None };
        let of = |discharging, busy| threads(sparing, Seen { discharging, busy }, 8);
        assert_eq!([of(false, false), of(true, false), of(false, true), of(true, true)], [8, 3, 2, 2]);
        let none = Sparing::default();
        assert_eq!(threads(none, Seen { discharging: true, busy: true }, 8), 8);
        // More than there are is all of them.
        let sparing = Sparing { busy_threads: Some(12), ..none };
        assert_eq!(threads(sparing, Seen { discharging: false, busy: true }, 8), 8);
    }
}

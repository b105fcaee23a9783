//! Fewer threads while the machine runs on its battery, for those who asked for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use starship_battery::{Manager, State};

use crate::model::kernels::WorkerPool;

/// How often the battery is looked at. Reading one takes some laptops a tenth of a second.
const INTERVAL: Duration = Duration::from_secs(20);

/// Has at most `threads` of the pool compute whenever the machine runs on its battery, for as long as the pool is used.
pub(super) fn follow(pool: &Arc<WorkerPool>, threads: usize) {
    let pool = Arc::downgrade(pool);
    let watch = move || watch(&pool, threads);
    if let Err(error) = std::thread::Builder::new().name("power".into()).spawn(watch) {
        tracing::warn!(%error, "the battery is not looked at: no thread");
    }
}

fn watch(pool: &Weak<WorkerPool>, threads: usize) {
    let manager = match Manager::new() {
        Ok(manager) => manager,
        Err(error) => return tracing::warn!(%error, "the battery is not looked at"),
    };
    let mut before = None;
    while let Some(pool) = pool.upgrade() {
        let discharging = runs_on_battery(&manager);
        if before.replace(discharging) != Some(discharging) {
            let threads = if discharging { threads } else { pool.threads() };
            tracing::info!(discharging, threads, "threads that compute");
            pool.limit(threads);
        }
        drop(pool);
        std::thread::sleep(INTERVAL);
    }
}

/// Returns whether a battery is being emptied; what cannot be read counts as a machine on the mains.
fn runs_on_battery(manager: &Manager) -> bool {
    let Ok(batteries) = manager.batteries() else { return false };
    batteries.flatten().any(|battery| battery.state() == State::Discharging)
}

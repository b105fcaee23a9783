//! How the server comes to its end: by the protocol, because the editor hung up, or because the editor's process died.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How often the editor's process is looked at. It only has to beat a person who looks for leftover processes.
const PARENT_INTERVAL: Duration = Duration::from_millis(500);

/// How the server ended, for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// After `shutdown`.
    Clean,
    /// Without a `shutdown` before it.
    Unclean,
}

impl Exit {
    /// Returns the code that the protocol prescribes.
    pub fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Unclean => 1,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    shutdown: bool,
    over: bool,
}

/// Collects the signs of the end; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Ending(Arc<watch::Sender<Signs>>);

impl Ending {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Signs::default())))
    }

    /// The editor asked for `shutdown`.
    pub(super) fn shutdown_seen(&self) {
        self.0.send_modify(|signs| signs.shutdown = true);
    }

    /// The editor sent `exit`.
    pub(super) fn exit_seen(&self) {
        self.0.send_modify(|signs| signs.over = true);
    }

    /// The editor closed its end of a pipe, or died.
    pub(super) fn input_ended(&self) {
        self.exit_seen();
    }

    /// Waits for the end.
    pub(super) async fn reached(&self) {
        // An error means that all senders are gone, and this is one.
        let _ = self.0.subscribe().wait_for(|signs| signs.over).await;
    }

    /// Returns how it ended, by what was seen so far.
    pub(super) fn exit(&self) -> Exit {
        if self.0.borrow().shutdown { Exit::Clean } else { Exit::Unclean }
    }

    /// Ends the server when the process dies.
    ///
    /// A process that cannot be seen from the start is not watched: an editor outside of a container names one that
    /// does not exist inside.
    pub(super) fn follow(&self, process: u32) {
        if !is_alive(process) {
            return;
        }
        let ending = self.clone();
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(PARENT_INTERVAL);
            while is_alive(process) {
                interval.tick().await;
            }
            tracing::info!(process, "the editor's process is gone");
            ending.input_ended();
        });
    }
}

/// Returns whether a process lives. A dead one that nobody has waited for yet counts as dead.
#[cfg(target_os = "linux")]
fn is_alive(process: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else {
        return false;
    };
    // The name before the state may hold anything, parentheses too.
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.starts_with(['Z', 'X'])
}

/// Returns whether a process lives: while it is our parent it does. One that never was is not watched, since the
/// standard library has no other way to ask; the end of standard input still ends the server.
#[cfg(all(unix, not(target_os = "linux")))]
fn is_alive(process: u32) -> bool {
    std::os::unix::process::parent_id() == process
}

#[cfg(not(unix))]
fn is_alive(_process: u32) -> bool {
    false
}

//! Work that a person can stop by the cancel button of its progress.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tower_lsp::lsp_types::ProgressToken;

use super::actions::Landed;
use super::flight::Flight;
use crate::complete::Reason;

/// Running work, by the progress that shows it.
#[derive(Debug, Default)]
pub(super) struct Cancels(Mutex<HashMap<ProgressToken, Weak<Flight<Landed>>>>);

impl Cancels {
    /// Makes the progress's cancel button stop `work`, for as long as the answer lives.
    pub(super) fn link(&self, progress: ProgressToken, work: &Arc<Flight<Landed>>) -> Link<'_> {
        self.lock().insert(progress.clone(), Arc::downgrade(work));
        Link { cancels: self, progress }
    }

    /// The button was pressed.
    pub(super) fn cancel(&self, progress: &ProgressToken) {
        let work = self.lock().get(progress).and_then(Weak::upgrade);
        if let Some(work) = work {
            work.divert(Reason::Cancelled);
        }
    }

    /// Stops all of it.
    pub(super) fn cancel_all(&self) {
        let all: Vec<_> = self.lock().values().filter_map(Weak::upgrade).collect();
        for work in all {
            work.divert(Reason::Cancelled);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProgressToken, Weak<Flight<Landed>>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Unlinks the button when dropped.
#[derive(Debug)]
pub(super) struct Link<'a> {
    cancels: &'a Cancels,
    progress: ProgressToken,
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        self.cancels.lock().remove(&self.progress);
    }
}

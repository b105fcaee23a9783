//! One engine process for all windows of a user: the model is loaded once, and each window's requests go there over a
//! socket that only this user can reach. The first window starts it. What is watched and shown stays in the window.
//!
//! The engine's side is [`host`] and `seat`, the window's `link`, `follower` and `questions`; `place` is where they meet and `protocol` what they
//! say. Where there can be no shared engine, the model is loaded in the window's own process, and it is said why.

mod follower;
mod host;
mod link;
mod place;
mod protocol;
mod questions;
mod seat;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::oneshot;

use super::{Ahead, BoxFuture, Counters, Generation, Request, Source, SourceError, Status};
use crate::complete::TokenCount;
use crate::fetch::cache_dir;
pub use host::{Taken, host};
use link::Link;
pub use place::{Place, directory};
pub use protocol::Running;
use questions::Questions;

/// Starts an engine process and returns when it listens, or says why it does not. It may wait.
pub type Launch = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Loads the model in this process.
pub type Inside = Box<dyn FnOnce() -> Arc<dyn Source> + Send>;

/// How to come to an engine.
pub struct SharedOptions {
    /// Where it can be met.
    pub place: Place,
    /// All that tells it from other engines.
    pub key: String,
    /// Starts it.
    pub launch: Launch,
    /// What answers where there can be no shared engine.
    pub inside: Inside,
}

/// Which engine a source has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineReport {
    /// Whether other windows can use it too.
    pub shared: bool,
    /// Its process.
    pub pid: u32,
    /// Windows that use it.
    pub windows: usize,
    /// Why it is not shared, where it was to be.
    pub reason: Option<String>,
}

/// A source whose model runs in a process that all windows share.
pub struct SharedSource {
    link: Arc<Link>,
    /// Ends the connection when the source is dropped.
    _alive: oneshot::Sender<()>,
}

impl SharedSource {
    /// Begins to look for the engine; requests are refused with [`SourceError::Loading`] until it has the model.
    pub fn start(options: SharedOptions) -> Arc<Self> {
        let (alive, dropped) = oneshot::channel();
        let link = Link::start(options, dropped);
        Arc::new(Self { link, _alive: alive })
    }

    /// Returns a source whose model is in this process, and why it is there.
    pub fn inside(inside: Arc<dyn Source>, why: String) -> Arc<Self> {
        Arc::new(Self { link: Link::inside_only(inside, why), _alive: oneshot::channel().0 })
    }
}

impl Source for SharedSource {
    fn status(&self) -> Status {
        self.link.inside().map_or_else(|| self.link.status(), |inside| inside.status())
    }

    fn counter(&self) -> Option<Arc<dyn TokenCount + Send + Sync>> {
        match self.link.inside() {
            Some(inside) => inside.counter(),
            None => self.link.was_ready().then(|| self.link.questions() as _),
        }
    }

    fn generate(&self, request: Request) -> BoxFuture<Result<Generation, SourceError>> {
        match self.link.inside() {
            Some(inside) => inside.generate(request),
            None => Box::pin(Arc::clone(&self.link).generate(request)),
        }
    }

    fn prepare(&self, branch: u64, ahead: Ahead) {
        match self.link.inside() {
            Some(inside) => inside.prepare(branch, ahead),
            None => self.link.prepare(branch, ahead),
        }
    }

    fn forget(&self, branch: u64) {
        match self.link.inside() {
            Some(inside) => inside.forget(branch),
            None => self.link.forget(branch),
        }
    }

    fn counters(&self) -> Counters {
        match self.link.inside() {
            Some(inside) => inside.counters(),
            None => self.link.questions().counters(),
        }
    }

    fn engine(&self) -> Option<EngineReport> {
        if let Some(reason) = self.link.why_inside() {
            return Some(EngineReport { reason: Some(reason), ..EngineReport::own() });
        }
        let Running { pid, windows, .. } = self.link.questions().report()?;
        Some(EngineReport { shared: true, pid, windows, reason: None })
    }
}

impl EngineReport {
    /// Returns the report of an engine in this process.
    pub(super) fn own() -> Self {
        Self { shared: false, pid: std::process::id(), windows: 1, reason: None }
    }
}

/// Returns the file that engine processes log to.
pub fn log_file() -> Option<PathBuf> {
    cache_dir().ok().map(|dir| dir.join("engine.log"))
}

/// Returns the engines that run for this user, with what they say of themselves.
pub fn running(dir: &Path) -> Vec<(Place, Running)> {
    let ask = |place: Place| Questions::new(Some(place.clone()), "").report().map(|running| (place, running));
    Place::all(dir).into_iter().filter_map(ask).collect()
}

/// Tells the engine at a place to end; returns whether it heard that.
pub fn stop(place: &Place) -> bool {
    Questions::new(Some(place.clone()), "").stop()
}

//! A remote source with the model inside behind it, which answers while the server is away, and what must not be sent to
//! it. The model is loaded when it is first needed, and a look in the background brings the server back.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::remote::{RemoteSource, Unanswered};
use super::{
    Ahead, BoxFuture, Counters, EngineReport, Generation, RemoteReport, Request, Source, SourceError, Status,
};
use crate::complete::TokenCount;

/// The longest wait for a model that is being read from the disk.
const LOADING: Duration = Duration::from_secs(5);

/// How often it is looked whether the model is there.
const LOOK: Duration = Duration::from_millis(20);

/// Prompt tokens a second that a model is taken to read which is not loaded yet.
const SPEED: u64 = 150;

/// Starts the source behind the remote one.
type Start = Box<dyn FnOnce() -> Arc<dyn Source> + Send>;

/// A remote source and what stands behind it.
pub struct FallbackSource(Arc<Both>);

struct Both {
    remote: RemoteSource,
    start: Mutex<Option<Start>>,
    inside: OnceLock<Arc<dyn Source>>,
    fell_back: AtomicU64,
    /// Why the model inside was asked the last time, if it was.
    instead: Mutex<Option<String>>,
}

impl FallbackSource {
    /// Puts a source behind a remote one; `start` is called when it is first needed.
    pub fn new(remote: RemoteSource, start: impl FnOnce() -> Arc<dyn Source> + Send + 'static) -> Self {
        let (start, inside): (Start, _) = (Box::new(start), OnceLock::new());
        let (start, fell_back, instead) = (Mutex::new(Some(start)), AtomicU64::new(0), Mutex::new(None));
        Self(Arc::new(Both { remote, start, inside, fell_back, instead }))
    }
}

impl Both {
    /// Returns the source behind, started if it was not.
    fn inside(&self) -> Option<&Arc<dyn Source>> {
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner).take();
        match start {
            Some(start) => Some(self.inside.get_or_init(start)),
            None => self.inside.get(),
        }
    }

    fn note(&self, instead: Option<String>) {
        *self.instead.lock().unwrap_or_else(PoisonError::into_inner) = instead;
    }

    /// Returns the source behind while it answers in the server's place.
    fn serving(&self) -> Option<&Arc<dyn Source>> {
        self.remote.remote().and_then(|report| report.away).and(self.inside.get())
    }

    async fn generate(&self, request: Request) -> Result<Generation, SourceError> {
        let (why, request) = match self.remote.is_away() {
            Some(why) => (why, request),
            None => match self.remote.attempt(request).await {
                Ok(generation) => {
                    self.note(None);
                    return Ok(generation);
                }
                Err(Unanswered { error, request }) => match error {
                    SourceError::Cancelled | SourceError::Overtaken => return Err(error),
                    error => (error, *request),
                },
            },
        };
        tracing::debug!(%why, "the model inside is asked");
        self.fell_back.fetch_add(1, Relaxed);
        let Some(inside) = self.inside() else { return Err(why) };
        let until = Instant::now() + LOADING;
        // A model that is being fetched takes minutes; one on the disk a second.
        while matches!(inside.status(), Status::Loading { total: 0, .. }) && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
        match inside.status() {
            Status::Ready { .. } => {
                self.note(Some(why.to_string()));
                inside.generate(request).await
            }
            Status::Loading { .. } => Err(SourceError::Loading),
            // Why the server does not answer is what the user has to mend.
            Status::Failed { .. } => Err(why),
        }
    }
}

impl Source for FallbackSource {
    fn status(&self) -> Status {
        match self.0.serving().map(|inside| inside.status()) {
            Some(status @ (Status::Ready { .. } | Status::Loading { .. })) => status,
            // With no model inside, requests must go on reaching the server, or it would never be found to be back.
            _ => match self.0.remote.status() {
                Status::Failed { .. } => match self.0.inside() {
                    Some(inside) => inside.status(),
                    None => self.0.remote.status(),
                },
                status => status,
            },
        }
    }

    fn counter(&self) -> Option<Arc<dyn TokenCount + Send + Sync>> {
        self.0.serving().and_then(|inside| inside.counter()).or_else(|| self.0.remote.counter())
    }

    fn generate(&self, request: Request) -> BoxFuture<Result<Generation, SourceError>> {
        let both = Arc::clone(&self.0);
        Box::pin(async move { both.generate(request).await })
    }

    fn prepare(&self, branch: u64, ahead: Ahead) {
        match self.0.serving() {
            Some(inside) => inside.prepare(branch, ahead),
            None => self.0.remote.prepare(branch, ahead),
        }
    }

    fn forget(&self, branch: u64) {
        self.0.remote.forget(branch);
        if let Some(inside) = self.0.inside.get() {
            inside.forget(branch);
        }
    }

    fn counters(&self) -> Counters {
        let remote = self.0.remote.counters();
        let inside = self.0.inside.get().map(|inside| inside.counters()).unwrap_or_default();
        Counters {
            requests: remote.requests + self.0.fell_back.load(Relaxed),
            cancelled: remote.cancelled + inside.cancelled,
            prefill_tokens: remote.prefill_tokens + inside.prefill_tokens,
            reused_tokens: remote.reused_tokens + inside.reused_tokens,
            decoded_tokens: remote.decoded_tokens + inside.decoded_tokens,
            busy: remote.busy || inside.busy,
            // The prompts that the model inside could afford are made too, for it may be asked.
            prefill_per_second: if inside.prefill_per_second == 0 {
                SPEED
            } else {
                inside.prefill_per_second
            },
            ..inside
        }
    }

    fn engine(&self) -> Option<EngineReport> {
        self.0.inside.get().and_then(|inside| inside.engine())
    }

    fn remote(&self) -> Option<RemoteReport> {
        let report = self.0.remote.remote()?;
        let instead = self.0.instead.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(RemoteReport { fell_back: self.0.fell_back.load(Relaxed), instead, ..report })
    }
}

//! A model whose weights leave memory while nobody uses it, and come back from the file when they are needed: whoever asks
//! meanwhile waits for that, well under a second for the default model. What was computed, the keys and values, stays.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use crate::model::kernels::give_back;
use crate::model::{ForwardError, KvCache, LanguageModel, Logits, ModelError, Output, Sequence, TokenId};

/// Reads the weights.
pub type Read = Box<dyn Fn() -> Result<Box<dyn LanguageModel>, ModelError> + Send + Sync>;

/// How often it is looked whether the model is unused: a tenth of the time that it may be, within these.
const LOOKS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A model that rests when it is told that it was unused for long enough.
#[derive(Clone)]
pub struct Resting(Arc<Inner>);

struct Inner {
    model: RwLock<Option<Box<dyn LanguageModel>>>,
    read: Read,
    unused: Duration,
    used: Mutex<Instant>,
}

impl Resting {
    /// Returns a model that may rest after being unused for `unused`; `read` brings it back.
    pub fn new(model: Box<dyn LanguageModel>, unused: Duration, read: Read) -> Self {
        let model = RwLock::new(Some(model));
        Self(Arc::new(Inner { model, read, unused, used: Mutex::new(Instant::now()) }))
    }

    /// Looks from now on, on a thread of its own, whether it may rest, for as long as there is the model.
    pub fn watch(&self) {
        let inner = Arc::downgrade(&self.0);
        let pause = (self.0.unused / 10).clamp(LOOKS.0, LOOKS.1);
        if let Err(error) =
            std::thread::Builder::new().name("rest".into()).spawn(move || watch(&inner, pause))
        {
            tracing::warn!(%error, "an unused model stays in memory: no thread");
        }
    }

    /// Gives the weights up if at `now` they were unused for long enough; returns whether they were there and are not any more.
    pub fn rest(&self, now: Instant) -> bool {
        self.0.rest(now)
    }

    /// Returns whether the weights are in memory.
    pub fn is_awake(&self) -> bool {
        self.0.model.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

fn watch(inner: &Weak<Inner>, pause: Duration) {
    while let Some(inner) = inner.upgrade() {
        if inner.rest(Instant::now()) {
            tracing::info!("the model's weights have left memory until they are needed");
        }
        drop(inner);
        std::thread::sleep(pause);
    }
}

impl Inner {
    fn rest(&self, now: Instant) -> bool {
        // Whoever computes holds the lock, and is no idler.
        let Ok(mut model) = self.model.try_write() else { return false };
        if now.saturating_duration_since(*self.used()) < self.unused {
            return false;
        }
        let Some(weights) = model.take() else { return false };
        drop(model);
        drop(weights);
        give_back();
        true
    }

    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) -> Result<(), ModelError> {
        let mut model = self.model.write().unwrap_or_else(PoisonError::into_inner);
        // Counts as used, so that nobody takes it away before its first use.
        *self.used() = Instant::now();
        if model.is_none() {
            let begun = Instant::now();
            *model = Some((self.read)()?);
            tracing::info!(elapsed = ?begun.elapsed(), "the model's weights are in memory again");
        }
        Ok(())
    }

    /// Has the model do something, once it is there.
    fn with<T>(&self, work: impl FnOnce(&dyn LanguageModel) -> T) -> Result<T, ModelError> {
        loop {
            let model = self.model.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(model) = &*model {
                let done = work(model.as_ref());
                *self.used() = Instant::now();
                return Ok(done);
            }
            drop(model);
            self.wake()?;
        }
    }
}

fn cannot(error: ModelError) -> ForwardError {
    ForwardError::Setup(format!("the model had left memory and cannot be read again: {error}"))
}

impl LanguageModel for Resting {
    fn wake(&self) -> Result<(), ForwardError> {
        self.0.with(|_| ()).map_err(cannot)
    }

    fn new_cache(&self, capacity: usize) -> Result<KvCache, ModelError> {
        self.0.with(|model| model.new_cache(capacity))?
    }

    fn forward(
        &self,
        sequence: &mut Sequence<'_>,
        tokens: &[TokenId],
        output: Output,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Logits>, ForwardError> {
        self.0.with(|model| model.forward(sequence, tokens, output, interrupted)).map_err(cannot)?
    }
}

//! Servers that load a model when it is first asked for, and give up loading when the one who asked goes away. Whoever types
//! goes away with each key, so that the model is asked for by itself, and nobody's going away ends that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::{Fault, FaultKind};
use super::patience::patient;
use super::server::Server;

/// How long after an answer a model counts as loaded: far less than the minutes for which such servers keep one.
const FRESH: Duration = Duration::from_secs(60);

/// How long a model may take to load.
const LONGEST: Duration = Duration::from_secs(300);

/// Whether the server has its model loaded.
#[derive(Debug, Default)]
pub(super) struct Waking(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When it was loaded the last time that anybody knew.
    seen: Option<Instant>,
    /// What tells that it is, while it is being loaded.
    loading: Option<watch::Receiver<Option<Result<(), Fault>>>>,
}

impl Waking {
    /// Returns whether the server is loading its model.
    pub(super) fn is_loading(&self) -> bool {
        self.lock().loading.is_some()
    }

    /// The server answered: its model is loaded.
    pub(super) fn answered(&self) {
        self.lock().seen = Some(Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Waits until the server has loaded the model, as long as it may be silent. It goes on loading after that.
    pub(super) async fn awake(self: &Arc<Self>, model: Option<&str>) -> Result<(), Fault> {
        let Some((path, body)) = model.and_then(|model| self.protocol.load(model)) else { return Ok(()) };
        let mut loading = {
            let mut state = self.waking.lock();
            if state.seen.is_some_and(|seen| seen.elapsed() < FRESH) {
                return Ok(());
            }
            match &state.loading {
                Some(loading) => loading.clone(),
                None => {
                    let (told, loading) = watch::channel(None);
                    state.loading = Some(loading.clone());
                    let server = Arc::clone(self);
                    tokio::spawn(async move {
                        let loaded = server.client.load(path, body.to_string().as_bytes(), LONGEST).await;
                        let mut state = server.waking.lock();
                        state.loading = None;
                        if loaded.is_ok() {
                            state.seen = Some(Instant::now());
                            server.breaker.succeeded();
                        }
                        told.send_replace(Some(loaded));
                    });
                    loading
                }
            }
        };
        match patient(self.client.read(), loading.wait_for(Option::is_some)).await {
            Some(Ok(loaded)) => loaded.clone().unwrap_or(Ok(())),
            Some(Err(_)) => Err(Fault::new(FaultKind::Broken, "the server did not load the model")),
            None => Err(Fault::loading()),
        }
    }
}

//! An engine that runs on a thread here, so that a test can end it at once, and the windows that share it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use infill_ls::model::{Compute, LoadOptions};
use infill_ls::source::{EmbeddedSource, Place, SharedOptions, SharedSource, Source, Sparing, Status, host};
use tokio::sync::oneshot;

use crate::tiny_model;

/// Nothing takes this long; it turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

const KEY: &str = "the key";

/// A directory of its own with the tiny model.
pub struct Ground(Arc<Inner>);

struct Inner {
    dir: tempfile::TempDir,
    model: PathBuf,
    launches: AtomicUsize,
    refusal: Mutex<Option<String>>,
    engine: Mutex<Option<oneshot::Sender<()>>>,
}

impl Ground {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let model = tiny_model::write_good(dir.path());
        let (refusal, engine) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { dir, model, launches: AtomicUsize::new(0), refusal, engine }))
    }

    pub fn place(&self) -> Place {
        Place::of(self.0.dir.path(), KEY)
    }

    /// The file of the socket.
    pub fn socket(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.0.dir.path()).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths.find(|path| path.extension().is_some_and(|it| it == "sock")).unwrap()
    }

    /// How often an engine was started.
    pub fn launches(&self) -> usize {
        self.0.launches.load(Ordering::SeqCst)
    }

    /// Has no engine started any more.
    pub fn refuse(&self, why: &str) {
        *self.0.refusal.lock().unwrap() = Some(why.into());
    }

    /// Ends the engine as a signal would: nobody is told.
    pub fn kill(&self) {
        self.0.engine.lock().unwrap().take().unwrap().send(()).unwrap();
    }

    pub fn window(&self) -> Arc<dyn Source> {
        self.window_with_key(KEY)
    }

    /// A window that means another engine but comes to the same place.
    pub fn window_with_key(&self, key: &str) -> Arc<dyn Source> {
        let (ground, model) = (Arc::clone(&self.0), self.0.model.clone());
        SharedSource::start(SharedOptions {
            place: self.place(),
            key: key.into(),
            launch: Box::new(move || ground.launch()),
            inside: Box::new(move || embedded(model)),
        })
    }

    pub fn embedded(&self) -> Arc<dyn Source> {
        embedded(self.0.model.clone())
    }
}

fn embedded(model: PathBuf) -> Arc<EmbeddedSource> {
    let options = LoadOptions { context: 512, threads: 1, compute: Compute::Kernels };
    EmbeddedSource::start(Box::new(move |_| Ok(model)), None, options, Sparing::default())
}

impl Inner {
    /// Runs an engine on a thread until it ends by itself or is killed.
    fn launch(self: &Arc<Self>) -> Result<(), String> {
        if let Some(why) = self.refusal.lock().unwrap().clone() {
            return Err(why);
        }
        let (kill, killed) = oneshot::channel();
        let (announce, announced) = std::sync::mpsc::channel();
        let (place, model) = (Place::of(self.dir.path(), KEY), self.model.clone());
        let ground = Arc::clone(self);
        std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(2).enable_all().build().unwrap();
            let say = move |taken| {
                if taken == infill_ls::source::Taken::Here {
                    ground.launches.fetch_add(1, Ordering::SeqCst);
                    *ground.engine.lock().unwrap() = Some(kill);
                }
                announce.send(()).unwrap();
            };
            let engine = host(&place, KEY, Duration::from_secs(60), || embedded(model), say);
            runtime.block_on(async {
                tokio::select! {
                    ended = engine => ended.unwrap(),
                    // The ground may be gone before the engine.
                    _ = killed => {}
                }
            });
            runtime.shutdown_background();
        });
        announced.recv_timeout(PATIENCE).map_err(|error| error.to_string())
    }
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        tokio::task::yield_now().await;
    }
}

/// Waits until a source answers.
pub async fn ready(source: &Arc<dyn Source>) {
    until("the model", || match source.status() {
        Status::Ready { .. } => true,
        Status::Loading { .. } => false,
        Status::Failed { message } => panic!("{message}"),
    })
    .await;
}

//! The model inside: finds or fetches the file, loads it on a thread of its own, and turns requests into engine jobs.

mod infill;
mod locate;
mod power;
mod prompt;
mod rest;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::{Ahead, BoxFuture, Counters, EngineReport, Generation, Request, Source, SourceError, Status};
use crate::complete::{TokenCount, TokenOdds};
use crate::engine::{
    self, BranchId, Engine, Job, JobError, Parts, Preparation, PromptTokens, Purpose, Readiness, RestAfter,
};
use crate::model::{Decoder, LanguageModel, LoadOptions, Loaded, Reload, Tokenizer, load};

pub use locate::locate;
pub use prompt::PromptEncoder;
pub use rest::Resting;

/// Bytes of keys and values that are kept, over all documents: some twenty thousand tokens of the default model.
const CACHE_BYTES: usize = 256 << 20;

/// How long a request is served before it gives way to another one: most suggestions are done by then, and would only be
/// later for it, and whoever waits behind a long one does not notice.
const TURN: Duration = Duration::from_millis(150);

/// After these times unused, a document's rows besides its file's are freed. What was made ready is as soon made ready again; what
/// served last is half a second's work before the next suggestion.
const REST_AFTER: RestAfter = RestAfter { ready: Duration::from_secs(10), tail: Duration::from_secs(60) };

/// Tokens of the context that a file's rows leave free, for a suffix and an answer behind any cursor in it.
const BEHIND_FILE: usize = 1024;

/// Says where the model file is, fetching it if need be; it may report (stage, done, total) while it works.
pub type Locate = Box<dyn FnOnce(&(dyn Fn(&str, u64, u64) + Sync)) -> Result<PathBuf, String> + Send>;

/// How the model leaves the machine to others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sparing {
    /// Threads that compute while the machine runs on its battery, if not as many as otherwise.
    pub battery_threads: Option<usize>,
    /// Threads that compute while other programs keep the cores busy, if not as many as otherwise.
    pub busy_threads: Option<usize>,
    /// How long it is unused before its weights leave memory; `None` keeps them there.
    pub unused: Option<Duration>,
}

/// A source whose model runs in this process.
pub struct EmbeddedSource {
    status: Mutex<Status>,
    changed: Condvar,
    ready: RwLock<Option<Arc<Ready>>>,
}

/// What is there once the model is loaded.
struct Ready {
    engine: Engine,
    tokenizer: Arc<Tokenizer>,
    encoder: PromptEncoder,
    context: usize,
}

/// Counts with the model's own tokenizer.
struct Counter(Arc<Tokenizer>);

impl TokenCount for Counter {
    fn count(&self, text: &str) -> usize {
        // Byte-level vocabularies encode every text; if one ever does not, a byte is the safe upper bound.
        self.0.encode(text).map_or(text.len(), |tokens| tokens.len())
    }
}

impl EmbeddedSource {
    /// Starts to locate and load the model, and the one that drafts for it if there is to be one; requests are refused with
    /// [`SourceError::Loading`] until they are there.
    pub fn start(
        locate: Locate,
        draft_model: Option<Locate>,
        options: LoadOptions,
        sparing: Sparing,
    ) -> Arc<Self> {
        let source = Arc::new(Self::loading("looking for the model"));
        let loading = source.clone();
        let load = move || match loading.load(locate, draft_model, options, sparing) {
            Ok((ready, model)) => loading.set_ready(ready, model),
            Err(message) => loading.set_status(Status::Failed { message }),
        };
        if let Err(error) = std::thread::Builder::new().name("load".into()).spawn(load) {
            source.set_status(Status::Failed { message: format!("no thread to load the model: {error}") });
        }
        source
    }

    /// Waits until the model is loaded or cannot be; `progress` hears of each change meanwhile.
    ///
    /// # Errors
    /// The message of [`Status::Failed`].
    pub fn wait(&self, progress: &mut dyn FnMut(&str, u64, u64)) -> Result<String, String> {
        let mut status = self.lock();
        loop {
            match &*status {
                Status::Ready { model } => return Ok(model.clone()),
                Status::Failed { message } => return Err(message.clone()),
                Status::Loading { stage, done, total } => progress(stage, *done, *total),
            }
            status = self.changed.wait(status).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Generates for a window; dropping the future cancels the work.
    pub(super) fn generate_for(
        &self,
        window: u32,
        request: Request,
    ) -> BoxFuture<Result<Generation, SourceError>> {
        let (ready, since) = (self.ready(), Instant::now());
        Box::pin(async move {
            let ready = ready.ok_or(SourceError::Loading)?;
            let guard = request.cancel.guard();
            let encoder = ready.clone();
            // Tokenising a long prompt takes milliseconds: too long for the thread that reads the editor's messages.
            let encoded = tokio::task::spawn_blocking(move || (encoder.prompts(&request), request)).await;
            let (prompts, request) = encoded.map_err(|error| SourceError::Failed(error.to_string()))?;
            let mut prompts = prompts?;
            let others = prompts.split_off(1);
            let (answer, answered) = tokio::sync::oneshot::channel();
            let reply = move |result| {
                // Nobody waits any more when the request was cancelled.
                let _ = answer.send(result);
            };
            let Request { branch, params, watch, cancel, latency, idle, .. } = request;
            let branch = BranchId { window, document: branch };
            let mut job = Job::new(branch, prompts.remove(0), params, watch, cancel, reply);
            (job.request.others, job.request.latency) = (others, latency);
            (job.request.since, job.request.idle) = (since, idle);
            ready.engine.submit(job);
            let output =
                answered.await.map_err(|_| SourceError::Failed("the engine has stopped".into()))??;
            guard.disarm();
            let engine::JobOutput { text, tokens, finish, usage } = output;
            let tokens = tokens.into_iter().map(TokenOdds::from).collect();
            Ok(Generation { text, tokens, finish, usage })
        })
    }

    /// Has something made ready for a window in idle time.
    pub(super) fn prepare_for(&self, branch: BranchId, ahead: Ahead) {
        let Some(ready) = self.ready() else { return };
        // Nobody waits for it, and tokenising a file takes longer than a handler may.
        tokio::task::spawn_blocking(move || match ready.preparation(branch, ahead) {
            Ok(preparation) => ready.engine.prepare(preparation),
            Err(error) => tracing::warn!(%error, "nothing could be made ready"),
        });
    }

    /// Frees what is kept for a document of a window.
    pub(super) fn forget_branch(&self, branch: BranchId) {
        if let Some(ready) = self.ready() {
            ready.engine.forget(branch);
        }
    }

    /// Frees what is kept for a window.
    pub(super) fn forget_window(&self, window: u32) {
        if let Some(ready) = self.ready() {
            ready.engine.forget_window(window);
        }
    }

    fn loading(stage: &str) -> Self {
        let status = Status::Loading { stage: stage.into(), done: 0, total: 0 };
        Self { status: Mutex::new(status), changed: Condvar::new(), ready: RwLock::new(None) }
    }

    fn load(
        &self,
        locate: Locate,
        draft_model: Option<Locate>,
        options: LoadOptions,
        sparing: Sparing,
    ) -> Result<(Ready, String), String> {
        let stage = |stage: &str, done, total| {
            self.set_status(Status::Loading { stage: stage.to_owned(), done, total });
        };
        let path = locate(&stage)?;
        let name = shown(&path);
        // Loading takes about a second: not worth a percentage.
        stage(&format!("loading {name}"), 0, 0);
        let mut loaded = load(&path, options).map_err(|error| error.to_string())?;
        if let Some(pool) = loaded.decoder.pool() {
            power::follow(&pool, sparing);
        }
        let infill = infill::of(&path, &loaded);
        let explained = infill.explain();
        let name = match infill.uses_markers() {
            true => loaded.name.clone(),
            false => format!("{} ({explained})", loaded.name),
        };
        match infill.uses_markers() {
            true => tracing::info!(model = loaded.name, "{explained}"),
            false => {
                tracing::warn!(model = loaded.name, "{explained}");
                loaded.markers.fim = None;
            }
        }
        let Some(locate) = draft_model else { return Ok((Ready::new(loaded, None, sparing.unused)?, name)) };
        let path = locate(&stage)?;
        stage(&format!("loading {}", shown(&path)), 0, 0);
        let mut small = load(&path, options).map_err(|error| error.to_string())?;
        small.share_threads(&loaded);
        if !small.tokenizer.has_tokens_of(&loaded.tokenizer) {
            return Err(format!(
                "`draft_model`: {} cuts text into other tokens than {name}; take a smaller model of the same family, or none",
                small.name
            ));
        }
        let name = format!("{name}, with drafts of {}", small.name);
        tracing::info!("{name}");
        Ok((Ready::new(loaded, Some(small), sparing.unused)?, name))
    }

    fn set_ready(&self, ready: Ready, model: String) {
        *self.ready.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(ready));
        self.set_status(Status::Ready { model });
    }

    fn set_status(&self, status: Status) {
        *self.lock() = status;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready(&self) -> Option<Arc<Ready>> {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns a network for the engine: one that may leave memory when it is unused, where that is wanted.
fn language_model(decoder: Decoder, reload: Reload, unused: Option<Duration>) -> Box<dyn LanguageModel> {
    let Some(unused) = unused else { return Box::new(decoder) };
    let read = move || Ok(Box::new(reload.decoder()?) as Box<dyn LanguageModel>);
    let resting = Resting::new(Box::new(decoder), unused, Box::new(read));
    resting.watch();
    Box::new(resting)
}

impl Ready {
    fn new(loaded: Loaded, small: Option<Loaded>, unused: Option<Duration>) -> Result<Self, String> {
        let context = loaded.decoder.context();
        let tokenizer = Arc::new(loaded.tokenizer);
        let model = language_model(loaded.decoder, loaded.reload, unused);
        let draft_model = small.map(|small| language_model(small.decoder, small.reload, unused));
        let parts = Parts {
            model,
            draft_model,
            tokenizer: tokenizer.clone(),
            context,
            cache_bytes: CACHE_BYTES,
            turn: TURN,
            rest_after: REST_AFTER,
        };
        let engine =
            Engine::start(parts).map_err(|error| format!("the engine thread cannot start: {error}"))?;
        let encoder = PromptEncoder::new(tokenizer.clone(), loaded.markers).with_chat(loaded.chat);
        Ok(Self { engine, tokenizer, encoder, context })
    }

    /// Returns all prompts of a request, the one that is wanted most first.
    fn prompts(&self, request: &Request) -> Result<Vec<PromptTokens>, SourceError> {
        let mut prompts = vec![self.encoder.input(&request.input)?];
        for other in &request.others {
            prompts.push(self.encoder.infill(other)?);
        }
        let tokens = prompts[0].tokens.len();
        prompts.retain(|prompt| prompt.tokens.len() < self.context);
        match prompts.is_empty() {
            false => Ok(prompts),
            true => Err(SourceError::TooLong { tokens, context: self.context }),
        }
    }

    fn preparation(&self, branch: BranchId, ahead: Ahead) -> Result<Preparation, SourceError> {
        let (purpose, readiness, (mut tokens, head)) = match ahead {
            Ahead::File(prompt) => (Purpose::File, Readiness::default(), self.encoder.file(&prompt)?),
            Ahead::NewContext(prompt, readiness) => {
                (Purpose::NewContext, readiness, self.encoder.file(&prompt)?)
            }
            Ahead::Prompt(prompt) => {
                (Purpose::Prompt, Readiness::default(), (self.encoder.infill(&prompt)?.tokens, 0))
            }
        };
        tokens.truncate(self.context.saturating_sub(BEHIND_FILE));
        Ok(Preparation { branch, purpose, tokens, head, readiness })
    }
}

impl Source for EmbeddedSource {
    fn status(&self) -> Status {
        self.lock().clone()
    }

    fn counter(&self) -> Option<Arc<dyn TokenCount + Send + Sync>> {
        let ready = self.ready()?;
        Some(Arc::new(Counter(ready.tokenizer.clone())))
    }

    fn generate(&self, request: Request) -> BoxFuture<Result<Generation, SourceError>> {
        self.generate_for(0, request)
    }

    fn prepare(&self, branch: u64, ahead: Ahead) {
        self.prepare_for(branch.into(), ahead);
    }

    fn forget(&self, branch: u64) {
        self.forget_branch(branch.into());
    }

    fn engine(&self) -> Option<EngineReport> {
        Some(EngineReport::own())
    }

    fn counters(&self) -> Counters {
        self.ready().map(|ready| ready.engine.totals().counters()).unwrap_or_default()
    }
}

impl From<engine::TokenOdds> for TokenOdds {
    fn from(odds: engine::TokenOdds) -> Self {
        let engine::TokenOdds { end, probability, ended } = odds;
        Self { end, probability, ended }
    }
}

impl From<JobError> for SourceError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Cancelled => Self::Cancelled,
            JobError::Overtaken => Self::Overtaken,
            JobError::TooLong { tokens, context } => Self::TooLong { tokens, context },
            JobError::Failed(message) => Self::Failed(message),
        }
    }
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

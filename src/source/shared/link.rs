//! A window's way to the engine, whichever it is at the moment: hands requests on and their texts back to who watches them, and
//! asks the next engine again what a lost one has not begun.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, oneshot};

use super::follower::Follower;
use super::protocol::{Asked, Hello, ToEngine, Wanted, frame};
use super::questions::Questions;
use super::{Inside, SharedOptions};
use crate::engine::{FinishReason, Readiness, Watch};
use crate::source::{Ahead, Generation, Request, Source, SourceError, Status};

/// The link of one window.
pub(super) struct Link {
    state: Mutex<State>,
    questions: Arc<Questions>,
    /// Told when something is asked while no engine is wanted.
    wanted: Notify,
}

struct State {
    status: Status,
    /// Whether the model was ready once.
    was_ready: bool,
    /// Whether the engine was told to end: it is started again by the next request.
    is_stopped: bool,
    /// The way to the engine while there is one.
    engine: Option<UnboundedSender<Vec<u8>>>,
    pending: HashMap<u64, Pending>,
    numbers: u64,
    /// Messages that came from engines.
    heard: u64,
    /// What the engine was last asked to make ready, told again to the next one.
    prepared: HashMap<(u64, Kind), Vec<u8>>,
    awaited: HashMap<u64, Readiness>,
    inside: Option<(Arc<dyn Source>, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    File,
    NewContext,
    Prompt,
}

/// A request that is not answered yet.
struct Pending {
    frame: Vec<u8>,
    answer: oneshot::Sender<Result<Generation, SourceError>>,
    watched: Arc<Mutex<Watched>>,
    /// Whether it was asked again of another engine.
    again: bool,
}

/// The text of a request so far, and who watches it.
struct Watched {
    watch: Watch,
    /// Bytes that came.
    length: usize,
    /// Whether the watcher had enough at that length.
    enough: bool,
}

/// Withdraws a request that nobody waits for any more.
struct Withdrawal<'a> {
    link: &'a Link,
    id: u64,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        let mut state = self.link.lock();
        if state.pending.remove(&self.id).is_some() {
            state.send(frame(&ToEngine::Cancel { id: self.id }));
        }
    }
}

impl State {
    fn new() -> Self {
        Self {
            status: loading("looking for the engine"),
            was_ready: false,
            is_stopped: false,
            engine: None,
            pending: HashMap::new(),
            numbers: 0,
            heard: 0,
            prepared: HashMap::new(),
            awaited: HashMap::new(),
            inside: None,
        }
    }

    /// Sends to the engine; while there is none it is lost.
    fn send(&self, frame: Vec<u8>) {
        let _ = self.engine.as_ref().map(|engine| engine.send(frame));
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl Link {
    pub(super) fn start(options: SharedOptions, dropped: oneshot::Receiver<()>) -> Arc<Self> {
        let SharedOptions { place, key, launch, inside } = options;
        let state = State::new();
        let questions = Arc::new(Questions::new(Some(place.clone()), &key));
        let link = Arc::new(Self { state: Mutex::new(state), questions, wanted: Notify::new() });
        let follower =
            Follower { link: Arc::clone(&link), place, hello: Hello::of(&key, true), launch: launch.into() };
        // A runtime of its own, so that a piece of text never waits behind what the server does.
        let follow = move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(async {
                tokio::select! {
                    () = follower.follow(inside) => {}
                    _ = dropped => {}
                }
            }),
            Err(error) => follower.link.go_inside(inside, error.to_string()),
        };
        if let Err(error) = std::thread::Builder::new().name("link".into()).spawn(follow) {
            link.set_status(Status::Failed { message: format!("no thread for the engine: {error}") });
        }
        link
    }

    /// Returns a link to a source in this process.
    pub(super) fn inside_only(inside: Arc<dyn Source>, why: String) -> Arc<Self> {
        tracing::warn!(why, "there is no shared engine; the model is loaded in this process");
        let state = Mutex::new(State { inside: Some((inside, why)), ..State::new() });
        Arc::new(Self { state, questions: Arc::new(Questions::new(None, "")), wanted: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> Status {
        self.lock().status.clone()
    }

    pub(super) fn set_status(&self, status: Status) {
        self.lock().status = status;
    }

    /// Returns whether there was a model that could be asked; it counts tokens also while another engine loads it.
    pub(super) fn was_ready(&self) -> bool {
        self.lock().was_ready
    }

    /// Returns the source in this process, where there can be no shared engine.
    pub(super) fn inside(&self) -> Option<Arc<dyn Source>> {
        self.lock().inside.as_ref().map(|(inside, _)| Arc::clone(inside))
    }

    pub(super) fn why_inside(&self) -> Option<String> {
        self.lock().inside.as_ref().map(|(_, why)| why.clone())
    }

    pub(super) fn questions(&self) -> Arc<Questions> {
        Arc::clone(&self.questions)
    }

    pub(super) async fn generate(self: Arc<Self>, request: Request) -> Result<Generation, SourceError> {
        let cancel = request.cancel.clone();
        let (id, answer) = self.ask(request)?;
        let _withdrawal = Withdrawal { link: &self, id };
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or(Err(lost())),
            () = cancel.cancelled() => Err(SourceError::Cancelled),
        }
    }

    /// Hands a request on.
    fn ask(
        &self,
        request: Request,
    ) -> Result<(u64, oneshot::Receiver<Result<Generation, SourceError>>), SourceError> {
        let Request { branch, input, others, latency, params, watch, idle, files, .. } = request;
        let asked = Box::new(Asked { document: branch, input, others, latency, params, idle, files });
        let (answer, answered) = oneshot::channel();
        let mut state = self.lock();
        match &state.status {
            Status::Ready { .. } => {}
            Status::Failed { message } => return Err(SourceError::Failed(message.clone())),
            Status::Loading { .. } => return Err(SourceError::Loading),
        }
        let id = state.number();
        drop(state);
        let frame = frame(&ToEngine::Generate { id, asked });
        let watched = Arc::new(Mutex::new(Watched { watch, length: 0, enough: false }));
        let mut state = self.lock();
        state.send(frame.clone());
        state.pending.insert(id, Pending { frame, answer, watched, again: false });
        if state.is_stopped {
            self.wanted.notify_one();
        }
        Ok((id, answered))
    }

    pub(super) fn prepare(&self, document: u64, ahead: Ahead) {
        let mut state = self.lock();
        let (kind, wanted) = match ahead {
            Ahead::File(prompt) => (Kind::File, Wanted::File(prompt)),
            Ahead::Prompt(prompt) => (Kind::Prompt, Wanted::Prompt(prompt)),
            Ahead::NewContext(prompt, readiness) => {
                let number = state.number();
                // What is no longer waited for is nobody's business.
                state.awaited.retain(|_, readiness| !readiness.is_reached());
                state.awaited.insert(number, readiness);
                (Kind::NewContext, Wanted::NewContext(prompt, number))
            }
        };
        let frame = frame(&ToEngine::Prepare { document, wanted });
        if matches!(state.status, Status::Ready { .. }) {
            state.send(frame.clone());
        }
        state.prepared.insert((document, kind), frame);
    }

    pub(super) fn forget(&self, document: u64) {
        let mut state = self.lock();
        state.prepared.retain(|(of, _), _| *of != document);
        state.send(frame(&ToEngine::Forget { document }));
    }

    /// Takes the way to a new engine.
    pub(super) fn connect(&self, engine: UnboundedSender<Vec<u8>>) {
        self.lock().engine = Some(engine);
    }

    /// What was to be made ready is there.
    pub(super) fn reached(&self, number: u64) {
        let reached = self.lock().awaited.remove(&number);
        reached.inspect(|readiness| readiness.reach());
    }

    /// Counts a message from the engine.
    pub(super) fn hear(&self) {
        self.lock().heard += 1;
    }

    /// Returns how many messages came.
    pub(super) fn heard(&self) -> u64 {
        self.lock().heard
    }

    /// Returns whether a request waits for its answer.
    pub(super) fn is_waiting(&self) -> bool {
        !self.lock().pending.is_empty()
    }

    /// Asks the engine for anything that it can say at once.
    pub(super) fn ask_for_a_word(&self) {
        self.lock().send(frame(&ToEngine::Counters));
    }

    /// Has the model loaded in this process.
    pub(super) fn go_inside(&self, inside: Inside, why: String) {
        tracing::warn!(why, "there is no shared engine; the model is loaded in this process");
        let source = inside();
        let mut state = self.lock();
        state.inside = Some((source, why));
        state.engine = None;
        for (_, pending) in state.pending.drain() {
            let _ = pending.answer.send(Err(SourceError::Loading));
        }
    }

    /// Gives a piece of text to who watches it, and tells the engine what they say.
    pub(super) fn piece(&self, id: u64, text: &str) {
        let Some(watched) = self.lock().pending.get(&id).map(|pending| Arc::clone(&pending.watched)) else {
            return;
        };
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        if !watched.enough {
            watched.length += text.len();
            watched.enough = (watched.watch)(text).is_break();
        }
        self.lock().send(frame(&ToEngine::Verdict { id, go_on: !watched.enough }));
    }

    pub(super) fn done(&self, id: u64, result: Result<Generation, SourceError>) {
        let Some(pending) = self.lock().pending.remove(&id) else { return };
        let watched = pending.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match watched.enough {
            true => result.map(|generation| cut(generation, watched.length)),
            false => result,
        };
        // Nobody waits any more when it was cancelled.
        let _ = pending.answer.send(result);
    }

    /// The model is there: tells the engine what the last one had been asked.
    pub(super) fn set_ready(&self, status: Status) {
        let mut state = self.lock();
        state.was_ready = true;
        state.status = status;
        let State { pending, prepared, engine: Some(engine), .. } = &mut *state else { return };
        for frame in prepared.values() {
            // Where it is gone already, the next one is told.
            let _ = engine.send(frame.clone());
        }
        for pending in pending.values_mut().filter(|pending| !pending.again) {
            pending.again = true;
            let _ = engine.send(pending.frame.clone());
        }
    }

    /// The engine was told to end: nothing changes for who looks at the status, for the next request brings it back.
    pub(super) async fn rest(&self) {
        let status = self.status();
        self.lose(status);
        self.lock().is_stopped = true;
        // What was asked before it ended needs another engine now.
        if self.lock().pending.is_empty() {
            self.wanted.notified().await;
        }
        self.lock().is_stopped = false;
    }

    /// Ends what cannot be asked again when an engine is lost: of which some was seen, or which was lost twice.
    pub(super) fn lose(&self, status: Status) {
        let mut state = self.lock();
        state.engine = None;
        state.status = status;
        let is_begun =
            |pending: &Pending| pending.watched.lock().unwrap_or_else(PoisonError::into_inner).length > 0;
        let ended = state.pending.extract_if(|_, pending| pending.again || is_begun(pending));
        for (_, pending) in ended {
            let _ = pending.answer.send(Err(lost()));
        }
    }

    /// Ends all requests: there will be no answers.
    pub(super) fn fail(&self, message: String) {
        let mut state = self.lock();
        for (_, pending) in state.pending.drain() {
            let _ = pending.answer.send(Err(SourceError::Failed(message.clone())));
        }
        state.engine = None;
        state.status = Status::Failed { message };
    }
}

pub(super) fn loading(stage: &str) -> Status {
    Status::Loading { stage: stage.into(), done: 0, total: 0 }
}

fn lost() -> SourceError {
    SourceError::Failed("the engine process ended while it worked on this; another one is started".into())
}

/// Returns a generation as it would be had it ended where its watcher had enough: the engine may have gone on meanwhile.
fn cut(mut generation: Generation, length: usize) -> Generation {
    generation.finish = FinishReason::Stop;
    if length < generation.text.len() {
        generation.text.truncate(length);
        let last = generation.tokens.iter().position(|token| length <= token.end);
        generation.tokens.truncate(last.map_or(usize::MAX, |last| last + 1));
    }
    generation
}

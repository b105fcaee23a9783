//! A server, asked: what is sent is made, the answer read, and what came of it kept for the breaker and the totals.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::ask::{Ask, Text};
use super::branches::Branches;
use super::breaker::Breaker;
use super::client::Client;
use super::events::Events;
use super::fault::{Fault, FaultKind};
use super::markers::Family;
use super::options::{MarkerChoice, RemoteKind, RemoteOptions};
use super::patience::patient;
use super::private::{self, Folders};
use super::protocol::{Outgoing, Protocol};
use super::waking::Waking;
use super::writing::Writing;
use crate::engine::{FinishReason, GenerationParams, Watch};
use crate::source::{Generation, Input, Request, SourceError};

/// A server and what was seen of it.
pub(super) struct Server {
    pub(super) client: Client,
    pub(super) protocol: Box<dyn Protocol>,
    options: RemoteOptions,
    folders: Folders,
    model: OnceLock<Option<String>>,
    pub(super) branches: Branches,
    pub(super) breaker: Breaker,
    pub(super) waking: Waking,
    pub(super) seen: Seen,
}

/// Running totals.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) requests: AtomicU64,
    pub(super) cancelled: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) answered: AtomicU64,
    pub(super) withheld: AtomicU64,
    pub(super) masked: AtomicU64,
    pub(super) decoded: AtomicU64,
    pub(super) prefill: AtomicU64,
    pub(super) reused: AtomicU64,
    pub(super) running: AtomicU64,
}

/// Why a request got no answer, and the request, of which nothing was shown yet.
pub(in crate::source) struct Unanswered {
    pub(in crate::source) error: SourceError,
    pub(in crate::source) request: Box<Request>,
}

impl Server {
    pub(super) fn new(client: Client, options: RemoteOptions) -> Self {
        let protocol = options.kind.protocol();
        let model = match (&options.model, protocol.models()) {
            (None, Some(_)) => OnceLock::new(),
            (_, Some(_)) if protocol.learns() => OnceLock::new(),
            (model, _) => OnceLock::from(model.clone()),
        };
        Self {
            client,
            protocol,
            folders: Folders::new(&options.folders),
            options,
            model,
            branches: Branches::default(),
            breaker: Breaker::default(),
            waking: Waking::default(),
            seen: Seen::default(),
        }
    }

    pub(super) async fn attempt(self: Arc<Self>, mut request: Request) -> Result<Generation, Unanswered> {
        self.seen.requests.fetch_add(1, Relaxed);
        let Some(turn) = self.branches.begin(request.branch, request.idle) else {
            return Err(unanswered(SourceError::Overtaken, request));
        };
        let running = Running::of(&self);
        let cancel = request.cancel.clone();
        let answered = tokio::select! {
            biased;
            () = turn.over() => Err(SourceError::Overtaken),
            () = cancel.cancelled() => Err(SourceError::Cancelled),
            answered = self.answer(&mut request) => answered,
        };
        match answered {
            Ok(generation) => {
                running.done();
                drop(turn);
                self.count(&generation);
                Ok(generation)
            }
            Err(error) => {
                if !matches!(error, SourceError::Cancelled | SourceError::Overtaken) {
                    running.done();
                }
                drop(turn);
                Err(unanswered(error, request))
            }
        }
    }

    async fn answer(self: &Arc<Self>, request: &mut Request) -> Result<Generation, SourceError> {
        if !self.folders.allow_all(&request.files) {
            self.seen.withheld.fetch_add(1, Relaxed);
            return Err(SourceError::Private);
        }
        let mut writing = None;
        let answered = match request.params.time_budget {
            None => self.ask(request, &mut writing).await,
            Some(budget) => match patient(budget, self.ask(request, &mut writing)).await {
                Some(answered) => answered,
                None => match writing.filter(Writing::has_begun) {
                    Some(writing) => Ok(writing.end(FinishReason::Time)),
                    None => {
                        Err(Fault::new(FaultKind::Silent, "nothing came within `completion.time_ms`").into())
                    }
                },
            },
        };
        match answered {
            Ok(generation) => {
                self.breaker.succeeded();
                self.waking.answered();
                self.seen.answered.fetch_add(1, Relaxed);
                Ok(generation)
            }
            Err(Failure::Fault(fault)) => {
                self.seen.failed.fetch_add(1, Relaxed);
                if fault.kind == FaultKind::Request {
                    tracing::warn!(why = fault.message, "the remote source cannot do a request");
                }
                self.breaker.failed(&fault, Instant::now());
                Err(away(fault))
            }
            Err(Failure::Other(error)) => Err(error),
        }
    }

    async fn ask(
        self: &Arc<Self>,
        request: &mut Request,
        writing: &mut Option<Writing>,
    ) -> Result<Generation, Failure> {
        let model = self.model().await?;
        self.awake(model.as_deref()).await?;
        let (server, params) = (Arc::clone(self), request.params.clone());
        let (input, files) = (request.input.clone(), request.files.clone());
        // Looking for secrets takes some 13 microseconds a kilobyte, and the first time the rules are compiled.
        let made = tokio::task::spawn_blocking(move || {
            let (outgoing, masked) = server.outgoing(&input, &params, &files, model)?;
            Ok::<_, SourceError>((bytes(&outgoing)?, outgoing, masked))
        });
        let (body, outgoing, masked) =
            made.await.map_err(|error| SourceError::Failed(error.to_string()))??;
        self.seen.masked.fetch_add(masked as u64, Relaxed);
        let answer = self.client.post(outgoing.path, &body).await?;
        let events = Events::of(answer, outgoing.framing, self.client.read());
        let begun = Writing::new(outgoing.begins_with, outgoing.cut_at, request.params.max_tokens);
        let finish = self.read(events, writing.insert(begun), &mut request.watch).await?;
        writing.take().map(|writing| writing.end(finish)).ok_or_else(|| SourceError::Cancelled.into())
    }

    /// Reads an answer until it is over or the watcher has enough, and returns why it ended. What came before it broke off
    /// counts as an answer that was cut short.
    pub(super) async fn read(
        &self,
        mut events: Events,
        writing: &mut Writing,
        watch: &mut Watch,
    ) -> Result<FinishReason, Failure> {
        loop {
            let delta = events
                .next()
                .await
                .and_then(|event| event.map(|event| self.protocol.read(&event)).transpose());
            match delta {
                Ok(Some(delta)) => {
                    if let Some(finish) = writing.push(delta, watch) {
                        if writing.is_finished() {
                            events.read_out();
                        }
                        return Ok(finish);
                    }
                }
                Ok(None) if writing.is_finished() => return Ok(FinishReason::EndOfText),
                Ok(None) => {
                    return self.broken_off(writing, Fault::new(FaultKind::Cut, "the answer broke off"));
                }
                Err(fault) => return self.broken_off(writing, fault),
            }
        }
    }

    fn broken_off(&self, writing: &Writing, fault: Fault) -> Result<FinishReason, Failure> {
        if !writing.has_begun() {
            return Err(fault.into());
        }
        self.seen.failed.fetch_add(1, Relaxed);
        tracing::debug!(why = fault.message, "an answer was cut short");
        Ok(FinishReason::Length)
    }

    pub(super) fn outgoing(
        &self,
        input: &Input,
        params: &GenerationParams,
        files: &[PathBuf],
        model: Option<String>,
    ) -> Result<(Outgoing, usize), SourceError> {
        if !self.folders.allow_all(files) {
            return Err(SourceError::Private);
        }
        let (input, masked) = private::masked(input, &self.folders);
        let family = self.family(model.as_deref());
        let ask = Ask { text: Text::of(input), params: params.clone(), model, family };
        let outgoing = self.protocol.request(&ask).map_err(SourceError::Failed)?;
        Ok((outgoing, masked))
    }

    /// Returns the family whose markers show a gap, if the server is not left to show it.
    pub(super) fn family(&self, model: Option<&str>) -> Option<&'static Family> {
        self.options.markers.family(model, self.options.kind)
    }

    /// Returns whether the server puts a suffix into the model's own form.
    pub(super) fn knows_gaps(&self) -> bool {
        self.options.kind.knows_gaps()
    }

    /// Returns the model's name on the server, asked for once where the settings do not say it, or the server tells more.
    pub(super) async fn model(&self) -> Result<Option<String>, Fault> {
        if let Some(model) = self.model.get() {
            return Ok(model.clone());
        }
        let Some((path, place)) = self.protocol.models() else { return Ok(None) };
        let list = match self.client.get(path).await {
            // What stands between may pass on questions alone.
            Err(fault) if !self.needs_name() && fault.kind.is_an_answer() => serde_json::Value::Null,
            list => list?,
        };
        self.protocol.learn(&list);
        let named = list.pointer(place).and_then(|name| name.as_str()).map(str::to_owned);
        Ok(self.model.get_or_init(|| self.options.model.clone().or(named)).clone())
    }

    /// Returns whether it has ever answered a request.
    pub(super) fn has_answered(&self) -> bool {
        0 < self.seen.answered.load(Relaxed)
    }

    /// Returns whether requests need a name that the settings do not say. TGI's is wanted for its markers only.
    fn needs_name(&self) -> bool {
        let is_moot = self.options.kind == RemoteKind::Tgi && self.options.markers != MarkerChoice::Auto;
        self.options.model.is_none() && !is_moot
    }

    fn count(&self, generation: &Generation) {
        let usage = &generation.usage;
        self.seen.decoded.fetch_add(usage.decoded_tokens as u64, Relaxed);
        self.seen.prefill.fetch_add(usage.prefill_tokens as u64, Relaxed);
        self.seen.reused.fetch_add(usage.reused_tokens as u64, Relaxed);
    }
}

/// A request under way; dropped before its end, it was cancelled.
struct Running<'a> {
    server: &'a Server,
    over: bool,
}

impl<'a> Running<'a> {
    fn of(server: &'a Server) -> Self {
        server.seen.running.fetch_add(1, Relaxed);
        Self { server, over: false }
    }

    fn done(mut self) {
        self.over = true;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.server.seen.running.fetch_sub(1, Relaxed);
        if !self.over {
            self.server.seen.cancelled.fetch_add(1, Relaxed);
        }
        // Where it was a trial it has an outcome by now, or will have none.
        self.server.breaker.given_up();
    }
}

/// Why a request failed.
pub(super) enum Failure {
    /// The server's doing.
    Fault(Fault),
    /// Not the server's doing.
    Other(SourceError),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::Other(error)
    }
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => away(fault),
            Failure::Other(error) => error,
        }
    }
}

/// Returns the error of a fault.
pub(super) fn away(fault: Fault) -> SourceError {
    SourceError::Away(fault.message)
}

fn unanswered(error: SourceError, request: Request) -> Unanswered {
    Unanswered { error, request: Box::new(request) }
}

/// Returns the bytes of a body.
pub(super) fn bytes(outgoing: &Outgoing) -> Result<Vec<u8>, SourceError> {
    serde_json::to_vec(&outgoing.body).map_err(|error| SourceError::Failed(error.to_string()))
}

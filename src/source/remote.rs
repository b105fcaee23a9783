//! A server somewhere else that completes: masked text goes out, pieces of text come back, and the layers above see the
//! same source as ever. What kind of server it is, is said by one file for each kind; the rest is the same for all.
//!
//! Nothing is sent before a request whose text may leave the machine. Dropping a generation closes its connection.

mod ask;
mod branches;
mod breaker;
mod client;
mod events;
mod fault;
mod llama_server;
mod markers;
mod mistral;
mod ollama;
mod openai;
mod options;
mod private;
mod protocol;
mod tgi;
mod writing;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::{
    Ahead, BoxFuture, Counters, Generation, Input, RemoteReport, Request, Source, SourceError, Status,
};
use crate::complete::TokenCount;
use crate::engine::{FinishReason, GenerationParams, Watch};
use ask::{Ask, Text};
use branches::Branches;
use breaker::Breaker;
use breaker::Gate;
use client::Client;
use events::Events;
use fault::{Fault, FaultKind};
use private::Folders;
use protocol::{Outgoing, Protocol};
use writing::Writing;

pub use options::{Key, MarkerChoice, RemoteKind, RemoteOptions};

/// Bytes of code that a token has at the least, on average: too long a prompt costs more than one that is a little shorter.
const BYTES_PER_TOKEN: usize = 3;

/// Prompt tokens a second that are taken for granted: whoever has a server wants it to read all that the settings allow.
const SPEED: u64 = 1_000_000;

/// A source whose model runs on a server.
pub struct RemoteSource {
    server: Result<Arc<Server>, String>,
    name: String,
}

/// A server and what was seen of it.
struct Server {
    client: Client,
    protocol: Box<dyn Protocol>,
    options: RemoteOptions,
    folders: Folders,
    model: OnceLock<Option<String>>,
    branches: Branches,
    breaker: Breaker,
    seen: Seen,
}

/// Running totals.
#[derive(Debug, Default)]
struct Seen {
    requests: AtomicU64,
    cancelled: AtomicU64,
    failed: AtomicU64,
    withheld: AtomicU64,
    masked: AtomicU64,
    decoded: AtomicU64,
    prefill: AtomicU64,
    reused: AtomicU64,
    running: AtomicU64,
}

/// A request as it would be sent, for a person who wants to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The address.
    pub url: String,
    /// The headers, one a line, the key left out.
    pub headers: String,
    /// The very bytes of the body.
    pub body: Vec<u8>,
    /// Secrets that were masked in it.
    pub masked: usize,
}

/// Why a request got no answer, and the request, of which nothing was shown yet.
pub(super) struct Unanswered {
    pub(super) error: SourceError,
    pub(super) request: Box<Request>,
}

/// Guesses by length: nobody knows the server's tokenizer here.
struct Guess;

impl TokenCount for Guess {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(BYTES_PER_TOKEN)
    }
}

impl RemoteSource {
    /// Returns a source for a server. Nothing is sent yet; options that cannot be used are told by its status.
    pub fn new(options: RemoteOptions) -> Self {
        let name = match &options.model {
            Some(model) => model.clone(),
            None => options.kind.name().to_owned(),
        };
        match Client::new(&options) {
            Ok(client) => {
                let name = format!("{name} at {}", client.place());
                Self { server: Ok(Arc::new(Server::new(client, options))), name }
            }
            Err(message) => Self { server: Err(message), name },
        }
    }

    /// Returns a source that asks nobody, for its settings cannot be used; the message says why.
    pub fn unusable(message: String) -> Self {
        Self { server: Err(message), name: "the remote source".into() }
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// When it gives none; the message says why.
    pub async fn check(&self) -> Result<(), SourceError> {
        let server = self.server()?;
        server.client.get(server.protocol.sign_of_life()).await.map(|_| ()).map_err(away)
    }

    /// Returns what would be sent for a request.
    ///
    /// # Errors
    /// When nothing would be sent; the message says why.
    pub async fn preview(&self, request: &Request) -> Result<Preview, SourceError> {
        let server = self.server()?;
        let model = server.model().await.map_err(away)?;
        let (outgoing, masked) = server.outgoing(&request.input, &request.params, &request.files, model)?;
        let headers = server.client.headers().map_err(away)?;
        let shown = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            let value =
                if value.is_sensitive() { crate::secrets::MASK } else { value.to_str().unwrap_or_default() };
            format!("{name}: {value}\n")
        };
        Ok(Preview {
            url: server.client.address(outgoing.path).into(),
            headers: headers.iter().map(shown).collect(),
            body: bytes(&outgoing)?,
            masked,
        })
    }

    fn server(&self) -> Result<&Arc<Server>, SourceError> {
        self.server.as_ref().map_err(|message| SourceError::Failed(message.clone()))
    }

    /// Says whether a request goes to the server now.
    fn gate(&self) -> Gate {
        match &self.server {
            Ok(server) => server.breaker.gate(Instant::now()),
            Err(message) => Gate::Open(message.clone()),
        }
    }

    /// Returns why the server is not asked now, if it is not. Once it was left alone for long enough, this also looks in the
    /// background whether it is there again: nobody is made to wait for a server that may not be.
    pub(super) fn is_away(&self) -> Option<SourceError> {
        match self.gate() {
            Gate::Closed => None,
            Gate::Open(why) => Some(SourceError::Away(why)),
            Gate::Trial => {
                self.look();
                Some(SourceError::Away("the remote source is being tried again".into()))
            }
        }
    }

    fn look(&self) {
        let Ok(server) = self.server.clone() else { return };
        tokio::spawn(async move {
            match server.client.get(server.protocol.sign_of_life()).await {
                // Whatever it says, it says something.
                Ok(_) => server.breaker.succeeded(),
                Err(fault) if matches!(fault.kind, FaultKind::Request | FaultKind::Nonsense) => {
                    server.breaker.succeeded();
                }
                Err(fault) => server.breaker.failed(&fault, Instant::now()),
            }
        });
    }

    /// Asks the server; where it gives no answer, the request comes back.
    pub(super) async fn attempt(&self, request: Request) -> Result<Generation, Unanswered> {
        match &self.server {
            Ok(server) => Arc::clone(server).attempt(request).await,
            Err(message) => {
                Err(Unanswered { error: SourceError::Away(message.clone()), request: Box::new(request) })
            }
        }
    }
}

impl Server {
    fn new(client: Client, options: RemoteOptions) -> Self {
        let protocol = options.kind.protocol();
        let model = match (&options.model, protocol.models()) {
            (None, Some(_)) => OnceLock::new(),
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
            seen: Seen::default(),
        }
    }

    async fn attempt(self: Arc<Self>, mut request: Request) -> Result<Generation, Unanswered> {
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
        let begun = Instant::now();
        if !self.folders.allow_all(&request.files) {
            self.seen.withheld.fetch_add(1, Relaxed);
            return Err(SourceError::Private);
        }
        let until = request.params.time_budget.and_then(|budget| begun.checked_add(budget));
        let answered = match until {
            None => self.ask(request, None).await,
            Some(until) => {
                match tokio::time::timeout_at(until.into(), self.ask(request, Some(until))).await {
                    Ok(answered) => answered,
                    // Not even the head of an answer came in all that time.
                    Err(_) => {
                        Err(Fault::new(FaultKind::Silent, "nothing came within `completion.time_ms`").into())
                    }
                }
            }
        };
        match answered {
            Ok(generation) => {
                self.breaker.succeeded();
                Ok(generation)
            }
            Err(Failure::Fault(fault)) => {
                self.seen.failed.fetch_add(1, Relaxed);
                self.breaker.failed(&fault, Instant::now());
                Err(away(fault))
            }
            Err(Failure::Other(error)) => Err(error),
        }
    }

    async fn ask(
        self: &Arc<Self>,
        request: &mut Request,
        until: Option<Instant>,
    ) -> Result<Generation, Failure> {
        let model = self.model().await?;
        let (server, params) = (Arc::clone(self), request.params.clone());
        let (input, files) = (request.input.clone(), request.files.clone());
        // Looking for secrets and writing JSON take about a millisecond for a long prompt.
        let made = tokio::task::spawn_blocking(move || {
            let (outgoing, masked) = server.outgoing(&input, &params, &files, model)?;
            Ok::<_, SourceError>((bytes(&outgoing)?, outgoing, masked))
        });
        let (body, outgoing, masked) =
            made.await.map_err(|error| SourceError::Failed(error.to_string()))??;
        self.seen.masked.fetch_add(masked as u64, Relaxed);
        let answer = self.client.post(outgoing.path, &body).await?;
        let events = Events::of(answer, outgoing.framing);
        let writing = Writing::new(outgoing.begins_with, request.params.max_tokens);
        self.read(events, writing, &mut request.watch, until).await
    }

    /// Reads an answer until it is over, the watcher has enough, or the time is over. What came before it broke off
    /// counts as an answer that was cut short.
    async fn read(
        &self,
        mut events: Events,
        mut writing: Writing,
        watch: &mut Watch,
        until: Option<Instant>,
    ) -> Result<Generation, Failure> {
        loop {
            let next = async { events.next().await };
            let event = match until {
                None => next.await,
                Some(until) => match tokio::time::timeout_at(until, next).await {
                    Ok(event) => event,
                    Err(_) if writing.has_begun() => return Ok(writing.end(FinishReason::Time)),
                    Err(_) => Err(Fault::new(FaultKind::Silent, "nothing came within `completion.time_ms`")),
                },
            };
            let delta = event.and_then(|event| {
                let read = event.map(|event| self.protocol.read(&event)).transpose();
                read.map_err(|message| Fault::new(FaultKind::Nonsense, message))
            });
            match delta {
                Ok(Some(delta)) => {
                    if let Some(finish) = writing.push(delta, watch) {
                        if writing.is_finished() {
                            events.read_out();
                        }
                        return Ok(writing.end(finish));
                    }
                }
                Ok(None) if writing.is_finished() => return Ok(writing.end(FinishReason::EndOfText)),
                Ok(None) => {
                    return self.broken_off(writing, Fault::new(FaultKind::Cut, "the answer broke off"));
                }
                Err(fault) => return self.broken_off(writing, fault),
            }
        }
    }

    fn broken_off(&self, writing: Writing, fault: Fault) -> Result<Generation, Failure> {
        if !writing.has_begun() {
            return Err(fault.into());
        }
        self.seen.failed.fetch_add(1, Relaxed);
        tracing::debug!(why = fault.message, "an answer was cut short");
        Ok(writing.end(FinishReason::Length))
    }

    fn outgoing(
        &self,
        input: &Input,
        params: &GenerationParams,
        files: &[std::path::PathBuf],
        model: Option<String>,
    ) -> Result<(Outgoing, usize), SourceError> {
        if !self.folders.allow_all(files) {
            return Err(SourceError::Private);
        }
        let (input, masked) = private::masked(input, &self.folders);
        let family = self.options.markers.family(model.as_deref(), self.options.kind);
        let ask = Ask { text: Text::of(input), params: params.clone(), model, family };
        let outgoing = self.protocol.request(&ask).map_err(SourceError::Failed)?;
        Ok((outgoing, masked))
    }

    /// Returns the model's name on the server, asked for once where the settings do not say it.
    async fn model(&self) -> Result<Option<String>, Fault> {
        if let Some(model) = self.model.get() {
            return Ok(model.clone());
        }
        let Some((path, place)) = self.protocol.models() else { return Ok(None) };
        let list = self.client.get(path).await?;
        let model = list.pointer(place).and_then(|name| name.as_str()).map(str::to_owned);
        Ok(self.model.get_or_init(|| model).clone())
    }

    fn count(&self, generation: &Generation) {
        let usage = &generation.usage;
        self.seen.decoded.fetch_add(usage.decoded_tokens as u64, Relaxed);
        self.seen.prefill.fetch_add(usage.prefill_tokens as u64, Relaxed);
        self.seen.reused.fetch_add(usage.reused_tokens as u64, Relaxed);
    }
}

impl Source for RemoteSource {
    fn status(&self) -> Status {
        match &self.server {
            Ok(_) => Status::Ready { model: self.name.clone() },
            Err(message) => Status::Failed { message: message.clone() },
        }
    }

    fn counter(&self) -> Option<Arc<dyn TokenCount + Send + Sync>> {
        Some(Arc::new(Guess))
    }

    fn generate(&self, request: Request) -> BoxFuture<Result<Generation, SourceError>> {
        let (server, gate) = (self.server().cloned(), self.gate());
        Box::pin(async move {
            if let Gate::Open(why) = gate {
                return Err(SourceError::Away(why));
            }
            server?.attempt(request).await.map_err(|unanswered| unanswered.error)
        })
    }

    fn prepare(&self, _branch: u64, ahead: Ahead) {
        // What the server keeps is its own business, so that a new context serves at once.
        if let Ahead::NewContext(_, readiness) = ahead {
            readiness.reach();
        }
    }

    fn forget(&self, branch: u64) {
        if let Ok(server) = &self.server {
            server.branches.end(branch);
        }
    }

    fn counters(&self) -> Counters {
        let Ok(server) = &self.server else { return Counters::default() };
        let seen = &server.seen;
        Counters {
            requests: seen.requests.load(Relaxed),
            cancelled: seen.cancelled.load(Relaxed),
            prefill_tokens: seen.prefill.load(Relaxed),
            reused_tokens: seen.reused.load(Relaxed),
            decoded_tokens: seen.decoded.load(Relaxed),
            busy: 0 < seen.running.load(Relaxed),
            prefill_per_second: SPEED,
            ..Counters::default()
        }
    }

    fn remote(&self) -> Option<RemoteReport> {
        let report = RemoteReport { name: self.name.clone(), ..RemoteReport::default() };
        Some(match &self.server {
            Err(message) => RemoteReport { away: Some(message.clone()), ..report },
            Ok(server) => RemoteReport {
                away: server.breaker.away(),
                requests: server.seen.requests.load(Relaxed),
                failed: server.seen.failed.load(Relaxed),
                withheld: server.seen.withheld.load(Relaxed),
                masked: server.seen.masked.load(Relaxed),
                ..report
            },
        })
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
enum Failure {
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

fn away(fault: Fault) -> SourceError {
    SourceError::Away(fault.message)
}

fn unanswered(error: SourceError, request: Request) -> Unanswered {
    Unanswered { error, request: Box::new(request) }
}

fn bytes(outgoing: &Outgoing) -> Result<Vec<u8>, SourceError> {
    serde_json::to_vec(&outgoing.body).map_err(|error| SourceError::Failed(error.to_string()))
}

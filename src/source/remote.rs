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
mod keyring;
mod llama_server;
mod markers;
mod mistral;
mod ollama;
mod openai;
mod options;
mod patience;
mod private;
mod protocol;
mod server;
mod tgi;
mod trial;
mod waking;
mod writing;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::time::Instant;

use super::{Ahead, BoxFuture, Counters, Generation, RemoteReport, Request, Source, SourceError, Status};
use crate::complete::TokenCount;
use breaker::Gate;
use client::Client;
use fault::{Fault, FaultKind};
use server::{Server, away, bytes};

pub use keyring::{KeyStore, Keyring};
pub use options::{Key, KeySource, MarkerChoice, RemoteKind, RemoteOptions};
pub(super) use server::Unanswered;
pub use trial::Trial;

/// Bytes of code that a token has at the least, on average: too long a prompt costs more than one that is a little shorter.
const BYTES_PER_TOKEN: usize = 3;

/// Prompt tokens a second that are taken for granted: whoever has a server wants it to read all that the settings allow.
const SPEED: u64 = 1_000_000;

/// A source whose model runs on a server.
pub struct RemoteSource {
    server: Result<Arc<Server>, String>,
    name: String,
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
        server.client.alive(server.protocol.sign_of_life()).await.map_err(away)
    }

    /// Returns what would be sent for a request.
    ///
    /// # Errors
    /// When nothing would be sent; the message says why.
    pub async fn preview(&self, request: &Request) -> Result<Preview, SourceError> {
        let server = self.server()?;
        let model = server.model().await.map_err(away)?;
        let (outgoing, masked) = server.outgoing(&request.input, &request.params, &request.files, model)?;
        let headers = server.client.headers().await.map_err(away)?;
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
            if server.waking.is_loading() {
                return server.breaker.failed(&Fault::loading(), Instant::now());
            }
            match server.client.alive(server.protocol.sign_of_life()).await {
                // Whatever it says, it says something.
                Ok(()) => server.breaker.succeeded(),
                Err(fault) if matches!(fault.kind, FaultKind::Request | FaultKind::Nonsense) => {
                    server.breaker.succeeded();
                }
                // What stands between may pass on questions alone.
                Err(fault) if fault.kind == FaultKind::Missing && server.has_answered() => {
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

//! The language server: the only part that knows the protocol and tower-lsp. It holds the open documents, answers
//! requests through the completion logic and a source, and explains every silence. What is suggested is decided below.
//!
//! A message comes in through `wire` (which tower-lsp's reader is shielded by) and `front`, is handled by a method of
//! `backend`, and is answered by one of `inline`, `completion` and `actions`. `session` is all the state there is.

mod accept;
mod accepted;
mod actions;
mod ahead;
mod answer;
mod backend;
mod background;
mod cancels;
mod candidates;
mod capabilities;
mod completion;
mod contexts;
mod convert;
mod documents;
mod ending;
mod flight;
mod following;
mod front;
mod inline;
mod loading;
mod outbox;
mod progress;
mod project;
pub mod protocol;
mod rhythm;
mod screen;
mod session;
mod snippet;
mod suggest;
mod turn;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp::{LspService, Server};

use crate::config::Settings;
use crate::source::Source;
use crate::stats::{OutcomeLog, RequestLog};
use backend::Backend;
use ending::Ending;
pub use ending::Exit;
use front::Front;
use outbox::Outbox;
use session::Session;

/// How many handlers run at once. Every message is a handler, an edit and a cancel too, and tower-lsp's default of four
/// would leave them waiting behind four completions.
const CONCURRENCY: usize = 1024;

/// Bytes on their way between the sifted input and tower-lsp.
const PIPE: usize = 64 * 1024;

/// How long answers under way may take when the editor is gone.
const FAREWELL: Duration = Duration::from_secs(1);

/// Makes the source from the settings, once the editor has said what it wants. It must not wait for the model.
pub type SourceFactory = Box<dyn FnOnce(&Settings) -> Arc<dyn Source> + Send>;

/// What a server is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The settings that hold where the editor says nothing.
    pub settings: Settings,
    /// Where the request log and the outcomes of suggestions are kept; `None` only counts requests.
    pub log_dir: Option<PathBuf>,
}

/// Serves one editor until it is done, hangs up or dies.
///
/// Standard input's reads cannot be taken back, so a runtime that this ran on must not be waited for afterwards.
pub async fn run<I, O>(input: I, output: O, options: Options, factory: SourceFactory) -> Exit
where
    I: AsyncRead + Unpin + Send + 'static,
    O: AsyncWrite + Unpin + Send + 'static,
{
    let ending = Ending::new();
    let (inside, outside) = tokio::io::duplex(PIPE);
    let sifter = tokio::spawn(sift(input, outside, ending.clone()));
    let log = RequestLog::new(options.log_dir.as_deref());
    let outcomes = OutcomeLog::new(options.log_dir.as_deref());
    let (service, socket) = LspService::build(|client| {
        let session = Arc::new(Session::new(options.settings, log, outcomes, Outbox::new(client.clone())));
        Backend::new(client, session, ending.clone(), factory)
    })
    .custom_method(protocol::INLINE_COMPLETION, Backend::inline_completion)
    .custom_method(protocol::DOCTOR, Backend::doctor)
    .custom_method(protocol::STATS, Backend::stats)
    .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
    .finish();
    let session = Arc::clone(service.inner().session());
    let front = Front::new(service, Arc::clone(&session), ending.clone());
    let output = wire::Steady::new(output, ending.clone());
    let server = Server::new(inside, output, socket).concurrency_level(CONCURRENCY);
    let mut serving = tokio::spawn(server.serve(front));
    tokio::select! {
        _ = &mut serving => {}
        () = ending.reached() => {
            session.end();
            // After `exit` tower-lsp goes on reading until its input ends.
            sifter.abort();
            let _ = tokio::time::timeout(FAREWELL, &mut serving).await;
        }
    }
    serving.abort();
    sifter.abort();
    session.log.flush();
    session.outcomes.flush();
    ending.exit()
}

/// Sifts the input until it ends, and with it the connection.
async fn sift<I: AsyncRead + Unpin>(input: I, outside: tokio::io::DuplexStream, ending: Ending) {
    if let Err(error) = wire::sift(input, outside).await {
        tracing::debug!(%error, "the input ended");
    }
    ending.input_ended();
}

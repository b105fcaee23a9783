//! A service around tower-lsp's, for what it has no place for: the capability of inline completion in the answer to
//! `initialize`, messages sent before that answer, changes that do not parse, and the signs of the end.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};
use tower_lsp::lsp_types::DidChangeTextDocumentParams;
use tower_service::Service;

use super::capabilities;
use super::ending::Ending;
use super::session::Session;
use super::wire::MALFORMED;

/// Wraps tower-lsp's service.
#[derive(Debug)]
pub(super) struct Front<S> {
    inner: S,
    session: Arc<Session>,
    ending: Ending,
    gate: Arc<Gate>,
}

impl<S> Front<S> {
    pub(super) fn new(inner: S, session: Arc<Session>, ending: Ending) -> Self {
        Self { inner, session, ending, gate: Arc::default() }
    }
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Option<Response>, E>> + Send>>;

impl<S> Service<Request> for Front<S>
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Option<Response>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // tower-lsp refuses what comes between `initialize` and its answer. Some editors do not wait, so it waits here.
        match self.gate.is_open(cx) {
            true => self.inner.poll_ready(cx),
            false => Poll::Pending,
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let request = without_null_params(request);
        match request.method() {
            MALFORMED => return Box::pin(std::future::ready(Ok(Some(malformed(request))))),
            "initialize" => return self.initialize(request),
            "shutdown" => self.ending.shutdown_seen(),
            "exit" => self.ending.exit_seen(),
            "textDocument/didChange" => {
                if let Some(lost) = unreadable_change(request.params()) {
                    return self.lose(lost);
                }
            }
            _ => {}
        }
        Box::pin(self.inner.call(request))
    }
}

impl<S> Front<S>
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Send + 'static,
{
    fn initialize(&mut self, request: Request) -> Answer<S::Error> {
        let offer = capabilities::inline_offer(request.params());
        self.session.set_inline_offer(offer);
        let closed = self.gate.close();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await;
            drop(closed);
            Ok(response?.map(|response| with_capability(response, offer)))
        })
    }

    /// Drops the document of a change that does not parse, in the order of the messages: when the future is polled, as
    /// the handlers are, and not now, when the `didOpen` before it may still wait.
    fn lose(&self, lost: Lost) -> Answer<S::Error> {
        let session = Arc::clone(&self.session);
        Box::pin(async move {
            session.lose(&lost.uri, &lost.why);
            Ok(None)
        })
    }
}

/// A document whose change does not parse.
struct Lost {
    uri: String,
    why: String,
}

/// Returns what is lost by a change that does not parse: tower-lsp drops such a notification without a word, and then
/// the text here is no longer the editor's.
fn unreadable_change(params: Option<&Value>) -> Option<Lost> {
    let params = params?;
    let error = DidChangeTextDocumentParams::deserialize(params).err()?;
    let uri = params.pointer("/textDocument/uri").and_then(Value::as_str)?;
    Some(Lost { uri: uri.into(), why: error.to_string() })
}

/// Adds the capability where it is to be announced statically.
fn with_capability(response: Response, offer: capabilities::InlineOffer) -> Response {
    let (id, mut body) = response.into_parts();
    if let (Ok(result), capabilities::InlineOffer::Static) = (&mut body, offer)
        && let Some(Value::Object(capabilities)) = result.get_mut("capabilities")
    {
        capabilities.insert("inlineCompletionProvider".into(), json!(true));
    }
    Response::from_parts(id, body)
}

/// Leaves out parameters that are null. Several clients send them with `shutdown` and `exit`, where tower-lsp refuses
/// all but none.
fn without_null_params(request: Request) -> Request {
    if request.params() != Some(&Value::Null) {
        return request;
    }
    let (method, id, _) = request.into_parts();
    let builder = Request::build(method);
    match id {
        Some(id) => builder.id(id).finish(),
        None => builder.finish(),
    }
}

/// Returns the error that a message which does not parse is answered with.
fn malformed(request: Request) -> Response {
    let (_, id, params) = request.into_parts();
    let params = params.unwrap_or_default();
    let code = params["code"].as_i64().map_or(ErrorCode::ParseError, ErrorCode::from);
    let mut error = Error::new(code);
    error.message = params["message"].as_str().unwrap_or("the message does not parse").to_owned().into();
    tracing::warn!(message = %error.message, "a message of the editor does not parse");
    Response::from_error(id.unwrap_or(Id::Null), error)
}

/// Holds back messages while `initialize` is being answered.
#[derive(Debug, Default)]
struct Gate(Mutex<GateState>);

#[derive(Debug, Default)]
struct GateState {
    closed: bool,
    waiting: Option<Waker>,
}

impl Gate {
    fn is_open(&self, cx: &Context<'_>) -> bool {
        let mut state = self.lock();
        if state.closed {
            state.waiting = Some(cx.waker().clone());
        }
        !state.closed
    }

    fn close(self: &Arc<Self>) -> ClosedGate {
        self.lock().closed = true;
        ClosedGate(Arc::clone(self))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, GateState> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Opens the gate when dropped.
struct ClosedGate(Arc<Gate>);

impl Drop for ClosedGate {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.lock();
            state.closed = false;
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

//! The Hugging Face hub: one file of one repository over HTTPS, gone on from where an earlier download stopped.
//! Which file, and what its sum must be, is the catalogue's business.

mod answer;

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body, Proxy};

use answer::{Description, description, join, origin, range_start};

use super::partial::Partial;
use super::pull::Pull;
use super::{Entry, FetchError, Routes};

/// Connections that may break within one pull; each goes on where the last one stopped.
const ATTEMPTS: u32 = 5;
/// Redirects followed before the file's sum and size are told.
const HOPS: usize = 5;
/// Bytes that go from the connection to the file at once.
const CHUNK: u64 = 256 * 1024;
/// How soon a cancel is seen while the network is silent.
const PATIENCE: Duration = Duration::from_millis(100);

/// Fetches the file of `pull` and gives it its final name.
pub(super) fn fetch(pull: &Pull<'_>) -> Result<(), FetchError> {
    let mut source = Source::new(pull);
    let described = source.describe()?;
    let sum = expected_sum(pull.entry, &described)?;
    let size = expected_size(pull.entry, &described)?;
    let mut partial = pull.partial(sum.as_deref())?;
    source.download(&mut partial, size)?;
    partial.finish(sum.as_deref(), pull.path)
}

/// Returns the address of an entry's file.
pub(super) fn url(endpoint: &str, entry: &Entry) -> String {
    let hub = &entry.hub;
    format!("{endpoint}/{}/resolve/{}/{}", hub.repo, hub.revision, hub.file)
}

/// The catalogue's sum, or else the hub's own. Where both are known and differ, nothing is downloaded.
fn expected_sum(entry: &Entry, described: &Description) -> Result<Option<String>, FetchError> {
    match (entry.sha256, &described.sha256) {
        (Some(ours), Some(theirs)) if !theirs.eq_ignore_ascii_case(ours) => {
            Err(FetchError::WrongSum { expected: ours.to_owned(), found: theirs.clone(), resumed: false })
        }
        (Some(ours), _) => Ok(Some(ours.to_owned())),
        (None, theirs) => Ok(theirs.clone()),
    }
}

fn expected_size(entry: &Entry, described: &Description) -> Result<Option<u64>, FetchError> {
    let ours = entry.sha256.map(|_| entry.bytes);
    match (ours, described.size) {
        (Some(expected), Some(found)) if expected != found => Err(FetchError::WrongSize { expected, found }),
        (ours, theirs) => Ok(ours.or(theirs)),
    }
}

/// The file at its address, with what it takes to ask for it.
struct Source<'a> {
    pull: &'a Pull<'a>,
    url: String,
    agent: Agent,
}

/// What the connection's thread sends.
enum Event {
    /// The answer's head: the status, and where its bytes begin in the file.
    Head { status: u16, start: u64 },
    /// The next bytes.
    Bytes(Vec<u8>),
    /// No more bytes; the reason, if the connection broke.
    End(Option<String>),
}

impl<'a> Source<'a> {
    fn new(pull: &'a Pull<'a>) -> Self {
        Self { pull, url: url(&pull.routes.endpoint, pull.entry), agent: agent(pull.routes) }
    }

    /// Asks for the file's sum and size. The hub tells them in the first answer, which redirects to the storage; a
    /// repository that was renamed is redirected to before that. Hence the hops are made here, one by one.
    fn describe(&mut self) -> Result<Description, FetchError> {
        self.pull.progress.report("asking the Hugging Face hub", 0, 0);
        let mut url = self.url.clone();
        for _ in 0..HOPS {
            // The download starts on the hub's last page, for the token is not taken along by a redirect.
            if self.is_hub(&url) {
                self.url.clone_from(&url);
            }
            let answer = self.head(&url)?;
            let status = answer.status();
            let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
            match location {
                _ if answer.headers().contains_key("x-linked-etag") => {
                    return Ok(description(answer.headers()));
                }
                Some(location) if status.is_redirection() => url = join(&url, location),
                _ if status.is_success() => return Ok(description(answer.headers())),
                // A mirror that does not know HEAD may well serve the file.
                _ if matches!(status.as_u16(), 405 | 501) => return Ok(Description::default()),
                _ => return Err(self.status(status.as_u16())),
            }
        }
        Err(self.no_connection("too many redirects"))
    }

    fn head(&self, url: &str) -> Result<Response<Body>, FetchError> {
        let mut request = self.agent.head(url).config().max_redirects(0).build();
        if let Some(token) = self.token_for(url) {
            request = request.header("Authorization", token);
        }
        let (sender, answers) = sync_channel(1);
        std::thread::spawn(move || {
            // Nobody listens any more after a cancel.
            let _ = sender.send(request.call());
        });
        match self.next(&answers)? {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(self.no_connection(&error.to_string())),
            None => Err(self.no_connection("the connection's thread died")),
        }
    }

    /// The token goes to the hub itself, not to where it redirects. (The client's own rule for redirects takes another
    /// port for the same host, so it is left at "never".)
    fn token_for(&self, url: &str) -> Option<String> {
        let token = self.pull.routes.token.as_ref()?;
        self.is_hub(url).then(|| format!("Bearer {token}"))
    }

    fn is_hub(&self, url: &str) -> bool {
        origin(url) == origin(&self.pull.routes.endpoint)
    }

    /// Appends what is missing, over several connections if need be.
    fn download(&self, partial: &mut Partial, size: Option<u64>) -> Result<(), FetchError> {
        let mut reason = String::new();
        for _ in 0..ATTEMPTS {
            self.pull.go_on()?;
            if size.is_some_and(|size| partial.len() > size) {
                partial.truncate(0)?;
            }
            if size == Some(partial.len()) {
                return Ok(());
            }
            match self.connection(partial, size)? {
                Some(broken) => reason = broken,
                None if size.is_none_or(|size| size == partial.len()) => return Ok(()),
                None => reason = format!("{} bytes came", partial.len()),
            }
            tracing::info!(url = self.url, reason, "the connection broke, going on");
        }
        Err(FetchError::Interrupted { attempts: ATTEMPTS, reason })
    }

    /// Appends what one connection brings; returns the reason if it broke.
    fn connection(&self, partial: &mut Partial, size: Option<u64>) -> Result<Option<String>, FetchError> {
        let events = self.open(partial.len());
        let mut first = true;
        while let Some(event) = self.next(&events)? {
            match event {
                Event::Head { status, start } => self.begin(partial, status, start)?,
                Event::Bytes(bytes) => self.append(partial, &bytes, size)?,
                // Nothing at all came: this is no download that broke off, so it is not tried again.
                Event::End(Some(reason)) if first => return Err(self.no_connection(&reason)),
                Event::End(reason) => return Ok(reason),
            }
            first = false;
        }
        Ok(Some("the connection's thread died".to_owned()))
    }

    /// Runs a connection on a thread of its own, since neither a name look-up nor a read can be told to stop. When
    /// the pull is cancelled the thread finds nobody listening, at the latest after its time-outs.
    fn open(&self, start: u64) -> Receiver<Event> {
        let mut request = self.agent.get(&self.url);
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        if let Some(token) = self.token_for(&self.url) {
            request = request.header("Authorization", token);
        }
        let (sender, events) = sync_channel(4);
        std::thread::spawn(move || {
            let end = match request.call() {
                Ok(answer) => send_body(answer, &sender),
                Err(error) => Some(error.to_string()),
            };
            let _ = sender.send(Event::End(end));
        });
        events
    }

    /// Puts the growing file to where the answer's bytes begin.
    fn begin(&self, partial: &mut Partial, status: u16, start: u64) -> Result<(), FetchError> {
        match status {
            206 if start == partial.len() => Ok(()),
            // The server does not know ranges and sends everything, or the file there is shorter than what is here.
            200 | 206 | 416 => partial.truncate(0),
            _ => Err(self.status(status)),
        }
    }

    fn append(&self, partial: &mut Partial, bytes: &[u8], size: Option<u64>) -> Result<(), FetchError> {
        let found = partial.len() + bytes.len() as u64;
        if let Some(expected) = size.filter(|size| found > *size) {
            partial.truncate(0)?;
            return Err(FetchError::WrongSize { expected, found });
        }
        partial.append(bytes)?;
        let stage = format!("downloading {} from the Hugging Face hub", self.pull.entry.name);
        self.pull.progress.report(&stage, partial.len(), size.unwrap_or(0));
        Ok(())
    }

    /// Waits for the next thing from a connection's thread; `None` when it is gone.
    fn next<T>(&self, from: &Receiver<T>) -> Result<Option<T>, FetchError> {
        loop {
            self.pull.go_on()?;
            match from.recv_timeout(PATIENCE) {
                Ok(next) => return Ok(Some(next)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn no_connection(&self, reason: &str) -> FetchError {
        FetchError::NoConnection { url: self.url.clone(), reason: reason.to_owned() }
    }

    fn status(&self, status: u16) -> FetchError {
        FetchError::Status { url: self.url.clone(), status }
    }
}

fn agent(routes: &Routes) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // A compressed body would make ranges and sizes mean something else.
        .accept_encoding("identity")
        .user_agent(concat!("infill-ls/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(routes.connect_timeout))
        .timeout_connect(Some(routes.connect_timeout))
        .timeout_recv_response(Some(routes.stall_timeout))
        .timeout_per_read(Some(routes.stall_timeout));
    config = config.proxy(if routes.proxy { Proxy::try_from_env() } else { None });
    config.build().new_agent()
}

/// Sends the answer's head and its bytes; returns why it broke off, if it did.
fn send_body(answer: Response<Body>, to: &SyncSender<Event>) -> Option<String> {
    let status = answer.status().as_u16();
    let start = range_start(answer.headers()).unwrap_or(0);
    to.send(Event::Head { status, start }).ok()?;
    if !matches!(status, 200 | 206) {
        return None;
    }
    let mut body = answer.into_body().into_reader();
    loop {
        // What was read before an error counts: the next connection goes on behind it.
        let mut bytes = Vec::with_capacity(CHUNK as usize);
        let read = (&mut body).take(CHUNK).read_to_end(&mut bytes);
        let end = bytes.is_empty();
        if !end {
            to.send(Event::Bytes(bytes)).ok()?;
        }
        match read {
            Err(error) => return Some(error.to_string()),
            Ok(_) if end => return None,
            Ok(_) => {}
        }
    }
}

//! The HTTP client: one for each remote source, so that connections are used again. It knows the address and the key, and
//! shows the key to nobody but that server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Response, Url};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::fault::{Fault, FaultKind};
use super::patience::{Moment, patient};
use super::{Key, KeySource, RemoteKind, RemoteOptions};

/// How long it is waited before the same request is sent again.
const RETRIES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

/// The longest wait that a server may ask for before the same request is sent again.
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(60);

/// Bytes of an error that are read.
const ERROR_BYTES: usize = 4096;

/// Bytes of a list of models that are read.
const LIST_BYTES: usize = 1 << 20;

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    connections: Connections,
    base: Url,
    kind: RemoteKind,
    key: Option<KeySource>,
    /// The key, once it was needed.
    known: OnceCell<Key>,
    read: Duration,
}

/// Connections that wait for the next request, and how new ones are made.
#[derive(Debug)]
struct Connections {
    connect: Duration,
    proxy: bool,
    authorities: Vec<Certificate>,
    open: Mutex<(reqwest::Client, Moment)>,
}

impl Connections {
    fn new(connect: Duration, proxy: bool, authorities: Vec<Certificate>) -> Result<Self, String> {
        let http = Self::fresh(connect, proxy, &authorities)?;
        Ok(Self { connect, proxy, authorities, open: Mutex::new((http, Moment::now())) })
    }

    fn fresh(connect: Duration, proxy: bool, authorities: &[Certificate]) -> Result<reqwest::Client, String> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("infill-ls/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect)
            .pool_idle_timeout(IDLE)
            // A key must not follow where a server points.
            .redirect(Policy::none());
        if !proxy {
            builder = builder.no_proxy();
        }
        for certificate in authorities {
            builder = builder.add_root_certificate(certificate.clone());
        }
        builder.build().map_err(|error| format!("no HTTP client: {error}"))
    }

    /// Returns the client to be used at `now`. The connections that were open when the machine went to sleep are gone by then,
    /// though nobody has said so; a request on one would wait for nothing.
    fn at(&self, now: Moment) -> reqwest::Client {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.1.slept_until(now)
            && let Ok(http) = Self::fresh(self.connect, self.proxy, &self.authorities)
        {
            tracing::debug!("the machine slept: new connections to the remote source");
            open.0 = http;
        }
        open.1 = now;
        open.0.clone()
    }
}

impl Client {
    /// Returns a client; nothing is sent yet.
    ///
    /// # Errors
    /// When a setting cannot be used; the message names it.
    pub(super) fn new(options: &RemoteOptions) -> Result<Self, String> {
        let url = options.url.as_deref().unwrap_or(options.kind.usual_url());
        let base = Url::parse(url).map_err(|error| format!("`remote.url` is no address: {error}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err("`remote.url` must begin with http:// or https://".into());
        }
        let mut authorities = Vec::new();
        if let Some(file) = &options.ca_file {
            let cannot =
                |error: &dyn std::fmt::Display| format!("`remote.ca_file` {}: {error}", file.display());
            let pem = std::fs::read(file).map_err(|error| cannot(&error))?;
            authorities = Certificate::from_pem_bundle(&pem).map_err(|error| cannot(&error))?;
            if authorities.is_empty() {
                return Err(cannot(&"no certificate in PEM form is in it"));
            }
        }
        let proxy = options.proxy && !is_this_machine(&base);
        let connections = Connections::new(options.connect, proxy, authorities)?;
        if options.key.is_some() && base.scheme() == "http" && !is_this_machine(&base) {
            tracing::warn!("the key goes over the network unencrypted: `remote.url` begins with http://");
        }
        let (kind, key, read) = (options.kind, options.key.clone(), options.read);
        Ok(Self { connections, base, kind, key, known: OnceCell::new(), read })
    }

    /// Returns host and port, for a person.
    pub(super) fn place(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns the address of a path of the server's interface.
    pub(super) fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let base = self.base.path().trim_end_matches('/');
        let has_version = base.ends_with("/v1") || (self.kind == RemoteKind::Openai && !base.is_empty());
        let path = if has_version { path.strip_prefix("v1/").unwrap_or(path) } else { path };
        url.set_path(&format!("{base}/{path}"));
        url
    }

    /// Returns the headers of a request; what they hold of a key is marked as sensitive.
    ///
    /// # Errors
    /// When the key is not where the settings say, or has characters that no header can hold.
    pub(super) async fn headers(&self) -> Result<HeaderMap, Fault> {
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if let Some(key) = self.key().await? {
            let unusable = |_| Fault::new(FaultKind::Refused, "the key has characters that no key has");
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.reveal())).map_err(unusable)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    /// Returns the key. Where it is not in its store it is looked for again at the next request: it may be put there meanwhile.
    async fn key(&self) -> Result<Option<&Key>, Fault> {
        let Some(source) = &self.key else { return Ok(None) };
        let find = || async {
            let (name, store) = match source {
                KeySource::Known(key) => return Ok(key.clone()),
                KeySource::Stored { name, store } => (name.clone(), Arc::clone(store)),
            };
            // The user may be asked to unlock it.
            let found = tokio::task::spawn_blocking(move || (store.get(&name), name)).await;
            let (found, name) = found.map_err(|error| Fault::new(FaultKind::Refused, error.to_string()))?;
            let told = match found {
                Ok(Some(key)) => return Ok(key),
                Ok(None) => format!(
                    "the keyring holds no key `{name}`; `infill-ls remote key set {name}` puts it there"
                ),
                Err(why) => format!("the key `{name}` could not be read (setting `remote.key_name`): {why}"),
            };
            Err(Fault::new(FaultKind::Refused, told))
        };
        self.known.get_or_try_init(find).await.map(Some)
    }

    /// Sends a request and returns the head of the answer, if that is a good one. Where nothing at all came it is sent
    /// again after a pause. Dropping the future, or the answer, closes the connection.
    pub(super) async fn post(&self, path: &str, body: &[u8]) -> Result<Response, Fault> {
        let headers = self.headers().await?;
        let mut pauses = RETRIES.into_iter();
        loop {
            let http = self.connections.at(Moment::now());
            let request = http.post(self.address(path)).headers(headers.clone()).body(body.to_vec());
            let fault = match self.send(request).await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => self.refusal(answer).await,
                Err(fault) => fault,
            };
            let Some(pause) = pauses.next().filter(|_| fault.may_retry()) else { return Err(fault) };
            if fault.retry_after.is_some_and(|asked| LONGEST_RETRY < asked) {
                return Err(fault);
            }
            tracing::debug!(why = fault.message, "asking the remote source again");
            tokio::time::sleep(fault.retry_after.unwrap_or(pause)).await;
        }
    }

    /// Has the server load a model, which may take `longest`.
    pub(super) async fn load(&self, path: &str, body: &[u8], longest: Duration) -> Result<(), Fault> {
        let http = self.connections.at(Moment::now());
        let request = http.post(self.address(path)).headers(self.headers().await?).body(body.to_vec());
        let answer = patient(longest, request.send()).await.ok_or_else(Fault::silent)?.map_err(Fault::of)?;
        if !answer.status().is_success() {
            return Err(self.refusal(answer).await);
        }
        self.beginning(answer, ERROR_BYTES).await;
        Ok(())
    }

    /// Reads a small JSON document from the server.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Fault> {
        serde_json::from_slice(&self.got(path).await?).map_err(|_| no_json())
    }

    /// Asks for a sign of life: some answer with nothing but a status.
    pub(super) async fn alive(&self, path: &str) -> Result<(), Fault> {
        let body = self.got(path).await?;
        let is_known = body.trim_ascii().is_empty() || serde_json::from_slice::<Value>(&body).is_ok();
        if is_known { Ok(()) } else { Err(no_json()) }
    }

    async fn got(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let http = self.connections.at(Moment::now());
        let answer = self.send(http.get(self.address(path)).headers(self.headers().await?)).await?;
        if !answer.status().is_success() {
            return Err(self.refusal(answer).await);
        }
        Ok(self.beginning(answer, LIST_BYTES).await)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Fault> {
        match patient(self.read, request.send()).await {
            Some(answer) => answer.map_err(Fault::of),
            None => Err(Fault::silent()),
        }
    }

    /// Returns how long the server may be silent.
    pub(super) fn read(&self) -> Duration {
        self.read
    }

    /// Returns the first bytes of an answer.
    async fn beginning(&self, mut answer: Response, most: usize) -> Vec<u8> {
        let mut body = Vec::new();
        // What was read before the connection broke says what there is to say.
        while let Some(Ok(Some(bytes))) = patient(self.read, answer.chunk()).await {
            body.extend_from_slice(&bytes);
            if most <= body.len() {
                body.truncate(most);
                break;
            }
        }
        body
    }

    async fn refusal(&self, answer: Response) -> Fault {
        let status = answer.status().as_u16();
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let said = self.beginning(answer, ERROR_BYTES).await;
        let mut said = String::from_utf8_lossy(&said).into_owned();
        if let Some(key) = self.known.get() {
            said = said.replace(key.reveal(), crate::secrets::MASK);
        }
        Fault::of_status(status, &said, seconds.map(Duration::from_secs))
    }
}

fn no_json() -> Fault {
    Fault::new(FaultKind::Nonsense, "the answer is no JSON")
}

/// Returns whether an address is this machine itself, to which no proxy leads.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers requests and says which connection each came on.
    fn server() -> (std::net::SocketAddr, std::sync::mpsc::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let (connection, asked) = (connection.unwrap(), asked.clone());
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
                    while lines.by_ref().map_while(Result::ok).any(|line| line.is_empty()) {
                        let _ = asked.send(number);
                        let _ = (&connection).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    }
                });
            }
        });
        (address, heard)
    }

    #[tokio::test]
    async fn connections_are_used_again_until_the_machine_has_slept() {
        let (address, heard) = server();
        let connections = Connections::new(Duration::from_secs(5), false, Vec::new()).unwrap();
        let begun = Moment::now();
        // Seconds awake, and seconds by the wall.
        for (awake, wall, expected) in [(0, 0, 0), (1, 1, 0), (2, 7200, 1), (3, 7201, 1)] {
            let now = Moment {
                awake: begun.awake + Duration::from_secs(awake),
                wall: begun.wall + Duration::from_secs(wall),
            };
            let answer = connections.at(now).get(format!("http://{address}")).send().await.unwrap();
            answer.bytes().await.unwrap();
            assert_eq!(heard.recv().unwrap(), expected, "after {wall} seconds");
        }
    }
}

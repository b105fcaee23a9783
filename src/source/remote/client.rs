//! The HTTP client: one for each remote source, so that connections are used again. It knows the address and the key, and
//! shows the key to nobody but that server.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Response, Url};
use serde_json::Value;

use super::fault::{Fault, FaultKind};
use super::{Key, RemoteKind, RemoteOptions};

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
    http: reqwest::Client,
    base: Url,
    kind: RemoteKind,
    key: Option<Key>,
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
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("infill-ls/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect)
            .read_timeout(options.read)
            .pool_idle_timeout(IDLE)
            // A key must not follow where a server points.
            .redirect(Policy::none());
        if !options.proxy || is_this_machine(&base) {
            builder = builder.no_proxy();
        }
        if let Some(file) = &options.ca_file {
            let cannot =
                |error: &dyn std::fmt::Display| format!("`remote.ca_file` {}: {error}", file.display());
            let pem = std::fs::read(file).map_err(|error| cannot(&error))?;
            let all = Certificate::from_pem_bundle(&pem).map_err(|error| cannot(&error))?;
            if all.is_empty() {
                return Err(cannot(&"no certificate in PEM form is in it"));
            }
            for certificate in all {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let http = builder.build().map_err(|error| format!("no HTTP client: {error}"))?;
        if options.key.is_some() && base.scheme() == "http" && !is_this_machine(&base) {
            tracing::warn!("the key goes over the network unencrypted: `remote.url` begins with http://");
        }
        Ok(Self { http, base, kind: options.kind, key: options.key.clone() })
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
    /// When the key has characters that no header can hold.
    pub(super) fn headers(&self) -> Result<HeaderMap, Fault> {
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if let Some(key) = &self.key {
            let unusable = |_| Fault::new(FaultKind::Refused, "the key has characters that no key has");
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.reveal())).map_err(unusable)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    /// Sends a request and returns the head of the answer, if that is a good one. Where nothing at all came it is sent
    /// again after a pause. Dropping the future, or the answer, closes the connection.
    pub(super) async fn post(&self, path: &str, body: &[u8]) -> Result<Response, Fault> {
        let headers = self.headers()?;
        let mut pauses = RETRIES.into_iter();
        loop {
            let request = self.http.post(self.address(path)).headers(headers.clone()).body(body.to_vec());
            let fault = match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => self.refusal(answer).await,
                Err(error) => Fault::of(error),
            };
            let Some(pause) = pauses.next().filter(|_| fault.may_retry()) else { return Err(fault) };
            if fault.retry_after.is_some_and(|asked| LONGEST_RETRY < asked) {
                return Err(fault);
            }
            tracing::debug!(why = fault.message, "asking the remote source again");
            tokio::time::sleep(fault.retry_after.unwrap_or(pause)).await;
        }
    }

    /// Reads a small JSON document from the server.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Fault> {
        let request = self.http.get(self.address(path)).headers(self.headers()?);
        let answer = request.send().await.map_err(Fault::of)?;
        if !answer.status().is_success() {
            return Err(self.refusal(answer).await);
        }
        let body = beginning(answer, LIST_BYTES).await;
        serde_json::from_slice(&body).map_err(|_| Fault::new(FaultKind::Nonsense, "the answer is no JSON"))
    }

    async fn refusal(&self, answer: Response) -> Fault {
        let status = answer.status().as_u16();
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let said = beginning(answer, ERROR_BYTES).await;
        let mut said = String::from_utf8_lossy(&said).into_owned();
        if let Some(key) = &self.key {
            said = said.replace(key.reveal(), crate::secrets::MASK);
        }
        Fault::of_status(status, &said, seconds.map(Duration::from_secs))
    }
}

/// Returns the first bytes of an answer.
async fn beginning(mut answer: Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    // What was read before the connection broke says what there is to say.
    while let Ok(Some(bytes)) = answer.chunk().await {
        body.extend_from_slice(&bytes);
        if most <= body.len() {
            body.truncate(most);
            break;
        }
    }
    body
}

/// Returns whether an address is this machine itself, to which no proxy leads.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

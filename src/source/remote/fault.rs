//! What goes wrong with a server, and what follows from it: whether it is asked again, and whether it counts as away.

use std::time::Duration;

use crate::secrets;

/// Why a server gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Fault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// What happened, for a person.
    pub message: String,
    /// When the server wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// There is no connection, or it ended before anything came.
    NoConnection,
    /// A connection took too long, so that it is not tried again at once.
    Unreachable,
    /// Nothing came for too long.
    Silent,
    /// The server has too much to do, or is not ready yet.
    Busy,
    /// The server is loading its model, for longer than anybody wants to wait.
    Loading,
    /// The server cannot do this one request.
    Request,
    /// The server wants none of our requests: a wrong key, a wrong address.
    Refused,
    /// The server has nothing at the address.
    Missing,
    /// The server failed.
    Broken,
    /// The answer ended in the middle.
    Cut,
    /// The answer is not what such a server sends.
    Nonsense,
}

impl FaultKind {
    /// Returns what a status means that is no success.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 | 403 | 300..=399 => Self::Refused,
            404 | 405 => Self::Missing,
            429 | 502..=504 => Self::Busy,
            // TGI's word for an answer that failed on its way.
            424 => Self::Broken,
            400..=499 => Self::Request,
            _ => Self::Broken,
        }
    }

    /// Returns whether the server is there, and only does not do what it was asked.
    pub(super) fn is_an_answer(self) -> bool {
        matches!(self, Self::Request | Self::Refused | Self::Missing | Self::Nonsense)
    }
}

impl From<&str> for Fault {
    /// The answer is not what such a server sends.
    fn from(message: &str) -> Self {
        Self::new(FaultKind::Nonsense, message)
    }
}

impl Fault {
    pub(super) fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// Nothing came for as long as the settings say.
    pub(super) fn silent() -> Self {
        Self::new(FaultKind::Silent, "nothing came within `remote.read_ms`")
    }

    /// The server is there, and its model is not yet.
    pub(super) fn loading() -> Self {
        Self::new(FaultKind::Loading, "the server is loading the model")
    }

    /// Reads an error of the connection.
    pub(super) fn of(error: reqwest::Error) -> Self {
        let kind = match () {
            () if error.is_connect() && error.is_timeout() => FaultKind::Unreachable,
            () if error.is_connect() => FaultKind::NoConnection,
            () if error.is_request() => FaultKind::NoConnection,
            () => FaultKind::Cut,
        };
        // The innermost cause says it in the fewest words, and without the address.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let what = match kind {
            FaultKind::Unreachable => "no connection within `remote.connect_ms`".into(),
            FaultKind::NoConnection => format!("no connection: {cause}"),
            _ => format!("the answer broke off: {cause}"),
        };
        Self::new(kind, what)
    }

    /// Reads an answer that is an error: its status and what it says.
    pub(super) fn of_status(status: u16, said: &str, retry_after: Option<Duration>) -> Self {
        let kind = FaultKind::of_status(status);
        let what = match status {
            401 | 403 => "the key is refused (settings `remote.key_env`, `remote.key_name`)".to_owned(),
            404 | 405 => {
                "there is no such address or model (settings `remote.url`, `remote.model`)".to_owned()
            }
            300..=399 => "the server is elsewhere (setting `remote.url`)".to_owned(),
            429 | 503 => "the server has too much to do or is not ready".to_owned(),
            _ => "the server answered with an error".to_owned(),
        };
        let said = shortened(said);
        let message = match said.is_empty() {
            true => format!("{what}: status {status}"),
            false => format!("{what}: status {status}: {said}"),
        };
        Self { kind, message, retry_after }
    }

    /// Returns whether the same request may be sent again at once: nothing of an answer came, and the server does not
    /// work on it.
    pub(super) fn may_retry(&self) -> bool {
        matches!(self.kind, FaultKind::NoConnection | FaultKind::Busy)
    }
}

/// Returns the beginning of what a server says, without what looks like a key in it.
fn shortened(said: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(said).ok();
    let message = json.as_ref().and_then(|json| {
        ["/error/message", "/error", "/message", "/detail"]
            .iter()
            .find_map(|place| json.pointer(place)?.as_str())
    });
    let mut text: String = message.unwrap_or(said).trim().chars().take(200).collect();
    secrets::mask(&mut [&mut text]);
    text.replace(['\n', '\r'], " ")
}

//! One request under way, for the record: every one of them ends with something shown, or with a reason.

use std::sync::Arc;

use tokio::time::Instant;
use tower_lsp::lsp_types::Url;

use super::protocol::{State, StatusParams};
use super::session::Session;
use super::suggest::Suggestion;
use crate::complete::Reason;
use crate::config::LogLevel;
use crate::source::{RemoteReport, Status};
use crate::stats::{Facts, Place, Record, SHOWN};

/// A request that is being answered. Dropped without a word, it was cancelled by the editor: tower-lsp drops the
/// handler's future, and that is the only sign.
#[derive(Debug)]
pub(super) struct Answer {
    session: Arc<Session>,
    method: &'static str,
    language: &'static str,
    begun: Instant,
    over: bool,
}

impl Answer {
    /// Begins the record of a request about a document.
    pub(super) fn begin(session: &Arc<Session>, method: &'static str, uri: &Url) -> Self {
        let language = session.snapshot(uri).map_or("", |snapshot| snapshot.language().id());
        Self { session: Arc::clone(session), method, language, begun: Instant::now(), over: false }
    }

    /// Returns what is known of a suggestion that is shown now.
    pub(super) fn facts(&self, place: Place, suggestion: &Suggestion) -> Facts {
        let ms = self.begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        let Suggestion { confidence, tokens, .. } = *suggestion;
        Facts { language: self.language.into(), place, ms, tokens, confidence }
    }

    /// Something is shown.
    pub(super) fn shown(mut self, tokens: usize) {
        self.record(SHOWN, tokens);
        self.session.say(ready(&self.session));
    }

    /// Nothing is shown.
    pub(super) fn silent(mut self, reason: Reason, tokens: usize) {
        self.record(reason.code(), tokens);
        // The request that overtook this one says what is going on.
        if reason != Reason::Overtaken {
            self.session.say(silent(&self.session, reason));
        }
        let message = format!("{} {}: {}", self.method, reason.code(), reason.explain());
        self.session.tell(LogLevel::Debug, message);
    }

    fn record(&mut self, outcome: &str, tokens: usize) {
        self.over = true;
        self.session.log.add(Record::now(self.method, self.language, outcome, self.begun.elapsed(), tokens));
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.over {
            self.record(Reason::Cancelled.code(), 0);
            self.session.say(ready(&self.session));
        }
    }
}

/// Returns the status of a server that waits for a request.
pub(super) fn ready(session: &Session) -> StatusParams {
    let remote = session.source().and_then(|source| source.remote());
    match session.source().map(|source| source.status()) {
        Some(Status::Ready { model }) => {
            StatusParams { state: State::Ready, message: model + &remote_note(remote), reason: None }
        }
        Some(Status::Failed { message }) => StatusParams { state: State::Failed, message, reason: None },
        Some(Status::Loading { stage, .. }) => {
            StatusParams { state: State::Loading, message: stage, reason: None }
        }
        None => StatusParams { state: State::Loading, message: "starting".into(), reason: None },
    }
}

/// Returns what a person should know of a remote source: why the model inside answers in its place, and what was kept from it.
fn remote_note(remote: Option<RemoteReport>) -> String {
    let Some(RemoteReport { name, away, instead, masked, .. }) = remote else { return String::new() };
    let away = away.map(|why| format!("; {name} is away: {why}"));
    let away = away.or_else(|| instead.map(|why| format!("; the model inside answered: {why}")));
    let masked = match masked {
        0 => None,
        1 => Some("; 1 secret masked".to_owned()),
        masked => Some(format!("; {masked} secrets masked")),
    };
    away.into_iter().chain(masked).collect()
}

/// Returns the status after a silent request. Loading and failing last, and say themselves why it was silent.
fn silent(session: &Session, reason: Reason) -> StatusParams {
    let status = ready(session);
    match status.state {
        State::Ready => StatusParams {
            state: State::Silent,
            message: reason.explain().into(),
            reason: Some(reason.code().into()),
        },
        _ => status,
    }
}

/// Returns the status of a server that generates.
pub(super) fn thinking() -> StatusParams {
    StatusParams { state: State::Thinking, message: "thinking".into(), reason: None }
}

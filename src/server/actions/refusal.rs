//! Why an action came to nothing: the reason for the record, the message for a person, and the error for the request.

use tower_lsp::jsonrpc::{Error, ErrorCode};
use tower_lsp::lsp_types::MessageType;

use crate::assist::AssistError;
use crate::complete::Reason;
use crate::server::session::Session;
use crate::source::SourceError;

/// The protocol's RequestFailed, which tower-lsp has no name for.
const REQUEST_FAILED: ErrorCode = ErrorCode::ServerError(-32803);

/// Why there is nothing: the reason for the record, and the message for a person.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    message: String,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, message: reason.explain().into() }
    }
}

impl From<AssistError> for Refusal {
    fn from(error: AssistError) -> Self {
        let reason = match &error {
            AssistError::NoUse(_) | AssistError::NothingToDo(_) => Reason::Empty,
            AssistError::TooLong { .. } => Reason::TooLarge,
            AssistError::Source(SourceError::Loading) => Reason::Loading,
            AssistError::Source(SourceError::Cancelled) => Reason::Cancelled,
            AssistError::Source(SourceError::Overtaken) => Reason::Overtaken,
            AssistError::Source(_) => Reason::Failed,
        };
        Self { reason, message: error.to_string() }
    }
}

impl Refusal {
    /// The document is not what the action was offered for.
    pub(super) fn changed() -> Self {
        Self {
            reason: Reason::Overtaken,
            message: "the document has changed since the action was chosen; choose it again".into(),
        }
    }

    /// Returns what a person is told.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Tells a person, and returns the error that answers the request.
    pub(super) fn told(self, session: &Session) -> Error {
        let code = match self.reason {
            Reason::Cancelled => return Error::request_cancelled(),
            Reason::Overtaken => ErrorCode::ContentModified,
            _ => REQUEST_FAILED,
        };
        session.outbox.show(MessageType::WARNING, format!("infill-ls: {}", self.message));
        Error { code, message: self.message.into(), data: None }
    }
}

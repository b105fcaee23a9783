//! `$/progress` of the server's own work. A task of its own asks the editor for it and reports, so that nothing waits
//! for an editor that does not answer.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_lsp::Client;
use tower_lsp::jsonrpc::Id;
use tower_lsp::lsp_types::{
    ProgressToken, WorkDoneProgress, WorkDoneProgressBegin, WorkDoneProgressCreateParams,
    WorkDoneProgressEnd, WorkDoneProgressReport,
};

use super::protocol::{CreateProgress, ProgressMessage, ProgressNotification};

/// A progress that the editor shows until this is dropped. Nothing is shown where the editor cannot.
#[derive(Debug)]
pub(super) struct Progress {
    token: ProgressToken,
    reports: Option<UnboundedSender<Report>>,
}

#[derive(Debug)]
struct Report {
    message: String,
    percentage: Option<u32>,
}

/// What kind of work a progress shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// How much is done is known. Editors draw a bar only if the first message has a percentage.
    Measured,
    /// It ends some time, and a person may stop it before.
    Cancellable,
}

impl Progress {
    /// Begins a progress; `supported` is what the editor said of itself.
    pub(super) fn begin(client: &Client, supported: bool, title: &str, work: Work) -> Self {
        // The client's request numbers are unique in this connection, which is all that a token must be.
        let token = match client.next_request_id() {
            Id::Number(number) => ProgressToken::String(format!("infill-ls/{number}")),
            other => ProgressToken::String(format!("infill-ls/{other}")),
        };
        let reports = supported.then(|| {
            let (sender, reports) = unbounded_channel();
            let begin = WorkDoneProgressBegin {
                title: title.into(),
                cancellable: Some(work == Work::Cancellable),
                percentage: (work == Work::Measured).then_some(0),
                ..WorkDoneProgressBegin::default()
            };
            tokio::spawn(show(client.clone(), token.clone(), begin, reports));
            sender
        });
        Self { token, reports }
    }

    /// Returns the name that the editor's cancel button sends.
    pub(super) fn token(&self) -> &ProgressToken {
        &self.token
    }

    /// Says how far it is.
    pub(super) fn report(&self, message: impl Into<String>, percentage: Option<u32>) {
        if let Some(reports) = &self.reports {
            // The task ends when the editor refuses the progress; then there is nobody to tell.
            let _ = reports.send(Report { message: message.into(), percentage });
        }
    }
}

/// Shows reports until their sender is dropped.
async fn show(
    client: Client,
    token: ProgressToken,
    begin: WorkDoneProgressBegin,
    mut reports: UnboundedReceiver<Report>,
) {
    let create = WorkDoneProgressCreateParams { token: token.clone() };
    if let Err(error) = client.send_request::<CreateProgress>(create).await {
        tracing::debug!(%error, "the editor shows no progress");
        return;
    }
    let send = async |value| {
        let message = ProgressMessage { token: token.clone(), value };
        client.send_notification::<ProgressNotification>(message).await;
    };
    send(WorkDoneProgress::Begin(begin)).await;
    while let Some(Report { message, percentage }) = reports.recv().await {
        let report = WorkDoneProgressReport { message: Some(message), percentage, ..Default::default() };
        send(WorkDoneProgress::Report(report)).await;
    }
    send(WorkDoneProgress::End(WorkDoneProgressEnd::default())).await;
}

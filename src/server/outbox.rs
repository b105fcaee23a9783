//! Messages to the editor, sent in order by a task of their own: a handler that awaited the editor would hold up the
//! edits behind it.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tower_lsp::Client;
use tower_lsp::lsp_types::MessageType;

use super::protocol::{PageNotification, PageParams, StatusNotification, StatusParams};

/// Takes messages to the editor; clones share the way.
#[derive(Debug, Clone)]
pub(super) struct Outbox(UnboundedSender<Letter>);

#[derive(Debug)]
enum Letter {
    Show(MessageType, String),
    Log(MessageType, String),
    Status(StatusParams),
    Page(PageParams),
    Barrier(oneshot::Sender<()>),
}

impl Outbox {
    /// Returns an outbox that delivers to a client.
    pub(super) fn new(client: Client) -> Self {
        let (sender, letters) = unbounded_channel();
        tokio::spawn(deliver(client, letters));
        Self(sender)
    }

    /// Shows a person a message.
    pub(super) fn show(&self, kind: MessageType, message: impl Into<String>) {
        self.send(Letter::Show(kind, message.into()));
    }

    /// Writes into the editor's log.
    pub(super) fn log(&self, kind: MessageType, message: impl Into<String>) {
        self.send(Letter::Log(kind, message.into()));
    }

    /// Says what the server is doing.
    pub(super) fn status(&self, status: StatusParams) {
        self.send(Letter::Status(status));
    }

    /// Shows a page, as far as it is written.
    pub(super) fn page(&self, page: PageParams) {
        self.send(Letter::Page(page));
    }

    /// Waits until all messages before this have been handed on.
    pub(super) async fn flushed(&self) {
        let (sender, passed) = oneshot::channel();
        self.send(Letter::Barrier(sender));
        let _ = passed.await;
    }

    fn send(&self, letter: Letter) {
        // The receiver ends with the editor's connection; then nobody misses the message.
        let _ = self.0.send(letter);
    }
}

async fn deliver(client: Client, mut letters: UnboundedReceiver<Letter>) {
    while let Some(letter) = letters.recv().await {
        match letter {
            Letter::Show(kind, message) => client.show_message(kind, message).await,
            Letter::Log(kind, message) => client.log_message(kind, message).await,
            Letter::Status(status) => client.send_notification::<StatusNotification>(status).await,
            Letter::Page(page) => client.send_notification::<PageNotification>(page).await,
            // Whoever waited may have been cancelled.
            Letter::Barrier(passed) => drop(passed.send(())),
        }
    }
}

//! Follows the model from nothing to ready, or to the reason why it never will be, and lets the editor show it.

use std::sync::Arc;
use std::time::Duration;

use tower_lsp::Client;
use tower_lsp::lsp_types::MessageType;

use super::progress::{Progress, Work};
use super::protocol::State;
use super::session::Session;
use super::{answer, project};
use crate::config::LogLevel;
use crate::source::Status;

/// How often the source is asked; a person sees it as continuous.
const INTERVAL: Duration = Duration::from_millis(100);

/// Shows how the model is loaded until it is ready or has failed.
pub(super) async fn follow(session: Arc<Session>, client: Client) {
    let Some(source) = session.source().cloned() else { return };
    let mut progress = None;
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        let status = source.status();
        // The first request may have come before this, and then the server is thinking.
        if session.status().state == State::Loading {
            session.say(answer::ready(&session));
        }
        match status {
            Status::Loading { stage, done, total } => {
                let progress = progress.get_or_insert_with(|| begin(&session, &client));
                report(progress, &stage, done, total);
            }
            Status::Ready { model } => {
                session.tell(LogLevel::Info, format!("infill-ls: {model} is ready"));
                project::all_ready(&session);
                return;
            }
            Status::Failed { message } => {
                session.outbox.show(MessageType::ERROR, format!("infill-ls: {message}"));
                return;
            }
        }
    }
}

fn begin(session: &Session, client: &Client) -> Progress {
    Progress::begin(client, session.negotiated().progress, "infill-ls", Work::Measured)
}

fn report(progress: &Progress, stage: &str, done: u64, total: u64) {
    let percentage = (done * 100).checked_div(total).map(|percent| percent.min(100) as u32);
    progress.report(stage, percentage);
}

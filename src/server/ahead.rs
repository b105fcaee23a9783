//! The file is computed before it is asked for: when it is opened, when the model is there, and after a pause in the
//! typing. Whether and when the source finds the time for it is the source's business.

use std::sync::Arc;
use std::time::Duration;

use tower_lsp::lsp_types::Url;

use super::session::{Session, is_completed};
use crate::complete::Prompt;
use crate::source::Ahead;

/// How long somebody must have stopped typing. While a line is typed only its own tokens are computed; what follows in
/// the file is computed again once it counts, not at every key.
pub(super) const PAUSE: Duration = Duration::from_millis(1500);

/// More bytes than a token has on average: the source cuts by tokens.
const BYTES_PER_TOKEN: usize = 6;

/// Has a document computed if it is the same after a pause.
pub(super) fn file(session: &Arc<Session>, uri: Url, pause: Duration) {
    let Ok(version) = session.snapshot(&uri).map(|snapshot| snapshot.version()) else { return };
    let session = Arc::clone(session);
    tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        if session.snapshot(&uri).is_ok_and(|now| now.version() == version) {
            compute(&session, &uri);
        }
    });
}

/// Has a document computed as it is now: behind the other files that serve, and then behind those that were chosen anew.
pub(super) fn compute(session: &Session, uri: &Url) {
    let Some(source) = session.source() else { return };
    let settings = session.settings();
    if session.is_excluded(uri) {
        return;
    }
    let bytes = settings.prompt.prefix_tokens.get().saturating_mul(BYTES_PER_TOKEN);
    let file = session.with_documents(|documents| {
        let open = documents.find(uri).ok()?;
        let snapshot = open.snapshot();
        is_completed(&snapshot, &settings).ok()?;
        Some((open.branch(), open.file_prompt(&snapshot, bytes)))
    });
    let Some((branch, prompt)) = file else { return };
    let serving = session.contexts.of(uri).pop().flatten();
    let pending = session.contexts.pending(uri);
    // The file counts more than what stands before it, so that it is there by itself first.
    source.prepare(branch, Ahead::File(Prompt { context: serving, ..prompt.clone() }));
    if let Some(pending) = pending {
        let prompt = Prompt { context: pending.context, ..prompt };
        source.prepare(branch, Ahead::NewContext(prompt, pending.readiness));
    }
}

/// Has all open documents computed: the model is there.
pub(super) fn all_files(session: &Arc<Session>) {
    for uri in session.with_documents(|documents| documents.open_uris()) {
        file(session, uri, Duration::ZERO);
    }
}

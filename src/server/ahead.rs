//! The file is computed before it is asked for: when it is opened, when the model is there, and after a pause in the
//! typing. Whether and when the source finds the time for it is the source's business.

use std::sync::Arc;
use std::time::Duration;

use tower_lsp::lsp_types::Url;

use super::session::{Session, is_completed};
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
        let Some(source) = session.source() else { return };
        let settings = session.settings();
        let bytes = settings.prompt.prefix_tokens.get().saturating_mul(BYTES_PER_TOKEN);
        let text = session.with_documents(|documents| {
            let open = documents.find(&uri).ok()?;
            let snapshot = open.snapshot();
            let wanted = snapshot.version() == version && is_completed(&snapshot, &settings).is_ok();
            wanted.then(|| (open.branch(), open.file_text(&snapshot, bytes)))
        });
        if let Some((branch, text)) = text {
            source.prepare(branch, Ahead::File(text));
        }
    });
}

/// Has all open documents computed: the model is there.
pub(super) fn all_files(session: &Arc<Session>) {
    for uri in session.with_documents(|documents| documents.open_uris()) {
        file(session, uri, Duration::ZERO);
    }
}

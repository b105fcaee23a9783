//! The next suggestion, computed in idle time as if the one that is shown had been accepted: whoever accepts it and goes
//! on finds the next one there. Any request ends it, and nobody sees what came of a wrong guess.

use std::sync::Arc;

use super::session::{Session, View};
use super::suggest::Suggestion;
use crate::assist::infill::{InfillRequest, infill};
use crate::complete;
use crate::engine::CancelToken;

/// Has the suggestion behind `shown` computed and kept, where the source finds the time.
pub(super) fn go_on(session: &Arc<Session>, view: &View, shown: &Suggestion) {
    let (Some(source), true) = (session.source(), view.settings.completion.ahead) else { return };
    let Some(counter) = source.counter() else { return };
    let anchors = session.with_documents(|documents| documents.find(&view.uri).map(|open| open.anchors()));
    let (Ok(anchors), source) = (anchors, Arc::clone(source)) else { return };
    let (session, shown) = (Arc::clone(session), (shown.snapshot.clone(), shown.completion.clone()));
    let (branch, request) = (view.branch, view.request());
    // What is still to be computed is too long for a guess.
    let contexts = request.contexts.last().cloned().into_iter().collect();
    tokio::spawn(async move {
        let Some((snapshot, offset)) = complete::accepted(&shown.0, &shown.1) else { return };
        let request =
            InfillRequest { snapshot: snapshot.clone(), offset, anchors, contexts, idle: true, ..request };
        let next = infill(request, source, counter, CancelToken::new()).await;
        if let Ok(next) = next.result {
            session.with_documents(|documents| documents.remember(branch, &snapshot, offset, &[next]));
        }
    });
}

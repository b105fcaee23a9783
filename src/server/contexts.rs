//! Which other files stand before each open document. Chosen in idle time and then frozen: a request takes what is there
//! and never changes it. Something better replaces it only when enough is lacking, after a pause, and until the file is
//! computed behind it, what stood there before serves.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tower_lsp::lsp_types::Url;

use super::session::{Session, is_completed};
use super::{ahead, background};
use crate::complete::Context;
use crate::complete::context::{self, ContextRequest, OpenDocument};
use crate::source::Readiness;
use crate::text::Snapshot;

/// How long nothing must have been typed in a document before another choice is thought of.
const PAUSE: Duration = Duration::from_secs(5);

/// How much of what would be told must be lacking before the whole file is computed again for it: a quarter of it by weight,
/// and the names at the cursor weigh three times as much as others.
const LACKING: f32 = 0.25;

/// The contexts of all open documents.
#[derive(Debug, Default)]
pub(super) struct Contexts(Mutex<HashMap<Url, Chosen>>);

/// What was chosen for a document.
#[derive(Debug, Clone)]
struct Chosen {
    context: Option<Arc<Context>>,
    /// What serves until the file is computed behind `context`.
    before: Option<Arc<Context>>,
    readiness: Readiness,
}

/// A context that is still to be computed.
pub(super) struct Pending {
    /// The context.
    pub context: Option<Arc<Context>>,
    /// Says when it is there.
    pub readiness: Readiness,
}

impl Contexts {
    /// Returns what may stand before a document: the best, then what serves until that is computed.
    pub(super) fn of(&self, uri: &Url) -> Vec<Option<Arc<Context>>> {
        match self.lock().get(uri) {
            None => vec![None],
            Some(chosen) if chosen.readiness.is_reached() => vec![chosen.context.clone()],
            Some(chosen) => vec![chosen.context.clone(), chosen.before.clone()],
        }
    }

    /// Returns what is to be computed yet.
    pub(super) fn pending(&self, uri: &Url) -> Option<Pending> {
        let chosen = self.lock().get(uri).cloned()?;
        let Chosen { context, readiness, .. } = chosen;
        (!readiness.is_reached()).then_some(Pending { context, readiness })
    }

    /// Forgets a document.
    pub(super) fn forget(&self, uri: &Url) {
        self.lock().remove(uri);
    }

    /// Freezes a choice, if it is worth what it costs; returns whether it is.
    fn freeze(&self, uri: &Url, better: Context) -> bool {
        let mut all = self.lock();
        let old = all.get(uri).cloned();
        let chosen = old.as_ref().and_then(|chosen| chosen.context.clone());
        let worth = match &chosen {
            Some(chosen) => chosen.lacks(&better) >= LACKING,
            None => !better.pieces.is_empty(),
        };
        if worth {
            let before = match old {
                Some(old) if !old.readiness.is_reached() => old.before,
                _ => chosen,
            };
            let (context, readiness) = (Some(Arc::new(better)), Readiness::default());
            all.insert(uri.clone(), Chosen { context, before, readiness });
        }
        worth
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Url, Chosen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a choice is made from, as it was at one moment.
struct Moment {
    snapshot: Snapshot,
    path: PathBuf,
    cursor: Option<usize>,
    open: Vec<OpenDocument>,
}

/// Chooses for a document that was just opened, or that may need more than it has.
pub(super) fn choose(session: &Arc<Session>, uri: Url) {
    let session = Arc::clone(session);
    // It parses and counts: milliseconds to some tens of them.
    background::run(move || {
        let settings = session.settings();
        let tokens = settings.prompt.context_tokens;
        let counter = session.source().and_then(|source| source.counter());
        let (Some(counter), Some(moment), true) = (counter, moment(&session, &uri), session.is_indexed())
        else {
            return;
        };
        if tokens == 0 || is_completed(&moment.snapshot, &settings).is_err() {
            return;
        }
        let Moment { snapshot, path, cursor, open } = &moment;
        let request = ContextRequest { snapshot, path, cursor: *cursor, tokens, open };
        let better = context::choose(&request, &session.workspace(), &*counter);
        tracing::debug!(pieces = better.pieces.len(), "a context was chosen");
        let still_open = session.snapshot(&uri).is_ok();
        if still_open && session.contexts.freeze(&uri, better) {
            ahead::compute(&session, &uri);
        }
    });
}

/// Chooses again if nothing was typed for a while.
pub(super) fn choose_later(session: &Arc<Session>, uri: Url) {
    let Ok(version) = session.snapshot(&uri).map(|snapshot| snapshot.version()) else { return };
    let session = Arc::clone(session);
    tokio::spawn(async move {
        tokio::time::sleep(PAUSE).await;
        if session.snapshot(&uri).is_ok_and(|now| now.version() == version) {
            choose(&session, uri);
        }
    });
}

/// Chooses for all open documents: the model is there, or the index.
pub(super) fn choose_all(session: &Arc<Session>) {
    for uri in session.with_documents(|documents| documents.open_uris()) {
        choose(session, uri);
    }
}

fn moment(session: &Session, uri: &Url) -> Option<Moment> {
    let path = uri.to_file_path().ok()?;
    let workspace = session.workspace();
    workspace.root_of(&path)?;
    session.with_documents(|documents| {
        let document = documents.find(uri).ok()?;
        let others = documents.open_uris().into_iter().filter(|other| other != uri);
        let others =
            others.filter(|other| other.to_file_path().is_ok_and(|path| workspace.file(&path).is_some()));
        let mut open: Vec<(u64, OpenDocument)> = others
            .filter_map(|other| {
                let document = documents.find(&other).ok()?;
                let (at, edited) = document.edited().unzip();
                let shown = document.path().unwrap_or_default();
                let file = other.to_file_path().ok()?;
                let open = OpenDocument { shown, file, snapshot: document.snapshot(), edited };
                Some((at.unwrap_or(0), open))
            })
            .collect();
        open.sort_by_key(|(at, open)| (std::cmp::Reverse(*at), open.shown.clone()));
        let open = open.into_iter().map(|(_, open)| open).collect();
        Some(Moment { snapshot: document.snapshot(), path, cursor: document.cursor(), open })
    })
}

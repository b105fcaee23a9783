//! What the server knows: the settings, the documents, what was agreed with the editor, and the source of completions.
//! One lock that is never held over an `.await`, so that edits are applied in their order.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tower_lsp::lsp_types::{
    DidChangeTextDocumentParams, MessageType, Position, ProgressToken, TextDocumentItem, Url,
};

use super::actions::Ways;
use super::cancels::Cancels;
use super::capabilities::{InlineOffer, Negotiated};
use super::contexts::Contexts;
use super::convert;
use super::documents::Documents;
use super::outbox::Outbox;
use super::protocol::{State, StatusParams};
use crate::assist::infill::{InfillRequest, Written};
use crate::complete::{Anchored, Context, Reason};
use crate::config::{LogLevel, Settings};
use crate::source::Source;
use crate::stats::{OutcomeLog, RequestLog};
use crate::text::{Snapshot, TextEdit};
use crate::workspace::Workspace;

/// The state of one connection.
pub(super) struct Session {
    state: Mutex<Inner>,
    source: OnceLock<Arc<dyn Source>>,
    cancels: Cancels,
    /// Whether the workspace was read once.
    indexed: AtomicBool,
    /// Whether the editor is gone.
    over: AtomicBool,
    /// What stands before each document.
    pub(super) contexts: Contexts,
    ways: Ways,
    /// What became of requests.
    pub(super) log: RequestLog,
    /// What happened to suggestions.
    pub(super) outcomes: OutcomeLog,
    /// The way to the editor.
    pub(super) outbox: Outbox,
}

struct Inner {
    settings: Arc<Settings>,
    negotiated: Negotiated,
    inline_offer: InlineOffer,
    workspace: Arc<Workspace>,
    documents: Documents,
    /// Documents that a `.infillignore` excludes.
    excluded: HashSet<Url>,
    status: StatusParams,
}

/// A document and a place in it, as they were when a request came.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The document's name.
    pub uri: Url,
    /// Its text; where an item is selected in the completion menu, as it would be with it.
    pub snapshot: Snapshot,
    /// That item, and the text without it.
    pub selected: Option<Selected>,
    /// The place, in bytes.
    pub offset: usize,
    /// The document's number for the source.
    pub branch: u64,
    /// The path as the model sees it.
    pub path: Option<String>,
    /// The settings in force.
    pub settings: Arc<Settings>,
    /// What was agreed with the editor.
    pub negotiated: Negotiated,
    /// The prompts of the document's last generation.
    pub anchors: Vec<Anchored>,
    /// What may stand before the document: the best, then what serves until that is computed.
    pub contexts: Vec<Option<Arc<Context>>>,
}

/// An item that is selected in the completion menu.
#[derive(Debug, Clone)]
pub(super) struct Selected {
    /// What it would do to the text.
    pub edit: TextEdit,
    /// The text as it is.
    pub without: Snapshot,
}

impl View {
    /// Returns the view of the text as it would be with an item of the completion menu accepted.
    pub(super) fn with_selected(self, edit: TextEdit) -> Self {
        let without = self.snapshot;
        let offset = edit.range.start + edit.text.len();
        Self { snapshot: without.edited(&edit), offset, selected: Some(Selected { edit, without }), ..self }
    }

    /// Returns the request for a completion there, for somebody who waits and is yet to see any of it.
    pub(super) fn request(&self) -> InfillRequest {
        let Self { snapshot, offset, path, branch, settings, anchors, contexts, .. } = self.clone();
        let written = Written::default();
        let file = self.uri.to_file_path().ok();
        InfillRequest {
            snapshot,
            offset,
            path,
            file,
            branch,
            settings,
            anchors,
            contexts,
            idle: false,
            written,
        }
    }

    /// Returns the file that the document is, if it is one.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.uri.to_file_path().into_iter().collect()
    }

    /// Returns what the selected item would do.
    pub(super) fn selected_edit(&self) -> Option<&TextEdit> {
        self.selected.as_ref().map(|selected| &selected.edit)
    }
}

/// Checks that the settings want a document like this completed.
pub(super) fn is_completed(snapshot: &Snapshot, settings: &Settings) -> Result<(), Reason> {
    let language = snapshot.language().id();
    if settings.disabled_languages.iter().any(|disabled| disabled == language) {
        return Err(Reason::Disabled);
    }
    is_small(snapshot, settings)
}

fn is_small(snapshot: &Snapshot, settings: &Settings) -> Result<(), Reason> {
    match snapshot.len() <= settings.max_file_bytes.0 {
        true => Ok(()),
        false => Err(Reason::TooLarge),
    }
}

impl Session {
    pub(super) fn new(settings: Settings, log: RequestLog, outcomes: OutcomeLog, outbox: Outbox) -> Self {
        let inner = Inner {
            settings: Arc::new(settings),
            negotiated: Negotiated::default(),
            inline_offer: InlineOffer::default(),
            workspace: Arc::default(),
            documents: Documents::default(),
            excluded: HashSet::new(),
            status: StatusParams { state: State::Loading, message: "starting".into(), reason: None },
        };
        Self {
            state: Mutex::new(inner),
            source: OnceLock::new(),
            cancels: Cancels::default(),
            indexed: AtomicBool::new(false),
            over: AtomicBool::new(false),
            contexts: Contexts::default(),
            ways: Ways::default(),
            log,
            outcomes,
            outbox,
        }
    }

    /// Keeps what was agreed at `initialize`.
    pub(super) fn begin(&self, negotiated: Negotiated, roots: Vec<PathBuf>, source: Arc<dyn Source>) {
        let mut state = self.lock();
        state.negotiated = negotiated;
        state.workspace = Arc::new(Workspace::new(roots));
        // A second `initialize` is refused by tower-lsp, so this cannot be set already.
        let _ = self.source.set(source);
    }

    pub(super) fn set_inline_offer(&self, offer: InlineOffer) {
        self.lock().inline_offer = offer;
    }

    pub(super) fn inline_offer(&self) -> InlineOffer {
        self.lock().inline_offer
    }

    pub(super) fn negotiated(&self) -> Negotiated {
        self.lock().negotiated
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.lock().settings)
    }

    pub(super) fn source(&self) -> Option<&Arc<dyn Source>> {
        self.source.get()
    }

    /// Takes over settings that the editor sent and tells it what is wrong with them.
    pub(super) fn configure(&self, json: &serde_json::Value) {
        let problems = Arc::make_mut(&mut self.lock().settings).merge(json);
        if !problems.is_empty() {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            self.outbox.show(MessageType::WARNING, format!("infill-ls: {}", lines.join("\n")));
        }
    }

    pub(super) fn open(&self, item: TextDocumentItem) {
        let workspace = self.workspace();
        let uri = item.uri.clone();
        let excluded = uri.to_file_path().is_ok_and(|path| workspace.excludes(&path));
        let path = convert::shown_path(&uri, workspace.roots());
        self.with_documents(|documents| documents.open(item, path));
        let mut state = self.lock();
        match excluded {
            true => state.excluded.insert(uri),
            false => state.excluded.remove(&uri),
        };
    }

    pub(super) fn change(&self, params: DidChangeTextDocumentParams) {
        let uri = params.text_document.uri.clone();
        let encoding = self.negotiated().encoding;
        let lost = self.with_documents(|documents| documents.change(params, encoding));
        if let Err(why) = lost {
            self.tell_lost(&uri, &why.to_string());
        }
    }

    pub(super) fn close(&self, uri: &Url) {
        let closed = self.with_documents(|documents| documents.close(uri));
        self.ways.forget(uri);
        if let (Some(branch), Some(source)) = (closed, self.source()) {
            source.forget(branch);
        }
    }

    /// Drops a document whose text here is no longer the editor's, and says so once.
    pub(super) fn lose(&self, uri: &str, why: &str) {
        let Ok(uri) = Url::parse(uri) else { return };
        let was_open = self.with_documents(|documents| documents.lose(&uri));
        if was_open {
            self.tell_lost(&uri, &format!("{why}; close the file and open it again"));
        }
    }

    fn tell_lost(&self, uri: &Url, why: &str) {
        let name = uri.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        self.outbox.show(MessageType::WARNING, format!("infill-ls no longer follows {name}: {why}"));
    }

    /// Returns what a request is about, at this moment, where the settings want that completed.
    pub(super) fn view(&self, uri: &Url, position: Position) -> Result<View, Reason> {
        let view = self.asked_view(uri, position)?;
        is_completed(&view.snapshot, &view.settings)?;
        if self.is_excluded(uri) {
            return Err(Reason::IgnoredFile);
        }
        Ok(view)
    }

    /// Returns what a request is about that a person asked for: only a document that is too large is left alone then.
    pub(super) fn asked_view(&self, uri: &Url, position: Position) -> Result<View, Reason> {
        let state = self.lock();
        let document = state.documents.find(uri)?;
        let snapshot = document.snapshot();
        is_small(&snapshot, &state.settings)?;
        Ok(View {
            uri: uri.clone(),
            offset: snapshot.offset(convert::position(position), state.negotiated.encoding),
            snapshot,
            selected: None,
            branch: document.branch(),
            path: document.path(),
            settings: Arc::clone(&state.settings),
            negotiated: state.negotiated,
            anchors: document.anchors(),
            contexts: self.contexts.of(uri),
        })
    }

    /// Returns the index of the workspace folders.
    pub(super) fn workspace(&self) -> Arc<Workspace> {
        Arc::clone(&self.lock().workspace)
    }

    /// Goes over to other workspace folders, which are yet to be read.
    pub(super) fn set_workspace(&self, workspace: Workspace) {
        self.indexed.store(false, Ordering::Release);
        self.lock().workspace = Arc::new(workspace);
    }

    /// Returns whether the workspace folders were read.
    pub(super) fn is_indexed(&self) -> bool {
        self.indexed.load(Ordering::Acquire)
    }

    pub(super) fn set_indexed(&self) {
        self.indexed.store(true, Ordering::Release);
    }

    /// Returns whether a document is left alone because a `.infillignore` says so.
    pub(super) fn is_excluded(&self, uri: &Url) -> bool {
        self.lock().excluded.contains(uri)
    }

    /// Looks again which open documents are left alone.
    pub(super) fn find_excluded(&self) {
        let workspace = self.workspace();
        let mut state = self.lock();
        let open = state.documents.open_uris().into_iter();
        state.excluded =
            open.filter(|uri| uri.to_file_path().is_ok_and(|path| workspace.excludes(&path))).collect();
    }

    /// Returns whether the editor is gone.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Returns the text of a document as it is now.
    pub(super) fn snapshot(&self, uri: &Url) -> Result<Snapshot, Reason> {
        self.lock().documents.find(uri).map(|document| document.snapshot())
    }

    /// Runs something on the documents, under the lock, and writes down what it settles.
    pub(super) fn with_documents<T>(&self, run: impl FnOnce(&mut Documents) -> T) -> T {
        let mut state = self.lock();
        let result = run(&mut state.documents);
        let settled = state.documents.take_settled();
        let is_wanted = state.settings.stats.enabled;
        drop(state);
        for outcome in settled.iter().filter(|_| is_wanted) {
            self.outcomes.add(outcome);
        }
        result
    }

    /// Returns a token that the editor can cancel by the name of a progress; it is forgotten with the guard.
    pub(super) fn cancels(&self) -> &Cancels {
        &self.cancels
    }

    /// Returns the ways in which functions were written.
    pub(super) fn ways(&self) -> &Ways {
        &self.ways
    }

    /// The editor's user pressed a progress's cancel button.
    pub(super) fn cancel_progress(&self, progress: &ProgressToken) {
        self.cancels.cancel(progress);
    }

    /// Says what the server is doing, if it is something new.
    pub(super) fn say(&self, status: StatusParams) {
        let news = {
            let mut state = self.lock();
            let news = state.status != status;
            state.status = status.clone();
            news && state.settings.status.enabled
        };
        if news {
            self.outbox.status(status);
        }
    }

    pub(super) fn status(&self) -> StatusParams {
        self.lock().status.clone()
    }

    /// Writes into the editor's log, if it wants to hear of that.
    pub(super) fn tell(&self, level: LogLevel, message: impl Into<String>) {
        if level <= self.settings().editor_log {
            self.outbox.log(message_type(level), message);
        }
    }

    /// Stops everything: the editor is gone.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.with_documents(Documents::close_all);
        self.cancels.cancel_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves the documents as they are, and they are worth more than an error.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn message_type(level: LogLevel) -> MessageType {
    match level {
        LogLevel::Off | LogLevel::Error => MessageType::ERROR,
        LogLevel::Warn => MessageType::WARNING,
        LogLevel::Info => MessageType::INFO,
        LogLevel::Debug => MessageType::LOG,
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

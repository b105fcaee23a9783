//! The documents that the editor has open, each with its generation in flight and what is on its screen; the recent
//! suggestions, and how the user types.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;
use tower_lsp::lsp_types::{DidChangeTextDocumentParams, TextDocumentItem, Url};

use super::convert;
use super::flight::{Flight, Landing};
use super::rhythm::Rhythm;
use super::screen::{Rest, Screen};
use super::session::View;
use super::turn::{Turn, Turns};
use crate::assist::infill::Written;
use crate::complete::{self, Anchored, Cache, Completion, Prompt, Reach, Reason};
use crate::stats::{Facts, Outcome};
use crate::text::{Change, ChangeError, Document, Language, PositionEncoding, Snapshot, TextEdit};

/// All open documents.
#[derive(Default)]
pub(super) struct Documents {
    entries: HashMap<Url, Entry>,
    cache: Cache,
    branches: u64,
    rhythm: Rhythm,
    suggestions: u64,
    /// Where something was shown last.
    shown_last: Option<Url>,
    /// What happened to suggestions and is not written down yet.
    settled: Vec<Outcome>,
    edits: u64,
    /// The connection is over: nothing new is opened or begun.
    closed: bool,
}

enum Entry {
    Open(Box<Open>),
    /// An edit did not apply. Kept until the editor closes it, so that later edits are not complained about again.
    Lost,
}

/// One open document.
pub(super) struct Open {
    document: Document,
    branch: u64,
    path: Option<String>,
    flight: Option<Underway>,
    turns: Turns,
    /// The prompts of the last generation, for the next one to go on with.
    anchors: Vec<Anchored>,
    screen: Screen,
    /// Where text was deleted, if the last change did nothing else.
    deleted_at: Option<usize>,
    /// When it was edited last, counted over all documents, and where.
    edited: Option<(u64, usize)>,
}

/// A generation under way.
struct Underway {
    /// The text and the cursor that it was begun for.
    snapshot: Snapshot,
    offset: usize,
    /// The item of the completion menu that the text was made with.
    selected: Option<TextEdit>,
    /// What is written by now.
    written: Written,
    flight: Weak<Flight<Landing>>,
}

impl Documents {
    /// Opens a document, or opens it anew: what was known of it is forgotten.
    pub(super) fn open(&mut self, item: TextDocumentItem, path: Option<String>) {
        self.close(&item.uri);
        if self.closed {
            return;
        }
        let language = Language::from_id(&item.language_id);
        let document = Document::open(language, item.version, &item.text);
        let open = Open {
            document,
            branch: self.new_branch(),
            path,
            flight: None,
            turns: Turns::default(),
            anchors: Vec::new(),
            screen: Screen::default(),
            deleted_at: None,
            edited: None,
        };
        self.entries.insert(item.uri, Entry::Open(Box::new(open)));
    }

    /// Applies edits. A document that they do not fit is dropped, and only then is there an error.
    pub(super) fn change(
        &mut self,
        params: DidChangeTextDocumentParams,
        encoding: PositionEncoding,
    ) -> Result<(), ChangeError> {
        let uri = params.text_document.uri;
        let Some(Entry::Open(open)) = self.entries.get_mut(&uri) else {
            return Ok(());
        };
        let changes: Vec<Change> = params.content_changes.into_iter().map(convert::change).collect();
        let before = open.document.snapshot();
        match open.document.apply(params.text_document.version, &changes, encoding) {
            Ok(edits) => {
                let now = Instant::now();
                self.settled.extend(open.screen.look(&before, now, false));
                self.settled.extend(open.screen.edited(&edits, &open.document.snapshot(), now));
                open.deleted_at = deletion(&edits);
                self.rhythm.edited(&edits, now);
                self.edits += 1;
                open.edited = last_place(&open.snapshot(), &changes, encoding).map(|at| (self.edits, at));
                Ok(())
            }
            Err(error) => {
                self.lose(&uri);
                Err(error)
            }
        }
    }

    /// Drops a document whose text is no longer known and returns whether it was open.
    pub(super) fn lose(&mut self, uri: &Url) -> bool {
        let was_open = self.find(uri).is_ok();
        if was_open {
            self.remove(uri, Reason::OutOfSync);
            self.entries.insert(uri.clone(), Entry::Lost);
        }
        was_open
    }

    /// Forgets a document, stops what is computed for it, and returns its branch.
    pub(super) fn close(&mut self, uri: &Url) -> Option<u64> {
        self.remove(uri, Reason::NotOpen)
    }

    /// Closes everything for good.
    pub(super) fn close_all(&mut self) {
        self.closed = true;
        let uris: Vec<Url> = self.entries.keys().cloned().collect();
        for uri in uris {
            self.remove(&uri, Reason::Cancelled);
        }
    }

    fn remove(&mut self, uri: &Url, reason: Reason) -> Option<u64> {
        match self.entries.remove(uri) {
            Some(Entry::Open(mut open)) => {
                open.divert(reason);
                self.cache.forget(open.branch);
                self.settled.extend(open.screen.look(&open.document.snapshot(), Instant::now(), true));
                Some(open.branch)
            }
            _ => None,
        }
    }

    /// Returns an open document.
    pub(super) fn find(&self, uri: &Url) -> Result<&Open, Reason> {
        match self.entries.get(uri) {
            Some(Entry::Open(open)) => Ok(open),
            Some(Entry::Lost) => Err(Reason::OutOfSync),
            None => Err(Reason::NotOpen),
        }
    }

    /// Takes the turn for a place in a document.
    pub(super) fn take_turn(&mut self, view: &View) -> Result<Turn, Reason> {
        match self.entries.get_mut(&view.uri) {
            Some(Entry::Open(open)) => {
                Ok(open.turns.take(view.snapshot.version(), view.offset, view.selected_edit()))
            }
            Some(Entry::Lost) => Err(Reason::OutOfSync),
            None => Err(Reason::NotOpen),
        }
    }

    /// Returns what is left of a recent suggestion, the best candidate first. A generation under way is overtaken by
    /// that, too.
    pub(super) fn recall(&mut self, view: &View) -> Option<Vec<Completion>> {
        let Some(Entry::Open(open)) = self.entries.get_mut(&view.uri) else {
            return None;
        };
        let found = self.cache.lookup(open.branch, &view.snapshot, view.offset)?;
        open.divert(Reason::Overtaken);
        Some(found)
    }

    /// Keeps a suggestion and its other candidates for those who type along it.
    pub(super) fn remember(
        &mut self,
        branch: u64,
        snapshot: &Snapshot,
        offset: usize,
        candidates: &[Completion],
    ) {
        let is_open =
            self.entries.values().any(|entry| matches!(entry, Entry::Open(open) if open.branch == branch));
        if is_open {
            self.cache.remember(branch, snapshot, offset, candidates);
        }
    }

    /// Joins the generation under way for the same place, or for one from which the user has typed along what it
    /// writes; or begins one and overtakes any other of the document.
    pub(super) fn board(
        &mut self,
        view: &View,
        begin: impl FnOnce(Written) -> Arc<Flight<Landing>>,
    ) -> Result<Arc<Flight<Landing>>, Reason> {
        let Some(Entry::Open(open)) = self.entries.get_mut(&view.uri) else {
            return Err(Reason::NotOpen);
        };
        if let Some(flight) = open.flight.as_ref().and_then(|underway| underway.serves(view)) {
            return Ok(flight);
        }
        open.divert(Reason::Overtaken);
        let written = Written::default();
        let flight = begin(written.clone());
        open.flight = Some(Underway {
            snapshot: view.snapshot.clone(),
            offset: view.offset,
            selected: view.selected_edit().cloned(),
            written,
            flight: Arc::downgrade(&flight),
        });
        Ok(flight)
    }

    /// Returns how long to wait before something is generated for a view: not at all where a generation is under way
    /// that it would join.
    pub(super) fn pause(&self, view: &View) -> Duration {
        let longest = Duration::from_millis(view.settings.automatic.debounce_ms);
        match self.find(&view.uri).map(|open| &open.flight) {
            Ok(Some(underway)) if underway.serves(view).is_some() => Duration::ZERO,
            _ => self.rhythm.pause(longest, Instant::now()),
        }
    }

    /// Returns how the user types and how fast suggestions come.
    pub(super) fn rhythm(&mut self) -> &mut Rhythm {
        &mut self.rhythm
    }

    /// A suggestion is shown for a view, best candidate first; returns its number, or nothing where the text has changed
    /// since.
    ///
    /// `typed` bytes of it stand there already.
    pub(super) fn show(
        &mut self,
        uri: &Url,
        snapshot: &Snapshot,
        shown: &[&Completion],
        typed: usize,
        facts: Facts,
    ) -> Option<u64> {
        let Some(Entry::Open(open)) = self.entries.get_mut(uri) else {
            return None;
        };
        if open.document.version() != snapshot.version() {
            return None;
        }
        self.suggestions += 1;
        let (id, settled) = open.screen.show(self.suggestions, shown, typed, facts, Instant::now());
        self.settled.extend(settled);
        self.shown_last = Some(uri.clone());
        Some(id)
    }

    /// The editor told that a candidate of a suggestion was accepted.
    pub(super) fn accepted(&mut self, id: u64, candidate: usize) {
        for entry in self.entries.values_mut() {
            if let Entry::Open(open) = entry {
                self.settled.extend(open.screen.accepted(id, candidate, Instant::now()));
            }
        }
    }

    /// Returns where something was shown last.
    pub(super) fn shown_last(&self) -> Option<Url> {
        self.shown_last.clone()
    }

    /// Returns what can be accepted in a document, as it is.
    pub(super) fn rest(&self, uri: &Url, candidate: Option<usize>) -> Option<(Snapshot, Rest)> {
        let open = self.find(uri).ok()?;
        Some((open.snapshot(), open.screen.rest(candidate)?))
    }

    /// The editor is sent an edit that accepts something of what a document shows, or has refused it.
    pub(super) fn expect(&mut self, uri: &Url, is_expected: bool) {
        if let Some(Entry::Open(open)) = self.entries.get_mut(uri) {
            open.screen.expect(is_expected);
        }
    }

    /// Returns what happened to suggestions since this was asked last.
    pub(super) fn take_settled(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.settled)
    }

    /// Returns a number that no document or action has had.
    pub(super) fn new_branch(&mut self) -> u64 {
        self.branches += 1;
        self.branches
    }

    /// Keeps the prompts of a generation; one that never got as far as a prompt has none, and changes nothing.
    pub(super) fn keep_anchors(&mut self, uri: &Url, anchors: Vec<Anchored>) {
        if let Some(Entry::Open(open)) = self.entries.get_mut(uri)
            && !anchors.is_empty()
        {
            open.anchors = anchors;
        }
    }

    /// Returns the names of all open documents.
    pub(super) fn open_uris(&self) -> Vec<Url> {
        let open = |(uri, entry): (&Url, &Entry)| matches!(entry, Entry::Open(_)).then(|| uri.clone());
        self.entries.iter().filter_map(open).collect()
    }

    /// Returns how many documents are open.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Returns where the last of some changes was made; a change of the whole text has no place.
fn last_place(snapshot: &Snapshot, changes: &[Change], encoding: PositionEncoding) -> Option<usize> {
    let (start, _) = changes.last()?.range?;
    Some(snapshot.offset(start, encoding))
}

impl Open {
    /// Returns the text as it is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.document.snapshot()
    }

    /// Returns the number that names it to the source.
    pub(super) fn branch(&self) -> u64 {
        self.branch
    }

    /// Returns the prompts of the last generation.
    pub(super) fn anchors(&self) -> Vec<Anchored> {
        self.anchors.clone()
    }

    /// Returns what prompts in the part of the file that is worked on begin with.
    pub(super) fn file_prompt(&self, snapshot: &Snapshot, bytes: usize) -> Prompt {
        let whole = self.anchors.iter().find(|anchored| anchored.reach != Reach::Short);
        whole.map_or_else(
            || complete::file_prompt(snapshot, self.path(), bytes),
            |anchored| anchored.file_prompt(snapshot, bytes),
        )
    }

    /// Returns whether the last thing that happened to the text is that some was deleted at a place.
    pub(super) fn was_deleted_at(&self, offset: usize) -> bool {
        self.deleted_at == Some(offset)
    }

    /// Returns where something was completed last.
    pub(super) fn cursor(&self) -> Option<usize> {
        self.anchors.first().map(Anchored::cursor)
    }

    /// Returns when it was edited last, counted over all documents, and where.
    pub(super) fn edited(&self) -> Option<(u64, usize)> {
        self.edited
    }

    /// Returns the path as the model sees it.
    pub(super) fn path(&self) -> Option<String> {
        self.path.clone()
    }

    fn divert(&mut self, reason: Reason) {
        if let Some(underway) = self.flight.take()
            && let Some(flight) = underway.flight.upgrade()
        {
            flight.divert(reason);
        }
    }
}

impl Underway {
    /// Returns the flight if it will do for a view.
    fn serves(&self, view: &View) -> Option<Arc<Flight<Landing>>> {
        let same = self.snapshot.version() == view.snapshot.version()
            && self.offset == view.offset
            && self.selected.as_ref() == view.selected_edit();
        let flight = self.flight.upgrade()?;
        (same || (!flight.is_over() && self.is_typed_along(&view.snapshot, view.offset))).then_some(flight)
    }

    fn is_typed_along(&self, snapshot: &Snapshot, offset: usize) -> bool {
        let Some(typed) = complete::typed_since(&self.snapshot, self.offset, snapshot, offset) else {
            return false;
        };
        self.written.agrees_with(&typed)
    }
}

/// Returns where text was deleted, if the edits do nothing else.
fn deletion(edits: &[TextEdit]) -> Option<usize> {
    let deletes = |edit: &TextEdit| edit.text.is_empty() && !edit.range.is_empty();
    edits.iter().all(deletes).then_some(edits.last()?.range.start)
}

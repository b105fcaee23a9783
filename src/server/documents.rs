//! The documents that the editor has open, each with its generation in flight, and the recent suggestions.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tower_lsp::lsp_types::{DidChangeTextDocumentParams, TextDocumentItem, Url};

use super::convert;
use super::flight::{Flight, Landing};
use super::turn::{Turn, Turns};
use crate::assist::infill::Written;
use crate::complete::{self, Anchored, Cache, Completion, Prompt, Reach, Reason};
use crate::text::{Change, ChangeError, Document, Language, PositionEncoding, Snapshot};

/// All open documents.
#[derive(Default)]
pub(super) struct Documents {
    entries: HashMap<Url, Entry>,
    cache: Cache,
    branches: u64,
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
    /// When it was edited last, counted over all documents, and where.
    edited: Option<(u64, usize)>,
}

/// A generation under way.
struct Underway {
    /// The text and the cursor that it was begun for.
    snapshot: Snapshot,
    offset: usize,
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
        let applied = open.document.apply(params.text_document.version, &changes, encoding);
        match applied {
            Ok(()) => {
                self.edits += 1;
                open.edited = last_place(&open.snapshot(), &changes, encoding).map(|at| (self.edits, at));
            }
            Err(_) => {
                self.lose(&uri);
            }
        }
        applied
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
    pub(super) fn take_turn(
        &mut self,
        uri: &Url,
        snapshot: &Snapshot,
        offset: usize,
    ) -> Result<Turn, Reason> {
        match self.entries.get_mut(uri) {
            Some(Entry::Open(open)) => Ok(open.turns.take(snapshot.version(), offset)),
            Some(Entry::Lost) => Err(Reason::OutOfSync),
            None => Err(Reason::NotOpen),
        }
    }

    /// Returns what is left of a recent suggestion. A generation under way is overtaken by that, too.
    pub(super) fn recall(&mut self, uri: &Url, snapshot: &Snapshot, offset: usize) -> Option<Completion> {
        let Some(Entry::Open(open)) = self.entries.get_mut(uri) else {
            return None;
        };
        let found = self.cache.lookup(open.branch, snapshot, offset)?;
        open.divert(Reason::Overtaken);
        Some(found)
    }

    /// Keeps a suggestion for those who type along it.
    pub(super) fn remember(
        &mut self,
        branch: u64,
        snapshot: &Snapshot,
        offset: usize,
        completion: &Completion,
    ) {
        let is_open =
            self.entries.values().any(|entry| matches!(entry, Entry::Open(open) if open.branch == branch));
        if is_open {
            self.cache.remember(branch, snapshot, offset, completion);
        }
    }

    /// Joins the generation under way for the same place, or for one from which the user has typed along what it
    /// writes; or begins one and overtakes any other of the document.
    pub(super) fn board(
        &mut self,
        uri: &Url,
        snapshot: &Snapshot,
        offset: usize,
        begin: impl FnOnce(Written) -> Arc<Flight<Landing>>,
    ) -> Result<Arc<Flight<Landing>>, Reason> {
        let Some(Entry::Open(open)) = self.entries.get_mut(uri) else {
            return Err(Reason::NotOpen);
        };
        if let Some(flight) = open.flight.as_ref().and_then(|underway| underway.serves(snapshot, offset)) {
            return Ok(flight);
        }
        open.divert(Reason::Overtaken);
        let written = Written::default();
        let flight = begin(written.clone());
        let (snapshot, weak) = (snapshot.clone(), Arc::downgrade(&flight));
        open.flight = Some(Underway { snapshot, offset, written, flight: weak });
        Ok(flight)
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
    /// Returns the flight if it will do for a cursor at `offset` of `snapshot`.
    fn serves(&self, snapshot: &Snapshot, offset: usize) -> Option<Arc<Flight<Landing>>> {
        let same = self.snapshot.version() == snapshot.version() && self.offset == offset;
        let flight = self.flight.upgrade()?;
        (same || (!flight.is_over() && self.is_typed_along(snapshot, offset))).then_some(flight)
    }

    fn is_typed_along(&self, snapshot: &Snapshot, offset: usize) -> bool {
        let Some(typed) = complete::typed_since(&self.snapshot, self.offset, snapshot, offset) else {
            return false;
        };
        self.written.agrees_with(&typed)
    }
}

//! What is kept of each document: the rows of the file as if the cursor stood at its end, and a few short tails that fork
//! from them at any position. A request writes into a tail only, so the file's rows stay for the next one; only an edit
//! takes rows of the file away, from the edit on. The least recently used documents are given up when memory is short.

use crate::model::{KvCache, LanguageModel, ModelError, Sequence, TokenId};

/// Tails of a document: the one that serves, the one that is made ready, and one for another place.
const TAILS: usize = 3;

/// Tokens before what an earlier run wrote that are kept with it, so that a draft finds the place.
const BEFORE_DRAFT: usize = 8;

/// Tokens by which a tail forks before the place where it must. What is typed there changes the cut of the last few
/// tokens before it, and with it the file's rows that the tail stands on.
const MARGIN: usize = 8;

/// The branches of all documents, most recently used last.
pub(super) struct Branches {
    bytes: usize,
    context: usize,
    branches: Vec<Branch>,
}

/// One document's rows.
pub(super) struct Branch {
    id: u64,
    file: KvCache,
    /// Most recently used last.
    tails: Vec<Tail>,
}

/// Rows behind the first `fork` rows of the file.
struct Tail {
    fork: usize,
    rows: KvCache,
}

impl Branches {
    /// Keeps at most `bytes` of rows, of sequences of at most `context` tokens.
    pub(super) fn new(bytes: usize, context: usize) -> Self {
        Self { bytes, context, branches: Vec::new() }
    }

    /// Returns a document's branch: as it was left, or empty.
    pub(super) fn of(&mut self, id: u64, model: &dyn LanguageModel) -> Result<&mut Branch, ModelError> {
        let branch = match self.branches.iter().position(|branch| branch.id == id) {
            Some(index) => self.branches.remove(index),
            None => Branch { id, file: model.new_cache(self.context)?, tails: Vec::new() },
        };
        while self.held_bytes() + branch.bytes() > self.bytes && !self.branches.is_empty() {
            self.branches.remove(0);
        }
        self.branches.push(branch);
        let last = self.branches.len() - 1;
        Ok(&mut self.branches[last])
    }

    /// Frees a branch.
    pub(super) fn forget(&mut self, id: u64) {
        self.branches.retain(|branch| branch.id != id);
    }

    fn held_bytes(&self) -> usize {
        self.branches.iter().map(Branch::bytes).sum()
    }
}

impl Branch {
    /// Returns how many of `tokens` need not be computed again.
    pub(super) fn held(&self, tokens: &[TokenId]) -> usize {
        let file = self.file.shared_prefix(tokens);
        self.tails.iter().map(|tail| tail.held(file, tokens)).max().unwrap_or(0).max(file)
    }

    /// Returns a sequence that holds as many of `tokens` as there are, at most `most`, and nothing else; and what an
    /// earlier run of the document had written there, for drafts. A tail that holds some of them gives up at most `loss`
    /// other rows for it.
    pub(super) fn sequence(
        &mut self,
        tokens: &[TokenId],
        most: usize,
        loss: usize,
        model: &dyn LanguageModel,
    ) -> Result<(Sequence<'_>, Vec<TokenId>), ModelError> {
        let file = self.file.shared_prefix(tokens).min(most);
        let held = |tail: &Tail| tail.held(file, tokens).min(most);
        let affordable = |tail: &Tail| tail.fork + tail.rows.len() <= held(tail).saturating_add(loss);
        let best = (0..self.tails.len()).filter(|&index| affordable(&self.tails[index]));
        let best = best.max_by_key(|&index| held(&self.tails[index]));
        let mut written = Vec::new();
        let tail = match best.filter(|&index| held(&self.tails[index]) > file) {
            Some(index) => {
                let mut tail = self.tails.remove(index);
                let kept = held(&tail) - tail.fork;
                written = tail.rows.tokens()[kept.saturating_sub(BEFORE_DRAFT)..].to_vec();
                tail.rows.truncate(kept);
                tail
            }
            None => Tail { fork: file.saturating_sub(MARGIN), rows: self.spare_rows(model)? },
        };
        self.tails.push(tail);
        let last = self.tails.len() - 1;
        let Tail { fork, rows } = &mut self.tails[last];
        Ok((Sequence::forked(&self.file, *fork, rows), written))
    }

    /// Returns the file's rows as a sequence that holds what `tokens` share with them, for computing the rest.
    pub(super) fn file_sequence(&mut self, tokens: &[TokenId]) -> Sequence<'_> {
        let held = self.file.shared_prefix(tokens);
        // A file that has only become shorter at its end keeps its rows: the next edit may bring the end back.
        if held < tokens.len() {
            self.file.truncate(held);
            self.tails.retain(|tail| tail.fork <= held);
        }
        Sequence::new(&mut self.file)
    }

    /// Takes the memory of the tail that was used longest ago, or new memory while there are few tails.
    fn spare_rows(&mut self, model: &dyn LanguageModel) -> Result<KvCache, ModelError> {
        if self.tails.len() < TAILS {
            return model.new_cache(self.file.capacity());
        }
        let mut rows = self.tails.remove(0).rows;
        rows.truncate(0);
        Ok(rows)
    }

    fn bytes(&self) -> usize {
        self.file.bytes() + self.tails.iter().map(|tail| tail.rows.bytes()).sum::<usize>()
    }
}

impl Tail {
    /// Returns how many of `tokens` the tail's sequence holds, when the file's rows hold `file` of them.
    fn held(&self, file: usize, tokens: &[TokenId]) -> usize {
        match file < self.fork {
            true => 0,
            false => self.fork + self.rows.shared_prefix(&tokens[self.fork..]),
        }
    }
}

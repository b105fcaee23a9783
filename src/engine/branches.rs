//! What is kept of each document: the rows of the file as if the cursor stood at its end, and a few short tails that fork
//! from them at any position. A second file's worth is kept while the file is computed behind other files than before. A
//! request writes into a tail only, so the file's rows stay for the next one; only an edit takes rows of the file away, from
//! the edit on. The least recently used documents are given up when memory is short, and one that was not used for a while
//! keeps the tail that served last, and after a longer while only the rows of its file.

use std::time::{Duration, Instant};

use super::{BranchId, RestAfter};
use crate::model::{KvCache, LanguageModel, ModelError, Sequence, TokenId};

/// Tails of a document: the one that serves, the one that is made ready, and one for another place.
const TAILS: usize = 3;

/// Files' worth of rows of a document: the one that serves, and one that is computed behind other files.
const FILES: usize = 2;

/// Tokens before what an earlier run wrote that are kept with it, so that a draft finds the place.
const BEFORE_DRAFT: usize = 8;

/// Tokens by which a tail forks before the place where it must. What is typed there changes the cut of the last few
/// tokens before it, and with it the file's rows that the tail stands on.
const MARGIN: usize = 8;

/// Tokens that idle work may take off the end of the prompt that serves: what is written after a word can change how the
/// word is cut into tokens, and whoever accepts it wants the new ones.
const SEAM: usize = 2;

/// The branches of all documents, most recently used last.
pub(super) struct Branches {
    bytes: usize,
    context: usize,
    rest_after: RestAfter,
    branches: Vec<Branch>,
}

/// One document's rows.
pub(super) struct Branch {
    id: BranchId,
    used: Instant,
    /// At least one, at most two that begin differently; the one that was written last is last.
    files: Vec<File>,
    /// Numbers given to files.
    numbers: u64,
    /// Most recently used last.
    tails: Vec<Tail>,
}

/// What a document holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Whatever it was used for.
    None,
    /// The tail that serves, and its files.
    Serving,
    /// One file.
    File,
}

/// The rows of the file behind one beginning.
struct File {
    number: u64,
    rows: KvCache,
}

/// Rows behind the first `fork` rows of a file.
struct Tail {
    file: u64,
    fork: usize,
    rows: KvCache,
    /// Tokens of the prompt that it serves: the last one that somebody waited for. 0 for all tails but one.
    serves: usize,
}

/// What a sequence is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A request that somebody waits for: it takes what it needs.
    Asked,
    /// What may be asked next: the rows of the prompt that serves stay, however few they are, for the next key most
    /// likely goes on from them.
    Idle,
}

impl Branches {
    /// Keeps at most `bytes` of rows, of sequences of at most `context` tokens.
    pub(super) fn new(bytes: usize, context: usize, rest_after: RestAfter) -> Self {
        Self { bytes, context, rest_after, branches: Vec::new() }
    }

    /// Returns a document's branch: as it was left, or empty.
    pub(super) fn of(&mut self, id: BranchId, model: &dyn LanguageModel) -> Result<&mut Branch, ModelError> {
        let mut branch = match self.branches.iter().position(|branch| branch.id == id) {
            Some(index) => self.branches.remove(index),
            None => {
                let files = vec![File { number: 0, rows: model.new_cache(self.context)? }];
                Branch { id, used: Instant::now(), files, numbers: 1, tails: Vec::new() }
            }
        };
        branch.used = Instant::now();
        while self.held_bytes() + branch.bytes() > self.bytes && !self.branches.is_empty() {
            let held = self
                .branches
                .iter()
                .chain([&branch])
                .map(|it| (it.id.window, it.bytes()))
                .collect::<Vec<_>>();
            self.branches.remove(least_needed(&held, self.bytes));
        }
        self.branches.push(branch);
        let last = self.branches.len() - 1;
        Ok(&mut self.branches[last])
    }

    /// Frees branches.
    pub(super) fn forget(&mut self, is_freed: impl Fn(BranchId) -> bool) {
        self.branches.retain(|branch| !is_freed(branch.id));
    }

    /// Returns the time until [`Branches::rest`] has something to free; `None` while it has nothing.
    pub(super) fn until_rest(&self) -> Option<Duration> {
        let others = &self.branches[..self.branches.len().saturating_sub(1)];
        let until = |branch: &Branch| {
            let after = match branch.rest() {
                Rest::None => self.rest_after.ready,
                Rest::Serving => self.rest_after.tail,
                Rest::File => return None,
            };
            Some(after.saturating_sub(branch.used.elapsed()))
        };
        others.iter().filter_map(until).min()
    }

    /// Frees what documents hold that were not used for a while: first what was made ready, which is soon done again, then all
    /// besides their files. The one that was used last may be the one before which somebody sits and thinks, and its next
    /// suggestion must not wait.
    pub(super) fn rest(&mut self) {
        let others = self.branches.len().saturating_sub(1);
        for branch in &mut self.branches[..others] {
            let unused = branch.used.elapsed();
            if self.rest_after.tail <= unused {
                branch.keep_file();
            } else if self.rest_after.ready <= unused {
                branch.keep_serving();
            }
        }
    }

    fn held_bytes(&self) -> usize {
        self.branches.iter().map(Branch::bytes).sum()
    }
}

/// Returns which branch to give up for the last one, where each is told by its window and bytes and all may have `bytes`: the
/// one that was used longest ago, of the windows that hold more than their share.
fn least_needed(held: &[(u32, usize)], bytes: usize) -> usize {
    let mut windows: Vec<u32> = held.iter().map(|(window, _)| *window).collect();
    windows.sort_unstable();
    windows.dedup();
    let share = bytes / windows.len().max(1);
    let of = |window| held.iter().filter(|(own, _)| *own == window).map(|(_, bytes)| bytes).sum::<usize>();
    let others = &held[..held.len().saturating_sub(1)];
    others.iter().position(|(window, _)| share < of(*window)).unwrap_or(0)
}

impl Branch {
    /// Returns how many of `tokens` need not be computed again.
    pub(super) fn held(&self, tokens: &[TokenId]) -> usize {
        let shared = Shared::of(&self.files, tokens);
        let tails = self.tails.iter().map(|tail| tail.held(&shared, tokens));
        tails.max().unwrap_or(0).max(shared.best().1)
    }

    /// Returns a sequence that holds as many of `tokens` as there are, at most `most`, and nothing else; and what an
    /// earlier run of the document had written there, for drafts.
    pub(super) fn sequence(
        &mut self,
        tokens: &[TokenId],
        most: usize,
        work: Work,
        model: &dyn LanguageModel,
    ) -> Result<(Sequence<'_>, Vec<TokenId>), ModelError> {
        let shared = Shared::of(&self.files, tokens);
        let (number, file) = shared.best();
        let file = file.min(most);
        let held = |tail: &Tail| tail.held(&shared, tokens).min(most);
        let is_free = |tail: &Tail| work == Work::Asked || tail.serves <= held(tail).saturating_add(SEAM);
        let best = (0..self.tails.len()).filter(|&index| is_free(&self.tails[index]));
        let best = best.max_by_key(|&index| held(&self.tails[index]));
        let mut written = Vec::new();
        let mut tail = match best.filter(|&index| held(&self.tails[index]) > file) {
            Some(index) => {
                let mut tail = self.tails.remove(index);
                let kept = held(&tail) - tail.fork;
                written = tail.rows.tokens()[kept.saturating_sub(BEFORE_DRAFT)..].to_vec();
                tail.rows.truncate(kept);
                tail
            }
            None => {
                let (fork, rows) = (file.saturating_sub(MARGIN), self.spare_rows(work, model)?);
                Tail { file: number, fork, rows, serves: 0 }
            }
        };
        if work == Work::Asked {
            self.tails.iter_mut().for_each(|tail| tail.serves = 0);
            tail.serves = tokens.len();
        }
        let index = self.files.iter().position(|file| file.number == tail.file).unwrap_or(0);
        self.tails.push(tail);
        let last = self.tails.len() - 1;
        let Tail { fork, rows, .. } = &mut self.tails[last];
        Ok((Sequence::forked(&self.files[index].rows, *fork, rows), written))
    }

    /// Returns the rows of the file that begin with the first `head` of `tokens`, as a sequence that holds what `tokens`
    /// share with them, for computing the rest.
    pub(super) fn file_sequence(
        &mut self,
        tokens: &[TokenId],
        head: usize,
        model: &dyn LanguageModel,
    ) -> Result<Sequence<'_>, ModelError> {
        let begins = |file: &File| {
            file.rows.is_empty()
                || file.rows.shared_prefix(&tokens[..head.min(tokens.len())]) == file.rows.len().min(head)
        };
        let mut file = match self.files.iter().position(begins) {
            Some(index) => self.files.remove(index),
            None => self.other_file(model)?,
        };
        let held = file.rows.shared_prefix(tokens);
        // A file that has only become shorter at its end keeps its rows: the next edit may bring the end back.
        if held < tokens.len() {
            file.rows.truncate(held);
            self.tails.retain(|tail| tail.file != file.number || tail.fork <= held);
        }
        self.files.push(file);
        let last = self.files.len() - 1;
        Ok(Sequence::new(&mut self.files[last].rows))
    }

    /// Takes a file's rows for another beginning: new ones, or those that were written longer ago.
    fn other_file(&mut self, model: &dyn LanguageModel) -> Result<File, ModelError> {
        let mut rows = match self.files.len() {
            FILES.. => {
                let old = self.files.remove(0);
                self.tails.retain(|tail| tail.file != old.number);
                old.rows
            }
            _ => model.new_cache(self.files[0].rows.capacity())?,
        };
        rows.truncate(0);
        self.numbers += 1;
        Ok(File { number: self.numbers, rows })
    }

    /// Takes the memory of the tail that was used longest ago, or new memory while there are few tails.
    fn spare_rows(&mut self, work: Work, model: &dyn LanguageModel) -> Result<KvCache, ModelError> {
        if self.tails.len() < TAILS {
            return model.new_cache(self.files[0].rows.capacity());
        }
        let is_free = |tail: &Tail| work == Work::Asked || tail.serves == 0;
        let index = self.tails.iter().position(is_free).unwrap_or(0);
        let mut rows = self.tails.remove(index).rows;
        rows.truncate(0);
        Ok(rows)
    }

    /// Returns what it holds no more than.
    fn rest(&self) -> Rest {
        match (self.tails.is_empty(), self.files.len()) {
            (true, 1) => Rest::File,
            _ if self.tails.iter().all(|tail| tail.serves != 0) => Rest::Serving,
            _ => Rest::None,
        }
    }

    /// Frees the tails that serve nobody.
    fn keep_serving(&mut self) {
        self.tails.retain(|tail| tail.serves != 0);
    }

    /// Frees all but one file: a second one that is still being computed has fewer rows.
    fn keep_file(&mut self) {
        self.tails.clear();
        let longest = (0..self.files.len()).max_by_key(|&index| self.files[index].rows.len());
        self.files = longest.map(|index| self.files.remove(index)).into_iter().collect();
    }

    fn bytes(&self) -> usize {
        let files = self.files.iter().map(|file| file.rows.bytes());
        files.chain(self.tails.iter().map(|tail| tail.rows.bytes())).sum()
    }
}

/// How many of some tokens each file's rows hold.
struct Shared(Vec<(u64, usize)>);

impl Shared {
    fn of(files: &[File], tokens: &[TokenId]) -> Self {
        Self(files.iter().map(|file| (file.number, file.rows.shared_prefix(tokens))).collect())
    }

    /// Returns the file that holds most of them.
    fn best(&self) -> (u64, usize) {
        self.0.iter().copied().max_by_key(|(_, held)| *held).unwrap_or_default()
    }

    fn with(&self, number: u64) -> usize {
        self.0.iter().find(|(file, _)| *file == number).map_or(0, |(_, held)| *held)
    }
}

impl Tail {
    /// Returns how many of `tokens` the tail's sequence holds, when the files' rows hold as many as said.
    fn held(&self, shared: &Shared, tokens: &[TokenId]) -> usize {
        match shared.with(self.file) < self.fork {
            true => 0,
            false => self.fork + self.rows.shared_prefix(&tokens[self.fork..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::least_needed;

    #[test]
    fn a_window_that_holds_more_than_its_share_gives_up_its_oldest_branch() {
        // Alone, the one that was used longest ago.
        assert_eq!(least_needed(&[(1, 40), (1, 40), (1, 40)], 100), 0);
        // The second window has taken most; the first one's only branch stays.
        assert_eq!(least_needed(&[(1, 30), (2, 40), (2, 40), (2, 20)], 100), 1);
        // Also where it is the first one that asks for more.
        assert_eq!(least_needed(&[(1, 30), (2, 40), (2, 40), (1, 10)], 100), 1);
        // Nobody has more than the half: the oldest.
        assert_eq!(least_needed(&[(1, 50), (2, 50), (1, 0)], 100), 0);
    }
}

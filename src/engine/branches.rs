//! Cache branches: one for each document in use, the least recently used one given up when there are too many.

use crate::model::{KvCache, LanguageModel, ModelError};

/// The branches of all documents, most recently used last.
pub(super) struct Branches {
    most: usize,
    context: usize,
    caches: Vec<(u64, KvCache)>,
}

impl Branches {
    pub(super) fn new(most: usize, context: usize) -> Self {
        Self { most: most.max(1), context, caches: Vec::new() }
    }

    /// Returns a branch's cache: as it was left, or empty.
    pub(super) fn of(&mut self, branch: u64, model: &dyn LanguageModel) -> Result<&mut KvCache, ModelError> {
        let index = match self.caches.iter().position(|(id, _)| *id == branch) {
            Some(index) => index,
            None => self.add(branch, model)?,
        };
        let used = self.caches.remove(index);
        self.caches.push(used);
        let last = self.caches.len() - 1;
        Ok(&mut self.caches[last].1)
    }

    /// Frees a branch's cache.
    pub(super) fn forget(&mut self, branch: u64) {
        self.caches.retain(|(id, _)| *id != branch);
    }

    fn add(&mut self, branch: u64, model: &dyn LanguageModel) -> Result<usize, ModelError> {
        let cache = match self.caches.len() < self.most {
            true => model.new_cache(self.context)?,
            // The memory of the oldest branch is used again rather than freed and reserved anew.
            false => {
                let mut cache = self.caches.remove(0).1;
                cache.truncate(0);
                cache
            }
        };
        self.caches.push((branch, cache));
        Ok(self.caches.len() - 1)
    }
}

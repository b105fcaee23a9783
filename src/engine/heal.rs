//! Token healing: as long as the output has to begin with given bytes, only tokens that agree with them are chosen from.

use crate::model::{TokenId, Tokenizer};

/// The bytes that still have to be written.
pub(super) struct Healing {
    left: Vec<u8>,
}

impl Healing {
    pub(super) fn new(begins_with: &str) -> Self {
        Self { left: begins_with.as_bytes().to_vec() }
    }

    /// Returns the tokens to choose from; `None` when every token will do.
    ///
    /// All that agree, not just the longest: the model has seen the rest of a word only behind the cuts that its
    /// tokenizer makes, and where these lie depends on what follows.
    pub(super) fn allowed(&self, tokenizer: &Tokenizer) -> Option<Vec<TokenId>> {
        (!self.left.is_empty()).then(|| tokenizer.agreeing(&self.left))
    }

    /// Counts a token's bytes as written and returns those that go beyond what was given.
    pub(super) fn pass<'t>(&mut self, bytes: &'t [u8]) -> &'t [u8] {
        let given = self.left.len().min(bytes.len());
        self.left.drain(..given);
        &bytes[given..]
    }
}

//! Prompt-lookup drafting: code repeats itself, so what followed the last few tokens where they stood before is proposed
//! as what follows now. Checking a proposal in one pass costs little more than one token does. It cannot change what is
//! written, and it needs no second model.

use crate::model::TokenId;

/// Tokens that must have stood before for what followed them to be proposed: after a single one anything follows.
const SHORTEST: usize = 2;
/// Tokens that are compared at most.
const LONGEST: usize = 8;

/// All tokens of a sequence: the prompt, with whatever context is in it, and what was written.
pub(in crate::engine) struct Lookup {
    tokens: Vec<TokenId>,
}

impl Lookup {
    pub(in crate::engine) fn new(prompt: Vec<TokenId>) -> Self {
        Self { tokens: prompt }
    }

    /// Adds a token that was written.
    pub(in crate::engine) fn push(&mut self, token: TokenId) {
        self.tokens.push(token);
    }

    /// Returns up to `most` tokens that may follow: those that followed the longest end of the sequence that stood
    /// before, the last time it did.
    ///
    /// All of the sequence is looked through, which is microseconds for thousands of tokens: a table of all places would
    /// have to be made for each prompt, for a dozen of look-ups.
    pub(in crate::engine) fn propose(&self, most: usize) -> impl Iterator<Item = TokenId> + '_ {
        let tokens = &self.tokens;
        let ends = SHORTEST..tokens.len();
        let (matched, end) =
            ends.map(|end| (shared_end(&tokens[..end], tokens), end)).max().unwrap_or((0, 0));
        let most = if matched >= SHORTEST { most } else { 0 };
        // A repetition that runs into the end of the sequence is taken to go on.
        let period = tokens.len() - end;
        (0..most).map(move |index| tokens[end + index % period])
    }
}

/// Returns how many tokens `a` and `b` have in common at their ends.
fn shared_end(a: &[TokenId], b: &[TokenId]) -> usize {
    let pairs = a.iter().rev().zip(b.iter().rev());
    pairs.take(LONGEST).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::Lookup;

    fn proposed(tokens: &[u32], most: usize) -> Vec<u32> {
        Lookup::new(tokens.to_vec()).propose(most).collect()
    }

    #[test]
    fn the_longest_match_is_continued_and_of_equals_the_last() {
        assert_eq!(proposed(&[9, 1, 2, 3, 4, 5, 0, 2, 3, 7, 7, 1, 2, 3], 3), [4, 5, 0]);
        assert_eq!(proposed(&[1, 2, 3, 0, 1, 2, 4, 0, 1, 2], 2), [4, 0]);
    }

    #[test]
    fn a_running_repetition_goes_on() {
        assert_eq!(proposed(&[8, 1, 2, 1, 2], 5), [1, 2, 1, 2, 1]);
        assert_eq!(proposed(&[3, 3, 3], 2), [3, 3]);
    }

    #[test]
    fn nothing_is_proposed_after_what_never_stood_there() {
        for tokens in [&[][..], &[1], &[1, 1], &[1, 2, 3], &[1, 2, 3, 4, 2]] {
            assert!(proposed(tokens, 8).is_empty(), "{tokens:?}");
        }
    }
}

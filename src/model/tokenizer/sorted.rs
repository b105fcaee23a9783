//! The vocabulary in the order of its bytes, so that the tokens with a given beginning lie side by side.

use super::TokenId;
use super::byte_level::TokenBytes;

/// Token numbers sorted by the bytes that they stand for.
pub(super) struct SortedTokens {
    tokens: Vec<TokenId>,
    /// Bytes of the longest token.
    longest: usize,
}

impl SortedTokens {
    /// Sorts `tokens`; those without bytes are left out.
    pub(super) fn new(tokens: impl Iterator<Item = TokenId>, bytes: &TokenBytes) -> Self {
        let spelled = tokens.filter(|&token| !bytes.of(token).is_empty());
        // The first bytes as one number decide nearly every comparison without a look into the bytes themselves, which
        // makes sorting several times faster.
        let mut keyed: Vec<_> = spelled.map(|token| (head(bytes.of(token)), token)).collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| bytes.of(a.1).cmp(bytes.of(b.1))));
        let tokens: Vec<_> = keyed.into_iter().map(|(_, token)| token).collect();
        let longest = tokens.iter().map(|&token| bytes.of(token).len()).max().unwrap_or(0);
        Self { tokens, longest }
    }

    /// Returns the tokens that are a beginning of `wanted` or begin with all of it.
    pub(super) fn agreeing(&self, wanted: &[u8], bytes: &TokenBytes) -> Vec<TokenId> {
        let mut agreeing = Vec::new();
        for length in 1..wanted.len().min(self.longest + 1) {
            let part = &wanted[..length];
            agreeing.extend(self.beginning_with(part, bytes).take_while(|&token| bytes.of(token) == part));
        }
        agreeing.extend(self.beginning_with(wanted, bytes));
        agreeing
    }

    fn beginning_with<'a>(
        &'a self,
        start: &'a [u8],
        bytes: &'a TokenBytes,
    ) -> impl Iterator<Item = TokenId> + 'a {
        let first = self.tokens.partition_point(|&token| bytes.of(token) < start);
        self.tokens[first..].iter().copied().take_while(move |&token| bytes.of(token).starts_with(start))
    }
}

fn head(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    let length = bytes.len().min(8);
    head[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(head)
}

//! The bytes behind each token of a byte-level vocabulary, in which every byte is written as one printable letter
//! (the scheme of GPT-2's `bytes_to_unicode`).

use super::TokenId;

/// The bytes of all tokens, in one piece of memory.
pub(super) struct TokenBytes {
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<u32>,
}

impl TokenBytes {
    /// Spells out `tokens` with `spell`, which gets number, token and where to write.
    pub(super) fn new(tokens: &[&str], spell: impl Fn(usize, &str, &mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(tokens.len() * 8);
        let mut ends = Vec::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            spell(id, token, &mut bytes);
            ends.push(bytes.len() as u32);
        }
        Self { bytes, ends }
    }

    /// Spells out `tokens`; those that `literal` picks stand for their own text, not for letters of bytes.
    pub(super) fn byte_level(tokens: &[&str], literal: impl Fn(usize) -> bool) -> Self {
        let letters = letters();
        Self::new(tokens, |id, token, bytes| match literal(id) {
            true => bytes.extend_from_slice(token.as_bytes()),
            false => token.chars().for_each(|letter| spell(letter, &letters, bytes)),
        })
    }

    /// Returns a token's bytes; nothing for a token that is not there.
    pub(super) fn of(&self, token: TokenId) -> &[u8] {
        let index = token as usize;
        let Some(&end) = self.ends.get(index) else { return &[] };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..end as usize]
    }
}

fn spell(letter: char, letters: &[Option<u8>], bytes: &mut Vec<u8>) {
    match letters.get(letter as usize).copied().flatten() {
        Some(byte) => bytes.push(byte),
        None => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Returns the byte of each letter: printable Latin-1 letters stand for themselves, the other bytes for 256 onwards.
fn letters() -> Vec<Option<u8>> {
    let mut letters = vec![None; 512];
    let mut next = 256;
    for byte in 0..=255u8 {
        let itself = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
        let letter = if itself { usize::from(byte) } else { next };
        next += usize::from(!itself);
        letters[letter] = Some(byte);
    }
    letters
}

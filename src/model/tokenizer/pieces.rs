//! The BPE of SentencePiece: pieces of a text with a score each, where a space is written as `▁`. Of the neighbours that are
//! a piece together those with the best score are joined first, the left ones among equals; characters without a piece
//! are spelled in bytes. A vocabulary may define pieces that are cut out before anything is joined (Gemma's runs of
//! spaces and lines).

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::{BYTE, NORMAL, TokenId, USER_DEFINED};

/// How a space is written in a piece.
const SPACE: char = '▁';

/// The pieces of a vocabulary.
pub(super) struct Pieces {
    ids: HashMap<String, TokenId>,
    scores: Vec<f32>,
    bytes: Vec<Option<TokenId>>,
    /// Pieces that are cut out first, the longest in front.
    defined: Vec<(String, TokenId)>,
    unknown: Option<TokenId>,
    space_first: bool,
}

/// A part of the text: where it is, and the parts beside it.
struct Part {
    start: usize,
    end: usize,
    before: Option<usize>,
    after: Option<usize>,
}

/// Two neighbours that are a piece together.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Their length when they were found: a part that has been joined since is another one.
    length: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

impl Pieces {
    pub(super) fn new(tokens: &[&str], types: &[u64], scores: &[f32], space_first: bool) -> Self {
        let texts = || (0..).zip(tokens).zip(types).filter(|((_, token), kind)| is_text(token, **kind));
        let mut bytes = vec![None; 256];
        for ((id, token), _) in texts().filter(|(_, kind)| **kind == BYTE) {
            if let Some(byte) = byte_of(token) {
                bytes[usize::from(byte)] = Some(id);
            }
        }
        // Some files write the spaces of what is defined as spaces.
        let owned = |((id, token), _): ((TokenId, &&str), &u64)| (token.replace(' ', "▁"), id);
        let mut defined: Vec<_> = texts().filter(|(_, kind)| **kind == USER_DEFINED).map(owned).collect();
        defined.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let unknown = (0..).zip(types).find(|(_, kind)| **kind == super::UNKNOWN).map(|(id, _)| id);
        Self {
            ids: texts().filter(|(_, kind)| **kind == NORMAL).map(owned).collect(),
            scores: scores.to_vec(),
            bytes,
            defined,
            unknown,
            space_first,
        }
    }

    pub(super) fn puts_space_first(&self) -> bool {
        self.space_first
    }

    pub(super) fn encode(&self, text: &str) -> Vec<TokenId> {
        let text = text.replace(' ', "▁");
        let mut tokens = Vec::new();
        let (mut rest, mut at) = (text.as_str(), 0);
        while let Some(next) = rest.get(at..).filter(|next| !next.is_empty()) {
            if let Some((piece, id)) = self.defined.iter().find(|(piece, _)| next.starts_with(piece.as_str()))
            {
                self.join(&rest[..at], &mut tokens);
                tokens.push(*id);
                (rest, at) = (&rest[at + piece.len()..], 0);
            } else {
                at += next.chars().next().map_or(1, char::len_utf8);
            }
        }
        self.join(rest, &mut tokens);
        tokens
    }

    /// Joins the characters of a text into pieces.
    fn join(&self, text: &str, tokens: &mut Vec<TokenId>) {
        let starts = text.char_indices().enumerate();
        let mut parts: Vec<Part> = starts
            .map(|(index, (start, letter))| Part {
                start,
                end: start + letter.len_utf8(),
                before: index.checked_sub(1),
                after: Some(index + 1),
            })
            .collect();
        if let Some(last) = parts.last_mut() {
            last.after = None;
        }
        let mut pairs = BinaryHeap::new();
        for right in 1..parts.len() {
            pairs.extend(self.pair(text, &parts, right - 1, right));
        }
        while let Some(Pair { left, right, length, .. }) = pairs.pop() {
            // A part that was joined to its left is empty, one that grew is longer than it was.
            let joined = parts[right].end - parts[left].start;
            if parts[left].after != Some(right) || joined != length || parts[left].start == parts[left].end {
                continue;
            }
            parts[left].end = parts[right].end;
            parts[left].after = parts[right].after;
            parts[right].start = parts[right].end;
            if let Some(after) = parts[left].after {
                parts[after].before = Some(left);
                pairs.extend(self.pair(text, &parts, left, after));
            }
            if let Some(before) = parts[left].before {
                pairs.extend(self.pair(text, &parts, before, left));
            }
        }
        let mut next = (!parts.is_empty()).then_some(0);
        while let Some(index) = next {
            self.push(&text[parts[index].start..parts[index].end], tokens);
            next = parts[index].after;
        }
    }

    fn pair(&self, text: &str, parts: &[Part], left: usize, right: usize) -> Option<Pair> {
        let joined = &text[parts[left].start..parts[right].end];
        let id = *self.ids.get(joined)?;
        let score = self.scores.get(id as usize).copied().unwrap_or(f32::MIN);
        Some(Pair { score, left, right, length: joined.len() })
    }

    /// Adds the token of a part, or those of its bytes.
    fn push(&self, part: &str, tokens: &mut Vec<TokenId>) {
        match self.ids.get(part) {
            Some(&id) => tokens.push(id),
            None => {
                // A space without a piece is the byte that it stands for.
                let plain = part.replace(SPACE, " ");
                let spelled = plain.bytes().filter_map(|byte| self.bytes[usize::from(byte)].or(self.unknown));
                tokens.extend(spelled);
            }
        }
    }
}

/// Returns whether a token stands for text. Pieces that a vocabulary defines do, unless they look like markers: those are
/// for prompts, and a user's text must not become one.
pub(super) fn is_text(token: &str, kind: u64) -> bool {
    let is_marker = token.starts_with("<|") || token.starts_with("<｜") || token.starts_with("<unused");
    matches!(kind, NORMAL | BYTE) || (kind == USER_DEFINED && !is_marker && !token.is_empty())
}

/// Returns the byte that a token like `<0x0A>` stands for.
pub(super) fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

/// Writes the bytes that a token stands for.
pub(super) fn spell(token: &str, kind: u64, bytes: &mut Vec<u8>) {
    match byte_of(token).filter(|_| kind == BYTE) {
        Some(byte) => bytes.push(byte),
        None if is_text(token, kind) => bytes.extend_from_slice(token.replace(SPACE, " ").as_bytes()),
        None => bytes.extend_from_slice(token.as_bytes()),
    }
}

/// Returns where the last word begins, with the spaces and lines before it: pieces do not reach from one word into the
/// next, but a run of spaces may become another piece with what follows it.
pub(super) fn last_word(text: &str) -> usize {
    let word = text.trim_end_matches(|letter: char| !letter.is_whitespace());
    word.trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Pieces {
        let tokens =
            ["<unk>", "▁", "a", "b", "ab", "▁ab", "ba", "<0x0A>", "\n\n", "<|x|>", "<0xC3>", "<0xA9>"];
        let types = [2, 1, 1, 1, 1, 1, 1, 6, 4, 4, 6, 6];
        let scores = [0.0, -9.0, -9.0, -9.0, -1.0, -3.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        Pieces::new(&tokens, &types, &scores, true)
    }

    #[test]
    fn the_best_pair_is_joined_first_and_the_left_one_among_equals() {
        assert_eq!(pieces().encode("abab"), [4, 4]);
        assert_eq!(pieces().encode("bab"), [3, 4]);
        assert_eq!(pieces().encode(" ab ba"), [5, 1, 6]);
    }

    #[test]
    fn what_has_no_piece_is_spelled_in_bytes_and_markers_are_never_read() {
        assert_eq!(pieces().encode("é\na"), [10, 11, 7, 2]);
        assert_eq!(pieces().encode("a\n\n\nb"), [2, 8, 7, 3]);
        assert!(!pieces().encode("<|x|>").contains(&9));
        assert!(pieces().encode("").is_empty());
    }

    #[test]
    fn the_last_word_is_unstable_with_the_spaces_before_it() {
        assert_eq!(last_word("let x = fo"), "let x =".len());
        assert_eq!(last_word("let x  "), "let x".len());
        assert_eq!(last_word("word"), 0);
        assert_eq!(last_word(""), 0);
    }
}

//! Text to tokens and back, built from a model's own vocabulary. User text is always plain text: a special token
//! that stands written in it is encoded by its letters. Nothing is normalised, so decoding gives back every byte.
//!
//! There are two kinds of vocabulary: byte-level BPE, which tells words apart before it merges (the way differs by family),
//! and SentencePiece's BPE, which merges across the whole text and spells in bytes what it has no piece for.

mod byte_level;
mod detokenizer;
mod from_gguf;
mod from_json;
mod pieces;
mod sorted;
mod splits;

use std::collections::HashMap;
use std::sync::OnceLock;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::tokenizer::TokenizerImpl;

use super::ModelError;
use super::markers::is_marker;
use byte_level::TokenBytes;
pub use detokenizer::Detokenizer;
use pieces::Pieces;

/// A token's number in the vocabulary.
pub type TokenId = u32;

type Inner = TokenizerImpl<
    BPE,
    tokenizers::NormalizerWrapper,
    PreTokenizerWrapper,
    tokenizers::PostProcessorWrapper,
    tokenizers::DecoderWrapper,
>;

/// The beginning of a text in tokens.
pub struct Stable {
    /// Its tokens.
    pub tokens: Vec<TokenId>,
    /// Its length in bytes.
    pub bytes: usize,
}

/// A part of a text in which special tokens are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPart<'a> {
    /// Text.
    Text(&'a str),
    /// A special token.
    Marker(TokenId),
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It stands for text.
    Text,
    /// It stands for no text, or for a text that no file is to be read as.
    Special,
    /// Special, and nothing comes after it.
    End,
}

/// Token types of `tokenizer.ggml.token_type`.
const NORMAL: u64 = 1;
const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const UNUSED: u64 = 5;
const BYTE: u64 = 6;

/// Tokens beyond which a vocabulary is taken for broken.
const MOST_TOKENS: usize = 1 << 24;

/// A tokenizer.
pub struct Tokenizer {
    kind: Encoder,
    bytes: TokenBytes,
    special: HashMap<String, TokenId>,
    /// Bytes of the longest special token.
    longest_special: usize,
    kinds: Vec<Kind>,
    /// The tokens that stand for text, made when it is first asked for.
    sorted: OnceLock<sorted::SortedTokens>,
}

/// How text becomes tokens.
enum Encoder {
    ByteLevel(Box<Inner>),
    Pieces(Pieces),
}

/// A vocabulary as read from a file, whatever the file.
struct Vocabulary<'a> {
    tokens: Vec<&'a str>,
    /// As in `tokenizer.ggml.token_type`.
    types: Vec<u64>,
}

impl<'a> Vocabulary<'a> {
    /// Takes tokens and their types; what is a marker by its text is one, whatever its type says.
    fn new(tokens: Vec<&'a str>, mut types: Vec<u64>) -> Self {
        for (token, kind) in tokens.iter().zip(&mut types) {
            if is_marker(token) {
                *kind = CONTROL;
            }
        }
        Self { tokens, types }
    }
}

impl Tokenizer {
    fn byte_level(
        vocabulary: &Vocabulary<'_>,
        merges: Vec<(String, String)>,
        words: PreTokenizerWrapper,
        ignore_merges: bool,
    ) -> tokenizers::Result<Self> {
        let Vocabulary { tokens, types } = vocabulary;
        let numbered = (0..).zip(tokens).map(|(id, token)| ((*token).to_owned(), id));
        let numbered = numbered.collect::<ahash::AHashMap<_, _>>();
        let bpe = BPE::builder().vocab_and_merges(numbered, merges).ignore_merges(ignore_merges).build()?;
        let mut inner = Inner::new(bpe);
        inner.with_pre_tokenizer(Some(words));
        let kinds: Vec<_> = types.iter().map(|&number| Kind::of(number)).collect();
        let bytes = TokenBytes::byte_level(tokens, |id| kinds[id] != Kind::Text);
        Ok(Self::of(Encoder::ByteLevel(Box::new(inner)), tokens, bytes, kinds))
    }

    fn pieces(vocabulary: &Vocabulary<'_>, scores: &[f32], space_first: bool) -> Self {
        let Vocabulary { tokens, types } = vocabulary;
        let pieces = Pieces::new(tokens, types, scores, space_first);
        let kind = |(token, &number): (&&str, &u64)| match pieces::is_text(token, number) {
            true => Kind::Text,
            false => Kind::of(number),
        };
        let kinds = tokens.iter().zip(types).map(kind).collect();
        let bytes = TokenBytes::new(tokens, |id, token, bytes| pieces::spell(token, types[id], bytes));
        Self::of(Encoder::Pieces(pieces), tokens, bytes, kinds)
    }

    fn of(kind: Encoder, tokens: &[&str], bytes: TokenBytes, kinds: Vec<Kind>) -> Self {
        let special = (0..).zip(tokens).zip(&kinds).filter(|&(_, &kind)| kind != Kind::Text);
        let special = special.filter(|((_, token), _)| !token.is_empty());
        let special: HashMap<_, _> = special.map(|((id, token), _)| ((*token).to_owned(), id)).collect();
        let longest_special = special.keys().map(String::len).max().unwrap_or(0);
        Self { kind, bytes, special, longest_special, kinds, sorted: OnceLock::new() }
    }

    /// Returns the tokens of `text`.
    ///
    /// # Errors
    /// What the `tokenizers` crate reports; these vocabularies cover every text, so in practice none.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, ModelError> {
        let inner = match &self.kind {
            Encoder::ByteLevel(inner) => inner,
            Encoder::Pieces(pieces) => return Ok(pieces.encode(text)),
        };
        let encoding = inner.encode_fast(text, false);
        let encoding =
            encoding.map_err(|e| ModelError::Setup(format!("the text cannot be tokenised: {e}")))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Returns the tokens of the beginning of `text` that no text after it can change: all but its last word, as the
    /// model's own rules tell words apart. A half-typed word has tokens that the model never saw in its place.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_stable(&self, text: &str) -> Result<Stable, ModelError> {
        let inner = match &self.kind {
            Encoder::ByteLevel(inner) => inner,
            Encoder::Pieces(pieces) => {
                let bytes = pieces::last_word(text);
                return Ok(Stable { tokens: pieces.encode(&text[..bytes]), bytes });
            }
        };
        let encoding = inner.encode(text, false);
        let encoding =
            encoding.map_err(|e| ModelError::Setup(format!("the text cannot be tokenised: {e}")))?;
        let (ids, words) = (encoding.get_ids(), encoding.get_word_ids());
        let last = words.last().copied().flatten();
        let kept = words.iter().take_while(|&&word| word != last).count();
        let tokens = ids[..kept].to_vec();
        let bytes = tokens.iter().map(|&token| self.bytes(token).len()).sum();
        Ok(Stable { tokens, bytes })
    }

    /// Returns whether the model was trained on texts with a space put before them.
    pub fn puts_space_first(&self) -> bool {
        matches!(&self.kind, Encoder::Pieces(pieces) if pieces.puts_space_first())
    }

    /// Returns the bytes that a token stands for.
    pub fn bytes(&self, token: TokenId) -> &[u8] {
        self.bytes.of(token)
    }

    /// Returns the tokens that a text can go on with that must begin with `bytes`: those that are a part of `bytes`
    /// from its start, and those that begin with all of it. Only tokens that stand for text.
    pub fn agreeing(&self, bytes: &[u8]) -> Vec<TokenId> {
        let text = || (0..).zip(&self.kinds).filter(|&(_, &kind)| kind == Kind::Text).map(|(id, _)| id);
        let sorted = self.sorted.get_or_init(|| sorted::SortedTokens::new(text(), &self.bytes));
        sorted.agreeing(bytes, &self.bytes)
    }

    /// Returns the special token with this text.
    pub fn special(&self, text: &str) -> Option<TokenId> {
        self.special.get(text).copied()
    }

    /// Returns whether a token is a marker: it has a text, and no text of a user's becomes it.
    pub fn is_marker(&self, token: TokenId) -> bool {
        let special = self.kinds.get(token as usize).is_some_and(|&kind| kind != Kind::Text);
        let bytes = self.bytes(token);
        special && !bytes.is_empty() && !bytes.starts_with(b"<unused") && !bytes.starts_with(b"[PAD")
    }

    /// Cuts a text at the special tokens that stand in it. For texts of the model's own, never for a user's.
    pub fn cut_at_markers<'a>(&self, text: &'a str) -> Vec<TextPart<'a>> {
        let mut parts = Vec::new();
        let (mut rest, mut at) = (text, 0);
        while at < rest.len() {
            let here = &rest[at..];
            let longest = self.longest_special.min(here.len());
            let marker = (1..=longest).rev().find_map(|end| Some((end, self.special(here.get(..end)?)?)));
            match marker {
                Some((length, id)) => {
                    parts.extend((at > 0).then(|| TextPart::Text(&rest[..at])));
                    parts.push(TextPart::Marker(id));
                    (rest, at) = (&rest[at + length..], 0);
                }
                None => at += here.chars().next().map_or(1, char::len_utf8),
            }
        }
        parts.extend((!rest.is_empty()).then_some(TextPart::Text(rest)));
        parts
    }

    /// Returns whether a token ends a text: every control token does.
    pub fn is_end(&self, token: TokenId) -> bool {
        self.kinds.get(token as usize).is_none_or(|&kind| kind == Kind::End)
    }

    /// Returns whether the tokens that both have are the same. Models of a family fill up their tables to different lengths.
    pub fn has_tokens_of(&self, other: &Self) -> bool {
        let both = self.vocabulary().min(other.vocabulary());
        self.kinds[..both] == other.kinds[..both]
            && (0..both as TokenId).all(|token| self.bytes(token) == other.bytes(token))
    }

    /// Returns the number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.kinds.len()
    }
}

impl Kind {
    fn of(number: u64) -> Self {
        match number {
            CONTROL => Self::End,
            USER_DEFINED | UNUSED | UNKNOWN => Self::Special,
            _ => Self::Text,
        }
    }
}

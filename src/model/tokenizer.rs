//! Text to tokens and back, built from a GGUF file's own vocabulary. User text is always plain text: a special token
//! that stands written in it is encoded by its letters. Nothing is normalised, so decoding gives back every byte.

mod byte_level;
mod detokenizer;
mod sorted;

use std::collections::HashMap;
use std::sync::OnceLock;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::{SplitDelimiterBehavior, TokenizerImpl};

use super::gguf::integer;
use super::{GgufFile, ModelError};
pub use detokenizer::Detokenizer;

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

/// Token types of `tokenizer.ggml.token_type` that never stand for text.
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const UNUSED: u64 = 5;

/// How words are told apart before merging, by the name in `tokenizer.ggml.pre`. The patterns are the models' own, as
/// published in their `tokenizer.json`.
const SPLITS: &[(&str, &str)] = &[(
    "qwen2",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)];

/// How GPT-2 tells words apart, which `tokenizer.json` calls ByteLevel.
const GPT2_SPLIT: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// Tokens beyond which a vocabulary is taken for broken.
const MOST_TOKENS: usize = 1 << 24;

/// A byte-level BPE tokenizer.
pub struct Tokenizer {
    inner: Inner,
    bytes: byte_level::TokenBytes,
    special: HashMap<String, TokenId>,
    kinds: Vec<Kind>,
    /// The tokens that stand for text, made when it is first asked for.
    sorted: OnceLock<sorted::SortedTokens>,
}

impl Tokenizer {
    /// Builds the tokenizer of a file.
    ///
    /// # Errors
    /// When the vocabulary is missing, inconsistent, or of a kind that is not supported.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        let kind = file.string("tokenizer.ggml.model").unwrap_or("none");
        if kind != "gpt2" {
            return Err(ModelError::Setup(format!(
                "{} has a `{kind}` tokenizer; supported: gpt2",
                file.path()
            )));
        }
        let tokens = strings(file, "tokenizer.ggml.tokens")?;
        let merges = merges(file)?;
        let types = types(file, tokens.len())?;
        let pre = file.string("tokenizer.ggml.pre").unwrap_or("default");
        let split = SPLITS.iter().find(|(name, _)| *name == pre).map(|(_, split)| *split);
        let split = split.ok_or_else(|| {
            ModelError::Setup(format!("{} splits words the `{pre}` way, which is not supported", file.path()))
        })?;
        Self::build(&tokens, merges, &types, split).map_err(|e| file.broken(format!("its vocabulary: {e}")))
    }

    /// Builds a byte-level BPE tokenizer from a `tokenizer.json`; `shown` is what its model is called in messages.
    ///
    /// # Errors
    /// When it is inconsistent, or of another kind.
    pub(super) fn from_json(json: &serde_json::Value, shown: &str) -> Result<Self, ModelError> {
        let broken = |reason: &str| ModelError::Broken {
            path: format!("{shown}/tokenizer.json"),
            reason: reason.to_owned(),
        };
        let (vocabulary, merges) = (json["model"]["vocab"].as_object(), json["model"]["merges"].as_array());
        let (Some(vocabulary), Some(merges)) = (vocabulary, merges) else {
            return Err(broken("it holds no byte-level BPE vocabulary"));
        };
        if json["pre_tokenizer"]["type"] != "ByteLevel" {
            return Err(broken("it splits words in a way that is not supported (ByteLevel is)"));
        }
        let added = json["added_tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
        let added =
            added.iter().filter_map(|token| Some((token["content"].as_str()?, token["id"].as_u64()?)));
        let added: Vec<(&str, u64)> = added.collect();
        let plain = vocabulary.iter().filter_map(|(token, id)| Some((token.as_str(), id.as_u64()?)));
        let mut tokens: Vec<&str> = Vec::new();
        for (token, id) in plain.chain(added.iter().copied()) {
            let id = usize::try_from(id).ok().filter(|id| *id < MOST_TOKENS);
            let id = id.ok_or_else(|| broken("a token has an impossible number"))?;
            tokens.resize(tokens.len().max(id + 1), "");
            tokens[id] = token;
        }
        let is_special = |id: usize| added.iter().any(|(_, special)| *special == id as u64);
        let types: Vec<u64> = (0..tokens.len()).map(|id| if is_special(id) { CONTROL } else { 1 }).collect();
        let pair = |merge: &serde_json::Value| match merge {
            serde_json::Value::String(pair) => {
                pair.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()))
            }
            pair => Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned())),
        };
        let merges = merges.iter().map(pair).collect::<Option<Vec<_>>>();
        let merges = merges.ok_or_else(|| broken("its merges hold something else than pairs"))?;
        Self::build(&tokens, merges, &types, GPT2_SPLIT).map_err(|error| broken(&error.to_string()))
    }

    fn build(
        tokens: &[&str],
        merges: Vec<(String, String)>,
        types: &[u64],
        split: &str,
    ) -> tokenizers::Result<Self> {
        let vocabulary = (0..).zip(tokens).map(|(id, token)| ((*token).to_owned(), id));
        let bpe =
            BPE::builder().vocab_and_merges(vocabulary.collect::<ahash::AHashMap<_, _>>(), merges).build()?;
        let mut inner = Inner::new(bpe);
        let split = Split::new(SplitPattern::Regex(split.into()), SplitDelimiterBehavior::Isolated, false)?;
        let letters = ByteLevel::new(false, false, false);
        inner.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(vec![
            split.into(),
            letters.into(),
        ]))));
        let kinds: Vec<_> = types.iter().map(|&number| Kind::of(number)).collect();
        let special = (0..).zip(tokens).zip(&kinds).filter(|&(_, &kind)| kind != Kind::Text);
        Ok(Self {
            inner,
            bytes: byte_level::TokenBytes::new(tokens, |id| kinds[id] != Kind::Text),
            special: special.map(|((id, token), _)| ((*token).to_owned(), id)).collect(),
            kinds,
            sorted: OnceLock::new(),
        })
    }

    /// Returns the tokens of `text`.
    ///
    /// # Errors
    /// What the `tokenizers` crate reports; byte-level vocabularies cover every text, so in practice none.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, ModelError> {
        let encoding = self.inner.encode_fast(text, false);
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
        let encoding = self.inner.encode(text, false);
        let encoding =
            encoding.map_err(|e| ModelError::Setup(format!("the text cannot be tokenised: {e}")))?;
        let (ids, words) = (encoding.get_ids(), encoding.get_word_ids());
        let last = words.last().copied().flatten();
        let kept = words.iter().take_while(|&&word| word != last).count();
        let tokens = ids[..kept].to_vec();
        let bytes = tokens.iter().map(|&token| self.bytes(token).len()).sum();
        Ok(Stable { tokens, bytes })
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

    /// Returns whether a token ends a text: every control token does.
    pub fn is_end(&self, token: TokenId) -> bool {
        self.kinds.get(token as usize).is_none_or(|&kind| kind == Kind::End)
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
            USER_DEFINED | UNUSED => Self::Special,
            _ => Self::Text,
        }
    }
}

fn strings<'a>(file: &'a GgufFile, key: &str) -> Result<Vec<&'a str>, ModelError> {
    let string = |value: &'a candle_core::quantized::gguf_file::Value| value.to_string().map(String::as_str);
    let strings = file.array(key)?.iter().map(string).collect::<Result<_, _>>();
    strings.map_err(|_| file.broken(format!("`{key}` holds something else than strings")))
}

fn merges(file: &GgufFile) -> Result<Vec<(String, String)>, ModelError> {
    let pair = |merge: &str| merge.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
    let merges = strings(file, "tokenizer.ggml.merges")?.into_iter().map(pair).collect::<Option<_>>();
    merges.ok_or_else(|| file.broken("`tokenizer.ggml.merges` holds something else than pairs"))
}

fn types(file: &GgufFile, count: usize) -> Result<Vec<u64>, ModelError> {
    let types = file.array("tokenizer.ggml.token_type")?.iter().map(integer).collect::<Option<Vec<u64>>>();
    let types =
        types.ok_or_else(|| file.broken("`tokenizer.ggml.token_type` holds something else than numbers"))?;
    match types.len() == count {
        true => Ok(types),
        false => Err(file.broken(format!("{count} tokens have {} types", types.len()))),
    }
}

//! How families with byte-level vocabularies tell words apart before merging, by the name in `tokenizer.ggml.pre`. The
//! patterns are the models' own, as published in their `tokenizer.json`; the names, and which are the same, are those of
//! llama.cpp (`src/llama-vocab.cpp`).

use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split as SplitBy, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

/// One way to tell words apart.
pub(super) struct Split {
    /// The names that it has.
    names: &'static [&'static str],
    /// What is cut out of the text, then out of the rest, and so on.
    patterns: &'static [&'static str],
    /// Whether a word that is a token is that token, whatever the merges say.
    pub(super) ignore_merges: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const SEED: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const SPLITS: &[Split] = &[
    Split {
        names: &["qwen2", "stablelm2", "deepseek-r1-qwen", "megrez"],
        patterns: &[QWEN2],
        ignore_merges: false,
    },
    Split {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3", "smaug-bpe", "glm4"],
        patterns: &[LLAMA3],
        ignore_merges: true,
    },
    Split {
        names: &["starcoder", "refact", "smollm", "codeshell", "command-r", "mellum2"],
        patterns: &[r"\p{N}", GPT2],
        ignore_merges: false,
    },
    Split {
        names: &["gpt-2", "phi-2", "mellum", "olmo", "mpt", "granite-docling"],
        patterns: &[GPT2],
        ignore_merges: false,
    },
    Split {
        names: &["deepseek-coder"],
        patterns: &["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"],
        ignore_merges: false,
    },
    Split { names: &["chatglm-bpe"], patterns: &[LLAMA3], ignore_merges: false },
    Split { names: &["gpt-4o"], patterns: &[GPT4O], ignore_merges: false },
    Split { names: &["seed-coder"], patterns: &[SEED], ignore_merges: false },
    Split { names: &["tekken", "pixtral"], patterns: &[TEKKEN], ignore_merges: true },
];

/// Markers that only one family has, for files that do not say how they tell words apart.
const MARKERS: &[(&str, &str)] = &[
    ("<|fim_prefix|>", "qwen2"),
    ("<｜fim▁begin｜>", "deepseek-coder"),
    ("<fim_prefix>", "starcoder"),
    ("<fim-prefix>", "starcoder"),
];

/// Returns the way with this name.
pub(super) fn by_name(name: &str) -> Option<&'static Split> {
    SPLITS.iter().find(|split| split.names.contains(&name))
}

/// Returns the way of the family that a vocabulary's markers belong to.
pub(super) fn by_markers(tokens: &[&str]) -> Option<&'static Split> {
    let known = MARKERS.iter().find(|(marker, _)| tokens.contains(marker));
    known.and_then(|(_, name)| by_name(name))
}

impl Split {
    /// Returns it as `tokenizers` runs it, with the bytes of each word spelled in letters at the end.
    pub(super) fn pre_tokenizer(&self) -> tokenizers::Result<PreTokenizerWrapper> {
        let mut parts: Vec<PreTokenizerWrapper> = Vec::new();
        for pattern in self.patterns {
            let pattern = SplitPattern::Regex((*pattern).into());
            parts.push(SplitBy::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into());
        }
        parts.push(ByteLevel::new(false, false, false).into());
        Ok(PreTokenizerWrapper::Sequence(Sequence::new(parts)))
    }
}

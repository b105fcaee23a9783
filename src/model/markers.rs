//! The special tokens of a model: where an infill prompt's parts begin, how a chat turn is framed, and which tokens
//! end a text. Found by the file's own keys or by known marker texts among its control tokens; never by file name.

use candle_core::quantized::gguf_file::Value;

use super::{GgufFile, TokenId, Tokenizer};

/// Infill markers, in the order in which a prompt uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FimTokens {
    /// Stands before the text before the cursor.
    pub prefix: TokenId,
    /// Stands before the text after the cursor.
    pub suffix: TokenId,
    /// Stands before the text to be written.
    pub middle: TokenId,
}

/// Markers of a project's files in one prompt: `<name>project\n<file>path\ntext…<file>path\n` and an infill prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepoTokens {
    /// Stands before the project's name.
    pub name: TokenId,
    /// Stands before each file's path.
    pub file: TokenId,
}

/// Markers of a chat turn in the ChatML form: `<start>role\ntext<end>\n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatTokens {
    /// Begins a turn.
    pub start: TokenId,
    /// Ends a turn.
    pub end: TokenId,
}

/// All special tokens that prompts are built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markers {
    /// Infill markers, if the model has them.
    pub fim: Option<FimTokens>,
    /// Markers of a project's files, if the model has them.
    pub repo: Option<RepoTokens>,
    /// Chat markers, if the model has them.
    pub chat: Option<ChatTokens>,
    /// The token that some models want at the beginning of every text.
    pub begin: Option<TokenId>,
}

/// Marker texts of the model families, tried in turn when the file has no keys of its own. From the models' cards and
/// tokenizers on Hugging Face, and from `src/llama-vocab.cpp` of llama.cpp, which looks for the same ones:
///
/// | family | source |
/// |---|---|
/// | Qwen2.5-Coder, Qwen3-Coder, Yi-Coder, CodeGemma, Granite 3 and 4 | cards of Qwen/Qwen2.5-Coder-7B, google/codegemma-2b, ibm-granite/granite-3.3-8b-base |
/// | StarCoder, StarCoder2, Granite Code, SmolLM | cards of bigcode/starcoder2-3b, ibm-granite/granite-3b-code-base |
/// | SantaCoder | card of bigcode/santacoder |
/// | DeepSeek-Coder | card of deepseek-ai/deepseek-coder-1.3b-base |
/// | Code Llama | `llama/generation.py` of meta-llama/codellama |
/// | GLM-4.5, Falcon-H1-Tiny-Coder | llama.cpp only |
///
/// All of them are trained on prefix, suffix, middle in this order. Codestral and Mellum, which want the suffix first, are
/// not here: rows computed for a file's text would stand behind its suffix and be worth nothing at the next cursor.
const FIM_TEXTS: &[[&str; 3]] = &[
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    ["▁<PRE>", "▁<SUF>", "▁<MID>"],
    ["<PRE>", "<SUF>", "<MID>"],
    ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
    ["<|prefix|>", "<|suffix|>", "<|middle|>"],
];

/// The same for the markers of a project's files.
const REPO_TEXTS: &[[&str; 2]] =
    &[["<|repo_name|>", "<|file_sep|>"], ["<repo_name>", "<file_sep>"], ["<reponame>", "<filename>"]];

/// Returns whether a token is a marker by its text, whatever type a file gives it: some files say that those of Code Llama
/// are ordinary text.
pub(super) fn is_marker(text: &str) -> bool {
    FIM_TEXTS.iter().any(|texts| texts.contains(&text)) || text == "▁<EOT>"
}

impl Markers {
    /// Finds the markers of a file.
    pub fn from_gguf(file: &GgufFile, tokenizer: &Tokenizer) -> Self {
        let found = Self::from_tokenizer(tokenizer);
        // As in llama.cpp: SentencePiece's models and Llama 3 begin every text with a token, unless the file says otherwise.
        let begins = match file.value("tokenizer.ggml.add_bos_token") {
            Some(Value::Bool(begins)) => *begins,
            _ => {
                file.string("tokenizer.ggml.model") == Some("llama")
                    || matches!(file.string("tokenizer.ggml.pre"), Some("llama-bpe" | "llama3" | "tekken"))
            }
        };
        Self {
            fim: fim_by_key(file, tokenizer).or(found.fim),
            repo: repo_by_key(file, tokenizer).or(found.repo),
            chat: found.chat,
            begin: key(file, tokenizer, &["bos"]).filter(|_| begins),
        }
    }

    /// Finds the markers of a vocabulary by their texts.
    pub(super) fn from_tokenizer(tokenizer: &Tokenizer) -> Self {
        let pair = |[a, b]: &[&str; 2]| Some((tokenizer.special(a)?, tokenizer.special(b)?));
        Self {
            fim: FIM_TEXTS.iter().find_map(|[prefix, suffix, middle]| {
                Some(FimTokens {
                    prefix: tokenizer.special(prefix)?,
                    suffix: tokenizer.special(suffix)?,
                    middle: tokenizer.special(middle)?,
                })
            }),
            repo: REPO_TEXTS.iter().find_map(pair).map(|(name, file)| RepoTokens { name, file }),
            chat: pair(&["<|im_start|>", "<|im_end|>"]).map(|(start, end)| ChatTokens { start, end }),
            begin: None,
        }
    }
}

/// Returns the token that one of these keys names, if it is a marker: conversions of Gemma name the numbers that CodeGemma's
/// have, also in models where these stand for text or for nothing.
fn key(file: &GgufFile, tokenizer: &Tokenizer, names: &[&str]) -> Option<TokenId> {
    let number = names.iter().find_map(|name| file.number(&format!("tokenizer.ggml.{name}_token_id")))?;
    TokenId::try_from(number).ok().filter(|&id| tokenizer.is_marker(id))
}

fn fim_by_key(file: &GgufFile, tokenizer: &Tokenizer) -> Option<FimTokens> {
    // The second names are those of older files.
    Some(FimTokens {
        prefix: key(file, tokenizer, &["fim_pre", "prefix"])?,
        suffix: key(file, tokenizer, &["fim_suf", "suffix"])?,
        middle: key(file, tokenizer, &["fim_mid", "middle"])?,
    })
}

fn repo_by_key(file: &GgufFile, tokenizer: &Tokenizer) -> Option<RepoTokens> {
    let (name, file) = (key(file, tokenizer, &["fim_rep"])?, key(file, tokenizer, &["fim_sep"])?);
    Some(RepoTokens { name, file })
}

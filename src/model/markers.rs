//! The special tokens of a model: where an infill prompt's parts begin, how a chat turn is framed, and which tokens
//! end a text. Found by the file's own keys or by known marker texts among its control tokens; never by file name.

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

/// Marker texts of the model families, tried in turn when the file has no keys of its own.
const FIM_TEXTS: &[[&str; 3]] = &[
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    ["▁<PRE>", "▁<SUF>", "▁<MID>"],
];

/// The same for the markers of a project's files.
const REPO_TEXTS: &[[&str; 2]] =
    &[["<|repo_name|>", "<|file_sep|>"], ["<repo_name>", "<file_sep>"], ["<reponame>", "<filename>"]];

impl Markers {
    /// Finds the markers of a file.
    pub fn from_gguf(file: &GgufFile, tokenizer: &Tokenizer) -> Self {
        let begins = matches!(
            file.value("tokenizer.ggml.add_bos_token"),
            Some(candle_core::quantized::gguf_file::Value::Bool(true))
        );
        Self {
            fim: fim_by_key(file, tokenizer).or_else(|| fim_by_text(tokenizer)),
            repo: repo(file, tokenizer),
            chat: chat_by_text(tokenizer),
            begin: key(file, tokenizer, "bos").filter(|_| begins),
        }
    }

    /// Finds the markers of a vocabulary without keys.
    pub(super) fn from_tokenizer(tokenizer: &Tokenizer) -> Self {
        let repo = REPO_TEXTS.iter().find_map(|[name, file]| {
            Some(RepoTokens { name: tokenizer.special(name)?, file: tokenizer.special(file)? })
        });
        Self { fim: fim_by_text(tokenizer), repo, chat: chat_by_text(tokenizer), begin: None }
    }
}

fn key(file: &GgufFile, tokenizer: &Tokenizer, name: &str) -> Option<TokenId> {
    let id = file.number(&format!("tokenizer.ggml.{name}_token_id"))?;
    TokenId::try_from(id).ok().filter(|&id| (id as usize) < tokenizer.vocabulary())
}

fn fim_by_key(file: &GgufFile, tokenizer: &Tokenizer) -> Option<FimTokens> {
    Some(FimTokens {
        prefix: key(file, tokenizer, "fim_pre")?,
        suffix: key(file, tokenizer, "fim_suf")?,
        middle: key(file, tokenizer, "fim_mid")?,
    })
}

fn fim_by_text(tokenizer: &Tokenizer) -> Option<FimTokens> {
    FIM_TEXTS.iter().find_map(|[prefix, suffix, middle]| {
        Some(FimTokens {
            prefix: tokenizer.special(prefix)?,
            suffix: tokenizer.special(suffix)?,
            middle: tokenizer.special(middle)?,
        })
    })
}

fn repo(file: &GgufFile, tokenizer: &Tokenizer) -> Option<RepoTokens> {
    let by_key = || {
        let (name, file) = (key(file, tokenizer, "fim_rep")?, key(file, tokenizer, "fim_sep")?);
        Some(RepoTokens { name, file })
    };
    let by_text = |[name, file]: &[&str; 2]| {
        Some(RepoTokens { name: tokenizer.special(name)?, file: tokenizer.special(file)? })
    };
    by_key().or_else(|| REPO_TEXTS.iter().find_map(by_text))
}

fn chat_by_text(tokenizer: &Tokenizer) -> Option<ChatTokens> {
    Some(ChatTokens { start: tokenizer.special("<|im_start|>")?, end: tokenizer.special("<|im_end|>")? })
}

//! The tokenizer of a GGUF file, from the keys `tokenizer.ggml.*` of its metadata.

use candle_core::quantized::gguf_file::Value;

use super::splits::{Split, by_markers, by_name};
use super::{Tokenizer, Vocabulary};
use crate::model::gguf::integer;
use crate::model::{GgufFile, ModelError};

impl Tokenizer {
    /// Builds the tokenizer of a file.
    ///
    /// # Errors
    /// When the vocabulary is missing, inconsistent, or of a kind that is not supported.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, ModelError> {
        let kind = file.string("tokenizer.ggml.model").unwrap_or("none");
        if !matches!(kind, "gpt2" | "llama") {
            return Err(ModelError::Setup(format!(
                "{} has a `{kind}` tokenizer; supported: gpt2, llama",
                file.path()
            )));
        }
        let tokens = strings(file, "tokenizer.ggml.tokens")?;
        let types = types(file, tokens.len())?;
        let vocabulary = Vocabulary::new(tokens, types);
        if kind == "llama" {
            let scores = scores(file, vocabulary.tokens.len())?;
            let key = "tokenizer.ggml.add_space_prefix";
            let space_first = !matches!(file.value(key), Some(Value::Bool(false)));
            return Ok(Self::pieces(&vocabulary, &scores, space_first));
        }
        let split = split(file, &vocabulary.tokens)?;
        let made = split.pre_tokenizer().and_then(|words| {
            let merges = merges(file).map_err(|error| error.to_string())?;
            Self::byte_level(&vocabulary, merges, words, split.ignore_merges)
        });
        made.map_err(|e| file.broken(format!("its vocabulary: {e}")))
    }
}

/// Returns how the file tells words apart. Files from before 2024 do not say it; their markers tell the family.
fn split(file: &GgufFile, tokens: &[&str]) -> Result<&'static Split, ModelError> {
    let name = file.string("tokenizer.ggml.pre").filter(|name| *name != "default");
    let found = match name {
        Some(name) => by_name(name),
        None => by_markers(tokens),
    };
    found.ok_or_else(|| {
        let name = name.unwrap_or("default");
        ModelError::Setup(format!(
            "{} splits words the `{name}` way, which is not supported; choose another file of the model, or another model (`infill-ls model list`)",
            file.path()
        ))
    })
}

fn strings<'a>(file: &'a GgufFile, key: &str) -> Result<Vec<&'a str>, ModelError> {
    let string = |value: &'a Value| value.to_string().map(String::as_str);
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

fn scores(file: &GgufFile, count: usize) -> Result<Vec<f32>, ModelError> {
    let score = |value: &Value| match value {
        Value::F32(score) => Some(*score),
        _ => None,
    };
    let scores = file.array("tokenizer.ggml.scores")?.iter().map(score).collect::<Option<Vec<f32>>>();
    let scores =
        scores.ok_or_else(|| file.broken("`tokenizer.ggml.scores` holds something else than numbers"))?;
    match scores.len() == count {
        true => Ok(scores),
        false => Err(file.broken(format!("{count} tokens have {} scores", scores.len()))),
    }
}

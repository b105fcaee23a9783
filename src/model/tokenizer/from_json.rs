//! The tokenizer of a checkpoint, from its `tokenizer.json`.

use serde_json::Value;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;

use super::{BYTE, CONTROL, MOST_TOKENS, NORMAL, Tokenizer, UNKNOWN, USER_DEFINED, Vocabulary};
use crate::model::ModelError;

/// A token that was added to the vocabulary.
struct Added<'a> {
    text: &'a str,
    id: u64,
    special: bool,
}

impl Tokenizer {
    /// Builds the tokenizer from a `tokenizer.json`; `shown` is what its model is called in messages.
    ///
    /// # Errors
    /// When it is inconsistent, or of another kind.
    pub(in crate::model) fn from_json(json: &Value, shown: &str) -> Result<Self, ModelError> {
        let broken = |reason: &str| ModelError::Broken {
            path: format!("{shown}/tokenizer.json"),
            reason: reason.to_owned(),
        };
        let merges = json["model"]["merges"].as_array();
        let merges = merges.ok_or_else(|| broken("it holds no BPE vocabulary"))?;
        let merges = merges.iter().map(pair).collect::<Option<Vec<_>>>();
        let merges = merges.ok_or_else(|| broken("its merges hold something else than pairs"))?;
        let has_bytes = json["model"]["byte_fallback"] == true;
        let vocabulary = vocabulary(json, has_bytes).map_err(|reason| broken(&reason))?;
        if has_bytes {
            let scores = scores(&vocabulary.tokens, &merges);
            return Ok(Self::pieces(&vocabulary, &scores, puts_space_first(json)));
        }
        let mut words = json["pre_tokenizer"].clone();
        if !without_space(&mut words) {
            return Err(broken("it splits words in a way that is not supported (those with ByteLevel are)"));
        }
        let words: PreTokenizerWrapper =
            serde_json::from_value(words).map_err(|error| broken(&error.to_string()))?;
        let ignore_merges = json["model"]["ignore_merges"] == true;
        Self::byte_level(&vocabulary, merges, words, ignore_merges)
            .map_err(|error| broken(&error.to_string()))
    }
}

fn pair(merge: &Value) -> Option<(String, String)> {
    match merge {
        Value::String(pair) => pair.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())),
        pair => Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned())),
    }
}

fn vocabulary(json: &Value, has_bytes: bool) -> Result<Vocabulary<'_>, String> {
    let plain = json["model"]["vocab"].as_object().ok_or("it holds no BPE vocabulary")?;
    let plain = plain.iter().filter_map(|(token, id)| Some((token.as_str(), id.as_u64()?)));
    let added = json["added_tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read =
        |token: &'_ Value| -> Option<(u64, bool)> { Some((token["id"].as_u64()?, token["special"] == true)) };
    let added: Vec<Added<'_>> = added
        .iter()
        .filter_map(|token| {
            let (id, special) = read(token)?;
            Some(Added { text: token["content"].as_str()?, id, special })
        })
        .collect();
    let mut tokens: Vec<&str> = Vec::new();
    for (token, id) in plain.chain(added.iter().map(|added| (added.text, added.id))) {
        let id = usize::try_from(id).ok().filter(|id| *id < MOST_TOKENS);
        let id = id.ok_or("a token has an impossible number")?;
        tokens.resize(tokens.len().max(id + 1), "");
        tokens[id] = token;
    }
    let mut types = vec![NORMAL; tokens.len()];
    let unknown = json["model"]["unk_token"].as_str();
    for (token, kind) in tokens.iter().zip(&mut types) {
        if has_bytes && super::pieces::byte_of(token).is_some() {
            *kind = BYTE;
        } else if unknown == Some(token) {
            *kind = UNKNOWN;
        }
    }
    // Families with byte-level vocabularies add markers only, and not all of them are called special.
    for Added { id, special, .. } in added {
        types[id as usize] = if special || !has_bytes { CONTROL } else { USER_DEFINED };
    }
    Ok(Vocabulary::new(tokens, types))
}

/// Returns scores that order the pieces as their merges do.
fn scores(tokens: &[&str], merges: &[(String, String)]) -> Vec<f32> {
    let mut ranks = std::collections::HashMap::new();
    for (rank, (a, b)) in merges.iter().enumerate() {
        ranks.entry(format!("{a}{b}")).or_insert(rank);
    }
    tokens.iter().map(|token| ranks.get(*token).map_or(f32::MIN, |&rank| -(rank as f32))).collect()
}

/// Returns whether texts get a space before them, by the normaliser or by how words are told apart.
fn puts_space_first(json: &Value) -> bool {
    let parts = |value: &Value, list: &str| match value[list].as_array() {
        Some(parts) => parts.clone(),
        None => vec![value.clone()],
    };
    let prepends = parts(&json["normalizer"], "normalizers").iter().any(|part| part["type"] == "Prepend");
    let metaspace = parts(&json["pre_tokenizer"], "pretokenizers");
    let metaspace = metaspace.iter().any(|part| {
        part["type"] == "Metaspace" && part["prepend_scheme"] != "never" && part["add_prefix_space"] != false
    });
    prepends || metaspace
}

/// Has ByteLevel add no space before a text, and returns whether it is there at all.
fn without_space(words: &mut Value) -> bool {
    if words["type"] == "ByteLevel" {
        words["add_prefix_space"] = Value::Bool(false);
        return true;
    }
    let parts = words["pretokenizers"].as_array_mut();
    // Every part, not only up to the first: there may be two.
    parts.is_some_and(|parts| {
        parts.iter_mut().filter_map(|part| without_space(part).then_some(())).count() > 0
    })
}

//! Whether a model can fill in: tried with prompts whose middle is plain. Markers in a vocabulary do not tell it, since whole
//! families share one vocabulary and only their coders were trained with the markers.

use super::{FimTokens, ForwardError, LanguageModel, Markers, Output, Sampler, Sequence, TokenId, Tokenizer};

/// What a model makes of infill prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Infill {
    /// It wrote what is missing and stopped there.
    Tried,
    /// It has the markers, and does not do what they ask for.
    Untrained,
    /// It could not be tried in the time that there was; the markers are believed.
    Untried,
    /// Its vocabulary has no infill markers.
    NoMarkers,
}

/// Texts before and after a gap, and what belongs there. One is enough: who was not trained goes on with the line.
const GAPS: &[(&str, &str, &str)] = &[
    ("def add(a, b):\n    return a ", " b\n\n\nprint(add(2, 3))\n", "+"),
    ("for (int i = 0; i ", " n; i++) {\n    sum += i;\n}\n", "<"),
    ("if x == 1:\n    y = 2\n", ":\n    y = 3\nprint(y)\n", "else"),
];

/// Tokens beyond the gap's own after which it is not looked for any more.
const TOKENS: usize = 6;

impl Infill {
    /// Returns whether prompts are to have the markers.
    pub fn uses_markers(self) -> bool {
        matches!(self, Self::Tried | Self::Untried)
    }

    /// Says in a few words how prompts are made and why.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Tried => "infill prompts; it filled in a gap that was tried",
            Self::Untried => "infill prompts; it has the markers, and there was no time to try them",
            Self::Untrained => {
                "plain continuation, what follows the cursor is not seen: it has infill markers but does not fill in; a coder model does (`infill-ls model list`)"
            }
            Self::NoMarkers => {
                "plain continuation, what follows the cursor is not seen: it has no infill markers; a coder model has (`infill-ls model list`)"
            }
        }
    }

    /// Tries the model; `interrupted` says when the time is up.
    ///
    /// # Errors
    /// When the model fails.
    pub fn of(
        model: &dyn LanguageModel,
        tokenizer: &Tokenizer,
        markers: &Markers,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Self, ForwardError> {
        let Some(fim) = markers.fim else { return Ok(Self::NoMarkers) };
        for (before, after, gap) in GAPS {
            let tokens = prompt(tokenizer, markers.begin, fim, before, after)?;
            match written(model, tokenizer, &tokens, interrupted) {
                Ok(Some(text)) if text.trim() == *gap => return Ok(Self::Tried),
                Ok(_) => {}
                Err(ForwardError::Interrupted) => return Ok(Self::Untried),
                Err(error) => return Err(error),
            }
        }
        Ok(Self::Untrained)
    }
}

fn prompt(
    tokenizer: &Tokenizer,
    begin: Option<TokenId>,
    fim: FimTokens,
    before: &str,
    after: &str,
) -> Result<Vec<TokenId>, ForwardError> {
    let encode = |text: &str| tokenizer.encode(text).map_err(|error| ForwardError::Setup(error.to_string()));
    let mut tokens: Vec<TokenId> = begin.into_iter().collect();
    tokens.push(fim.prefix);
    tokens.extend(encode(before)?);
    tokens.push(fim.suffix);
    tokens.extend(encode(after)?);
    tokens.push(fim.middle);
    Ok(tokens)
}

/// Returns what is written greedily, if it ends by itself.
fn written(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    prompt: &[TokenId],
    interrupted: &dyn Fn() -> bool,
) -> Result<Option<String>, ForwardError> {
    let setup = |error: super::ModelError| ForwardError::Setup(error.to_string());
    let mut cache = model.new_cache(prompt.len() + TOKENS).map_err(setup)?;
    let mut sequence = Sequence::new(&mut cache);
    let mut sampler = Sampler::new(0, 0.0, None, None);
    let mut bytes = Vec::new();
    let mut next = prompt.to_vec();
    for _ in 0..TOKENS {
        let logits = model.forward(&mut sequence, &next, Output::Last, interrupted)?;
        let Some(logits) = logits else { return Ok(None) };
        let token = sampler.sample(&logits, 0)?;
        if tokenizer.is_end(token) {
            return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
        }
        bytes.extend_from_slice(tokenizer.bytes(token));
        next = vec![token];
    }
    Ok(None)
}

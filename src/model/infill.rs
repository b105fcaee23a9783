//! Whether a model can fill in: tried with prompts whose middle is plain. Markers in a vocabulary do not tell it, since whole
//! families share one vocabulary and only their coders were trained with the markers.

use super::{FimTokens, ForwardError, LanguageModel, Markers, Output, Sampler, Sequence, TokenId, Tokenizer};

/// What a model makes of infill prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Infill {
    /// It wrote what is missing.
    Tried,
    /// It has the markers, and does not do what they ask for.
    Untrained,
    /// It could not be tried in the time that there was; the markers are believed.
    Untried,
    /// Its vocabulary has no infill markers.
    NoMarkers,
}

/// Texts before and after a gap, and what belongs there. What belongs there shows in the text after it alone, or would be
/// followed by other text there. That a model also stops at the end of the gap is not asked for: the default model, small
/// as it is, often goes on with the text after it, which is cut off again (`complete::overlap`).
const GAPS: &[(&str, &str, &str)] = &[
    ("def add(a, b):\n    return a ", " b\n\n\nprint(add(2, 3))\n", "+"),
    ("x = [1, 2, 3]\nfor ", " in x:\n    print(item)\n", "item"),
    ("def square(", "):\n    return x * x\n", "x"),
];

/// Gaps that must be filled: one may go wrong, or right by chance.
const FILLED: usize = 2;

/// Tokens in which a gap must be filled.
const TOKENS: usize = 5;

impl Infill {
    /// Returns whether prompts are to have the markers.
    pub fn uses_markers(self) -> bool {
        matches!(self, Self::Tried | Self::Untried)
    }

    /// Says in a few words how prompts are made and why.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Tried => "infill prompts; it filled in the gaps that were tried",
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
        let mut filled = 0;
        for (before, after, gap) in GAPS {
            let tokens = prompt(tokenizer, markers.begin, fim, before, after)?;
            match fills(model, tokenizer, &tokens, gap, interrupted) {
                Ok(fills) => filled += usize::from(fills),
                Err(ForwardError::Interrupted) => return Ok(Self::Untried),
                Err(error) => return Err(error),
            }
            if filled == FILLED {
                return Ok(Self::Tried);
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

/// Returns whether what is written greedily begins with `gap`, as a word of its own.
fn fills(
    model: &dyn LanguageModel,
    tokenizer: &Tokenizer,
    prompt: &[TokenId],
    gap: &str,
    interrupted: &dyn Fn() -> bool,
) -> Result<bool, ForwardError> {
    let setup = |error: super::ModelError| ForwardError::Setup(error.to_string());
    let mut cache = model.new_cache(prompt.len() + TOKENS).map_err(setup)?;
    let mut sequence = Sequence::new(&mut cache);
    let mut sampler = Sampler::new(0, 0.0, None, None);
    let mut bytes = Vec::new();
    let mut next = prompt.to_vec();
    for _ in 0..TOKENS {
        let Some(logits) = model.forward(&mut sequence, &next, Output::Last, interrupted)? else { break };
        let token = sampler.sample(&logits, 0)?;
        if tokenizer.is_end(token) {
            break;
        }
        bytes.extend_from_slice(tokenizer.bytes(token));
        if bytes.trim_ascii_start().len() > gap.len() {
            break;
        }
        next = vec![token];
    }
    let rest = bytes.trim_ascii_start().strip_prefix(gap.as_bytes());
    Ok(rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric)))
}

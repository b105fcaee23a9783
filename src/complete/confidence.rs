//! How much of a text the model was sure enough of for a person to look at it. Plain numbers in, a length out; the
//! thresholds are settings, and what is asked for explicitly is shown whatever they say.

use crate::complete::TokenOdds;

/// What the tokens of a text must reach, as probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    /// The geometric mean over the text; below, nothing is shown.
    pub mean: f64,
    /// The least for one token; the lines from a less likely one on are cut, and where that is in the first line, nothing is
    /// shown.
    pub lowest: f64,
}

/// Returns how many bytes of `text`, whole lines from its beginning, the model was sure enough of. `skipped` is the number of
/// bytes that it wrote before the text. A text of which no odds are known is taken as it is.
pub fn sure_part(text: &str, skipped: usize, odds: &[TokenOdds], wanted: Confidence) -> usize {
    let ends = text.match_indices('\n').map(|(at, _)| at).chain([text.len()]);
    let mut odds = odds.iter().peekable();
    let (mut sure, mut start, mut sum, mut count) = (0, 0, 0.0, 0.0);
    for end in ends {
        while let Some(token) = odds.next_if(|_| start < skipped + end) {
            let piece = start.saturating_sub(skipped)..token.end.saturating_sub(skipped).min(text.len());
            start = token.end;
            // What was written before the text, and blanks, say nothing about it.
            if text.get(piece).is_some_and(|piece| piece.trim().is_empty()) {
                continue;
            }
            if f64::from(token.probability) < wanted.lowest {
                return sure;
            }
            sum += f64::from(token.probability.max(f32::MIN_POSITIVE)).ln();
            count += 1.0;
        }
        if 0.0 < count && f64::exp(sum / count) < wanted.mean {
            return sure;
        }
        sure = end;
    }
    sure
}

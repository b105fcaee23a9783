//! How queries and keys turn with their position: which numbers of a head together, how fast, and in which layers. Scalings
//! for long contexts change the speeds and one factor, so that the forward pass does not know of them.

use super::MOST_WIDTH;
use crate::model::kernels::{RotaryStyle, rotary_frequencies};

/// Rotary embedding of positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotary {
    /// Which numbers turn together.
    pub style: RotaryStyle,
    /// Radians a position, for each pair of numbers that turns; the numbers behind them stay.
    pub frequencies: Vec<f64>,
    /// The same for layers that look at the last positions only, where theirs are others.
    pub windowed: Option<Vec<f64>>,
    /// The same for long contexts, where theirs are others.
    pub long: Option<Long>,
    /// What turned numbers are multiplied with.
    pub magnitude: f64,
    /// For each layer, whether anything turns in it; `None` where it does in all.
    pub layers: Option<Vec<bool>>,
}

/// The speeds of contexts above some length.
#[derive(Debug, Clone, PartialEq)]
pub struct Long {
    /// The longest context that does not need them.
    pub beyond: usize,
    /// Radians a position.
    pub frequencies: Vec<f64>,
}

/// How the speeds are changed for contexts longer than those of the first training.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scaling {
    /// Not at all.
    None,
    /// All are divided by this.
    Linear(f64),
    /// Each is divided by one of these.
    Factors(Vec<f64>),
    /// Llama 3: slow ones are divided, fast ones are not, and those between go from the one to the other.
    Llama3 { factor: f64, low: f64, high: f64, original: f64 },
    /// YaRN.
    Yarn(Yarn),
}

/// YaRN: as [`Scaling::Llama3`], but where slow ends and fast begins is counted in pairs of numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Yarn {
    pub(super) factor: f64,
    /// Positions of the first training.
    pub(super) original: f64,
    /// Pairs that turn more often than this in `original` positions are left alone.
    pub(super) fast: f64,
    /// Pairs that turn less often than this are divided by the whole factor.
    pub(super) slow: f64,
    /// Whether the two bounds are rounded to whole pairs.
    pub(super) rounded: bool,
}

impl Rotary {
    /// Returns the rotation of `dims` numbers of a head.
    pub(super) fn new(style: RotaryStyle, dims: usize, base: f64, scaling: &Scaling) -> Self {
        // What is more than a head can have is found by the check; it must not be made first.
        let frequencies = scaling.apply(rotary_frequencies(dims.min(MOST_WIDTH + 2), base), base);
        Self { style, frequencies, windowed: None, long: None, magnitude: 1.0, layers: None }
    }

    /// Takes the speeds for a context of so many positions. transformers asks how long the sequence is by now, and so changes
    /// them in the middle of a text, under the keys that were turned by the others. The keys here stay in a cache that many
    /// prompts share; so what counts is the context that is set up, as in llama.cpp: with one that is not longer than the
    /// first training's the model is at its best.
    pub(in crate::model) fn settle(&mut self, context: usize) {
        if let Some(long) = self.long.take_if(|long| context > long.beyond) {
            self.frequencies = long.frequencies;
        }
    }

    pub(super) fn check(&self, head_dim: usize, layers: usize) -> Result<(), String> {
        let long = self.long.as_ref().map(|long| &long.frequencies);
        let sets = [Some(&self.frequencies), self.windowed.as_ref(), long].into_iter().flatten();
        for set in sets {
            if set.is_empty() || 2 * set.len() > head_dim {
                return Err(format!("{} numbers of a head of {head_dim} turn", 2 * set.len()));
            }
            if !set.iter().all(|frequency| frequency.is_finite()) {
                return Err("the speeds of its rotary positions are no numbers".into());
            }
        }
        if !(self.magnitude.is_finite() && self.magnitude > 0.0) {
            return Err("the factor of its rotary positions is not above 0".into());
        }
        match &self.layers {
            Some(turning) if turning.len() != layers => {
                Err(format!("{layers} layers have positions in {} of them", turning.len()))
            }
            _ => Ok(()),
        }
    }
}

/// Returns what YaRN multiplies turned numbers with, as its paper says: attention over more positions is to be as sharp.
pub(super) fn yarn_magnitude(factor: f64, scale: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 }
}

/// Returns what LongRoPE multiplies turned numbers with.
pub(super) fn longrope_magnitude(factor: f64, original: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original.ln()).sqrt() }
}

impl Scaling {
    fn apply(&self, frequencies: Vec<f64>, base: f64) -> Vec<f64> {
        let dims = (2 * frequencies.len()) as f64;
        let divided = |(at, frequency): (usize, f64)| match self {
            Self::None => frequency,
            Self::Linear(factor) => frequency / factor,
            Self::Factors(factors) => frequency / factors.get(at).copied().unwrap_or(1.0),
            &Self::Llama3 { factor, low, high, original } => {
                let turns = original * frequency / std::f64::consts::TAU;
                let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                (1.0 - smooth) * frequency / factor + smooth * frequency
            }
            Self::Yarn(yarn) => {
                let (first, last) = yarn.bounds(dims, base);
                let slow = ((at as f64 - first) / (last - first).max(0.001)).clamp(0.0, 1.0);
                slow * frequency / yarn.factor + (1.0 - slow) * frequency
            }
        };
        frequencies.into_iter().enumerate().map(divided).collect()
    }
}

impl Yarn {
    /// Returns the last pair that is left alone and the first that is divided by the whole factor.
    fn bounds(&self, dims: f64, base: f64) -> (f64, f64) {
        let pair =
            |turns: f64| dims * (self.original / (turns * std::f64::consts::TAU)).ln() / (2.0 * base.ln());
        let (first, last) = (pair(self.fast), pair(self.slow));
        let (first, last) = if self.rounded { (first.floor(), last.ceil()) } else { (first, last) };
        (first.max(0.0), last.min(dims - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Long, Rotary, RotaryStyle, Scaling, Yarn};

    #[test]
    fn llama_3_slows_slow_turns_only() {
        let scaling = Scaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: std::f64::consts::TAU };
        let scaled = scaling.apply(vec![8.0, 4.0, 2.5, 1.0, 0.5], 10_000.0);
        assert_eq!(scaled, [8.0, 4.0, 1.40625, 0.125, 0.0625]);
    }

    /// Of 32 pairs those up to the 10th turn more than 32 times in 4,096 positions, those from the 23rd on less than once.
    #[test]
    fn yarn_slows_late_pairs_only() {
        let yarn = Yarn { factor: 4.0, original: 4096.0, fast: 32.0, slow: 1.0, rounded: true };
        assert_eq!(yarn.bounds(64.0, 10_000.0), (10.0, 23.0));
        let scaled = Scaling::Yarn(yarn).apply(vec![1.0; 32], 10_000.0);
        assert_eq!((scaled[10], scaled[23], scaled[31]), (1.0, 0.25, 0.25));
        assert!(scaled[11] < 1.0 && scaled[22] > 0.25, "{scaled:?}");
    }

    #[test]
    fn the_context_chooses_the_speeds() {
        let mut rotary = Rotary::new(RotaryStyle::Halves, 4, 100.0, &Scaling::None);
        rotary.long = Some(Long { beyond: 4096, frequencies: vec![0.5, 0.25] });
        let mut short = rotary.clone();
        short.settle(4096);
        assert_eq!(short, rotary);
        rotary.settle(4097);
        assert_eq!(rotary.frequencies, [0.5, 0.25]);
        let long = rotary.clone();
        rotary.settle(4097);
        assert_eq!(rotary, long, "a second time");
    }
}

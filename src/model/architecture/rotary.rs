//! How queries and keys turn with their position: which numbers of a head together, and how fast. Scalings for long
//! contexts change the speeds and nothing else, so that the forward pass does not know of them.

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
    /// What turned numbers are multiplied with.
    pub magnitude: f64,
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
}

impl Rotary {
    /// Returns the rotation of `dims` numbers of a head.
    pub(super) fn new(style: RotaryStyle, dims: usize, base: f64, scaling: &Scaling) -> Self {
        // What is more than a head can have is found by the check; it must not be made first.
        let frequencies = scaling.apply(rotary_frequencies(dims.min(MOST_WIDTH + 2), base));
        Self { style, frequencies, windowed: None, magnitude: 1.0 }
    }

    pub(super) fn check(&self, head_dim: usize) -> Result<(), String> {
        let sets = [Some(&self.frequencies), self.windowed.as_ref()].into_iter().flatten();
        for set in sets {
            if set.is_empty() || 2 * set.len() > head_dim {
                return Err(format!("{} numbers of a head of {head_dim} turn", 2 * set.len()));
            }
            if !set.iter().all(|frequency| frequency.is_finite()) {
                return Err("the speeds of its rotary positions are no numbers".into());
            }
        }
        Ok(())
    }
}

impl Scaling {
    fn apply(&self, frequencies: Vec<f64>) -> Vec<f64> {
        let divided = |(at, frequency): (usize, f64)| match self {
            Self::None => frequency,
            Self::Linear(factor) => frequency / factor,
            Self::Factors(factors) => frequency / factors.get(at).copied().unwrap_or(1.0),
            &Self::Llama3 { factor, low, high, original } => {
                let turns = original * frequency / std::f64::consts::TAU;
                let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                (1.0 - smooth) * frequency / factor + smooth * frequency
            }
        };
        frequencies.into_iter().enumerate().map(divided).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Scaling;

    #[test]
    fn llama_3_slows_slow_turns_only() {
        let scaling = Scaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: std::f64::consts::TAU };
        assert_eq!(scaling.apply(vec![8.0, 4.0, 2.5, 1.0, 0.5]), [8.0, 4.0, 1.40625, 0.125, 0.0625]);
    }
}

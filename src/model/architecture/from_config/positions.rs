//! Rotary positions in a `config.json`, and the ways to scale them. The keys and what stands for a missing one are those of
//! transformers (`modeling_rope_utils.py`).

use serde_json::Value;

use super::Config;
use crate::model::ModelError;
use crate::model::architecture::all_but_every;
use crate::model::architecture::rotary::{Long, Rotary, Scaling, Yarn, longrope_magnitude, yarn_magnitude};
use crate::model::kernels::RotaryStyle;

/// The values of `rope_type`.
const SCALINGS: &str = "default, linear, dynamic, llama3, yarn, longrope";

/// What scales positions.
struct Given<'a> {
    config: &'a Config<'a>,
    values: &'a Value,
    /// The key that they are the value of.
    key: &'static str,
}

impl<'a> Given<'a> {
    /// Newer configurations have one object, with one for each kind of layer where these differ; older ones have the base
    /// beside a `rope_scaling`.
    fn of(config: &'a Config<'a>) -> Self {
        let newer = &config.values["rope_parameters"];
        let (values, key) = if newer["full_attention"].is_object() {
            (&newer["full_attention"], "rope_parameters.full_attention")
        } else if newer.is_object() {
            (newer, "rope_parameters")
        } else {
            (&config.values["rope_scaling"], "rope_scaling")
        };
        Self { config, values, key }
    }

    fn kind(&self, name: &str) -> &str {
        let kind = self.values["rope_type"].as_str().or_else(|| self.values["type"].as_str());
        match kind.unwrap_or("default") {
            // Phi-3 was published with other names for its only one.
            "su" | "yarn" if name == "phi3" => "longrope",
            kind => kind,
        }
    }

    fn float(&self, key: &str) -> Option<f64> {
        self.values[key].as_f64().filter(|number| *number > 0.0)
    }

    fn number(&self, key: &str) -> Result<f64, ModelError> {
        let lacks = || format!("its config.json lacks a number above 0 at `{}.{key}`", self.key);
        self.float(key).ok_or_else(|| self.config.broken(lacks()))
    }

    /// Returns one number for each pair that turns.
    fn numbers(&self, key: &str, dims: usize) -> Result<Vec<f64>, ModelError> {
        let numbers = self.values[key].as_array();
        let numbers: Option<Vec<f64>> =
            numbers.and_then(|numbers| numbers.iter().map(Value::as_f64).collect());
        numbers.filter(|numbers| numbers.len() == dims / 2).ok_or_else(|| {
            self.config.broken(format!("its config.json lacks {} numbers at `{}.{key}`", dims / 2, self.key))
        })
    }

    /// Returns the positions of the first training.
    fn original(&self, name: &str) -> Result<f64, ModelError> {
        let beside = self.config.float("original_max_position_embeddings");
        let within = beside.or_else(|| self.float("original_max_position_embeddings"));
        match within {
            Some(original) => Ok(original),
            None if name == "phi3" => Ok(4096.0),
            None => Ok(self.config.required(&["max_position_embeddings"])? as f64),
        }
    }

    /// Returns how many times as long as the first training's the context has become.
    fn stretch(&self, original: f64) -> Result<f64, ModelError> {
        let longest = self.config.required(&["max_position_embeddings"])? as f64;
        Ok(self.float("factor").unwrap_or(longest / original))
    }
}

/// Returns the tokens that a model can see at once. Who turns YaRN on as a model's card says often leaves the number that the
/// model was trained with.
pub(super) fn context(config: &Config<'_>, name: &str) -> Result<usize, ModelError> {
    let whole = config.required(&["max_position_embeddings", "n_positions"])?;
    let given = Given::of(config);
    if given.kind(name) != "yarn" {
        return Ok(whole);
    }
    let original = given.original(name)?;
    Ok(whole.max((original * given.stretch(original)?) as usize))
}

pub(super) fn rotary(
    config: &Config<'_>,
    name: &str,
    head_dim: usize,
    layers: usize,
) -> Result<Rotary, ModelError> {
    let given = Given::of(config);
    let number = |key: &str| given.float(key).or_else(|| config.float(key));
    let base = number("rope_theta").unwrap_or(match name {
        "smollm3" => 2_000_000.0,
        _ => 10_000.0,
    });
    let part = number("partial_rotary_factor").unwrap_or(match name {
        "stablelm" => 0.25,
        "glm4" => 0.5,
        _ => 1.0,
    });
    let dims = (head_dim as f64 * part) as usize;
    let style = if name == "glm4" { RotaryStyle::Pairs } else { RotaryStyle::Halves };
    let (scaling, magnitude) = scaling(&given, name, dims)?;
    let mut rotary = Rotary { magnitude, ..Rotary::new(style, dims, base, &scaling) };
    if given.kind(name) == "longrope" {
        let factors = Scaling::Factors(given.numbers("long_factor", dims)?);
        let frequencies = Rotary::new(style, dims, base, &factors).frequencies;
        rotary.long = Some(Long { beyond: given.original(name)? as usize, frequencies });
    }
    match name {
        "gemma3" => {
            let windowed = config.values["rope_parameters"]["sliding_attention"]["rope_theta"].as_f64();
            let base = windowed.or_else(|| config.float("rope_local_base_freq")).unwrap_or(10_000.0);
            rotary.windowed = Some(Rotary::new(style, dims, base, &Scaling::None).frequencies);
        }
        "smollm3" => rotary.layers = Some(turning(config, layers)),
        _ => {}
    }
    Ok(rotary)
}

/// Returns in which layers positions count: by a list, or in all but every so many.
fn turning(config: &Config<'_>, layers: usize) -> Vec<bool> {
    match config.values["no_rope_layers"].as_array() {
        Some(listed) => listed.iter().map(|turns| turns.as_u64() != Some(0)).collect(),
        None => {
            let every = config.number(&["no_rope_layer_interval"]).unwrap_or(4).max(1);
            all_but_every(every, layers)
        }
    }
}

/// Returns what changes the speeds, and what turned numbers are multiplied with.
fn scaling(given: &Given<'_>, name: &str, dims: usize) -> Result<(Scaling, f64), ModelError> {
    Ok(match given.kind(name) {
        // "dynamic" changes nothing up to the context that the model says it has, and here there is no longer one.
        "default" | "dynamic" => (Scaling::None, 1.0),
        "linear" => (Scaling::Linear(given.number("factor")?), 1.0),
        "llama3" => {
            let (low, high) = (given.number("low_freq_factor")?, given.number("high_freq_factor")?);
            let (factor, original) = (given.number("factor")?, given.original(name)?);
            (Scaling::Llama3 { factor, low, high, original }, 1.0)
        }
        "yarn" => {
            let original = given.original(name)?;
            let factor = given.stretch(original)?;
            let scaling = Scaling::Yarn(Yarn {
                factor,
                original,
                fast: given.float("beta_fast").unwrap_or(32.0),
                slow: given.float("beta_slow").unwrap_or(1.0),
                rounded: given.values["truncate"] != false,
            });
            let of = |key: &str| given.float(key).map(|scale| yarn_magnitude(factor, scale));
            let usual = match of("mscale").zip(of("mscale_all_dim")) {
                Some((one, all)) => one / all,
                None => yarn_magnitude(factor, 1.0),
            };
            (scaling, given.float("attention_factor").unwrap_or(usual))
        }
        "longrope" => {
            let original = given.original(name)?;
            let usual = longrope_magnitude(given.stretch(original)?, original);
            let short = Scaling::Factors(given.numbers("short_factor", dims)?);
            (short, given.float("attention_factor").unwrap_or(usual))
        }
        kind => {
            return Err(ModelError::Scaling {
                path: given.config.shown.to_owned(),
                key: format!("{}.rope_type", given.key),
                kind: kind.to_owned(),
                supported: SCALINGS,
            });
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::{Config, Given, context, rotary, scaling};

    fn scaled(rope: Value) -> Value {
        json!({"max_position_embeddings": 4096, "rope_theta": 10_000.0, "rope_scaling": rope})
    }

    #[track_caller]
    fn check_magnitude(rope: Value, expected: f64) {
        let values = scaled(rope);
        let config = Config { values: &values, shown: "here" };
        let (_, magnitude) = scaling(&Given::of(&config), "llama", 4).unwrap();
        assert!((magnitude - expected).abs() < 1e-6, "{magnitude} instead of {expected}: {values}");
    }

    // The numbers are those of transformers' functions for the same configurations.

    #[test]
    fn magnitudes_are_those_of_transformers() {
        let yarn = json!({"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024});
        let with = |key: &str, value: f64| {
            let mut rope = yarn.clone();
            rope[key] = json!(value);
            rope
        };
        check_magnitude(yarn.clone(), 1.138_629_436);
        check_magnitude(with("attention_factor", 1.25), 1.25);
        check_magnitude(with("mscale", 0.5), 1.138_629_436);
        let mut both = with("mscale", 0.5);
        both["mscale_all_dim"] = json!(1.0);
        check_magnitude(both, 0.939_124_428);
        let long = json!({
            "rope_type": "longrope", "original_max_position_embeddings": 1024, "short_factor": [1.0, 1.0],
        });
        check_magnitude(long, 1.095_445_115);
        check_magnitude(json!({"rope_type": "dynamic", "factor": 4.0}), 1.0);
    }

    #[test]
    fn bounds_of_yarn_need_not_be_rounded() {
        let frequencies = |truncate: bool| {
            let values = scaled(json!({
                "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024, "truncate": truncate,
            }));
            let config = Config { values: &values, shown: "here" };
            rotary(&config, "llama", 16, 2).unwrap().frequencies
        };
        for (truncate, third, fourth) in
            [(true, 0.081_250, 0.019_764_237), (false, 0.085_398_637, 0.019_126_777)]
        {
            let frequencies = frequencies(truncate);
            assert!((frequencies[2] - third).abs() < 1e-7, "{frequencies:?}");
            assert!((frequencies[3] - fourth).abs() < 1e-7, "{frequencies:?}");
        }
    }

    #[test]
    fn the_context_of_yarn_is_the_stretched_one() {
        let values = scaled(json!({"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}));
        assert_eq!(context(&Config { values: &values, shown: "here" }, "qwen2").unwrap(), 16_384);
        let values = scaled(json!({"type": "linear", "factor": 4.0}));
        assert_eq!(context(&Config { values: &values, shown: "here" }, "llama").unwrap(), 4096);
    }

    #[track_caller]
    fn check_refused(rope: Value, expected: &str) {
        let values = scaled(rope);
        let error =
            rotary(&Config { values: &values, shown: "here" }, "llama", 16, 2).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        check_refused(
            json!({"rope_type": "spiral"}),
            "`rope_scaling.rope_type` is `spiral`; supported: default, linear",
        );
        check_refused(json!({"rope_type": "linear"}), "`rope_scaling.factor`");
        check_refused(
            json!({"type": "longrope", "short_factor": [1.0]}),
            "8 numbers at `rope_scaling.short_factor`",
        );
    }
}

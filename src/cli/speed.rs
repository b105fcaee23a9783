//! How fast a model is: measured, and kept for `model list`.

use std::time::Instant;

use crate::fetch::{Model, Speed, Store};
use crate::model::{LanguageModel, Output, Sequence};

/// Tokens of the speed test.
const PREFILL: usize = 128;
const DECODE: u32 = 16;

/// Measures how fast a model reads and writes.
///
/// # Errors
/// When it fails.
pub(super) fn measure(model: &dyn LanguageModel) -> anyhow::Result<Speed> {
    let mut cache = model.new_cache(PREFILL + DECODE as usize)?;
    let prompt: Vec<u32> = (0..PREFILL as u32).collect();
    let started = Instant::now();
    model.forward(&mut Sequence::new(&mut cache), &prompt, Output::Last, &|| false)?;
    let prefill = PREFILL as f64 / started.elapsed().as_secs_f64();
    let started = Instant::now();
    for token in 0..DECODE {
        model.forward(&mut Sequence::new(&mut cache), &[token], Output::Last, &|| false)?;
    }
    let decode = f64::from(DECODE) / started.elapsed().as_secs_f64();
    Ok(Speed { prefill_per_second: prefill, decode_per_second: Some(decode) })
}

/// Keeps how fast a model of the catalogue was; a file of the user's own is in no list. Best effort: nobody asked for it.
pub(super) fn keep(model: &str, speed: Speed) {
    let Ok(Model::Entry(entry)) = Model::parse(model) else { return };
    let kept = Store::open().map_err(std::io::Error::other).and_then(|store| store.keep_speed(entry, speed));
    if let Err(error) = kept {
        tracing::info!(%error, "the measured speed could not be kept");
    }
}

//! A model whose weights leave memory while nobody uses it: when they do, what stays, and what happens at the next request.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use infill_ls::engine::{CancelToken, GenerationParams, JobError, JobOutput};
use infill_ls::model::{Compute, LanguageModel, LoadOptions, load};
use infill_ls::source::Resting;

use crate::scripted::Bench;
use crate::tiny_model;

const UNUSED: Duration = Duration::from_secs(900);

/// A tiny model that may rest, and an engine around it.
struct Rested {
    resting: Resting,
    bench: Bench,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Rested {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = tiny_model::write_good(dir.path());
        let options = LoadOptions { context: 256, threads: 2, compute: Compute::Kernels };
        let loaded = load(&path, options).unwrap();
        let reload = loaded.reload;
        let read = move || Ok(Box::new(reload.decoder()?) as Box<dyn LanguageModel>);
        let resting = Resting::new(Box::new(loaded.decoder), UNUSED, Box::new(read));
        let bench = Bench::new(Box::new(resting.clone()), loaded.tokenizer, 256);
        Self { resting, bench, path, _dir: dir }
    }

    fn ask(&self, prompt: &str) -> Result<JobOutput, JobError> {
        let params = GenerationParams { max_tokens: 8, ..GenerationParams::default() };
        let watch = Box::new(|_: &str| ControlFlow::Continue(()));
        self.bench.answer(prompt, "", watch, params, CancelToken::new())
    }
}

fn later(time: Duration) -> Instant {
    Instant::now() + time
}

#[test]
fn weights_leave_after_the_time_unused_and_are_back_with_the_next_request() {
    let rested = Rested::new();
    let before = rested.ask("fn main() {").unwrap();
    assert!(!rested.resting.rest(later(UNUSED - Duration::from_secs(60))), "too early");
    assert!(rested.resting.is_awake());
    assert!(rested.resting.rest(later(UNUSED)));
    assert!(!rested.resting.is_awake() && !rested.resting.rest(later(UNUSED)), "they are gone already");
    let after = rested.ask("fn main() {").unwrap();
    assert_eq!((&after.text, &after.tokens), (&before.text, &before.tokens));
    // Rows of the prompt have stayed.
    assert!(after.usage.prefill_tokens < before.usage.prefill_tokens, "{:?}", after.usage);
    assert!(rested.resting.is_awake());
    // It was used just now.
    assert!(!rested.resting.rest(later(UNUSED - Duration::from_secs(60))));
}

#[test]
fn requests_that_cannot_have_the_weights_back_say_why_and_later_ones_try_again() {
    let rested = Rested::new();
    let before = rested.ask("let x = ").unwrap();
    let aside = rested.path.with_extension("aside");
    let says = |why: &str| {
        assert!(rested.resting.rest(later(UNUSED)) || !rested.resting.is_awake());
        match rested.ask("let x = ") {
            Err(JobError::Failed(message)) => {
                let path = rested.path.display().to_string();
                assert!(message.contains(why) && message.contains(&path), "{message}");
            }
            other => panic!("{other:?}"),
        }
    };
    std::fs::rename(&rested.path, &aside).unwrap();
    says("cannot read the model file");
    std::fs::write(&rested.path, "GGUF and nothing behind it").unwrap();
    says("is not the one any more");
    std::fs::rename(&aside, &rested.path).unwrap();
    assert_eq!(rested.ask("let x = ").unwrap().text, before.text);
}

#[test]
fn a_checkpoint_rests_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny/qwen2");
    let options = LoadOptions { context: 64, threads: 1, compute: Compute::Kernels };
    let loaded = load(&folder, options).unwrap();
    let reload = loaded.reload;
    let read = move || Ok(Box::new(reload.decoder()?) as Box<dyn LanguageModel>);
    let resting = Resting::new(Box::new(loaded.decoder), UNUSED, Box::new(read));
    assert!(resting.rest(later(UNUSED)));
    resting.wake().unwrap();
    assert!(resting.is_awake());
}

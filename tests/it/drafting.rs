//! Drafting: what is written, and how it ends, is what plain greedy decoding writes; there are only fewer passes.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use infill_ls::engine::{
    CancelToken, Counters, FinishReason, GenerationParams, JobError, Preparation, Purpose, Readiness,
};
use infill_ls::model::{Compute, LanguageModel, LoadOptions, TokenId, load};
use infill_ls::source::{EmbeddedSource, Locate, Sparing};

use crate::scripted::{Bench, Script, Scripted, Told};
use crate::tiny_model;
use candle_core::quantized::gguf_file::Value;

const END: TokenId = 256;

fn params(draft: bool) -> GenerationParams {
    GenerationParams { draft, ..GenerationParams::default() }
}

/// An engine with a scripted model, and the sizes of the model's passes.
fn scripted(script: Script, context: usize) -> (Bench, Arc<Mutex<Vec<usize>>>) {
    let tokenizer = tiny_model::tokenizer_with(&[]);
    assert_eq!(tokenizer.special("<|endoftext|>"), Some(END));
    let (vocabulary, passes) = (tokenizer.vocabulary(), Arc::default());
    let model = Scripted { script, vocabulary, passes: Arc::clone(&passes) };
    (Bench::new(Box::new(model), tokenizer, context), passes)
}

/// A script that writes `text` behind a prompt that ends with `>`.
fn writes(text: &'static str) -> Script {
    Box::new(move |held| {
        let written = held.iter().rev().take_while(|&&token| token != TokenId::from(b'>')).count();
        let next = text.as_bytes().get(written);
        vec![(next.map_or(END, |&byte| TokenId::from(byte)), 1.0)]
    })
}

/// A script that repeats itself, and now and then does not: each token follows from the two before it, and at some
/// places from where it stands too.
fn repeats_itself(seed: u32) -> Script {
    let mixed = move |values: &[u32]| {
        values.iter().fold(seed.wrapping_mul(0x9e37_79b9) | 1, |mixed, &value| {
            (mixed ^ value).wrapping_mul(0x0100_0193).rotate_left(7)
        })
    };
    Box::new(move |held| {
        let last = &held[held.len().saturating_sub(2)..];
        let odd = mixed(&[held.len() as u32]) % 11 == 0;
        let drawn = if odd { mixed(&[last[0], held.len() as u32]) } else { mixed(last) };
        let token = if drawn % 101 == 0 { END } else { TokenId::from(b'a') + drawn % 5 };
        vec![(token, 1.0)]
    })
}

fn counters(bench: &Bench) -> Counters {
    bench.engine.totals().counters()
}

#[track_caller]
fn assert_same(drafted: &Told, plain: &Told) {
    assert_eq!(drafted.pieces, plain.pieces);
    assert_eq!((&drafted.output.text, drafted.output.finish), (&plain.output.text, plain.output.finish));
    assert_eq!(drafted.output.usage.decoded_tokens, plain.output.usage.decoded_tokens);
}

#[test]
fn text_that_stood_before_is_written_in_fewer_passes() {
    let script = || writes("if value is None: return default");
    let prompt = "if value is None: return other\n>";
    let (drafting, passes) = scripted(script(), 512);
    let drafted = drafting.run(prompt, "", "", params(true));
    assert_same(&drafted, &scripted(script(), 512).0.run(prompt, "", "", params(false)));
    assert_eq!(drafted.output.text, "if value is None: return default");
    assert_eq!(drafted.pieces.len(), 32, "the watcher sees one token after the other");
    let Counters { drafted_tokens, accepted_tokens, decoded_tokens, .. } = counters(&drafting);
    assert!(accepted_tokens > 0 && accepted_tokens <= drafted_tokens);
    assert_eq!(passes.lock().unwrap().len() as u64, 1 + decoded_tokens - accepted_tokens);
}

/// An engine whose model is drafted for by another one, and the sizes of both models' passes.
fn with_draft_model(script: Script, small: Script) -> (Bench, [Arc<Mutex<Vec<usize>>>; 2]) {
    let tokenizer = tiny_model::tokenizer_with(&[]);
    let passes = [Arc::default(), Arc::default()];
    let [model, small] = [(script, &passes[0]), (small, &passes[1])].map(|(script, passes)| {
        let (vocabulary, passes) = (tokenizer.vocabulary(), Arc::clone(passes));
        Box::new(Scripted { script, vocabulary, passes }) as Box<dyn LanguageModel>
    });
    (Bench::with_draft_model(model, Some(small), tokenizer, 512), passes)
}

#[test]
fn a_smaller_model_that_is_right_saves_passes() {
    let text = "let answer = forty_two;";
    let (bench, [passes, small]) = with_draft_model(writes(text), writes(text));
    let drafted = bench.run("some prompt>", "", "", params(true));
    assert_same(&drafted, &scripted(writes(text), 512).0.run("some prompt>", "", "", params(false)));
    assert_eq!(drafted.output.text, text);
    let Counters { drafted_tokens, accepted_tokens, decoded_tokens, prefill_tokens, .. } = counters(&bench);
    assert!(accepted_tokens > 2 && accepted_tokens == drafted_tokens, "{accepted_tokens}");
    assert_eq!(passes.lock().unwrap().len() as u64, 1 + decoded_tokens - accepted_tokens);
    assert_eq!(prefill_tokens, 12, "the smaller model's prompt is not counted");
    assert_eq!(small.lock().unwrap()[0], 13, "the prompt and the first token");
}

#[test]
fn a_smaller_model_that_is_wrong_or_in_doubt_changes_nothing() {
    let text = "let answer = forty_two;";
    let doubtful = || -> Script { Box::new(|_| (97..100).map(|token| (token, 1.0)).collect()) };
    for (small, may_draft) in [(writes("let anger = sixty;"), true), (doubtful(), false)] {
        let (bench, _) = with_draft_model(writes(text), small);
        let drafted = bench.run("some prompt>", "", "", params(true));
        assert_same(&drafted, &scripted(writes(text), 512).0.run("some prompt>", "", "", params(false)));
        let Counters { drafted_tokens, accepted_tokens, .. } = counters(&bench);
        assert!(accepted_tokens < drafted_tokens || !may_draft && drafted_tokens == 0);
    }
}

#[test]
fn a_smaller_model_that_lacks_a_long_prompt_is_not_asked() {
    let (bench, [_, small]) = with_draft_model(writes("xyz"), writes("xyz"));
    let prompt = format!("{}>", "long ".repeat(60));
    bench.run(&prompt, "", "", params(true));
    assert!(small.lock().unwrap().is_empty());
    bench.run("short>", "", "", params(false));
    assert!(small.lock().unwrap().is_empty(), "nor when nothing is to be drafted");
}

#[test]
fn a_prompt_is_made_ready_for_both_models() {
    let (bench, [_, small]) = with_draft_model(writes("xyz"), writes("xyz"));
    let file = "long ".repeat(60);
    let tokens = bench.tokenizer.encode(&file).unwrap();
    let (branch, readiness) = (1.into(), Readiness::default());
    bench.engine.prepare(Preparation { branch, purpose: Purpose::File, tokens, head: 0, readiness });
    let deadline = Instant::now() + Duration::from_secs(20);
    while small.lock().unwrap().iter().sum::<usize>() < file.len() {
        assert!(Instant::now() < deadline, "nothing was made ready");
        std::thread::yield_now();
    }
    bench.run(&format!("{file}>"), "", "", params(true));
    assert!(counters(&bench).accepted_tokens > 0);
}

/// What comes of loading a model with another one that drafts for it.
fn loaded(draft: &[(String, Value)]) -> Result<String, String> {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let model = tiny_model::write_good(own.path());
    let draft = tiny_model::write(other.path(), draft, &tiny_model::tensors());
    let options = LoadOptions { context: 512, threads: 2, compute: Compute::Kernels };
    let draft: Locate = Box::new(move |_| Ok(draft));
    let source =
        EmbeddedSource::start(Box::new(move |_| Ok(model)), Some(draft), options, Sparing::default());
    source.wait(&mut |_, _, _| {})
}

#[test]
fn a_draft_model_is_named_beside_the_model_and_refused_where_it_has_other_tokens() {
    let mut metadata = tiny_model::metadata();
    let name = loaded(&metadata).unwrap();
    assert!(name.starts_with("tiny") && name.ends_with(", with drafts of tiny"), "{name}");
    for (key, value) in &mut metadata {
        if let ("tokenizer.ggml.tokens", Value::Array(tokens)) = (key.as_str(), value) {
            tokens.swap(97, 98);
        }
    }
    let message = loaded(&metadata).unwrap_err();
    assert!(message.contains("`draft_model`: tiny") && message.contains("same family"), "{message}");
}

#[test]
fn the_real_decoder_writes_the_same_text_to_the_last_bit() {
    let dir = tempfile::tempdir().unwrap();
    // With little attention the model soon writes in circles; as it is it would not repeat itself.
    let mut tensors = tiny_model::tensors();
    for (_, tensor) in tensors.iter_mut().filter(|(name, _)| name.ends_with("attn_output.weight")) {
        *tensor = tiny_model::scaled(tensor, 0.05);
    }
    let path = tiny_model::write(dir.path(), &tiny_model::metadata(), &tensors);
    let (drafting, plain) = (decoder(&path), decoder(&path));
    for prompt in ["fn main() {", "for a in b: for a in b: for a in", "x", "=== === ===", "0101 0101 01"] {
        let mut prompt = prompt.to_owned();
        // Each goes on from the cache that the one before left.
        for _ in 0..3 {
            let drafted = drafting.run(&prompt, "", "", params(true));
            assert_same(&drafted, &plain.run(&prompt, "", "", params(false)));
            prompt.push_str(&drafted.output.text);
            prompt.push_str("; x = ");
        }
    }
    assert!(counters(&drafting).accepted_tokens > 0);
    assert_eq!(counters(&plain).drafted_tokens, 0);
}

fn decoder(path: &Path) -> Bench {
    let options = LoadOptions { context: 512, threads: 2, compute: Compute::Kernels };
    let loaded = load(path, options).unwrap();
    Bench::new(Box::new(loaded.decoder), loaded.tokenizer, 512)
}

#[test]
fn it_ends_where_plain_decoding_ends() {
    let mut ends = [0; 3];
    let mut accepted = 0;
    for seed in 0..60 {
        let context = 40 + seed as usize % 90;
        let (drafting, plain) =
            (scripted(repeats_itself(seed), context).0, scripted(repeats_itself(seed), context).0);
        let stop = ["", "", "da", "aa", "cabb"][seed as usize % 5];
        let begins_with = ["", "abcab", "\u{e9}"][seed as usize % 3];
        let bound = |draft| GenerationParams { max_tokens: 20 + seed as usize % 77, ..params(draft) };
        // The second job goes on from what the first left in the cache.
        for prompt in ["abcabcabdabc", "abcabcabdabca"] {
            let drafted = drafting.run(prompt, begins_with, stop, bound(true));
            assert_same(&drafted, &plain.run(prompt, begins_with, stop, bound(false)));
            ends[match drafted.output.finish {
                FinishReason::Stop => 0,
                FinishReason::EndOfText => 1,
                FinishReason::Length => 2,
                FinishReason::Time => unreachable!("there is no time budget"),
            }] += 1;
        }
        accepted += counters(&drafting).accepted_tokens;
    }
    assert!(
        ends.iter().all(|&count| count > 5) && accepted > 50,
        "too little was tried: {ends:?}, {accepted}"
    );
}

#[test]
fn what_lies_behind_the_end_is_not_kept() {
    for (stop, finish) in [("ab1", FinishReason::Stop), ("", FinishReason::EndOfText)] {
        let (bench, _) = scripted(writes("ab1"), 512);
        let prompt = "ab123456 ab123456 >";
        let told = bench.run(prompt, "", stop, params(true));
        assert_eq!((told.output.text.as_str(), told.output.finish), ("ab1", finish));
        assert!(counters(&bench).drafted_tokens > 0);
        // Had the cache kept the draft, this would reuse more than what was written.
        let next = bench.run(&format!("{prompt}ab123456"), "", "", params(true));
        assert!(next.output.usage.reused_tokens <= prompt.len() + "ab1".len());
    }
}

#[test]
fn a_cancel_in_the_middle_of_a_draft_leaves_a_good_cache() {
    let (bench, _) = scripted(writes("one two three four five six"), 512);
    let prompt = "one two three four five six seven >";
    let cancel = CancelToken::new();
    let (seen, at) = (Arc::new(Mutex::new(String::new())), cancel.clone());
    let shown = Arc::clone(&seen);
    let watch = move |piece: &str| {
        let mut seen = seen.lock().unwrap();
        seen.push_str(piece);
        if seen.len() == 8 {
            at.cancel();
        }
        ControlFlow::Continue(())
    };
    let answer = bench.answer(prompt, "", Box::new(watch), params(true), cancel);
    assert_eq!(answer, Err(JobError::Cancelled));
    let shown = shown.lock().unwrap().clone();
    assert!("one two three four five six".starts_with(&shown), "{shown:?}");
    let next = bench.run(&format!("{prompt}{shown}"), "", "", params(true));
    assert_eq!(shown + &next.output.text, "one two three four five six");
}

#[test]
fn nothing_is_drafted_while_the_output_is_held_to_what_was_typed() {
    let (bench, passes) = scripted(writes("abcabcabcabcabc"), 512);
    let told = bench.run("abcabcabcabc>", "abcabc", "", params(true));
    assert_eq!(told.output.text, "abcabcabc");
    let passes = passes.lock().unwrap();
    assert_eq!(&passes[1..6], [1; 5], "the first five of six held tokens");
    assert!(passes[6] > 1, "the last of them is computed with a draft of what comes after it");
}

#[test]
fn nothing_is_drafted_where_tokens_are_drawn() {
    let (bench, _) = scripted(writes("abcabcabcabcabc"), 512);
    let drawn = GenerationParams { temperature: 0.1, ..params(true) };
    assert_eq!(bench.run("abcabcabcabc>", "", "", drawn).output.text, "abcabcabcabcabc");
    assert_eq!(counters(&bench).drafted_tokens, 0);
}

#[test]
fn where_guesses_are_always_wrong_few_are_made() {
    // No three tokens ever stand in the same order twice, so what followed two of them never follows them again.
    let script = |held: &[TokenId]| {
        let last = &held[held.len() - 2..];
        let stood = |next| held.windows(3).any(|three| three[..2] == *last && three[2] == next);
        let new = (0..12).rev().map(|letter| TokenId::from(b'a') + letter).find(|&next| !stood(next));
        vec![(new.unwrap_or(END), 1.0)]
    };
    let (bench, _) = scripted(Box::new(script), 1024);
    let long = GenerationParams { max_tokens: 300, ..params(true) };
    bench.run("aa", "", "", long.clone());
    let first = counters(&bench).drafted_tokens;
    bench.forget();
    let told = bench.run("aa", "", "", long);
    let second = counters(&bench).drafted_tokens - first;
    assert_eq!((told.output.usage.decoded_tokens, counters(&bench).accepted_tokens), (300, 0));
    assert!(first > 0 && second <= 30, "{first}, then {second}");
}

#[test]
fn what_an_earlier_run_wrote_at_the_place_is_its_draft() {
    // Nothing in it comes twice, so it could not be drafted from itself.
    let text: Vec<TokenId> = (0..60u32).map(|n| TokenId::from(b'!') + n * 37 % 89).collect();
    let script = move |held: &[TokenId]| vec![(text.get(held.len() - 2).copied().unwrap_or(END), 1.0)];
    let (bench, _) = scripted(Box::new(script), 1024);
    let first = bench.run("(=", "", "", params(true));
    assert_eq!(counters(&bench).accepted_tokens, 0);
    let again = bench.run("(=", "", "", params(true));
    assert_eq!(again.output.text, first.output.text);
    // How many depends on what drafts seem to cost on this machine.
    assert!(counters(&bench).accepted_tokens > 0);
}

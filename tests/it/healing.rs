//! Token healing: the output begins with the given characters, whatever tokens the model likes to write them in.

use std::sync::Arc;

use infill_ls::engine::{FinishReason, GenerationParams};
use infill_ls::model::{Compute, LoadOptions, TokenId, load};

use crate::scripted::{Bench, Scripted, Told};
use crate::tiny_model::{self, FIRST_WORD};

/// Tokens of more than one byte that the scripted model can write, in this order from [`FIRST_WORD`] on. The last two
/// are a space with the first byte of `\u{e9}`, and that byte's other half with a line end.
const WORDS: [&[u8]; 9] = [b"pr", b"print", b"println", b"in", b"int", b"ln", b"(x)", b" \xc3", b"\xa9\n"];

/// The end of the text, as one of a model's wishes.
const END: &[u8] = b"";

/// The number of a token of [`WORDS`] or of one byte.
fn token(bytes: &[u8]) -> TokenId {
    let word = WORDS.iter().position(|word| *word == bytes);
    word.map_or_else(|| TokenId::from(bytes[0]), |index| FIRST_WORD + index as u32)
}

/// Runs a model that likes the tokens of `wishes[n]`, best first, as the n-th of its output, and ends after the last.
fn run(wishes: &'static [&'static [&'static [u8]]], begins_with: &str, params: GenerationParams) -> Told {
    let tokenizer = tiny_model::tokenizer_with(&WORDS);
    let end = tokenizer.special("<|endoftext|>").unwrap();
    let script = move |held: &[TokenId]| {
        let wished = wishes.get(held.len() - "x = ".len()).copied().unwrap_or(&[END]);
        let number = |bytes: &[u8]| if bytes == END { end } else { token(bytes) };
        (0..).zip(wished).map(|(rank, bytes)| (number(bytes), 5.0 - rank as f32)).collect()
    };
    let vocabulary = tokenizer.vocabulary();
    let model = Scripted { script: Box::new(script), vocabulary, passes: Arc::default() };
    Bench::new(Box::new(model), tokenizer, 64).run("x = ", begins_with, "", params)
}

fn greedy() -> GenerationParams {
    GenerationParams::default()
}

#[test]
fn the_likeliest_token_that_agrees_is_taken_even_if_it_goes_on_behind_what_was_typed() {
    let told = run(&[&[END, b"int", b"println", b"pr", b"p"], &[b"(x)"]], "pri", greedy());
    assert_eq!(told.pieces, ["ntln", "(x)"]);
    assert_eq!((told.output.text.as_str(), told.output.finish), ("ntln(x)", FinishReason::EndOfText));
}

#[test]
fn what_was_typed_can_be_written_in_several_tokens() {
    let told = run(&[&[b"pr", b"println"], &[b"ln", b"int"], &[b"ln"]], "prin", greedy());
    assert_eq!(told.output.text, "tln");
    let told = run(&[&[b"print", b"println"], &[b"(x)", b"ln"]], "println", greedy());
    assert_eq!((told.output.text.as_str(), told.output.finish), ("", FinishReason::EndOfText));
    assert_eq!((told.output.usage.decoded_tokens, told.pieces.len()), (2, 0));
}

#[test]
fn where_nothing_that_the_model_wants_agrees_it_is_written_byte_by_byte() {
    let told = run(&[&[b"(x)"], &[b"(x)"], &[b"(x)", b"\xa9"], &[b"(x)"]], "z\u{e9}", greedy());
    assert_eq!(told.output.text, "(x)");
    assert_eq!(told.output.usage.decoded_tokens, 4);
}

#[test]
fn a_character_that_two_tokens_share_is_shown_whole() {
    let told = run(&[&[b" \xc3"], &[b"\xa9\n"], &[b"(x)"]], " ", greedy());
    assert_eq!(told.pieces, ["\u{e9}\n", "(x)"]);
    let told = run(&[&[b" \xc3"], &[b"(x)", b"\xa9\n"]], " \u{e9}", greedy());
    assert_eq!(told.output.text, "\n");
}

#[test]
fn the_token_bound_counts_what_is_new() {
    let one = GenerationParams { max_tokens: 1, ..greedy() };
    let told = run(&[&[b"pr"], &[b"int"], &[b"ln"], &[b"(x)"]], "print", one);
    assert_eq!((told.output.text.as_str(), told.output.finish), ("ln", FinishReason::Length));
}

#[test]
fn drawn_tokens_agree_too() {
    let drawn = |seed| {
        let params =
            GenerationParams { temperature: 1.0, top_k: Some(9), top_p: Some(0.95), seed, ..greedy() };
        run(&[&[b"(x)", b"pr", b"println"], &[END, b"(x)", b"int"]], "print", params)
    };
    let texts: std::collections::BTreeSet<_> = (0..40).map(|seed| drawn(seed).output.text).collect();
    // Either `pr` and `int`, or `println` and then what the model likes.
    assert!(texts.contains("") && texts.contains("ln"), "{texts:?}");
    assert!(texts.iter().all(|text| text.is_empty() || text.starts_with("ln")), "{texts:?}");
}

#[test]
fn the_real_decoder_writes_what_it_would_have_written_after_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = tiny_model::write_good(dir.path());
    let bench = || {
        let options = LoadOptions { context: 128, threads: 1, compute: Compute::Kernels };
        let loaded = load(&path, options).unwrap();
        Bench::new(Box::new(loaded.decoder), loaded.tokenizer, 128)
    };
    let bound = GenerationParams { max_tokens: 20, ..greedy() };
    let plain = bench().run("def parse(", "", "", bound.clone());
    let healed = bench().run("def ", "parse(", "", bound);
    assert!(!plain.output.text.is_empty());
    assert_eq!(healed.output.text, plain.output.text);
    assert_eq!(healed.output.usage.decoded_tokens, plain.output.usage.decoded_tokens + "parse(".len());
}

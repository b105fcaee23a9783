//! The decoder against candle's own Qwen2, against recorded llama.cpp output, and against itself; the tokenizer against
//! recorded Hugging Face tokens. How the records were made: tests/data/parity/record_*.py.

use std::fs::File;
use std::path::PathBuf;

use candle_core::quantized::gguf_file;
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_qwen2;
use infill_ls::model::{
    Compute, Detokenizer, Infill, KvCache, LanguageModel, LoadOptions, Loaded, Logits, Output, Sequence, load,
};
use serde::Deserialize;

const TEXT: &str = "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n    if n < 2:\n        return n\n    return ";

/// llama.cpp and we may choose differently only where its two best logits lie this close to each other.
const NEAR_TIE: f64 = 0.2;

pub fn model_path() -> PathBuf {
    match std::env::var_os("INFILL_LS_TEST_MODEL") {
        Some(path) => path.into(),
        None => panic!("set INFILL_LS_TEST_MODEL to the default model's file: $(infill-ls model path)"),
    }
}

fn loaded(compute: Compute, threads: usize) -> Loaded {
    load(&model_path(), LoadOptions { context: 2048, threads, compute }).unwrap()
}

fn run(model: &Loaded, cache: &mut KvCache, tokens: &[u32], output: Output) -> Option<Logits> {
    model.decoder.forward(&mut Sequence::new(cache), tokens, output, &|| false).unwrap()
}

fn last_row(model: &Loaded, cache: &mut KvCache, tokens: &[u32]) -> Vec<f32> {
    run(model, cache, tokens, Output::Last).unwrap().row(0).unwrap()
}

fn best(row: &[f32]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

/// What `candle_transformers` computes for the last position.
fn candle_transformers(tokens: &[u32]) -> Vec<f32> {
    let mut file = File::open(model_path()).unwrap();
    let content = gguf_file::Content::read(&mut file).unwrap();
    let mut reference = quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &Device::Cpu).unwrap();
    let input = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    reference.forward(&input, 0).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// In exact arithmetic the decoder is `candle_transformers`' to 0.05. With 8-bit activations, as candle's own quantised
/// product and the kernels have them, no two programs can be: a difference in the last bit of a sum now and then moves
/// an activation by a whole step. So the kernels are held to the same best token and to a mean difference.
#[test]
fn logits_are_those_of_candle_transformers() {
    let exact = std::env::var_os("CANDLE_DEQUANTIZE_ALL").is_some_and(|value| value == "1");
    assert!(exact, "set CANDLE_DEQUANTIZE_ALL=1, so that candle computes in f32");
    let model = loaded(Compute::Candle, 2);
    let tokens = model.tokenizer.encode(TEXT).unwrap();
    let reference = candle_transformers(&tokens);
    let same_ops = last_row(&model, &mut model.decoder.new_cache(256).unwrap(), &tokens);
    let largest = largest_difference(&same_ops, &reference);
    drop(model);
    let model = loaded(Compute::Kernels, 2);
    let kernels = last_row(&model, &mut model.decoder.new_cache(256).unwrap(), &tokens);
    let (far, mean) = (largest_difference(&kernels, &reference), mean_difference(&kernels, &reference));
    println!("with candle's ops: {largest} at most; with the kernels: {far} at most, {mean} in the mean");
    assert_eq!(best(&same_ops), best(&reference));
    assert_eq!(best(&kernels), best(&reference));
    assert!(largest <= 0.05, "largest difference {largest}");
    assert!(mean <= 0.1, "mean difference {mean}");
}

#[test]
fn chunks_truncation_forks_and_threads_change_not_one_bit() {
    let model = loaded(Compute::Kernels, 2);
    let tokens = model.tokenizer.encode(&TEXT.repeat(5)).unwrap();
    let mut cache = model.decoder.new_cache(512).unwrap();
    let whole = last_row(&model, &mut cache, &tokens);
    cache.truncate(50);
    run(&model, &mut cache, &tokens[50..61], Output::Nothing);
    cache.truncate(40);
    assert!(last_row(&model, &mut cache, &tokens[40..]) == whole, "truncating and extending");
    for chunk in [1, 7, 64] {
        let mut cache = model.decoder.new_cache(512).unwrap();
        let last = tokens.len() - 1;
        for part in tokens[..last].chunks(chunk) {
            run(&model, &mut cache, part, Output::Nothing);
        }
        assert!(last_row(&model, &mut cache, &tokens[last..]) == whole, "chunks of {chunk}");
    }
    let (base, mut tail) = (cache, model.decoder.new_cache(512).unwrap());
    let mut forked = Sequence::forked(&base, 33, &mut tail);
    let logits = model.decoder.forward(&mut forked, &tokens[33..], Output::Last, &|| false).unwrap().unwrap();
    assert!(logits.row(0).unwrap() == whole, "a fork");
    let one_thread = loaded(Compute::Kernels, 1);
    let again = last_row(&one_thread, &mut one_thread.decoder.new_cache(512).unwrap(), &tokens);
    assert!(again == whole, "one thread");
}

#[derive(Deserialize)]
struct Greedy {
    name: String,
    prompt_ids: Vec<u32>,
    tokens: Vec<u32>,
    gaps: Vec<f64>,
}

#[test]
fn greedy_tokens_are_those_of_llama_cpp() {
    let records = include_str!("../data/parity/greedy.json");
    let records: Vec<Greedy> = serde_json::from_str(records).unwrap();
    assert_eq!(records.len(), 10);
    let model = loaded(Compute::Kernels, 2);
    let mut agreed = 0;
    for Greedy { name, prompt_ids, tokens, gaps } in &records {
        let mut cache = model.decoder.new_cache(2048).unwrap();
        let mut row = last_row(&model, &mut cache, prompt_ids);
        for (&theirs, &gap) in tokens.iter().zip(gaps) {
            let ours = best(&row) as u32;
            assert!(
                ours == theirs || gap <= NEAR_TIE,
                "{name}: {ours} instead of {theirs}, whose lead was {gap}"
            );
            agreed += usize::from(ours == theirs);
            // On their path, so that one near tie does not end the comparison.
            row = last_row(&model, &mut cache, &[theirs]);
        }
    }
    let all: usize = records.iter().map(|record| record.tokens.len()).sum();
    println!("{agreed} of {all} greedy tokens are the same");
    assert!(agreed * 100 >= all * 97, "{agreed} of {all}");
}

/// Its prompts would lose what follows the cursor if the trial were wrong about it.
#[test]
fn the_trial_finds_that_it_fills_in() {
    let model = loaded(Compute::Kernels, 2);
    let infill = Infill::of(&model.decoder, &model.tokenizer, &model.markers, &|| false).unwrap();
    assert_eq!(infill, Infill::Tried);
}

#[derive(Deserialize)]
struct Tokens {
    name: String,
    text: String,
    ids: Vec<u32>,
}

#[test]
fn tokens_are_those_of_the_reference_tokenizers() {
    let records: Vec<Tokens> = serde_json::from_str(include_str!("../data/parity/tokens.json")).unwrap();
    assert!(records.len() >= 60);
    let tokenizer = loaded(Compute::Kernels, 1).tokenizer;
    for Tokens { name, text, ids } in records {
        let ours = tokenizer.encode(&text).unwrap();
        assert_eq!(ours, ids, "{name}: {text:?}");
        let mut detokenizer = Detokenizer::default();
        let mut decoded: String = ours.iter().map(|&id| detokenizer.push(tokenizer.bytes(id))).collect();
        decoded += &detokenizer.finish();
        assert_eq!(decoded, text, "{name}");
    }
}

//! The decoder against candle's own Qwen2, against recorded llama.cpp output, and against itself.

use std::fs::File;
use std::path::PathBuf;

use candle_core::quantized::gguf_file;
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_qwen2;
use infill_ls::model::{KvCache, LanguageModel, LoadOptions, Loaded, Logits, Output, load};

const TEXT: &str = "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n    if n < 2:\n        return n\n    return ";

fn model_path() -> PathBuf {
    match std::env::var_os("INFILL_LS_TEST_MODEL") {
        Some(path) => path.into(),
        None => panic!("set INFILL_LS_TEST_MODEL to the default model's file"),
    }
}

fn loaded() -> Loaded {
    load(&model_path(), LoadOptions { context: 2048, threads: 2 }).unwrap()
}

fn run(model: &Loaded, cache: &mut KvCache, tokens: &[u32], output: Output) -> Option<Logits> {
    model.decoder.forward(cache, tokens, output, &|| false).unwrap()
}

fn best(row: &[f32]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_are_those_of_candle_transformers() {
    let model = loaded();
    let tokens = model.tokenizer.encode(TEXT).unwrap();
    let mut cache = model.decoder.new_cache(256).unwrap();
    let ours = run(&model, &mut cache, &tokens, Output::Last).unwrap().row(0).unwrap();
    let mut file = File::open(model_path()).unwrap();
    let content = gguf_file::Content::read(&mut file).unwrap();
    let mut reference = quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &Device::Cpu).unwrap();
    let input = Tensor::new(&tokens[..], &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let theirs: Vec<f32> = reference.forward(&input, 0).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let largest = difference(&ours, &theirs);
    println!("largest difference of a logit: {largest}");
    assert_eq!(best(&ours), best(&theirs));
    assert!(largest <= 0.05, "largest difference {largest}");
}

#[test]
fn chunks_and_truncation_change_nothing() {
    let model = loaded();
    let tokens = model.tokenizer.encode(&TEXT.repeat(5)).unwrap();
    let fresh = |cut: usize| {
        let mut cache = model.decoder.new_cache(512).unwrap();
        run(&model, &mut cache, &tokens[..cut], Output::Nothing);
        (run(&model, &mut cache, &tokens[cut..], Output::Last).unwrap().row(0).unwrap(), cache)
    };
    let (whole, mut cache) = fresh(1);
    let (chunked, _) = fresh(77);
    assert_eq!(best(&whole), best(&chunked));
    assert!(difference(&whole, &chunked) < 1e-2, "{}", difference(&whole, &chunked));
    cache.truncate(50);
    run(&model, &mut cache, &tokens[50..60], Output::Nothing);
    cache.truncate(40);
    let again = run(&model, &mut cache, &tokens[40..], Output::Last).unwrap().row(0).unwrap();
    assert_eq!(best(&whole), best(&again));
    assert!(difference(&whole, &again) < 1e-2, "{}", difference(&whole, &again));
}

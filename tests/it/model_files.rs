//! Model files: a good one runs, and each bad one is refused with a message that says what to do.

use std::path::Path;

use candle_core::quantized::gguf_file::Value;
use infill_ls::model::{
    Compute, Infill, LanguageModel, LoadOptions, Loaded, ModelError, Output, Sequence, load,
};

use crate::tiny_model::{metadata, tensors, write, write_good};

const OPTIONS: LoadOptions = LoadOptions { context: 256, threads: 2, compute: Compute::Kernels };

fn good() -> (tempfile::TempDir, Loaded) {
    let dir = tempfile::tempdir().unwrap();
    let loaded = load(&write_good(dir.path()), OPTIONS).unwrap();
    (dir, loaded)
}

fn refusal(path: &Path) -> String {
    match load(path, OPTIONS) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check_refused(metadata: &[(String, Value)], expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    let message = refusal(&write(dir.path(), metadata, &tensors()));
    assert!(message.contains(expected), "{message}");
    assert!(message.contains("tiny.gguf"), "the file is not named: {message}");
}

fn with(key: &str, value: Value) -> Vec<(String, Value)> {
    let mut all = metadata();
    all.retain(|(name, _)| name != key);
    all.push((key.into(), value));
    all
}

#[test]
fn the_rows_do_not_depend_on_how_they_are_cut() {
    let (_dir, model) = good();
    let tokens = model.tokenizer.encode("fn main() {\n    println!(\"hello\");\n}\n").unwrap();
    let logits = |cuts: &[usize]| {
        let mut cache = model.decoder.new_cache(128).unwrap();
        let mut from = 0;
        for &to in cuts {
            let mut sequence = Sequence::new(&mut cache);
            model.decoder.forward(&mut sequence, &tokens[from..to], Output::Nothing, &|| false).unwrap();
            from = to;
        }
        let last =
            model.decoder.forward(&mut Sequence::new(&mut cache), &tokens[from..], Output::Last, &|| false);
        last.unwrap().unwrap().row(0).unwrap()
    };
    let whole = logits(&[]);
    assert!(whole.iter().any(|&x| x != whole[0]));
    for cuts in [&[1][..], &[5, 6, 20], &[17], &[3, 30]] {
        assert_eq!(logits(cuts), whole, "{cuts:?}");
    }
}

#[test]
fn kernels_and_candle_agree() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_good(dir.path());
    let row = |compute| {
        let model = load(&path, LoadOptions { compute, ..OPTIONS }).unwrap();
        let tokens = model.tokenizer.encode("let x = 1;").unwrap();
        let mut cache = model.decoder.new_cache(64).unwrap();
        let mut sequence = Sequence::new(&mut cache);
        model
            .decoder
            .forward(&mut sequence, &tokens, Output::Last, &|| false)
            .unwrap()
            .unwrap()
            .row(0)
            .unwrap()
    };
    let (kernels, candle) = (row(Compute::Kernels), row(Compute::Candle));
    let spread = candle.iter().fold(0f32, |most, x| most.max(x.abs()));
    for (a, b) in kernels.iter().zip(&candle) {
        assert!((a - b).abs() < 0.05 * spread, "{a} and {b}");
    }
}

#[test]
fn an_interrupted_pass_leaves_the_sequence_as_it_was() {
    let (_dir, model) = good();
    let tokens = model.tokenizer.encode("abcdefgh").unwrap();
    let mut cache = model.decoder.new_cache(64).unwrap();
    model.decoder.forward(&mut Sequence::new(&mut cache), &tokens[..3], Output::Nothing, &|| false).unwrap();
    let asked = std::cell::Cell::new(0);
    let second_layer = || {
        asked.set(asked.get() + 1);
        asked.get() == 2
    };
    let stopped =
        model.decoder.forward(&mut Sequence::new(&mut cache), &tokens[3..], Output::Last, &second_layer);
    assert!(stopped.is_err());
    assert_eq!(cache.tokens(), &tokens[..3]);
}

#[test]
fn special_tokens_in_the_text_stay_text() {
    let (_dir, model) = good();
    let marker = model.markers.fim.unwrap().prefix;
    let tokens = model.tokenizer.encode("a <|fim_prefix|> b").unwrap();
    assert!(!tokens.contains(&marker));
    assert_eq!(tokens.len(), "a <|fim_prefix|> b".len());
}

#[test]
fn a_text_file_is_no_model() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.gguf");
    std::fs::write(&path, "just some notes\n").unwrap();
    let message = refusal(&path);
    assert!(message.contains("is not a GGUF file (it begins with \"just some no\")"), "{message}");
    std::fs::write(&path, "").unwrap();
    assert!(refusal(&path).contains("empty"), "{}", refusal(&path));
    std::fs::remove_file(&path).unwrap();
    assert!(refusal(&path).contains("--model"), "{}", refusal(&path));
}

#[test]
fn every_truncation_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_good(dir.path());
    let bytes = std::fs::read(&path).unwrap();
    let cuts = (5..400).step_by(13).chain((400..bytes.len() - 1).step_by(9_973));
    for cut in cuts {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let message = refusal(&path);
        assert!(
            message.contains("broken or truncated") && message.contains("fetch it again"),
            "{cut}: {message}"
        );
    }
}

#[test]
fn absurd_numbers_in_the_header_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_good(dir.path());
    let bytes = std::fs::read(&path).unwrap();
    for at in [8, 16] {
        let mut absurd = bytes.clone();
        absurd[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        std::fs::write(&path, &absurd).unwrap();
        assert!(refusal(&path).contains("broken or truncated"), "{}", refusal(&path));
    }
    check_refused(&with("general.alignment", Value::U32(0)), "impossible numbers");
    check_refused(&with("qwen2.block_count", Value::U32(u32::MAX)), "number of layers");
    check_refused(&with("qwen2.embedding_length", Value::U64(1 << 60)), "width");
    check_refused(&with("qwen2.attention.head_count", Value::U32(0)), "");
    check_refused(&with("qwen2.attention.head_count_kv", Value::U32(3)), "do not fit each other");
    check_refused(&with("qwen2.feed_forward_length", Value::U32(128)), "ffn_gate");
}

#[test]
fn an_unknown_architecture_is_named_with_those_that_are_known() {
    check_refused(&with("general.architecture", Value::String("mamba".into())), "`mamba`");
    check_refused(&with("general.architecture", Value::String("mamba".into())), "supported: qwen2");
}

#[test]
fn a_model_without_infill_tokens_is_taken_and_says_that_it_has_none() {
    let mut all = metadata();
    for (key, value) in &mut all {
        if let ("tokenizer.ggml.tokens", Value::Array(tokens)) = (key.as_str(), value) {
            tokens[259] = Value::String("<|other|>".into());
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let model = load(&write(dir.path(), &all, &tensors()), OPTIONS).unwrap();
    assert_eq!(model.markers.fim, None);
    let infill = Infill::of(&model.decoder, &model.tokenizer, &model.markers, &|| false).unwrap();
    assert_eq!(infill, Infill::NoMarkers);
    assert!(!infill.uses_markers() && infill.explain().contains("plain continuation"));
}

#[test]
fn a_key_that_names_no_marker_is_not_believed() {
    let mut all = metadata();
    let number = |key: &str, id: u32| (format!("tokenizer.ggml.{key}_token_id"), Value::U32(id));
    all.extend([number("fim_pre", 65), number("fim_suf", 66), number("fim_mid", 67)]);
    let dir = tempfile::tempdir().unwrap();
    let model = load(&write(dir.path(), &all, &tensors()), OPTIONS).unwrap();
    assert_eq!(model.markers.fim.unwrap().prefix, model.tokenizer.special("<|fim_prefix|>").unwrap());
}

#[test]
fn missing_tensors_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut tensors = tensors();
    tensors.retain(|(name, _)| name != "blk.1.ffn_down.weight");
    let message = refusal(&write(dir.path(), &metadata(), &tensors));
    assert!(message.contains("lacks the tensor `blk.1.ffn_down.weight`"), "{message}");
    assert!(matches!(load(dir.path(), OPTIONS), Err(ModelError::Io { .. })));
}

#[test]
fn an_unknown_way_to_scale_positions_is_named_with_its_key() {
    let all = with("qwen2.rope.scaling.type", Value::String("spiral".into()));
    check_refused(&all, "`qwen2.rope.scaling.type` is `spiral`; supported: none, linear, yarn, longrope");
    check_refused(&all, "`infill-ls model list`");
    check_refused(&with("qwen2.rope.scaling.type", Value::String("longrope".into())), "rope_factors_short");
}

#[test]
fn a_context_of_yarn_is_the_stretched_one() {
    let mut all = with("qwen2.rope.scaling.type", Value::String("yarn".into()));
    all.push(("qwen2.rope.scaling.factor".into(), Value::F32(4.0)));
    all.push(("qwen2.rope.scaling.original_context_length".into(), Value::U32(512)));
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), &all, &tensors());
    let wide = LoadOptions { context: 1 << 20, ..OPTIONS };
    assert_eq!(load(&path, wide).unwrap().decoder.context(), 2048);
    assert_eq!(load(&write_good(dir.path()), wide).unwrap().decoder.context(), 512);
}

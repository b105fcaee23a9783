//! A GPT-2 in a folder as Hugging Face publishes it, against what transformers computes with it: a tiny random one, made by
//! `tests/data/gpt2/make.py`.

use std::path::{Path, PathBuf};

use infill_ls::model::{
    Compute, LanguageModel, LoadOptions, Loaded, Logits, ModelError, Output, Sampler, Sequence, load,
};
use serde_json::Value;

const OPTIONS: LoadOptions = LoadOptions { context: 4096, threads: 2, compute: Compute::Kernels };

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gpt2")
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let mut all: Value = serde_json::from_str(&text).unwrap();
    all["cases"].take().as_array().unwrap().clone()
}

fn tokens(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|token| token.as_u64().unwrap() as u32).collect()
}

fn forward(model: &Loaded, sequence: &mut Sequence<'_>, tokens: &[u32], output: Output) -> Logits {
    model.decoder.forward(sequence, tokens, output, &|| false).unwrap().unwrap()
}

#[test]
fn its_tokens_are_those_of_its_own_tokenizer() {
    let model = load(&folder(), OPTIONS).unwrap();
    for case in cases() {
        let text = case["text"].as_str().unwrap();
        assert_eq!(model.tokenizer.encode(text).unwrap(), tokens(&case["tokens"]), "{text}");
    }
    assert!(model.tokenizer.is_end(model.tokenizer.special("<|endoftext|>").unwrap()));
}

#[test]
fn its_logits_are_those_of_transformers() {
    let model = load(&folder(), OPTIONS).unwrap();
    let mut compared = 0;
    for case in cases() {
        let mut cache = model.decoder.new_cache(96).unwrap();
        let logits = forward(&model, &mut Sequence::new(&mut cache), &tokens(&case["tokens"]), Output::All);
        for (row, expected) in case["logits"].as_array().unwrap().iter().enumerate() {
            let ours = logits.row(row).unwrap();
            for (ours, theirs) in ours.iter().zip(expected.as_array().unwrap()) {
                let theirs = theirs.as_f64().unwrap();
                assert!((f64::from(*ours) - theirs).abs() < 1e-4, "{ours} and {theirs}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 300 * (20 + 16 + 15));
}

#[test]
fn it_writes_greedily_what_transformers_writes() {
    let model = load(&folder(), OPTIONS).unwrap();
    for case in cases() {
        let expected = tokens(&case["written"]);
        let mut cache = model.decoder.new_cache(96).unwrap();
        let mut sequence = Sequence::new(&mut cache);
        let mut sampler = Sampler::new(0, 0.0, None, None);
        let mut logits = forward(&model, &mut sequence, &tokens(&case["tokens"]), Output::Last);
        let mut written = Vec::new();
        while written.len() < expected.len() {
            let token = sampler.sample(&logits, 0).unwrap();
            written.push(token);
            logits = forward(&model, &mut sequence, &[token], Output::Last);
        }
        assert_eq!(written, expected);
        let bytes: Vec<u8> =
            written.iter().flat_map(|token| model.tokenizer.bytes(*token).to_vec()).collect();
        assert_eq!(String::from_utf8_lossy(&bytes), case["written_text"].as_str().unwrap());
    }
}

#[test]
fn its_context_is_bounded_by_the_positions_it_has_learned() {
    let model = load(&folder().join("model.safetensors"), OPTIONS).unwrap();
    assert_eq!(model.decoder.context(), 512);
    assert_eq!(model.name, "gpt2");
    assert_eq!(model.markers.fim, None);
}

/// Returns the error of a folder with one file changed.
fn broken(file: &str, change: impl FnOnce(String) -> Option<String>) -> ModelError {
    let dir = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(folder().join(name), dir.path().join(name)).unwrap();
    }
    let path = dir.path().join(file);
    let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
    match change(text) {
        Some(text) => std::fs::write(&path, text).unwrap(),
        None => std::fs::remove_file(&path).unwrap(),
    }
    load(dir.path(), OPTIONS).err().unwrap()
}

#[test]
fn what_is_wrong_with_a_folder_is_said() {
    let said = |error: ModelError| error.to_string();
    let missing = said(broken("config.json", |_| None));
    assert!(missing.contains("config.json"), "{missing}");
    let other = said(broken("config.json", |text| Some(text.replace("\"gpt2\"", "\"bert\""))));
    assert!(other.contains("`bert`") && other.contains("gpt2"), "{other}");
    let heads = said(broken("config.json", |text| Some(text.replace("\"n_head\": 3", "\"n_head\": 0"))));
    assert!(heads.contains("head"), "{heads}");
    let wide = said(broken("config.json", |text| Some(text.replace("\"n_embd\": 24", "\"n_embd\": 30"))));
    assert!(wide.contains("tensor"), "{wide}");
    let cut = said(broken("model.safetensors", |text| Some(text[..100].to_owned())));
    assert!(cut.contains("model.safetensors"), "{cut}");
    let words = said(broken("tokenizer.json", |text| Some(text.replace("\"ByteLevel\"", "\"Whitespace\""))));
    assert!(words.contains("ByteLevel"), "{words}");
}

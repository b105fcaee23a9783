//! Every architecture against what transformers computes: tiny random checkpoints in folders as Hugging Face publishes them,
//! made by `tests/data/tiny/make.py`. With candle's ops in 32 bits the logits are the same to a thousandth; with the kernels,
//! whose keys and values have 16 bits, the text is the same, and no bit depends on how the work is cut.

#![allow(clippy::print_stdout, reason = "the figures of the table in the README")]

use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use infill_ls::model::{
    Compute, LanguageModel, LoadOptions, Loaded, Logits, Output, Sampler, Sequence, load,
};
use serde_json::Value;

/// The folders below `tests/data/tiny`.
const CHECKPOINTS: [&str; 20] = [
    "llama",
    "llama3",
    "deepseek",
    "qwen2",
    "qwen3",
    "starcoder2",
    "gpt_bigcode",
    "gpt2",
    "granite",
    "phi3",
    "gemma",
    "gemma2",
    "gemma3",
    "stablelm",
    "smollm3",
    "glm4",
    "qwen2_yarn",
    "mistral_yarn",
    "phi4mini_long",
    "phi4mini_short",
];

/// Those whose positions are scaled, and the positions that their configuration says were there before.
const SCALED: [(&str, usize); 4] =
    [("llama3", 16), ("qwen2_yarn", 16), ("mistral_yarn", 16), ("phi4mini_long", 8)];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny").join(name)
}

fn loaded(path: &Path, compute: Compute) -> Loaded {
    load(path, LoadOptions { context: 256, threads: 2, compute }).unwrap()
}

/// What transformers has computed.
pub struct Case {
    pub text: String,
    pub tokens: Vec<u32>,
    pub logits: Vec<(usize, Vec<f64>)>,
    pub written: Vec<u32>,
}

fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|token| token.as_u64().unwrap() as u32).collect()
}

pub fn cases(name: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(folder(name).join("expected.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let case = |case: &Value| Case {
        text: case["text"].as_str().unwrap().to_owned(),
        tokens: numbers(&case["tokens"]),
        logits: case["logits"].as_object().unwrap().iter().map(row).collect(),
        written: numbers(&case["written"]),
    };
    all["cases"].as_array().unwrap().iter().map(case).collect()
}

fn row((place, logits): (&String, &Value)) -> (usize, Vec<f64>) {
    let logits = logits.as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap());
    (place.parse().unwrap(), logits.collect())
}

fn forward(model: &Loaded, sequence: &mut Sequence<'_>, tokens: &[u32], output: Output) -> Logits {
    model.decoder.forward(sequence, tokens, output, &|| false).unwrap().unwrap()
}

/// Returns the largest difference of a logit from what transformers has.
pub fn largest_difference(model: &Loaded, cases: &[Case]) -> f64 {
    let mut largest = 0f64;
    for case in cases {
        let mut cache = model.decoder.new_cache(96).unwrap();
        let logits = forward(model, &mut Sequence::new(&mut cache), &case.tokens, Output::All);
        for (place, expected) in &case.logits {
            let ours = logits.row(*place).unwrap();
            assert_eq!(ours.len(), expected.len());
            let differences = ours.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs());
            largest = differences.fold(largest, f64::max);
        }
    }
    largest
}

/// Returns what is written greedily, token by token.
pub fn written(model: &Loaded, tokens: &[u32], count: usize) -> Vec<u32> {
    let mut cache = model.decoder.new_cache(96).unwrap();
    let mut sequence = Sequence::new(&mut cache);
    let mut sampler = Sampler::new(0, 0.0, None, None);
    let mut logits = forward(model, &mut sequence, tokens, Output::Last);
    let mut written = Vec::new();
    while written.len() < count {
        let token = sampler.sample(&logits, 0).unwrap();
        written.push(token);
        logits = forward(model, &mut sequence, &[token], Output::Last);
    }
    written
}

#[test]
fn tokens_are_those_of_the_own_tokenizer() {
    for name in CHECKPOINTS {
        let tokenizer = loaded(&folder(name), Compute::Candle).tokenizer;
        for Case { text, tokens, .. } in cases(name) {
            let space = if tokenizer.puts_space_first() { " " } else { "" };
            let text = format!("{space}{text}");
            assert_eq!(tokenizer.encode(&text).unwrap(), tokens, "{name} {text:?}");
            let bytes: Vec<u8> = tokens.iter().flat_map(|&token| tokenizer.bytes(token).to_vec()).collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), text, "{name}");
            for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
                let stable = tokenizer.encode_stable(&text[..end]).unwrap();
                assert_eq!(stable.tokens, tokens[..stable.tokens.len()], "{name} {:?}", &text[..end]);
            }
        }
    }
}

#[test]
fn logits_are_those_of_transformers() {
    for name in CHECKPOINTS {
        let difference = largest_difference(&loaded(&folder(name), Compute::Candle), &cases(name));
        println!("{name}: the largest difference of a logit is {difference:.1e}");
        assert!(difference < 1e-3, "{name}: {difference}");
    }
}

/// Within the first positions a scaling that is wrong may go unseen.
#[test]
fn scaled_positions_are_compared_beyond_the_first_ones() {
    for (name, original) in SCALED {
        let config = std::fs::read_to_string(folder(name).join("config.json")).unwrap();
        assert!(config.contains(&format!("\"original_max_position_embeddings\": {original}")), "{config}");
        for case in cases(name) {
            assert!(case.logits.iter().any(|(place, _)| *place >= original), "{name}");
            assert!(case.tokens.len() + case.written.len() > 2 * original, "{name}");
        }
    }
}

#[test]
fn the_kernels_write_what_transformers_writes() {
    for name in CHECKPOINTS {
        for compute in [Compute::Candle, Compute::Kernels] {
            let model = loaded(&folder(name), compute);
            for case in cases(name) {
                let ours = written(&model, &case.tokens, case.written.len());
                assert_eq!(ours, case.written, "{name} {compute:?} {:?}", case.text);
            }
        }
        let difference = largest_difference(&loaded(&folder(name), Compute::Kernels), &cases(name));
        println!("{name}: with the kernels {difference:.1e}");
        assert!(difference < 0.05, "{name}: {difference}");
    }
}

#[test]
fn with_the_kernels_no_bit_depends_on_how_the_work_is_cut() {
    for name in CHECKPOINTS {
        check_cuts(&loaded(&folder(name), Compute::Kernels), name);
    }
}

/// With quantised weights, too: fused matrices are cut in their own quantisation.
#[test]
fn quantised_weights_go_through_the_kernels_of_the_default_model() {
    let dir = tempfile::tempdir().unwrap();
    for name in CHECKPOINTS {
        let path = quantised(&folder(name).join("model.gguf"), dir.path());
        let model = loaded(&path, Compute::Kernels);
        check_cuts(&model, name);
        let cases = cases(name);
        let last = |model: &Loaded| {
            let mut cache = model.decoder.new_cache(96).unwrap();
            let logits = forward(model, &mut Sequence::new(&mut cache), &cases[0].tokens, Output::Last);
            logits.row(0).unwrap()
        };
        let (ours, candle) = (last(&model), last(&loaded(&path, Compute::Candle)));
        let spread = candle.iter().fold(0f32, |most, x| most.max(x.abs()));
        for (a, b) in ours.iter().zip(&candle) {
            // Rounding to eight bits adds up over layers, of which two have four and six.
            assert!((a - b).abs() < 0.08 * spread, "{name}: {a} and {b} of {spread}");
        }
    }
}

/// Writes a copy of a GGUF file whose matrices have eight bits.
fn quantised(path: &Path, dir: &Path) -> PathBuf {
    let mut file = File::open(path).unwrap();
    let content = gguf_file::Content::read(&mut file).unwrap();
    let eight_bits = |name: &String| {
        let tensor = content.tensor(&mut File::open(path).unwrap(), name, &Device::Cpu).unwrap();
        let is_matrix = tensor.shape().dims().len() == 2 && !name.starts_with("position");
        let kind = if is_matrix { GgmlDType::Q8_0 } else { GgmlDType::F32 };
        QTensor::quantize(&tensor.dequantize(&Device::Cpu).unwrap(), kind).unwrap()
    };
    let tensors: Vec<_> = content.tensor_infos.keys().map(|name| (name.as_str(), eight_bits(name))).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let metadata: Vec<_> = content.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let copy = dir.join("model.gguf");
    gguf_file::write(&mut File::create(&copy).unwrap(), &metadata, &tensors).unwrap();
    copy
}

#[track_caller]
fn check_cuts(model: &Loaded, name: &str) {
    let tokens: Vec<u32> = cases(name).into_iter().flat_map(|case| case.tokens).collect();
    let mut cache = model.decoder.new_cache(200).unwrap();
    let whole = forward(model, &mut Sequence::new(&mut cache), &tokens, Output::All);
    let last = tokens.len() - 1;
    let expected = whole.row(last).unwrap();
    for chunk in [1, 5, 16] {
        let mut cache = model.decoder.new_cache(200).unwrap();
        for part in tokens[..last].chunks(chunk) {
            forward(model, &mut Sequence::new(&mut cache), part, Output::Last);
        }
        let row = forward(model, &mut Sequence::new(&mut cache), &tokens[last..], Output::Last);
        assert_eq!(row.row(0).unwrap(), expected, "{name}: chunks of {chunk}");
    }
    cache.truncate(23);
    let mut tail = model.decoder.new_cache(200).unwrap();
    let mut forked = Sequence::forked(&cache, 19, &mut tail);
    let row = forward(model, &mut forked, &tokens[19..], Output::Last);
    assert_eq!(row.row(0).unwrap(), expected, "{name}: a fork");
}

#[test]
fn an_interrupted_pass_leaves_the_sequence_as_it_was() {
    for name in CHECKPOINTS {
        let model = loaded(&folder(name), Compute::Kernels);
        let mut cache = model.decoder.new_cache(64).unwrap();
        forward(&model, &mut Sequence::new(&mut cache), &[5, 6, 7], Output::Last);
        let asked = std::cell::Cell::new(0);
        let second_layer = || asked.replace(asked.get() + 1) == 1;
        let stopped =
            model.decoder.forward(&mut Sequence::new(&mut cache), &[8, 9], Output::Last, &second_layer);
        assert!(stopped.is_err(), "{name}");
        assert_eq!(cache.tokens(), [5, 6, 7], "{name}");
    }
}

/// The same models as GGUF files, made by llama.cpp's own script out of the checkpoints: other names and, in some, another
/// order of rows.
#[test]
fn gguf_files_of_the_checkpoints_are_the_same_models() {
    for name in CHECKPOINTS {
        let path = folder(name).join("model.gguf");
        let model = loaded(&path, Compute::Candle);
        let difference = largest_difference(&model, &cases(name));
        println!("{name}: the largest difference of a logit is {difference:.1e}");
        assert!(difference < 1e-3, "{name}: {difference}");
        let checkpoint = loaded(&folder(name), Compute::Candle);
        assert_eq!(model.markers, checkpoint.markers, "{name}");
        for Case { text, tokens, .. } in cases(name) {
            let space = if model.tokenizer.puts_space_first() { " " } else { "" };
            assert_eq!(model.tokenizer.encode(&format!("{space}{text}")).unwrap(), tokens, "{name} {text:?}");
        }
        let model = loaded(&path, Compute::Kernels);
        for case in cases(name) {
            assert_eq!(written(&model, &case.tokens, case.written.len()), case.written, "{name}");
        }
    }
}

//! A whole model file of a few hundred kilobytes: every byte is a token, the weights are noise that is the same each time.

use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use infill_ls::model::{GgufFile, Tokenizer};

const HIDDEN: usize = 64;
const INNER: usize = 96;
const LAYERS: usize = 2;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
/// The first token that [`tokenizer_with`] adds.
pub const FIRST_WORD: u32 = 256 + SPECIAL.len() as u32;
const SPECIAL: [&str; 8] = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|repo_name|>",
    "<|file_sep|>",
];

/// The vocabulary: a letter for each byte, as byte-level vocabularies write them, then the special tokens.
fn tokens() -> Vec<String> {
    let mut tokens = letters();
    tokens.extend(SPECIAL.map(String::from));
    tokens
}

/// The letter of each byte.
fn letters() -> Vec<String> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 256;
    let mut letter = |byte: u8| match printable(byte) {
        true => char::from(byte).to_string(),
        false => {
            next += 1;
            char::from_u32(next - 1).unwrap().to_string()
        }
    };
    (0..=255).map(&mut letter).collect()
}

/// The tokenizer of the model, with some more tokens of several bytes each: the first has number [`FIRST_WORD`].
pub fn tokenizer_with(words: &[&[u8]]) -> Tokenizer {
    let letters = letters();
    let spelled =
        words.iter().map(|word| word.iter().map(|&byte| letters[usize::from(byte)].as_str()).collect());
    let mut metadata = metadata();
    for (key, value) in &mut metadata {
        match (key.as_str(), value) {
            ("tokenizer.ggml.tokens", Value::Array(tokens)) => {
                tokens.extend(spelled.clone().map(Value::String))
            }
            ("tokenizer.ggml.token_type", Value::Array(types)) => {
                types.extend(words.iter().map(|_| Value::I32(1)))
            }
            _ => {}
        }
    }
    let dir = tempfile::tempdir().unwrap();
    Tokenizer::from_gguf(&GgufFile::open(&write(dir.path(), &metadata, &[])).unwrap()).unwrap()
}

/// The metadata, which a test may change before the file is written.
pub fn metadata() -> Vec<(String, Value)> {
    let tokens = tokens();
    let types = (0..tokens.len()).map(|id| Value::I32(if id < 256 { 1 } else { 3 })).collect();
    let number = |key: &str, value: usize| (format!("qwen2.{key}"), Value::U32(value as u32));
    let text = |key: &str, value: &str| (key.to_owned(), Value::String(value.into()));
    vec![
        text("general.architecture", "qwen2"),
        text("general.name", "tiny"),
        number("block_count", LAYERS),
        number("context_length", 512),
        number("embedding_length", HIDDEN),
        number("feed_forward_length", INNER),
        number("attention.head_count", HEADS),
        number("attention.head_count_kv", KV_HEADS),
        ("qwen2.rope.freq_base".into(), Value::F32(10_000.0)),
        ("qwen2.attention.layer_norm_rms_epsilon".into(), Value::F32(1e-6)),
        text("tokenizer.ggml.model", "gpt2"),
        text("tokenizer.ggml.pre", "qwen2"),
        ("tokenizer.ggml.tokens".into(), Value::Array(tokens.into_iter().map(Value::String).collect())),
        ("tokenizer.ggml.token_type".into(), Value::Array(types)),
        ("tokenizer.ggml.merges".into(), Value::Array(Vec::new())),
    ]
}

/// The tensors, which a test may change before the file is written.
pub fn tensors() -> Vec<(String, QTensor)> {
    let vocabulary = tokens().len();
    let width = HIDDEN / HEADS;
    let mut all = vec![
        matrix("token_embd.weight", vocabulary, HIDDEN, GgmlDType::Q8_0),
        matrix("output.weight", vocabulary, HIDDEN, GgmlDType::Q8_0),
        ones("output_norm.weight"),
    ];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let kv = KV_HEADS * width;
        for (part, rows) in [("attn_q", HIDDEN), ("attn_k", kv), ("attn_v", kv)] {
            all.push(matrix(&name(&format!("{part}.weight")), rows, HIDDEN, GgmlDType::Q5_0));
            all.push(vector(&name(&format!("{part}.bias")), rows));
        }
        all.push(matrix(&name("attn_output.weight"), HIDDEN, HIDDEN, GgmlDType::Q8_0));
        all.push(matrix(&name("ffn_gate.weight"), INNER, HIDDEN, GgmlDType::Q5_0));
        all.push(matrix(&name("ffn_up.weight"), INNER, HIDDEN, GgmlDType::Q4_0));
        all.push(matrix(&name("ffn_down.weight"), HIDDEN, INNER, GgmlDType::Q8_0));
        all.push(ones(&name("attn_norm.weight")));
        all.push(ones(&name("ffn_norm.weight")));
    }
    all
}

/// Numbers between -0.5 and 0.5 that look like noise.
fn noise(seed: &str, count: usize) -> Vec<f32> {
    let mut state = seed
        .bytes()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(31));
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn matrix(name: &str, rows: usize, columns: usize, dtype: GgmlDType) -> (String, QTensor) {
    let values = Tensor::from_vec(noise(name, rows * columns), (rows, columns), &Device::Cpu).unwrap();
    (name.to_owned(), QTensor::quantize(&values, dtype).unwrap())
}

fn vector(name: &str, length: usize) -> (String, QTensor) {
    let values = Tensor::from_vec(noise(name, length), length, &Device::Cpu).unwrap();
    (name.to_owned(), QTensor::quantize(&values, GgmlDType::F32).unwrap())
}

fn ones(name: &str) -> (String, QTensor) {
    let values = Tensor::ones(HIDDEN, candle_core::DType::F32, &Device::Cpu).unwrap();
    (name.to_owned(), QTensor::quantize(&values, GgmlDType::F32).unwrap())
}

/// Returns a tensor of the same kind whose numbers are `factor` times those of `tensor`.
pub fn scaled(tensor: &QTensor, factor: f64) -> QTensor {
    let values = (tensor.dequantize(&Device::Cpu).unwrap() * factor).unwrap();
    QTensor::quantize(&values, tensor.dtype()).unwrap()
}

/// Writes a model file into `dir`.
pub fn write(dir: &Path, metadata: &[(String, Value)], tensors: &[(String, QTensor)]) -> PathBuf {
    let path = dir.join("tiny.gguf");
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut File::create(&path).unwrap(), &metadata, &tensors).unwrap();
    path
}

/// Writes the file as it should be.
pub fn write_good(dir: &Path) -> PathBuf {
    write(dir, &metadata(), &tensors())
}

#!/usr/bin/env python3
"""Makes tiny checkpoints with random weights, one for each architecture, as Hugging Face publishes them, and records what
transformers computes with each: logits of some positions of a few texts, and what `generate` writes greedily after them.

  pip install torch transformers tokenizers safetensors sentencepiece protobuf gguf
  ./make.py                              # all checkpoints
  ./make.py llama qwen3                  # some of them
  ./make.py --llama.cpp PATH [NAME ...]  # only their GGUF files, by the convert_hf_to_gguf.py of a source tree of llama.cpp
  ./make.py --llama.cpp PATH --server PATH [NAME ...]  # and what llama-server writes with them, compared

The tokenizers are learnt from this file (so that they are others when it has changed), in the kinds that the families have: byte-level BPE with the family's own way to
tell words apart, or a SentencePiece BPE with a fallback to bytes. The weights are larger than those of a model at the start
of its training, so that the logits differ enough for every step to have one answer: a seed whose two best logits come close
to each other anywhere is not taken.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import sentencepiece
import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["def add(a, b):\n    return", "x = 1234 + y['été 🎉']\n\n\n    # don't"]
STEPS = 24
LEAD = 0.05
VOCABULARY = 384
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"\p{N}| ?", r"\p{N}{1,3}| ?")
TEKKEN = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MARKERS = {
    "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|repo_name|>", "<|file_sep|>"],
    "starcoder": ["<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<reponame>", "<filename>"],
    "starcoder2": ["<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<repo_name>", "<file_sep>"],
    "deepseek": ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>"],
    "codellama": ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"],
    "gemma": ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_separator|>", "<start_of_turn>", "<end_of_turn>"],
    "phi": ["<|endoftext|>", "<|assistant|>", "<|end|>", "<|user|>", "<|system|>"],
    "phi4": ["<|endoftext|>", "<|assistant|>", "<|end|>", "<|user|>", "<|system|>"],
    "glm4": ["<|endoftext|>", "<|user|>", "<|code_prefix|>", "<|code_middle|>", "<|code_suffix|>"],
}
# Sizes that all have; head widths are multiples of 16, rows multiples of 32, as the kernels want them.
SMALL = dict(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, intermediate_size=64, max_position_embeddings=512)
HEADS = dict(num_attention_heads=4, num_key_value_heads=2, head_dim=16)
TWO = dict(num_attention_heads=2, num_key_value_heads=1)

CHECKPOINTS = {
    "llama": ("codellama", "LlamaConfig", dict(**SMALL, **HEADS, rms_norm_eps=1e-5, rope_theta=1e6), torch.bfloat16),
    "llama3": ("llama3", "LlamaConfig", dict(
        **SMALL, **HEADS, rms_norm_eps=1e-5, tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
        rope_scaling=dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16),
    ), torch.bfloat16),
    "deepseek": ("deepseek", "LlamaConfig", dict(
        **SMALL, **HEADS, rms_norm_eps=1e-6, rope_scaling=dict(rope_type="linear", rope_theta=100000.0, factor=4.0),
    ), torch.bfloat16),
    "qwen2": ("qwen", "Qwen2Config", dict(**SMALL, num_attention_heads=2, num_key_value_heads=1, rms_norm_eps=1e-6, tie_word_embeddings=True), torch.bfloat16),
    "qwen3": ("qwen", "Qwen3Config", dict(**SMALL, **HEADS, rms_norm_eps=1e-6, rope_theta=1e6), torch.bfloat16),
    "starcoder2": ("starcoder2", "Starcoder2Config", dict(**SMALL, **TWO, norm_epsilon=1e-5, use_bias=True, sliding_window=None), torch.float16),
    "gpt_bigcode": ("starcoder", "GPTBigCodeConfig", dict(
        vocab_size=VOCABULARY, n_positions=512, n_embd=32, n_layer=2, n_head=2, n_inner=128, multi_query=True,
    ), torch.float32),
    "gpt2": ("gpt2", "GPT2Config", dict(vocab_size=VOCABULARY, n_positions=256, n_ctx=256, n_embd=32, n_layer=2, n_head=2, n_inner=128), torch.bfloat16),
    "granite": ("starcoder", "GraniteConfig", dict(
        **SMALL, **TWO, rms_norm_eps=1e-5, embedding_multiplier=6.0, attention_multiplier=0.2, residual_multiplier=0.4,
        logits_scaling=2.0, tie_word_embeddings=True,
    ), torch.bfloat16),
    "phi3": ("phi", "Phi3Config", dict(**SMALL, **TWO, rms_norm_eps=1e-5, pad_token_id=0, sliding_window=12), torch.bfloat16),
    "gemma": ("gemma", "GemmaConfig", dict(**SMALL, **HEADS, hidden_activation="gelu_pytorch_tanh"), torch.bfloat16),
    "gemma2": ("gemma", "Gemma2Config", dict(
        **SMALL, **HEADS, sliding_window=8, query_pre_attn_scalar=16, attn_logit_softcapping=5.0, final_logit_softcapping=10.0,
    ), torch.bfloat16),
    "gemma3": ("gemma", "Gemma3TextConfig", dict(
        **{**SMALL, "num_hidden_layers": 6, "intermediate_size": 32}, **HEADS, sliding_window=8, query_pre_attn_scalar=16,
        rope_parameters=dict(
            full_attention=dict(rope_type="linear", rope_theta=1e6, factor=8.0),
            sliding_attention=dict(rope_type="default", rope_theta=10000.0),
        ),
    ), torch.bfloat16),
    "stablelm": ("gpt2", "StableLmConfig", dict(**SMALL, **TWO, use_qkv_bias=True, use_parallel_residual=False, partial_rotary_factor=0.25), torch.bfloat16),
    "smollm3": ("llama3", "SmolLM3Config", dict(**{**SMALL, "num_hidden_layers": 4}, **TWO, rope_theta=5e6, pad_token_id=0), torch.bfloat16),
    "glm4": ("glm4", "Glm4Config", dict(**SMALL, **HEADS, partial_rotary_factor=0.5, pad_token_id=0), torch.bfloat16),
    # With scaled positions, beyond those of the first training, which the texts and what is written are longer than.
    "qwen2_yarn": ("qwen", "Qwen2Config", dict(
        **SMALL, num_attention_heads=2, num_key_value_heads=1, rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
    ), torch.bfloat16),
    "mistral_yarn": ("tekken", "MistralConfig", dict(
        **SMALL, **HEADS, sliding_window=None, rope_scaling=dict(
            rope_type="yarn", rope_theta=1e4, factor=8.0, original_max_position_embeddings=16, beta_fast=4.0, beta_slow=0.5,
        ),
    ), torch.bfloat16),
    "phi4mini_long": ("phi4", "Phi3Config", dict(
        **SMALL, **TWO, pad_token_id=0, partial_rotary_factor=0.75, original_max_position_embeddings=8,
        rope_scaling=dict(rope_type="longrope", short_factor=[1.0, 1.5, 2.0, 2.5, 3.0, 3.5], long_factor=[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
    ), torch.bfloat16),
    # The same within them.
    "phi4mini_short": ("phi4", "Phi3Config", dict(
        **SMALL, **TWO, pad_token_id=0, partial_rotary_factor=0.75, original_max_position_embeddings=256,
        rope_scaling=dict(rope_type="longrope", short_factor=[1.0, 1.5, 2.0, 2.5, 3.0, 3.5], long_factor=[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
    ), torch.bfloat16),
}
SHARDED = {"qwen3": "60KB"}
# What llama.cpp has to be told, because it reads no such key for this architecture.
TOLD = {"mistral_yarn": ["--yarn-beta-fast", "4", "--yarn-beta-slow", "0.5"]}
# What llama.cpp calls the ways to tell words apart. It knows a tokenizer by a hash, and does not know these.
PRE = {"gpt2": "gpt-2", "qwen": "qwen2", "llama3": "llama-bpe", "starcoder": "starcoder", "starcoder2": "starcoder", "deepseek": "deepseek-coder", "tekken": "tekken", "phi4": "gpt-4o", "glm4": "glm4"}
CONVERT = """
import runpy, sys
tree, pre, sys.argv = sys.argv[1], sys.argv[2], sys.argv[3:]
sys.path[1:1] = [tree, tree + "/gguf-py"]
import conversion.base
conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: pre
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def byte_level(splits, markers):
    tokenizer = Tokenizer(models.BPE(ignore_merges=splits in ([LLAMA3], [TEKKEN])))
    parts = []
    for split in splits:
        if split == "digits":
            parts.append(pre_tokenizers.Digits(individual_digits=True))
        else:
            parts.append(pre_tokenizers.Split(Regex(split), "isolated"))
    words = splits in ([], ["digits"])
    parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, min_frequency=2, special_tokens=markers, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )
    tokenizer.train([os.path.abspath(__file__)], trainer)
    return tokenizer


def pieces(folder, markers, gemma):
    """A SentencePiece model, and the same for `tokenizers`, as transformers converts it."""
    model = os.path.join(folder, "tokenizer")
    runs = ["\n\n", "\n\n\n", "▁▁", "▁▁▁", "▁▁▁▁", "<table>"] if gemma else []
    sentencepiece.SentencePieceTrainer.train(
        input=os.path.abspath(__file__), model_prefix=model, model_type="bpe", vocab_size=VOCABULARY, byte_fallback=True,
        control_symbols=markers, user_defined_symbols=runs, normalization_rule_name="identity", split_digits=True,
        add_dummy_prefix=not gemma, remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, minloglevel=2,
        **(dict(pad_id=0, eos_id=1, bos_id=2, unk_id=3) if gemma else dict(unk_id=0, bos_id=1, eos_id=2)),
    )
    os.remove(model + ".vocab")
    trained = sentencepiece.SentencePieceProcessor(model_file=model + ".model")
    names = [trained.id_to_piece(id) for id in range(trained.get_piece_size())]
    vocabulary = {name: id for id, name in enumerate(names)}
    # The merges of a piece are all pairs that make it, in the order of the pieces: what transformers' converter does.
    merges = []
    for id, name in enumerate(names):
        if trained.is_control(id) or trained.is_byte(id) or trained.is_unknown(id) or name in runs:
            continue
        pairs = [(name[:at], name[at:]) for at in range(1, len(name)) if name[:at] in vocabulary and name[at:] in vocabulary]
        merges += sorted(pairs, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
    unknown = names[trained.unk_id()]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token=unknown, fuse_unk=True, byte_fallback=True))
    replace = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = replace if gemma else normalizers.Sequence([normalizers.Prepend("▁"), replace])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([name for id, name in enumerate(names) if trained.is_control(id)])
    tokenizer.add_tokens(runs)
    return tokenizer


def tokenizer_of(family, folder):
    if family in ("codellama", "gemma", "phi"):
        return pieces(folder, MARKERS[family], family == "gemma")
    splits = {
        "qwen": [QWEN2],
        "llama3": [LLAMA3],
        "glm4": [LLAMA3],
        "tekken": [TEKKEN],
        "phi4": [GPT4O],
        "gpt2": [],
        "starcoder": ["digits"],
        "starcoder2": ["digits"],
        "deepseek": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", "digits"],
    }[family]
    return byte_level(splits, MARKERS.get(family, ["<|begin_of_text|>", "<|end_of_text|>"]))


def random_model(kind, numbers, seed, folder, dtype, shards):
    torch.manual_seed(seed)
    config = getattr(transformers, kind)(**numbers, initializer_range=0.3, bos_token_id=None, eos_token_id=None)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "bias" in name or "norm" in name or "ln_" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.to(dtype).save_pretrained(folder, **({"max_shard_size": shards} if shards else {}))
    generation = os.path.join(folder, "generation_config.json")
    if os.path.exists(generation):
        os.remove(generation)
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def record(model, tokenizer):
    """The cases, and the smallest distance between the two best logits of a step."""
    cases, lead = [], 1e9
    for text in TEXTS:
        tokens = tokenizer.encode(text, add_special_tokens=False).ids
        row, written = list(tokens), []
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0]
            for _ in range(STEPS):
                best = model(torch.tensor([row])).logits[0, -1].topk(2)
                lead = min(lead, (best.values[0] - best.values[1]).item())
                written.append(best.indices[0].item())
                row.append(written[-1])
        places = sorted({0, len(tokens) // 2, len(tokens) - 1})
        cases.append({
            "text": text,
            "tokens": tokens,
            "logits": {str(place): [round(value, 5) for value in logits[place].tolist()] for place in places},
            "written": written,
        })
    return cases, lead


def make(name):
    family, kind, numbers, dtype = CHECKPOINTS[name]
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    tokenizer = tokenizer_of(family, folder)
    tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    assert tokenizer.get_vocab_size() <= VOCABULARY, tokenizer.get_vocab_size()
    for seed in range(1000):
        model = random_model(kind, numbers, seed, folder, dtype, SHARDED.get(name))
        cases, lead = record(model, tokenizer)
        if lead > LEAD:
            break
    else:
        sys.exit(f"{name}: no seed has one answer for every step")
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump({"cases": cases}, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    sizes = {entry: os.path.getsize(os.path.join(folder, entry)) for entry in sorted(os.listdir(folder))}
    print(name, "seed", seed, "lead", round(lead, 3), sizes)


def convert(name, tree, target, outtype):
    family = CHECKPOINTS[name][0]
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.join(scratch, name)
        shutil.copytree(os.path.join(HERE, name), folder)
        # The script knows by it that this vocabulary of a Phi-3 is not SentencePiece's.
        described = {"tokenizer_class": "GPT2Tokenizer" if family == "phi4" else "PreTrainedTokenizerFast"}
        if family in ("codellama", "gemma", "phi"):
            with open(os.path.join(folder, "tokenizer.json")) as file:
                added = json.load(file)["added_tokens"]
            described["added_tokens_decoder"] = {str(token["id"]): token for token in added}
        with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
            json.dump(described, file)
        script = os.path.join(tree, "convert_hf_to_gguf.py")
        command = [sys.executable, "-c", CONVERT, tree, PRE.get(family, "none"), script, folder, "--outtype", outtype, "--outfile", target]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr}")


def ask(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def compare(name, tree, server):
    """Has llama-server write with the weights in 32 bits, and counts the steps that are transformers' before the first other one."""
    with open(os.path.join(HERE, name, "expected.json")) as file:
        cases = json.load(file)["cases"]
    with tempfile.TemporaryDirectory() as scratch:
        model, port = os.path.join(scratch, "model.gguf"), 8719
        convert(name, tree, model, "f32")
        command = [server, "-m", model, "--port", str(port), "-c", "256", "-np", "1", "-t", "2", "-ctk", "f32", "-ctv", "f32", "--no-warmup", *TOLD.get(name, [])]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    ask(port, "/health")
                    break
                except OSError:
                    time.sleep(0.1)
            for case in cases:
                tokens = ask(port, "/tokenize", {"content": case["text"]})["tokens"]
                written, lead = list(case["tokens"]), 0
                for expected in case["written"]:
                    body = {"prompt": written, "n_predict": 1, "temperature": 0, "n_probs": 1, "return_tokens": True, "ignore_eos": False}
                    answer = ask(port, "/completion", body)
                    probabilities = answer.get("completion_probabilities") or [{}]
                    if probabilities[0].get("id", (answer.get("tokens") or [None])[0]) != expected:
                        break
                    lead += 1
                    written.append(expected)
                print(name, "llama.cpp:", lead, "of", len(case["written"]), "steps, tokens", "the same" if tokens == case["tokens"] else tokens)
        finally:
            process.terminate()
            process.wait()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("names", nargs="*", metavar="NAME", default=list(CHECKPOINTS))
    arguments.add_argument("--llama.cpp", dest="llama", metavar="PATH")
    arguments.add_argument("--server", metavar="PATH")
    arguments = arguments.parse_args()
    for name in arguments.names:
        if arguments.llama is None:
            make(name)
            continue
        outtype = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}[CHECKPOINTS[name][3]]
        convert(name, arguments.llama, os.path.join(HERE, name, "model.gguf"), outtype)
        if arguments.server is not None:
            compare(name, arguments.llama, arguments.server)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes a tiny GPT-2 checkpoint with random weights, as Hugging Face publishes them, and records what transformers computes
with it: the logits of each position of a few texts, and what `generate` writes greedily after them.

  pip install torch transformers tokenizers safetensors
  ./make.py

The tokenizer is a byte-level BPE with a few merges, learnt from this file. The weights are larger than GPT-2's own at the
start of its training, so that the logits differ enough for every step to have one answer.
"""
import json
import os

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Config, GPT2LMHeadModel

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["def add(a, b):\n    return", "Write a Python function", "été 🎉 x = 1"]
STEPS = 24


def main():
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train([os.path.abspath(__file__)], vocab_size=300, min_frequency=2, special_tokens=["<|endoftext|>"])
    tokenizer.save(os.path.join(HERE, "tokenizer.json"))
    end = tokenizer.token_to_id("<|endoftext|>")
    torch.manual_seed(7)
    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size(), n_positions=512, n_embd=24, n_layer=2, n_head=3,
        bos_token_id=end, eos_token_id=end, initializer_range=0.35,
    )
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "bias" in name or "ln_" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(HERE, safe_serialization=True)
    os.remove(os.path.join(HERE, "generation_config.json"))
    cases = []
    for text in TEXTS:
        tokens = tokenizer.encode(text).ids
        inputs = torch.tensor([tokens])
        with torch.no_grad():
            logits = model(inputs).logits[0]
            written = model.generate(inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=STEPS, do_sample=False, pad_token_id=end)
        written = written[0, len(tokens):].tolist()
        cases.append({
            "text": text,
            "tokens": tokens,
            "logits": [[round(value, 6) for value in row] for row in logits.tolist()],
            "written": written,
            "written_text": tokenizer.decode(written),
        })
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        json.dump({"cases": cases}, file, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()

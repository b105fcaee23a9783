#!/usr/bin/env python3
"""Records greedy.json: what llama.cpp generates greedily for ten prompts, for the decoder's parity test.

Six prompts are infill prompts in the model's markers, two are chats in the model's form, two are plain text.
The prompt goes to /completion as token ids, so that nothing depends on anybody's tokenizer. One slot, no
reuse of the cache, 48 tokens or up to the end token, which is then the last of `tokens` (so fewer than 48
are recorded only where the model ended; `text` is without it). `gaps` holds for each step by how much the best
token's logit beats the second's: the difference of their log-probabilities over the whole vocabulary. Another
implementation may differ only where that is small, and from there on no further comparison makes sense.

  llama-server -m model.gguf --port 8013 -c 4096 -np 1 -t 2 -tb 2 -fa off -ctk f32 -ctv f32
  ./record_greedy.py --server http://127.0.0.1:8013 --version "llama.cpp b11434, CPU with AVX-512, attention and cache in 32 bits"

Attention and its cache are in 32 bits there, so that the reference carries as little rounding of its own as it can
(with -fa on, a 32-bit cache is still read in 16 bits). The products with the weights round the activations to 8 bits all the same.
`--compare FILE` writes nothing and tells where another server (another build, a 16-bit cache) goes another way.
"""
import argparse
import json
import os
import urllib.request

STEPS = 48
SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
HOLE = "▌"

INFILL = {
    "python": '''"""Reads a ledger written as comma-separated lines and reports what was spent on what."""
from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Iterable, Iterator


class LedgerError(ValueError):
    """A line of the ledger that cannot be read."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Entry:
    """One movement of money; `amount` is negative when it was spent."""

    day: dt.date
    account: str
    amount: Decimal
    note: str = ""

    @property
    def spent(self) -> bool:
        return self.amount < 0


@dataclass
class Ledger:
    """All entries of one or more files, in the order of their days."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.entries.sort(key=lambda e: e.day)

    def between(self, first: dt.date, last: dt.date) -> Iterator[Entry]:
        """The entries from `first` to `last`, both included."""
        for entry in self.entries:
            if first <= entry.day <= last:
                yield entry

    def totals_by_account(self) -> dict[str, Decimal]:
        """The sum of the amounts of each account."""
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for entry in self.entries:
            ▌

    def balance(self) -> Decimal:
        """The sum of all amounts."""
        return sum((entry.amount for entry in self.entries), Decimal(0))


def read_entries(path: Path) -> Iterable[Entry]:
    """Reads the entries of a file with the columns day, account, amount and note."""
    with path.open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.reader(lines), start=1):
            if not row or row[0].startswith("#"):
                continue
            try:
                day = dt.date.fromisoformat(row[0])
                amount = Decimal(row[2])
            except (IndexError, ValueError, InvalidOperation) as error:
                raise LedgerError(path, number, str(error)) from error
            yield Entry(day, row[1], amount, row[3] if len(row) > 3 else "")
''',
    "rust": '''use std::collections::HashMap;

/// Counts the words of a text, without regard to case.
pub fn word_counts(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    ▌
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_words() {
        let counts = word_counts("The cat and the dog");
        assert_eq!(counts["the"], 2);
    }
}
''',
    "typescript": '''export interface Point {
  x: number;
  y: number;
}

/** The distance between two points. */
export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** The length of the way through all the points, in their order. */
export function pathLength(points: Point[]): number {
  let total = 0;
  ▌
}

/** The point in the middle between two points. */
export function middle(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
''',
    "go": '''package stack

import "errors"

// ErrEmpty is returned when there is nothing to take from a stack.
var ErrEmpty = errors.New("stack: empty")

// Stack is a last-in, first-out list of integers.
type Stack struct {
\titems []int
}

// Push puts a value on top of the stack.
func (s *Stack) Push(v int) {
\ts.items = append(s.items, v)
}

// Pop takes the value on top of the stack away and returns it.
func (s *Stack) Pop() (int, error) {
\t▌
}

// Len returns the number of values on the stack.
func (s *Stack) Len() int {
\treturn len(s.items)
}
''',
    "java": '''package org.example.text;

import java.util.ArrayList;
import java.util.List;

/** Cuts a text into lines that are not longer than a given width. */
public final class Wrapper {
    private final int width;

    public Wrapper(int width) {
        if (width < 1) {
            throw new IllegalArgumentException("width must be positive: " + width);
        }
        this.width = width;
    }

    /** Returns the lines of the text; a word longer than the width stands on a line of its own. */
    public List<String> wrap(String text) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.split("\\\\s+")) {
            if (line.length() > 0 && ▌
        }
        if (line.length() > 0) {
            lines.add(line.toString());
        }
        return lines;
    }
}
''',
    "c": '''#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A growing buffer of bytes. */
struct buffer {
    char *data;
    size_t length;
    size_t capacity;
};

/* Appends bytes to the buffer. Returns 0, or -1 when there is no memory. */
int buffer_append(struct buffer *b, const char *bytes, size_t count)
{
    ▌
    memcpy(b->data + b->length, bytes, count);
    b->length += count;
    return 0;
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    b->data = NULL;
    b->length = b->capacity = 0;
}
''',
}

CHAT = {
    "chat-code": "Write a Rust function `fn gcd(a: u64, b: u64) -> u64`. Answer with the code only.",
    "chat-question": "What is the difference between a list and a tuple in Python? Answer in two sentences.",
}

PLAIN = {
    "plain-prose": "The seven days of the week are Monday, Tuesday,",
    "plain-code": '''import unittest


def fibonacci(n):
    """Return the first n Fibonacci numbers."""
''',
}


def ask(server, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server + path, data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def chat_form(user):
    return (f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
            "<|im_start|>assistant\n")


def prompts(server):
    """-> (name, prompt text with the markers written out)."""
    for language, file in INFILL.items():
        prefix, suffix = file.split(HOLE)
        yield f"infill-{language}", f"<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>"
    for name, user in CHAT.items():
        # The server renders the template that lies in the model file: ours must be the same.
        theirs = ask(server, "/apply-template", {"messages": [{"role": "user", "content": user}]})["prompt"]
        assert theirs == chat_form(user), theirs
        yield name, theirs
    yield from PLAIN.items()


def record(server, name, prompt):
    ids = ask(server, "/tokenize", {"content": prompt, "add_special": False, "parse_special": True})["tokens"]
    answer = ask(server, "/completion", {
        "prompt": ids, "n_predict": STEPS, "temperature": 0, "samplers": ["temperature"],
        "cache_prompt": False, "n_probs": 5, "return_tokens": True, "seed": 0, "stream": False,
    })
    assert answer["tokens_evaluated"] == len(ids) and not answer["truncated"], answer
    steps = answer["completion_probabilities"]
    tokens = [step["id"] for step in steps]
    gaps = []
    for step in steps:
        best, second = step["top_logprobs"][:2]
        assert best["id"] == step["id"], (name, step)
        gaps.append(round(best["logprob"] - second["logprob"], 4))
    assert tokens[:len(answer["tokens"])] == answer["tokens"], (tokens, answer["tokens"])
    ended = answer["stop_type"] == "eos"
    assert ended or len(tokens) == STEPS, answer
    return {"name": name, "prompt": prompt, "prompt_ids": ids, "tokens": tokens, "gaps": gaps,
            "text": answer["content"], "ended": ended}


def compare(name, here, there):
    for step, (a, b) in enumerate(zip(here["tokens"], there["tokens"])):
        if a != b:
            return f"{name}: {a} instead of {b} at step {step}, where the gap was {there['gaps'][step]}"
    worst = max(abs(a - b) for a, b in zip(here["gaps"], there["gaps"]))
    return f"{name}: the same {len(here['tokens'])} tokens; gaps differ by {worst:.4f} at most"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--server", required=True, help="address of the llama-server")
    options.add_argument("--version", help="what recorded it, kept in the file")
    options.add_argument("--compare", help="a recorded file to compare with, instead of writing one")
    options.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "greedy.json"))
    given = options.parse_args()

    records = [record(given.server, name, prompt) for name, prompt in prompts(given.server)]
    if given.compare:
        with open(given.compare, encoding="utf-8") as f:
            known = {r["name"]: r for r in json.load(f)}
        for r in records:
            print(compare(r["name"], r, known[r["name"]]))
        return
    build = given.version or ask(given.server, "/props")["build_info"]
    # ASCII only, one record a line, as in tokens.json.
    with open(given.out, "w", encoding="ascii", newline="\n") as f:
        f.write("[\n" + ",\n".join(json.dumps({**r, "recorded_by": build}) for r in records) + "\n]\n")
    for r in records:
        print(f"{r['name']}: {len(r['prompt_ids'])} + {len(r['tokens'])}, smallest gap {min(r['gaps'])}, ended {r['ended']}\n{r['text']}\n")


if __name__ == "__main__":
    main()

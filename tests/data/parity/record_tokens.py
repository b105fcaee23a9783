#!/usr/bin/env python3
"""Records tokens.json: the token ids of hard strings, for the tokenizer's parity test.

The ids are those of the Hugging Face tokenizer (transformers' Qwen2Tokenizer, the Python one) with
split_special_tokens=True, built from the vocabulary and the merges inside the GGUF file itself. Every
text is a user's text: `<|fim_prefix|>` or `<tool_call>` in it is spelled out, never the special token.
Hugging Face normalises to NFC first; llama.cpp does not, and neither do we. So where NFC changes a text
(`nfc_differs`), the ids are llama.cpp's. Not recorded here: what the model makes of them (record_greedy.py).

  pip install 'transformers>=4.57,<5' gguf      # 5 has no Python tokenizer any more; torch is not needed
  llama-server -m model.gguf --port 8013 -c 4096
  ./record_tokens.py --model model.gguf --server http://127.0.0.1:8013

Checked on the way, and an error if it fails: transformers' two implementations (Python and Rust) agree, with
the Rust one told to split every added token; llama.cpp agrees where NFC changes nothing and no user-defined
token is written in the text (it takes `<tool_call>` for the special token whatever one asks for); and
the ids give the text back to the byte.
"""
import argparse
import json
import os
import tempfile
import unicodedata
import urllib.request

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
CODER = "\U0001f469\U0001f3fd\u200d\U0001f4bb"
FLAGS = "\U0001f1e9\U0001f1ea\U0001f1ef\U0001f1f5\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

PYTHON = '''#!/usr/bin/env python3
"""Moving averages."""
from __future__ import annotations


class Window:
    """Keeps the last `size` values; it's not thread-safe."""

    def __init__(self, size: int = 16) -> None:
        self.values: list[float] = []
        self.size = size

    def push(self, value: float) -> float:
        self.values.append(value)
        if len(self.values) > self.size:
            del self.values[0]
        return sum(self.values) / len(self.values)  # O(n), fine


if __name__ == "__main__":
    w = Window(3)
    print([f"{w.push(x):.2f}" for x in (1, 2.5, 3e-7, 0xFF, 1_000_000)])
'''
RUST = '''//! A tiny arena.
use std::{collections::HashMap, sync::Arc};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'a> {
    Leaf(&'a str),
    Pair(Box<Node<'a>>, Box<Node<'a>>),
}

impl<'a> Node<'a> {
    pub fn depth(&self) -> usize {
        match self {
            Self::Leaf(_) => 1,
            Self::Pair(l, r) => 1 + l.depth().max(r.depth()),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: HashMap<u64, Arc<str>> = [(0x1F_u64, Arc::from("a\\tb\\u{1F600}"))].into();
    println!("{words:?} {}", r#"raw "string""#);
    Ok(())
}
'''
JAVASCRIPT = '''// @ts-check
import { readFile } from 'node:fs/promises';

const cache = new Map();

export async function load(path, { retries = 3, ...rest } = {}) {
\tif (cache.has(path)) return cache.get(path) ?? null;
\ttry {
\t\tconst text = await readFile(path, 'utf8');
\t\tcache.set(path, text.replace(/\\r\\n?/g, '\\n'));
\t\treturn `${path}: ${text.length}`;
\t} catch (e) {
\t\tif (retries > 0 && e?.code !== 'ENOENT') return load(path, { retries: retries - 1, ...rest });
\t\tthrow e;
\t}
}
'''

# (what it is, the text)
TEXTS = [
    ("empty", ""),
    ("one letter", "a"),
    ("one space", " "),
    ("one newline", "\n"),
    ("carriage return alone", "\r"),
    ("carriage returns between words", "one\rtwo\r\rthree\r"),
    ("crlf", "first\r\nsecond\r\n\r\n\tthird\r\n"),
    ("mixed line endings", "a\r\n\nb\n\rc\r\r\n  \r\n\nd"),
    ("tabs", "\tif x:\n\t\treturn\t# tab\ttab\n\t\t\t\t\t\n"),
    ("tabs and spaces", " \t  \t\t   x\t \t y \t"),
    ("trailing spaces", "let x = 1;   \nlet y = 2; \n    \n"),
    ("space before a word and at the end", "  two  three   four    "),
    ("runs of spaces, 1 to 200, before a word", "".join("x" + " " * n for n in range(1, 201)) + "x"),
    ("runs of spaces, 1 to 200, before a newline", "".join("x" + " " * n + "\n" for n in range(1, 201))),
    ("runs of spaces, 1 to 200, after a newline", "".join("\n" + " " * n + "x" for n in range(1, 201))),
    ("200 spaces", " " * 200),
    ("spaces and newlines", "\n \n  \n\n   \n\n\n    x  \n\n  y\n   "),
    ("100 newlines", "\n" * 100),
    ("other white space", "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u200bg\u00a0\u00a0 h\u3000\n\u3000i"),
    ("control white space", "a\x0bb\x0cc\x0c\x0c\nd"),
    ("emoji", "\U0001f600\U0001f680 \U0001f44d ok \u2764\ufe0f \u00a9"),
    ("emoji joined", f"# {FAMILY} and {CODER}\n"),
    ("flags", f"flags = '{FLAGS}'"),
    ("emoji unseen in training", "\U0001fae8\U0001fadf\U0001f6d8"),
    ("chinese", "// 计算两个整数的和，并返回结果。\nint 求和(int 甲, int 乙) { return 甲 + 乙; }"),
    ("japanese", "# 文字列を逆順にする関数です。カタカナ、ひらがな、ﾊﾝｶｸ\nprint('こんにちは世界')"),
    ("korean", "// 두 수를 더하는 함수\nlet 합계 = 가 + 나;"),
    ("rare han", "\u3400\U00020000\U0002a6d6\U00030000 \u9fa5"),
    ("mixed scripts", "Привет, мир! Γειά σου Κόσμε, שלום עולם, مرحبا بالعالم, नमस्ते दुनिया, สวัสดีชาวโลก"),
    ("scripts within a word", "varπαβγПеременная变量x१२३x٤٥٦"),
    ("accents, composed", "naïve café Ångström Zażółć gęślą jaźń Việt Nam ß ﬁ"),
    ("accents, decomposed", unicodedata.normalize("NFD", "naïve café Ångström Việt Nam")),
    ("e acute as two code points", "e\u0301"),
    ("decomposed in code", "re\u0301sume\u0301 = open('re\u0301sume\u0301.txt')  # e\u0301"),
    ("hangul as jamo", unicodedata.normalize("NFD", "합계 함수")),
    ("singletons that NFC replaces", "\u212b \u2126 \u212a \uf900 \u2000x"),
    ("marks out of order", "q\u0307\u0323 a\u0315\u0300\u05ae\u0062"),
    ("lone combining mark", "\u0301"),
    ("combining marks after punctuation", "(\u0301) \u20dd _\u0308 1\u0308 \n\u0300x"),
    ("many combining marks", "x" + "\u0336\u0332\u0313" * 12),
    ("numbers", "0 7 42 1234567890 3.14159 -1e-10 0xDEADBEEF 0b1010_1010 1_000_000 ½ ² Ⅷ ٣"),
    ("identifiers", "snake_case camelCase PascalCase SCREAMING_SNAKE __dunder__ $jquery _ x1y2 HTTPServer2XML kebab-case"),
    ("contractions", "it's we'll I'M YOU'RE they'Ve he'd don'T 's 'LL 'x '' 'tis o'clock l'ſ 'ſ"),
    ("contractions in strings", "x='s';y='ll'+'re'\nprint('dump','t','mean')"),
    ("punctuation", "!?,;:()[]{}<>/\\|@#$%^&*~`+-=\"'… — « » „ “ ¿ ¡ § → ⇒ ≠ ∑"),
    ("operators", "a->b::c<=>d>>>=e||f&&!g??h?.i...j**k//l/*m*/ n:=o|>p<-q=>r"),
    ("punctuation before newlines", "});\n\n});\r\n\r\n}\n}\n\n\n;\n"),
    ("json", '{"key": [1, 2.5, null, true], "nested": {"a\\u00e9": "\\n"}}'),
    ("html", "<!DOCTYPE html>\n<p class=\"x\">a &amp; b<br/></p>\n<!-- note -->"),
    ("python", PYTHON),
    ("rust", RUST),
    ("javascript", JAVASCRIPT),
    ("python, crlf", PYTHON.replace("\n", "\r\n")),
    ("infill markers", "s = '<|fim_prefix|>' + a + '<|fim_suffix|>' + b + '<|fim_middle|>'"),
    ("infill marker alone", "<|fim_prefix|>"),
    ("chat markers", "<|im_start|>system\nYou are<|im_end|>\n<|im_start|>assistant\n"),
    ("end of text", "a<|endoftext|>b <|endoftext|> <|endoftext|>"),
    ("tool calls", "<tool_call>\n{\"name\": \"f\"}\n</tool_call>"),
    ("file markers", "<|repo_name|>r<|file_sep|>a.py\n<|fim_pad|><|object_ref_start|>"),
    ("half markers", "<|fim_prefix <|im_start| |im_end|> <|fim_prefix|<|>"),
    ("placeholder of an unused id", "[PAD151665] [PAD151935]"),
    ("other models' markers", "</s> <s> <pad> [INST] <fim_prefix> <EOT>"),
    ("nul", "\x00"),
    ("nul in text", "a\x00b\x00\x00\nc\x00 d"),
    ("control characters", "\x01\x02\x07\x08\x1b[31mred\x1b[0m\x7f\x80\x9f"),
    ("byte order mark", "\ufeffimport os\n\ufeff"),
    ("replacement characters", "a\ufffdb\ufffd\ufffd \ufffd"),
    ("private and unassigned", "\ue000\uf8ff\U000f0000\U0010ffff\ufffe\uffff\u0378"),
    ("bidi controls", "access = '\u202e\u2066// admin\u2069 \u2066'"),
    ("letters of byte-level bpe", "ĠĊĉ Ġthe âĢĻ Ń"),
    ("very long word", "pneumonoultramicroscopicsilicovolcanoconiosis" * 8),
    ("very long run of one letter", "a" * 500),
    ("very long run of a sign", "=" * 120 + "\n#" + "-" * 79 + "\n"),
    ("base64", "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2NpbmcgZWxpdC4=" * 2),
    ("path and address", "C:\\Users\\me\\x.rs /usr/lib/x86_64-linux-gnu/libc.so.6 https://example.org/a?b=c&d=%20#e"),
]

USER_DEFINED = ("<tool_call>", "</tool_call>")
NORMAL, USER, CONTROL = 1, 4, 3


def read_gguf(path):
    """-> vocabulary {token: id}, merges, added tokens {token: id}."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    vocabulary = {t: i for i, t in enumerate(tokens) if types[i] == NORMAL}
    added = {t: i for i, t in enumerate(tokens) if types[i] in (USER, CONTROL)}
    assert len(vocabulary) == types.count(NORMAL) and list(vocabulary.values()) == list(range(len(vocabulary)))
    return vocabulary, merges, added


def hugging_face(vocabulary, merges, added):
    """-> transformers' Python and Rust tokenizers, every added token being special."""
    from transformers import AddedToken, Qwen2Tokenizer, Qwen2TokenizerFast
    from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode

    assert all(c in vocabulary for c in bytes_to_unicode().values()), "a byte is missing from the vocabulary"
    assert all(m.replace(" ", "") in vocabulary for m in merges), "a merge makes a token that is not there"
    with tempfile.TemporaryDirectory() as folder:
        vocab, merge = os.path.join(folder, "vocab.json"), os.path.join(folder, "merges.txt")
        with open(vocab, "w", encoding="utf-8") as f:
            json.dump(vocabulary, f, ensure_ascii=False)
        with open(merge, "w", encoding="utf-8", newline="\n") as f:
            f.write("#version: 0.2\n" + "".join(m + "\n" for m in merges))
        special = {i: AddedToken(t, special=True, normalized=False) for t, i in added.items()}
        python = Qwen2Tokenizer(vocab, merge, added_tokens_decoder=special, split_special_tokens=True)
        rust = Qwen2TokenizerFast(vocab, merge, added_tokens_decoder=special, split_special_tokens=True)
    assert python.encoder == vocabulary and len(python.bpe_ranks) == len(merges), "the files did not come back"
    assert {t: i for t, i in python.get_vocab().items() if t not in vocabulary} == added
    return python, rust


def llama_cpp(server, text):
    body = json.dumps({"content": text, "add_special": False, "parse_special": False}).encode()
    request = urllib.request.Request(server + "/tokenize", body, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))["tokens"]


def spelled(ids, vocabulary):
    """The text that the ids stand for."""
    from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode

    byte = {c: b for b, c in bytes_to_unicode().items()}
    token = {i: t for t, i in vocabulary.items()}
    return bytes(byte[c] for i in ids for c in token[i]).decode("utf-8")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", required=True, help="the GGUF file")
    options.add_argument("--server", help="a llama-server on the same file; without it llama.cpp's part is not checked")
    options.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokens.json"))
    given = options.parse_args()

    vocabulary, merges, added = read_gguf(given.model)
    python, rust = hugging_face(vocabulary, merges, added)
    records, complaints = [], []
    for name, text in TEXTS:
        nfc_differs = unicodedata.normalize("NFC", text) != text
        ids = python.encode(text)
        if (other := rust.encode(text)) != ids:
            complaints.append((name, "transformers disagrees with itself", ids, other))
        source = "transformers"
        if nfc_differs:
            # Until a server is given: the Rust tokenizer without its normalisation.
            backend = rust.backend_tokenizer
            kept, backend.normalizer = backend.normalizer, None
            ids = rust.encode(text)
            backend.normalizer = kept
            source = "transformers without NFC"
        if given.server:
            theirs = llama_cpp(given.server, text)
            if theirs != ids and not any(t in text for t in USER_DEFINED):
                complaints.append((name, "llama.cpp differs", ids, theirs))
            if nfc_differs:
                ids, source = theirs, "llama.cpp"
        if spelled(ids, vocabulary) != text:
            complaints.append((name, "the ids do not give the text back", ids, spelled(ids, vocabulary)))
        records.append({"name": name, "text": text, "ids": ids, "nfc_differs": nfc_differs, "source": source})
    for complaint in complaints:
        print(*complaint, sep="\n  ")
    # ASCII only, one record a line: no editor and no git attribute can touch a text on its way.
    with open(given.out, "w", encoding="ascii", newline="\n") as f:
        f.write("[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]\n")
    print(len(records), "records,", sum(r["nfc_differs"] for r in records), "where NFC differs,", len(complaints), "complaints")
    raise SystemExit(1 if complaints else 0)


if __name__ == "__main__":
    main()

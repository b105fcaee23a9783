//! `generate`, `ask`, `explain`, `implement` and `fix` as they are typed, with models of noise: what is checked is how they
//! are asked, what they refuse, and what they leave alone.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn infill_ls(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_infill-ls"))
        .args(arguments)
        .env("INFILL_LS_NO_HUB", "1")
        .env("INFILL_LS_NO_WHEELS", "1")
        .env_remove("INFILL_LS_MODEL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn gpt2() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gpt2")
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&out(output)).unwrap()
}

#[test]
fn generate_goes_on_with_a_prompt_as_transformers_does() {
    let expected = std::fs::read_to_string(gpt2().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let case = &expected["cases"][1];
    let (text, model) = (case["text"].as_str().unwrap(), gpt2());
    let model = model.to_str().unwrap();
    let raw =
        ["generate", text, "--model", model, "--max-length", "40", "--num-return-sequences", "1", "--raw"];
    let printed = out(&infill_ls(&raw, ""));
    assert_eq!(printed.trim_end_matches('\n'), format!("{text}{}", case["written_text"].as_str().unwrap()));

    // A base model has no chat form: without --raw it goes on with the prompt all the same.
    let given = ["generate", text, "--model", model, "--max-length", "40", "--json"];
    let report = json(&infill_ls(&given, ""));
    assert_eq!(report["sequences"][0]["text"], case["written_text"]);
    assert_eq!(report["sequences"][0]["finish"], "length");
    assert_eq!(report["sequences"][0]["tokens"], 24);
    // The prompt can be piped in.
    let piped = json(&infill_ls(&["generate", "--model", model, "--max-length", "40", "--json"], text));
    assert_eq!(piped["sequences"], report["sequences"]);
}

#[test]
fn sequences_differ_by_their_seeds_and_come_again() {
    let model = gpt2();
    let drawn = |seed: &str| {
        let model = model.to_str().unwrap();
        let arguments = [
            "generate",
            "def f(",
            "--model",
            model,
            "--max-new-tokens",
            "12",
            "--temperature",
            "1.5",
            "--json",
        ];
        let more = ["--num-return-sequences", "3", "--top-k", "50", "--top-p", "0.9", "--seed", seed];
        json(&infill_ls(&[&arguments[..], &more[..]].concat(), ""))["sequences"].take()
    };
    let first = drawn("1");
    assert_eq!(first, drawn("1"));
    assert_ne!(first[0], first[1]);
    // Each sequence has the next seed.
    assert_eq!(first[1], drawn("2")[0]);
}

#[test]
fn arguments_that_do_not_fit_are_refused_with_a_reason() {
    let model = gpt2();
    let model = model.to_str().unwrap();
    let refused = |arguments: &[&str]| {
        let output = infill_ls(&[&["generate", "--model", model][..], arguments].concat(), "");
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        err(&output)
    };
    assert!(refused(&["def f():", "--max-length", "2"]).contains("--max-length"));
    assert!(refused(&["x", "--temperature", "3"]).contains("--temperature"));
    assert!(refused(&["x", "--top-p", "2", "--temperature", "1"]).contains("--top-p"));
    assert!(refused(&["x", "--num-return-sequences", "2"]).contains("--temperature"));
    assert!(refused(&["x", "--language", "klingon"]).contains("klingon"));
    assert!(refused(&[]).contains("prompt"));
    assert!(refused(&["  "]).contains("empty"));
}

#[test]
fn files_and_lines_that_are_not_there_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.py");
    std::fs::write(&file, "def f():\n    return 1\n").unwrap();
    let file = file.to_str().unwrap();
    let refused = |arguments: &[&str]| {
        let output = infill_ls(arguments, "");
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        err(&output)
    };
    assert!(refused(&["explain", "/no/such.py"]).contains("/no/such.py"));
    assert!(refused(&["explain", &format!("{file}:7")]).contains("no lines 7"));
    assert!(refused(&["explain", &format!("{file}:2-1")]).contains("no lines 2 to 1"));
    assert!(refused(&["implement", &format!("{file}:9")]).contains("has 3 lines"));
    assert!(refused(&["implement", file]).contains("FILE:LINE"));
    assert!(refused(&["ask", "what?", "--file", "/no/such.py"]).contains("/no/such.py"));
    let model = gpt2();
    let nothing = refused(&["implement", &format!("{file}:2"), "--model", model.to_str().unwrap()]);
    assert!(nothing.contains("no function to be written"), "{nothing}");
}

#[test]
fn a_file_that_is_right_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.py");
    let text = "def f():\n    return 1\n";
    std::fs::write(&file, text).unwrap();
    let model = gpt2();
    let fix = ["fix", file.to_str().unwrap(), "--model", model.to_str().unwrap(), "--write", "--json"];
    for check in [&[][..], &["--check", "grep -q return {file}"], &["--check", "test -e {file}"]] {
        let report = json(&infill_ls(&[&fix[..], check].concat(), ""));
        assert_eq!((&report["passed"], &report["rounds"]), (&Value::Bool(true), &Value::from(0)), "{report}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn what_cannot_be_mended_is_left_as_it_is_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.py");
    let text = "def f(:\n    return 1\n";
    std::fs::write(&file, text).unwrap();
    let model = gpt2();
    let fix = [
        "fix",
        file.to_str().unwrap(),
        "--model",
        model.to_str().unwrap(),
        "--write",
        "--max-new-tokens",
        "8",
    ];
    let output = infill_ls(&fix, "");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("shop.py:1: error"), "{}", err(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn an_answer_is_plain_when_piped_and_an_object_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.py");
    std::fs::write(&file, "def f():\n    return 1\n").unwrap();
    let model = gpt2();
    let more = ["--model", model.to_str().unwrap(), "--max-new-tokens", "6"];
    let asked = infill_ls(&[&["ask", "x = 1?"][..], &more].concat(), "");
    assert!(!out(&asked).contains('\x1b'), "{}", out(&asked));
    let asked = json(&infill_ls(&[&["ask", "--json"][..], &more].concat(), "x = 1?"));
    assert_eq!(asked["question"], "x = 1?");
    assert_eq!(asked["tokens"], 6);
    assert!(asked["answer"].as_str().unwrap().contains("raise `--max-new-tokens`"), "{asked}");
    let place = format!("{}:2", file.display());
    let explained = json(&infill_ls(&[&["explain", &place, "--json"][..], &more].concat(), ""));
    assert_eq!(explained["title"], "Explanation of `f`");
    assert!(explained["text"].as_str().unwrap().contains("raise `--max-new-tokens`"), "{explained}");
    let explained =
        json(&infill_ls(&[&["explain", file.to_str().unwrap(), "--json"][..], &more].concat(), ""));
    assert_eq!(explained["title"], "Explanation of `shop.py`");
}

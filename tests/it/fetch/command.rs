//! `infill-ls model` as it is typed.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use infill_ls::fetch::{DEFAULT_MODEL, Store, find};

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
    assert!(line("starcoder2-3b").ends_with("not supported yet"), "{}", line("starcoder2-3b"));
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

//! `infill-ls context` as it is typed.

use std::path::Path;
use std::process::{Command, Output};

use super::Project;
use crate::tiny_model;

fn context(project: &Project, place: &str, more: &[&str]) -> Output {
    let models = tempfile::tempdir().unwrap();
    let model = tiny_model::write_good(models.path());
    let run = |model: &Path| {
        Command::new(env!("CARGO_BIN_EXE_infill-ls"))
            .args(["context", place, "--model"])
            .arg(model)
            .args(more)
            .env("INFILL_LS_CACHE", models.path())
            .current_dir(project.path(""))
            .output()
            .unwrap()
    };
    run(&model)
}

fn project() -> Project {
    Project::of(&[
        (".infill/context.md", "Amounts are whole cents.\n"),
        (".infillignore", "private.py\n"),
        ("shop/money.py", "class Money:\n    cents: int\n"),
        ("shop/cart.py", "from shop.money import Money\n\ntotal = Money()\nprint(total)\n"),
        ("private.py", "x = 1\n"),
    ])
}

#[test]
fn each_part_has_its_source_its_reason_and_its_tokens() {
    let output = context(&project(), "shop/cart.py:3:9", &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A token of the tiny model is a byte.
    for line in [
        "    25  notes        .infill/context.md: notes of the project",
        "        | Amounts are whole cents.",
        "    28  definitions  shop/money.py: defines Money",
        "        | class Money:",
        "    30  prefix       shop/cart.py: the file up to where the cursor's line begins",
        "     8  typed        shop/cart.py: the cursor's line up to the cursor, as the beginning of what is written",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
}

#[test]
fn as_json_for_programs() {
    let output = context(&project(), "shop/cart.py:3:9", &["--json", "--context-tokens", "0"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sources: Vec<_> =
        shown["parts"].as_array().unwrap().iter().map(|part| part["source"].clone()).collect();
    assert_eq!(sources, ["prefix", "suffix", "typed"]);
    assert_eq!(shown["parts"][1]["text"], "Money()\nprint(total)\n");
    assert_eq!(shown["file"], "shop/cart.py");
}

#[test]
fn a_file_that_is_left_alone_says_so() {
    let output = context(&project(), "private.py:1:1", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("excluded by a .infillignore"));
}

#[test]
fn without_a_sign_of_a_project_the_current_folder_is_it() {
    let project = Project::of(&[
        ("shop/money.py", "class Money:\n    cents: int\n"),
        ("shop/deep/cart.py", "from shop.money import Money\n\ntotal = Money()\n"),
    ]);
    let output = context(&project, "shop/deep/cart.py:3:9", &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("definitions  shop/money.py: defines Money"), "{text}");
}

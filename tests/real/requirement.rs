//! What a comment asks for changes what is written: for inline completion, also when the comment lies outside the budget,
//! and for the code action. The written code is run, not looked at.

use std::process::Command;
use std::sync::Arc;

use infill_ls::assist::infill::{InfillRequest, Written, infill};
use infill_ls::assist::{Options, Order, Product, Task, applied, perform};
use infill_ls::config::Settings;
use infill_ls::engine::CancelToken;
use infill_ls::model::{Compute, LoadOptions};
use infill_ls::source::{EmbeddedSource, Source, Sparing};
use infill_ls::text::{Language, Snapshot, TextEdit};

use crate::parity::model_path;

fn source() -> Arc<EmbeddedSource> {
    let options = LoadOptions { context: 2048, threads: 2, compute: Compute::Kernels };
    let source = EmbeddedSource::start(Box::new(|_| Ok(model_path())), None, options, Sparing::default());
    source.wait(&mut |_, _, _| ()).unwrap();
    source
}

fn snapshot(fixture: &str) -> (Snapshot, usize) {
    let offset = fixture.find("$0").unwrap();
    (Snapshot::new(Language::from_id("python"), &fixture.replace("$0", "")), offset)
}

/// Returns the text after the completion at `$0` is accepted.
async fn completed(source: &Arc<EmbeddedSource>, fixture: &str, prefix_tokens: usize) -> String {
    let (snapshot, offset) = snapshot(fixture);
    let mut settings = Settings::default();
    settings.prompt.prefix_tokens = prefix_tokens.try_into().unwrap();
    settings.completion.time_ms = 60_000.try_into().unwrap();
    settings.completion.latency_ms = 60_000.try_into().unwrap();
    let request = InfillRequest {
        snapshot: snapshot.clone(),
        offset,
        path: None,
        file: None,
        branch: 1,
        settings: Arc::new(settings),
        anchors: Vec::new(),
        contexts: Vec::new(),
        idle: false,
        written: Written::default(),
    };
    let counter = source.counter().unwrap();
    let completion = infill(request, source.clone(), counter, CancelToken::new()).await.result.unwrap();
    TextEdit { range: completion.range, text: completion.text }.apply(&snapshot.text())
}

/// Returns the text after the function that the comment at `$0` describes is written.
async fn implemented(source: &EmbeddedSource, fixture: &str) -> String {
    let (snapshot, offset) = snapshot(fixture);
    let order = Order {
        path: None,
        files: Vec::new(),
        branch: 2,
        max_tokens: 256,
        bound: "none",
        cancel: CancelToken::new(),
        heard: Arc::new(|_| ()),
    };
    let (task, options) = (Task::Implement { variant: 0 }, Options::default());
    let done = perform(&task, &snapshot, offset..offset, source, &order, &options).await.unwrap();
    let Product::Edits(ways) = done.product else { panic!("no function was written") };
    applied(&snapshot.text(), &ways[0]).0
}

/// Returns what Python prints for `expression` after running `code`.
fn evaluated(code: &str, expression: &str) -> String {
    let program = format!("{code}\nprint({expression})\n");
    let output = Command::new("python3").args(["-I", "-c", &program]).output().unwrap();
    assert!(output.status.success(), "{code}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn the_comment_above_decides_what_is_completed() {
    let source = source();
    for (requirement, expected) in [("sum", "9"), ("product", "24"), ("product of the squares", "576")] {
        let fixture = format!(
            "# Takes three numbers.\n# Returns the {requirement} of a, b and c.\ndef combine(a, b, c):\n    return $0\n"
        );
        let code = completed(&source, &fixture, 1000).await;
        assert_eq!(evaluated(&code, "combine(2, 3, 4)"), expected, "{code}");
    }
}

#[tokio::test]
async fn a_requirement_that_the_budget_cuts_off_still_counts() {
    let source = source();
    let filler: String =
        (0..60).map(|n| format!("    limit_{n} = load_setting(\"limit_{n}\", {n})\n")).collect();
    for (factor, expected) in [("7", "14"), ("9", "18")] {
        let fixture = format!(
            "load_setting = lambda name, value: value\n\n\n# Returns the duration multiplied by {factor}.\ndef scaled(duration):\n{filler}    return duration *$0\n"
        );
        let code = completed(&source, &fixture, 300).await;
        assert_eq!(evaluated(&code, "scaled(2)"), expected, "{code}");
    }
}

#[tokio::test]
async fn the_comment_decides_what_function_is_written() {
    let source = source();
    for (requirement, expected) in [("largest", "7"), ("smallest", "-2")] {
        let fixture = format!("# pick(numbers): returns the {requirement} of a list of numbers.$0\n");
        let code = implemented(&source, &fixture).await;
        assert_eq!(evaluated(&code, "pick([3, 7, -2, 5])"), expected, "{code}");
    }
}

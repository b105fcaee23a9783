//! Settings from the editor: every good one counts, every bad one is named; and the request log.

use std::fs;

use infill_ls::config::{Settings, documentation, keys};
use infill_ls::stats::last_records;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, at};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";

/// Merges into the defaults and returns the problems, one a line.
fn problems(json: &Value) -> String {
    let problems = Settings::default().merge(json);
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

async fn settings(server: &mut TestServer) -> Value {
    server.call("infill/doctor", Value::Null).await["settings"].take()
}

#[tokio::test]
async fn good_settings_count_and_bad_ones_are_named() {
    let script = Script::says("1\n");
    let options = json!({
        "model": "/models/mine.gguf",
        "prompt": { "prefix_tokens": 77, "sufix_tokens": 5 },
        "completion": { "temperature": "hot", "line_tokens": 9 },
        "ghost": true,
    });
    let mut server = Builder::new(&script).with("/initializationOptions", options).ready().await;
    let message = server.heard("window/showMessage").await["message"].take();
    let message = message.as_str().unwrap();
    assert!(message.contains("`prompt.sufix_tokens`"), "{message}");
    assert!(
        message.contains("`completion.temperature` must be a number from 0 to 2, not \"hot\""),
        "{message}"
    );
    assert!(message.contains("`ghost`"), "{message}");
    let settings = settings(&mut server).await;
    assert_eq!(settings["model"], "/models/mine.gguf");
    assert_eq!(settings["prompt"]["prefix_tokens"], 77);
    assert_eq!(settings["prompt"]["suffix_tokens"], 400);
    assert_eq!(
        (&settings["completion"]["line_tokens"], &settings["completion"]["temperature"]),
        (&json!(9), &json!(0.0))
    );
    server.finish().await;
}

#[tokio::test]
async fn a_section_named_like_the_server_is_read() {
    for section in ["infill-ls", "infill_ls"] {
        let script = Script::says("1\n");
        let options = json!({ section: { "completion.line_tokens": 5 }, "other": {} });
        let mut server = Builder::new(&script).with("/initializationOptions", options).ready().await;
        assert_eq!(settings(&mut server).await["completion"]["line_tokens"], 5);
        assert!(server.all_heard("window/showMessage").await.is_empty());
        server.finish().await;
    }
}

#[tokio::test]
async fn a_change_of_the_configuration_holds_from_then_on() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    for (languages, silent) in [(json!(["python"]), true), (json!([]), false)] {
        let settings = json!({ "settings": { "infill-ls": { "disabled_languages": languages } } });
        server.notify("workspace/didChangeConfiguration", settings).await;
        assert_eq!(server.call(INLINE, at(URI, 0, 4)).await.is_null(), silent);
    }
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "disabled": 1 }));
    // Null is what editors send that want to be asked instead.
    server.notify("workspace/didChangeConfiguration", json!({ "settings": null })).await;
    assert!(server.all_heard("window/showMessage").await.is_empty());
    server.finish().await;
}

#[test]
fn what_is_wrong_is_said_with_what_is_right() {
    expect_test::expect![[r#"
        unknown setting `completion.lineTokens`; did you mean `completion.line_tokens`?
        setting `disabled_languages` must be a list of strings, not "rust"; its value is left as it was
        setting `editor_log` must be "off", "error", "warn", "info" or "debug", not "loud"; its value is left as it was
        setting `inline` must be an object, not false; its value is left as it was
        setting `prompt.prefix_tokens` must be a positive whole number, not 0; its value is left as it was
    "#]]
    .assert_eq(&problems(&json!({
        "completion": { "lineTokens": 5 },
        "disabled_languages": "rust",
        "editor_log": "loud",
        "inline": false,
        "prompt": { "prefix_tokens": 0 },
    })));
    assert!(problems(&json!([1])).contains("must be an object"));
    assert!(problems(&json!({ "completion": { "temperature": 3 } })).contains("from 0 to 2"));
    assert_eq!(problems(&Value::Null), "");
    assert_eq!(problems(&json!({ "model": null, "threads": 4, "completion": { "temperature": 1 } })), "");
}

#[test]
fn every_setting_is_documented_and_every_documented_one_exists() {
    fn leaves(prefix: &str, value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    leaves(&format!("{prefix}{key}."), value, names);
                }
            }
            _ => names.push(prefix.trim_end_matches('.').into()),
        }
    }
    let mut names = Vec::new();
    leaves("", &serde_json::to_value(Settings::default()).unwrap(), &mut names);
    let mut documented: Vec<&str> = keys().iter().map(|key| key.name).collect();
    names.sort_unstable();
    documented.sort_unstable();
    assert_eq!(names, documented);
    assert!(documentation().contains("| `prompt.suffix_tokens` | `400` |"), "{}", documentation());
}

#[tokio::test]
async fn requests_are_written_down_with_their_reason_and_without_any_text() {
    let dir = tempfile::tempdir().unwrap();
    let script = Script::says("secret_answer\n");
    let mut server = Builder::new(&script).log_dir(dir.path().into()).ready().await;
    server.open(URI, "python", "secret_text = ").await;
    server.call(INLINE, at(URI, 0, 14)).await;
    server.call(INLINE, at("file:///secret_name.py", 0, 0)).await;
    server.finish().await;
    let records = last_records(dir.path(), 10);
    let outcomes: Vec<_> =
        records.iter().map(|r| (r.language.as_str(), r.outcome.as_str(), r.tokens)).collect();
    assert_eq!(outcomes, [("python", "shown", 5), ("", "not-open", 0)]);
    assert!(records.iter().all(|record| record.method == INLINE && record.time > 1_700_000_000));
    for file in fs::read_dir(dir.path()).unwrap() {
        assert!(!fs::read_to_string(file.unwrap().path()).unwrap().contains("secret"));
    }
}

#[tokio::test]
async fn a_request_log_that_cannot_be_written_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a file, no folder");
    fs::write(&file, "").unwrap();
    let script = Script::says("1\n");
    let mut server = Builder::new(&script).log_dir(file).ready().await;
    server.open(URI, "python", "x = ").await;
    for _ in 0..3 {
        assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    }
    server.finish().await;
}

#[test]
fn the_request_log_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let log = infill_ls::stats::RequestLog::new(Some(dir.path()));
    let record = |tokens| {
        let took = std::time::Duration::from_millis(5);
        infill_ls::stats::Record::now(INLINE, "python", "shown", took, tokens)
    };
    for tokens in 0..15_000 {
        log.add(record(tokens));
        // A flush waits for a second at most, too short for all of them on a busy machine.
        if tokens % 500 == 499 {
            log.flush();
        }
    }
    let size: u64 =
        fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(size < 1_200_000, "{size}");
    let last: Vec<usize> = last_records(dir.path(), 3).iter().map(|record| record.tokens).collect();
    assert_eq!(last, [14_997, 14_998, 14_999]);
}

#[tokio::test]
async fn the_editors_log_hears_what_it_wants_to_hear() {
    let script = Script::says("1\n");
    let options = json!({ "editor_log": "debug" });
    let mut server = Builder::new(&script).with("/initializationOptions", options).ready().await;
    server.heard("window/logMessage").await;
    server.call(INLINE, at("file:///unknown", 0, 0)).await;
    let message = server.heard("window/logMessage").await["message"].take();
    assert_eq!(
        message,
        "textDocument/inlineCompletion not-open: the editor has not opened this document here"
    );
    server.finish().await;
}

#[tokio::test]
async fn status_notifications_can_be_switched_off() {
    let script = Script::says("1\n");
    let options = json!({ "status": { "enabled": false } });
    let mut server = Builder::new(&script).with("/initializationOptions", options).ready().await;
    server.open(URI, "python", "x = ").await;
    server.call(INLINE, at(URI, 0, 4)).await;
    assert!(server.all_heard("infill/status").await.is_empty());
    server.finish().await;
}

#[test]
fn an_empty_list_is_an_empty_object() {
    let mut settings = Settings::default();
    assert!(settings.merge(&json!([])).is_empty());
    assert!(settings.merge(&json!({ "prompt": [], "inline": { "enabled": false } })).is_empty());
    assert!(!settings.inline.enabled);
    assert_eq!(settings.merge(&json!({ "prompt": [1] })).len(), 1);
}

//! Ghost text: what is shown, where, and when nothing is.

use infill_ls::source::Input;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, Unit, apply, at};

const METHOD: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/src/sum.py";

/// Asks at a place and returns the text after the suggestion was accepted.
async fn accepted(server: &mut TestServer, text: &str, place: (u32, u32), unit: Unit) -> String {
    let answer = server.call(METHOD, at(URI, place.0, place.1)).await;
    let item = &answer["items"][0];
    apply(text, &item["range"], item["insertText"].as_str().unwrap(), unit)
}

#[tokio::test]
async fn the_rest_of_a_line_is_suggested() {
    let script = Script::says("return a + b\n\nprint(add(1, 2))");
    let mut server = TestServer::plain(&script).await;
    let text = "def add(a, b):\n    \n\nprint(1)\n";
    server.open(URI, "python", text).await;
    let text = accepted(&mut server, text, (1, 4), Unit::Utf16).await;
    assert_eq!(text, "def add(a, b):\n    return a + b\n\nprint(1)\n");
    server.finish().await;
}

#[tokio::test]
async fn columns_are_counted_as_agreed() {
    for unit in [Unit::Utf8, Unit::Utf16, Unit::Utf32] {
        let script = Script::says("+ 'né'\n");
        let mut server = Builder::new(&script)
            .with("/capabilities/general", json!({ "positionEncodings": [unit.name()] }))
            .ready()
            .await;
        assert_eq!(server.hello["capabilities"]["positionEncoding"], unit.name());
        let line = "x = '🦀é' ";
        let text = format!("# 🦀\r\n{line}\r\ny = 2\r\n");
        server.open(URI, "python", &text).await;
        let place = (1, unit.len(line) as u32);
        let accepted = accepted(&mut server, &text, place, unit).await;
        assert_eq!(accepted, "# 🦀\r\nx = '🦀é' + 'né'\r\ny = 2\r\n");
        assert_eq!(script.last_prefix(), format!("# 🦀\n{line}"));
        server.finish().await;
    }
}

#[tokio::test]
async fn the_best_unit_that_both_know_is_taken() {
    let script = Script::says("");
    let offers = json!({ "positionEncodings": ["utf-16", "utf-7", "utf-8"] });
    let server = Builder::new(&script).with("/capabilities/general", offers).ready().await;
    assert_eq!(server.hello["capabilities"]["positionEncoding"], "utf-8");
    server.finish().await;
}

#[tokio::test]
async fn lines_keep_the_endings_of_the_file() {
    let script = Script::says("total = 0\n    for n in numbers:\n        total += n\n    return total\n");
    let mut server = TestServer::plain(&script).await;
    let text = "def sum_of(numbers):\r\n    \r\n";
    server.open(URI, "python", text).await;
    let text = accepted(&mut server, text, (1, 4), Unit::Utf16).await;
    assert!(text.contains("total = 0\r\n"), "{text:?}");
    assert!(!text.replace("\r\n", "").contains('\n'), "{text:?}");
    server.finish().await;
}

#[tokio::test]
async fn a_requirement_in_a_comment_changes_what_is_written() {
    let script = Script::answers(|input| match input {
        Input::Infill(prompt) if prompt.prefix_text().contains("in cents") => "100 * euros\n".into(),
        _ => "euros\n".into(),
    });
    let mut server = TestServer::plain(&script).await;
    let text = "# The price in cents.\ndef price(euros):\n    return ";
    server.open(URI, "python", text).await;
    let text = accepted(&mut server, text, (2, 11), Unit::Utf16).await;
    assert!(text.ends_with("return 100 * euros"), "{text}");
    server.finish().await;
}

#[tokio::test]
async fn the_path_shown_to_the_model_begins_at_the_workspace() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    server.call(METHOD, at(URI, 0, 4)).await;
    let elsewhere = "file:///home/somebody/secret/other.py";
    server.open(elsewhere, "python", "x = ").await;
    server.call(METHOD, at(elsewhere, 0, 4)).await;
    let path = |input| match input {
        Input::Infill(prompt) => prompt.path.unwrap(),
        other => panic!("{other:?}"),
    };
    let paths: Vec<String> = script.seen().into_iter().map(path).collect();
    assert_eq!(paths, ["src/sum.py", "other.py"]);
    server.finish().await;
}

#[tokio::test]
async fn what_was_typed_along_is_answered_without_the_model() {
    let script = Script::says("a + b\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "total = \n").await;
    server.call(METHOD, at(URI, 0, 8)).await;
    server.insert(URI, 2, (0, 8), "a +").await;
    let text = accepted(&mut server, "total = a +\n", (0, 11), Unit::Utf16).await;
    assert_eq!(text, "total = a + b\n");
    assert_eq!(script.seen().len(), 1);
    server.finish().await;
}

#[tokio::test]
async fn behind_a_suggestion_that_was_accepted_the_next_one_is_there_without_the_model() {
    let before_cursor = |input: &Input| match input {
        Input::Infill(prompt) => prompt.before_cursor(),
        other => panic!("{other:?}"),
    };
    let script = Script::answers(move |input| match before_cursor(input).as_str() {
        "if a:\n    total = " => "a + b\n".into(),
        _ => String::new(),
    });
    script.writes_in_idle_time(move |input| match before_cursor(input).as_str() {
        "if a:\n    total = a + b\n    " => "return total\n".into(),
        _ => String::new(),
    });
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "if a:\n    total = \n").await;
    server.call(METHOD, at(URI, 1, 12)).await;
    server.insert(URI, 2, (1, 12), "a + b\n    ").await;
    // The model itself says nothing here, so what comes is what was computed ahead, as soon as it is there.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let item = loop {
        let answer = server.call(METHOD, at(URI, 2, 4)).await;
        match &answer["items"][0] {
            Value::Null => assert!(std::time::Instant::now() < deadline, "nothing was computed ahead"),
            item => break item.clone(),
        }
    };
    assert_eq!(item["insertText"], "return total");
    server.finish().await;
}

#[tokio::test]
async fn typing_along_while_it_is_generated_keeps_the_answer() {
    let script = Script::says("a + b\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "total = \n").await;
    script.hold();
    let id = server.request(METHOD, at(URI, 0, 8)).await;
    script.begun().await;
    server.insert(URI, 2, (0, 8), "a").await;
    server.call("infill/doctor", Value::Null).await;
    script.release();
    let item = server.answer(id).await["result"]["items"][0].take();
    let text = apply("total = a\n", &item["range"], item["insertText"].as_str().unwrap(), Unit::Utf16);
    assert_eq!(text, "total = a + b\n");
    server.finish().await;
}

#[tokio::test]
async fn typing_something_else_while_it_is_generated_drops_the_answer() {
    let script = Script::says("a + b\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "total = \n").await;
    script.hold();
    let id = server.request(METHOD, at(URI, 0, 8)).await;
    script.begun().await;
    server.insert(URI, 2, (0, 8), "c").await;
    server.call("infill/doctor", Value::Null).await;
    script.release();
    assert_eq!(server.answer(id).await["result"], Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn a_silence_is_null_and_its_reason_is_on_record() {
    let script = Script::says("   \n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = \n").await;
    assert_eq!(server.call(METHOD, at(URI, 0, 4)).await, Value::Null);
    assert_eq!(server.call(METHOD, at("file:///never/opened.py", 0, 0)).await, Value::Null);
    let report = server.call("infill/doctor", Value::Null).await;
    assert_eq!(report["requests"]["silent"], json!({ "empty": 1, "not-open": 1 }));
    server.finish().await;
}

#[tokio::test]
async fn inside_a_word_only_a_person_who_asks_is_answered() {
    let script = Script::says("al\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = tot_sum\n").await;
    let mut params = at(URI, 0, 6);
    params["context"] = json!({ "triggerKind": 2 });
    assert_eq!(server.call(METHOD, params.clone()).await, Value::Null);
    assert!(script.seen().is_empty());
    params["context"] = json!({ "triggerKind": 1 });
    server.call(METHOD, params).await;
    assert!(!script.seen().is_empty());
    let report = server.call("infill/doctor", Value::Null).await;
    assert_eq!(report["requests"]["silent"]["mid-word"], 1);
    server.finish().await;
}

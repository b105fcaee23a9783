//! Completion items: one, whole, and out of the way of others.

use expect_test::expect;
use infill_ls::config::Settings;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, Unit, apply, at};

const METHOD: &str = "textDocument/completion";
const URI: &str = "file:///project/a.py";

fn markdown() -> Value {
    json!({ "completion": { "completionItem": { "documentationFormat": ["markdown"] } } })
}

/// Asks at a place and returns the one item.
async fn item(server: &mut TestServer, place: (u32, u32)) -> Value {
    let mut list = server.call(METHOD, at(URI, place.0, place.1)).await;
    assert_eq!(list["isIncomplete"], true);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    list["items"][0].take()
}

#[tokio::test]
async fn the_rest_of_a_line_is_one_item() {
    let script = Script::says("int(total)\n");
    let mut server = Builder::new(&script).with("/capabilities/textDocument", markdown()).ready().await;
    server.open(URI, "python", "total = 1\npr\n").await;
    let item = item(&mut server, (1, 2)).await;
    expect![[r#"
        {
          "command": {
            "arguments": [
              {
                "candidate": 0,
                "id": 1
              }
            ],
            "command": "infill-ls.accepted",
            "title": "Count the accepted suggestion"
          },
          "detail": "infill-ls",
          "documentation": {
            "kind": "markdown",
            "value": "```python\nprint(total)\n```"
          },
          "filterText": "print(total)",
          "insertTextFormat": 1,
          "insertTextMode": 1,
          "kind": 1,
          "label": "print(total)",
          "sortText": "~~~~infill",
          "textEdit": {
            "newText": "print(total)",
            "range": {
              "end": {
                "character": 2,
                "line": 1
              },
              "start": {
                "character": 0,
                "line": 1
              }
            }
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&item).unwrap());
    server.finish().await;
}

/// Asks for an item where the client takes snippets, and returns its format and text.
async fn snippet(text: &'static str) -> (u64, String) {
    let takes = json!({ "completion": { "completionItem": { "snippetSupport": true } } });
    let mut server =
        Builder::new(&Script::says(text)).with("/capabilities/textDocument", takes).ready().await;
    server.open("file:///project/a.ts", "typescript", "const f = \n").await;
    let answer = server.call(METHOD, at("file:///project/a.ts", 0, 10)).await;
    let item = &answer["items"][0];
    let text = item["textEdit"]["newText"].as_str().unwrap().to_owned();
    server.finish().await;
    (item["insertTextFormat"].as_u64().unwrap(), text)
}

#[tokio::test]
async fn the_cursor_goes_into_an_empty_body() {
    assert_eq!(snippet("(a$) => {}\n").await, (2, "(a\\$) => {$0\\}".into()));
    // An empty call is what its author meant.
    assert_eq!(snippet("`${g()}`;\n").await, (1, "`${g()}`;".into()));
}

#[tokio::test]
async fn a_client_without_snippets_gets_plain_text() {
    let mut server = TestServer::plain(&Script::says("() => {}\n")).await;
    server.open(URI, "typescript", "const f = \n").await;
    let item = item(&mut server, (0, 10)).await;
    assert_eq!((&item["insertTextFormat"], &item["textEdit"]["newText"]), (&json!(1), &json!("() => {}")));
    server.finish().await;
}

#[tokio::test]
async fn a_block_has_a_short_label_and_its_whole_text_in_the_preview() {
    let script = Script::says(
        "    total = 0\n    for number in numbers:\n        total += number\n    return total\n",
    );
    let mut server = TestServer::plain(&script).await;
    let text = "def sum_of(numbers):\n    \n";
    server.open(URI, "python", text).await;
    let item = item(&mut server, (1, 4)).await;
    assert_eq!(item["label"], "total = 0 …");
    assert_eq!(item["kind"], 15);
    let edit = &item["textEdit"];
    let accepted = apply(text, &edit["range"], edit["newText"].as_str().unwrap(), Unit::Utf16);
    assert!(accepted.starts_with("def sum_of(numbers):\n    total = 0\n    for"), "{accepted}");
    assert!(item["documentation"].as_str().unwrap().contains("return total"));
    server.finish().await;
}

#[tokio::test]
async fn a_long_line_has_a_short_label() {
    let script = Script::says("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday]\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = [\n").await;
    let item = item(&mut server, (0, 5)).await;
    assert!(item["label"].as_str().unwrap().chars().count() <= 50, "{item}");
    server.finish().await;
}

#[tokio::test]
async fn ghost_text_and_items_at_one_place_cost_one_generation() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let inline = server.request("textDocument/inlineCompletion", at(URI, 0, 4)).await;
    script.begun().await;
    let items = server.request(METHOD, at(URI, 0, 4)).await;
    server.call("infill/doctor", Value::Null).await;
    script.release();
    assert_eq!(server.answer(inline).await["result"]["items"][0]["insertText"], "1");
    assert_eq!(server.answer(items).await["result"]["items"][0]["label"], "1");
    assert_eq!(script.seen().len(), 1);
    server.finish().await;
}

#[tokio::test]
async fn switched_off_there_is_no_item() {
    let script = Script::says("1\n");
    let mut settings = Settings::default();
    settings.items.enabled = false;
    let mut server = Builder::new(&script).settings(settings).ready().await;
    server.open(URI, "python", "x = ").await;
    assert_eq!(server.call(METHOD, at(URI, 0, 4)).await, Value::Null);
    assert_ne!(server.call("textDocument/inlineCompletion", at(URI, 0, 4)).await, Value::Null);
    server.finish().await;
}

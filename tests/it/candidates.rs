//! Several suggestions for one place, and one that is extended beyond what is selected in the completion menu.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use infill_ls::config::Settings;
use infill_ls::source::Input;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, Unit, apply, asked, at, fixture};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";

/// A model that writes one text after the other, and the last again and again.
fn says_in_turn(texts: &'static [&'static str]) -> Arc<Script> {
    let calls = AtomicUsize::new(0);
    Script::answers(move |_| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        texts[call.min(texts.len() - 1)].into()
    })
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["insertText"].as_str().unwrap()).collect()
}

async fn opened(script: &Arc<Script>, text: &str) -> (TestServer, (u32, u32)) {
    let (text, place) = fixture(text);
    let mut server = TestServer::plain(script).await;
    server.open(URI, "python", &text).await;
    (server, place)
}

#[tokio::test]
async fn a_person_who_asks_may_choose() {
    let script = says_in_turn(&["a + b\n", "a - b\n", "b + a\n"]);
    let (mut server, place) = opened(&script, "total = $0\n").await;
    let answer = server.call(INLINE, asked(URI, place)).await;
    assert_eq!(texts(&answer), ["a + b", "a - b", "b + a"]);
    server.finish().await;
}

#[tokio::test]
async fn the_same_text_again_is_no_choice() {
    let script = says_in_turn(&["a + b\n", "a + b\n", "a + b # so\n", "a + b\n"]);
    let (mut server, place) = opened(&script, "total = $0\n").await;
    let answer = server.call(INLINE, asked(URI, place)).await;
    assert_eq!(texts(&answer), ["a + b", "a + b # so"]);
    server.finish().await;
}

#[tokio::test]
async fn while_typing_there_is_one() {
    let script = says_in_turn(&["a + b\n", "a - b\n"]);
    let (mut server, place) = opened(&script, "total = $0\n").await;
    let mut params = asked(URI, place);
    params["context"]["triggerKind"] = json!(2);
    let answer = server.call(INLINE, params).await;
    assert_eq!((texts(&answer), script.seen().len()), (vec!["a + b"], 1));
    server.finish().await;
}

#[tokio::test]
async fn what_was_shown_while_typing_stays_the_first_choice() {
    let script = says_in_turn(&["a + b\n", "a - b\n", "b + a\n"]);
    let (mut server, place) = opened(&script, "total = $0\n").await;
    server.call(INLINE, at(URI, place.0, place.1)).await;
    let answer = server.call(INLINE, asked(URI, place)).await;
    assert_eq!(texts(&answer), ["a + b", "a - b", "b + a"]);
    // Asked again, they are known.
    let answer = server.call(INLINE, asked(URI, place)).await;
    assert_eq!((texts(&answer).len(), script.seen().len()), (3, 3));
    server.finish().await;
}

#[tokio::test]
async fn the_choice_that_is_typed_along_stays() {
    let script = says_in_turn(&["a + b\n", "b - a\n", "b + a\n"]);
    let (mut server, place) = opened(&script, "total = $0\n").await;
    server.call(INLINE, asked(URI, place)).await;
    server.insert(URI, 2, place, "b ").await;
    let answer = server.call(INLINE, at(URI, 0, 10)).await;
    assert_eq!(texts(&answer), ["- a", "+ a"]);
    assert_eq!(script.seen().len(), 3);
    server.finish().await;
}

#[tokio::test]
async fn the_setting_says_how_many() {
    let script = says_in_turn(&["a + b\n", "a - b\n"]);
    let mut settings = Settings::default();
    settings.inline.candidates = 1.try_into().unwrap();
    let mut server = Builder::new(&script).settings(settings).ready().await;
    server.open(URI, "python", "total = \n").await;
    assert_eq!(texts(&server.call(INLINE, asked(URI, (0, 8))).await), ["a + b"]);
    server.finish().await;
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_over_there_is_what_is_there() {
    let script = says_in_turn(&["a + b\n", "a - b\n"]);
    let (mut server, place) = opened(&script, "total = $0\n").await;
    server.call(INLINE, at(URI, place.0, place.1)).await;
    script.hold();
    let answer = server.call(INLINE, asked(URI, place)).await;
    assert_eq!(texts(&answer), ["a + b"]);
    script.release();
    server.finish().await;
}

#[tokio::test]
async fn a_newer_request_overtakes_the_search_for_choices() {
    let script = says_in_turn(&["a + b\n", "a - b\n", "x\n"]);
    let (mut server, place) = opened(&script, "total = $0\nother = \n").await;
    server.call(INLINE, at(URI, place.0, place.1)).await;
    script.begun().await;
    script.hold();
    let asked = server.request(INLINE, asked(URI, place)).await;
    script.begun().await;
    let newer = server.request(INLINE, at(URI, 1, 8)).await;
    assert_eq!(server.answer(asked).await["result"], Value::Null);
    script.release();
    assert_ne!(server.answer(newer).await["result"], Value::Null);
    server.finish().await;
}

/// Opens a text with an item selected in the completion menu for the word at the cursor, and returns the text after
/// the answer was accepted; `None` where there is none.
async fn with_selected(script: &Arc<Script>, text: &str, word: u32, selected: &str) -> Option<String> {
    let (text, place) = fixture(text);
    let mut server = TestServer::plain(script).await;
    server.open("file:///project/a.rs", "rust", &text).await;
    let mut params = at("file:///project/a.rs", place.0, place.1);
    let start = json!({ "line": place.0, "character": place.1 - word });
    let end = json!({ "line": place.0, "character": place.1 });
    let range = json!({ "start": start, "end": end });
    params["context"] =
        json!({ "triggerKind": 2, "selectedCompletionInfo": { "range": range, "text": selected } });
    let answer = server.call(INLINE, params).await;
    let item = &answer["items"][0];
    let accepted = item["insertText"].as_str().map(|insert| {
        assert!(insert.starts_with(selected), "{insert}");
        assert_eq!(item["range"]["start"], range["start"]);
        apply(&text, &item["range"], insert, Unit::Utf16)
    });
    server.finish().await;
    accepted
}

#[tokio::test]
async fn a_suggestion_goes_on_behind_what_is_selected_in_the_menu() {
    let script = Script::answers(|input| match input {
        Input::Infill(prompt) if prompt.before_cursor().ends_with("    println!") => "(\"hi\");\n".into(),
        _ => "x\n".into(),
    });
    let accepted = with_selected(&script, "    pr$0\n", 2, "println!").await;
    assert_eq!(accepted.unwrap(), "    println!(\"hi\");\n");
}

#[tokio::test]
async fn brackets_behind_the_menu_are_not_doubled() {
    let script = Script::says("a, b))\n");
    let accepted = with_selected(&script, "f(ma$0);\n", 2, "max(").await;
    assert_eq!(accepted.unwrap(), "f(max(a, b));\n");
}

#[tokio::test]
async fn where_nothing_can_follow_what_is_selected_there_is_no_suggestion() {
    let script = Script::says("\n");
    assert_eq!(with_selected(&script, "    pr$0\n", 2, "println!").await, None);
}

#[tokio::test]
async fn another_selection_is_another_question() {
    let script = Script::answers(|input| match input {
        Input::Infill(prompt) if prompt.before_cursor().ends_with("foo") => "(1)\n".into(),
        _ => "(2)\n".into(),
    });
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "f\n").await;
    let word = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 1 } });
    for (selected, whole) in [("foo", "foo(1)"), ("fun", "fun(2)"), ("foo", "foo(1)")] {
        let mut params = at(URI, 0, 1);
        params["context"] =
            json!({ "triggerKind": 2, "selectedCompletionInfo": { "range": word, "text": selected } });
        assert_eq!(texts(&server.call(INLINE, params).await), [whole]);
    }
    // And what was suggested behind an item is there when the item is accepted.
    server.change(URI, 2, json!([{ "range": word, "text": "foo" }])).await;
    assert_eq!(texts(&server.call(INLINE, at(URI, 0, 3)).await), ["(1)"]);
    assert_eq!(script.seen().len(), 2);
    server.finish().await;
}

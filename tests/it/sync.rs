//! The documents stay in step with the editor's, or are let go with one word.

use infill_ls::source::Input;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, Unit, at};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";

fn change(from: (u32, u32), to: (u32, u32), text: &str) -> Value {
    let position = |(line, character)| json!({ "line": line, "character": character });
    json!({ "range": { "start": position(from), "end": position(to) }, "text": text })
}

/// Returns the document as the server has it: what the model sees before a cursor at its end.
async fn text_of(server: &mut TestServer, script: &Script) -> String {
    server.call(INLINE, at(URI, u32::MAX, u32::MAX)).await;
    script.last_prefix()
}

async fn outcomes(server: &mut TestServer) -> Value {
    server.call("infill/doctor", Value::Null).await["requests"]["silent"].take()
}

#[tokio::test]
async fn edits_of_one_message_apply_one_after_the_other() {
    let script = Script::says("x");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "one\ntwo\nthree\n").await;
    let changes =
        json!([change((1, 0), (2, 0), ""), change((1, 0), (1, 5), "3"), change((0, 3), (0, 3), "!")]);
    server.change(URI, 2, changes).await;
    assert_eq!(text_of(&mut server, &script).await, "one!\n3\n");
    server.change(URI, 7, json!([{ "text": "all new" }])).await;
    assert_eq!(text_of(&mut server, &script).await, "all new");
    server.finish().await;
}

#[tokio::test]
async fn edits_among_wide_characters_hit_in_every_unit() {
    for unit in [Unit::Utf8, Unit::Utf16, Unit::Utf32] {
        let script = Script::says("x");
        let offers = json!({ "positionEncodings": [unit.name()] });
        let mut server = Builder::new(&script).with("/capabilities/general", offers).ready().await;
        server.open(URI, "python", "a = '👩‍👩‍👧'\r\nb = 'é🦀ü'\rc = 1\n").await;
        let column = |text: &str| unit.len(text) as u32;
        let crab = (1, column("b = 'é"));
        let changes = json!([
            change(crab, (1, column("b = 'é🦀")), "🐢🐢"),
            change((0, column("a = '👩‍👩‍👧")), (0, column("a = '👩‍👩‍👧")), "!"),
            change((2, 4), (2, 5), "2"),
        ]);
        server.change(URI, 2, changes).await;
        let text = text_of(&mut server, &script).await;
        assert_eq!(text.replace("\r\n", "\n").replace('\r', "\n"), "a = '👩‍👩‍👧!'\nb = 'é🐢🐢ü'\nc = 2\n");
        server.finish().await;
    }
}

#[tokio::test]
async fn a_change_that_does_not_apply_drops_the_document_with_one_message() {
    let bad: [(&str, i32, Value); 4] = [
        ("beyond the end", 2, change((40, 0), (41, 0), "x")),
        ("reversed", 2, change((0, 3), (0, 1), "x")),
        ("an old version", 1, change((0, 0), (0, 0), "x")),
        ("no position", 2, json!({ "range": { "start": { "line": -1, "character": 0 } }, "text": "x" })),
    ];
    for (what, version, bad) in bad {
        let script = Script::says("1\n");
        let mut server = TestServer::plain(&script).await;
        server.open(URI, "python", "x = ").await;
        server.change(URI, version, json!([bad])).await;
        let message = server.heard("window/showMessage").await["message"].take();
        let message = message.as_str().unwrap();
        assert!(message.contains("a.py") && message.contains("open it again"), "{what}: {message}");

        for later in 3..6 {
            server.insert(URI, later, (0, 0), "y").await;
            server.change(URI, 1, json!([bad])).await;
        }
        assert_eq!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null, "{what}");
        assert_eq!(outcomes(&mut server).await, json!({ "out-of-sync": 1 }), "{what}");
        assert!(server.all_heard("window/showMessage").await.is_empty(), "{what}");

        server.close(URI).await;
        server.open(URI, "python", "y = ").await;
        assert_eq!(text_of(&mut server, &script).await, "y = ", "{what}");
        server.finish().await;
    }
}

#[tokio::test]
async fn versions_out_of_order_drop_the_document_once() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    for version in [5, 4, 3, 6, 2] {
        server.insert(URI, version, (0, 0), "y").await;
    }
    server.heard("window/showMessage").await;
    assert!(server.all_heard("window/showMessage").await.is_empty());
    server.finish().await;
}

#[tokio::test]
async fn positions_past_the_end_are_the_end() {
    let script = Script::answers(|_| "1\n".into());
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "plaintext", "x = \ny = ").await;
    for (place, prefix, range) in [
        ((0, 900), "x = ", json!({ "line": 0, "character": 4 })),
        ((900, 2), "x = \ny = ", json!({ "line": 1, "character": 4 })),
    ] {
        let item = server.call(INLINE, at(URI, place.0, place.1)).await["items"][0].take();
        assert_eq!(item["range"]["start"], range);
        assert_eq!(script.last_prefix(), prefix);
    }
    server.finish().await;
}

#[tokio::test]
async fn closing_frees_everything() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    server.close(URI).await;
    assert_eq!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    assert_eq!(script.forgotten().len(), 1);
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!((&doctor["documents"], &doctor["requests"]["silent"]), (&json!(0), &json!({ "not-open": 1 })));
    // The suggestions went with it: the model is asked again.
    server.open(URI, "python", "x = ").await;
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    assert_eq!(script.seen().len(), 2);
    server.finish().await;
}

#[tokio::test]
async fn documents_do_not_mix() {
    let script = Script::answers(|input| match input {
        Input::Infill(prompt) => format!("{}\n", prompt.before_cursor().to_uppercase().trim()),
        other => panic!("{other:?}"),
    });
    let mut server = TestServer::plain(&script).await;
    let other = "file:///project/b.py";
    server.open(URI, "plaintext", "aaa ").await;
    server.open(other, "plaintext", "bbb ").await;
    let first = server.request(INLINE, at(URI, 0, 4)).await;
    let second = server.request(INLINE, at(other, 0, 4)).await;
    assert_eq!(server.answer(second).await["result"]["items"][0]["insertText"], "BBB");
    assert_eq!(server.answer(first).await["result"]["items"][0]["insertText"], "AAA");
    server.finish().await;
}

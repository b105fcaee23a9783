//! When nothing is suggested, and what is said about it: the answer, the record, and the status of the editor.

use std::time::Duration;

use infill_ls::config::Settings;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, asked, at};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";

async fn silences(server: &mut TestServer) -> Value {
    server.call("infill/doctor", Value::Null).await["requests"]["silent"].take()
}

/// Deletes on the first line.
async fn delete(server: &mut TestServer, version: i32, from: u32, to: u32) {
    let range = json!({ "start": { "line": 0, "character": from }, "end": { "line": 0, "character": to } });
    server.change(URI, version, json!([{ "range": range, "text": "" }])).await;
}

#[tokio::test]
async fn after_a_deletion_only_a_person_who_asks_is_answered() {
    let script = Script::says("a + b\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "total = xy\n").await;
    delete(&mut server, 2, 9, 10).await;
    assert_eq!(server.call(INLINE, at(URI, 0, 9)).await, Value::Null);
    assert_eq!(silences(&mut server).await, json!({ "after-deletion": 1 }));
    assert_ne!(server.call(INLINE, asked(URI, (0, 9))).await, Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn a_deletion_elsewhere_or_before_a_key_does_not_count() {
    let script = Script::says("a + b\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = 1\ntotal = \n").await;
    delete(&mut server, 2, 4, 5).await;
    assert_ne!(server.call(INLINE, at(URI, 1, 8)).await, Value::Null);
    server.insert(URI, 3, (0, 4), "y").await;
    server.call(INLINE, at(URI, 0, 5)).await;
    assert_eq!(silences(&mut server).await, json!({}));
    server.finish().await;
}

#[tokio::test]
async fn what_was_suggested_is_there_again_when_the_wrong_key_is_taken_back() {
    let script = Script::says("a + b\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "total = \n").await;
    server.call(INLINE, at(URI, 0, 8)).await;
    server.insert(URI, 2, (0, 8), "x").await;
    delete(&mut server, 3, 8, 9).await;
    assert_eq!(server.call(INLINE, at(URI, 0, 8)).await["items"][0]["insertText"], "a + b");
    assert_eq!(script.seen().len(), 1);
    server.finish().await;
}

#[tokio::test]
async fn the_setting_allows_suggestions_after_a_deletion() {
    let script = Script::says("a + b\n");
    let mut settings = Settings::default();
    settings.automatic.after_deletion = true;
    let mut server = Builder::new(&script).settings(settings).ready().await;
    server.open(URI, "python", "total = xy\n").await;
    delete(&mut server, 2, 8, 10).await;
    assert_ne!(server.call(INLINE, at(URI, 0, 8)).await, Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn a_language_that_is_switched_off_is_completed_only_when_asked() {
    let script = Script::says("a + b\n");
    let settings = Settings { disabled_languages: vec!["python".into()], ..Settings::default() };
    let mut server = Builder::new(&script).settings(settings).ready().await;
    server.open(URI, "python", "total = \n").await;
    assert_eq!(server.call(INLINE, at(URI, 0, 8)).await, Value::Null);
    assert_ne!(server.call(INLINE, asked(URI, (0, 8))).await, Value::Null);
    assert_eq!(silences(&mut server).await, json!({ "disabled": 1 }));
    server.finish().await;
}

#[tokio::test]
async fn suggestions_may_come_only_when_they_are_asked_for() {
    let script = Script::says("a + b\n");
    let mut settings = Settings::default();
    settings.inline.automatic = false;
    let mut server = Builder::new(&script).settings(settings).ready().await;
    server.open(URI, "python", "total = \n").await;
    assert_eq!(server.call(INLINE, at(URI, 0, 8)).await, Value::Null);
    assert_ne!(server.call(INLINE, asked(URI, (0, 8))).await, Value::Null);
    assert_eq!(silences(&mut server).await, json!({ "not-asked": 1 }));
    server.finish().await;
}

#[tokio::test]
async fn the_editor_hears_why_nothing_is_shown() {
    let script = Script::says("al\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = tot_sum\n").await;
    server.call(INLINE, at(URI, 0, 6)).await;
    let heard = server.all_heard("infill/status").await;
    assert_eq!(
        heard.last().unwrap()["params"],
        json!({
            "state": "silent",
            "message": "the cursor stands inside a word; ask explicitly to complete here",
            "reason": "mid-word",
        })
    );
    server.finish().await;
}

/// A document, typed into.
struct Typing {
    server: TestServer,
    column: u32,
}

impl Typing {
    async fn new(script: &std::sync::Arc<Script>) -> Self {
        let mut server = TestServer::plain(script).await;
        server.open(URI, "python", "\n").await;
        Self { server, column: 0 }
    }

    /// Types a key some time after the last.
    async fn key(&mut self, after: u64) {
        tokio::time::sleep(Duration::from_millis(after)).await;
        self.server.insert(URI, self.column as i32 + 2, (0, self.column), "z").await;
        self.column += 1;
    }

    async fn ask(&mut self) -> i64 {
        self.server.request(INLINE, at(URI, 0, self.column)).await
    }

    /// Asks and waits; returns the milliseconds that it took.
    async fn answered_after(&mut self) -> u128 {
        let asked = tokio::time::Instant::now();
        let id = self.ask().await;
        self.server.answer(id).await;
        asked.elapsed().as_millis()
    }
}

/// The time that a generation takes is the test's.
#[tokio::test(start_paused = true)]
async fn fast_typing_is_waited_out_where_suggestions_are_slower() {
    let script = Script::says("a + b\n");
    let mut typing = Typing::new(&script).await;
    // A suggestion that takes 200 ms.
    script.hold();
    let id = typing.ask().await;
    script.begun().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    script.release();
    typing.server.answer(id).await;
    // Keys every 60 ms: each is asked about, and only the last is worth a generation.
    for _ in 0..5 {
        typing.key(60).await;
    }
    let mut overtaken = Vec::new();
    for _ in 0..4 {
        overtaken.push(typing.ask().await);
        typing.key(60).await;
    }
    assert_eq!(typing.answered_after().await, 90);
    for id in overtaken {
        assert_eq!(typing.server.answer(id).await["result"], Value::Null);
    }
    assert_eq!(script.seen().len(), 2);
    // Who asks does not wait.
    typing.key(60).await;
    let begun = tokio::time::Instant::now();
    let place = (0, typing.column);
    typing.server.call(INLINE, asked(URI, place)).await;
    assert_eq!(begun.elapsed().as_millis(), 0);
    typing.server.finish().await;
}

#[tokio::test(start_paused = true)]
async fn where_suggestions_come_between_the_keys_nothing_waits() {
    let script = Script::says("a + b\n");
    let mut typing = Typing::new(&script).await;
    script.hold();
    let id = typing.ask().await;
    script.begun().await;
    tokio::time::sleep(Duration::from_millis(40)).await;
    script.release();
    typing.server.answer(id).await;
    for _ in 0..5 {
        typing.key(60).await;
        assert_eq!(typing.answered_after().await, 0);
    }
    typing.server.finish().await;
}

#[tokio::test(start_paused = true)]
async fn slow_typing_is_never_waited_out() {
    let script = Script::says("a + b\n");
    let mut typing = Typing::new(&script).await;
    script.hold();
    let id = typing.ask().await;
    script.begun().await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    script.release();
    typing.server.answer(id).await;
    for _ in 0..5 {
        typing.key(180).await;
        assert_eq!(typing.answered_after().await, 0);
    }
    typing.server.finish().await;
}

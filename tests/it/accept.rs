//! Accepting a suggestion, or a word or a line of it, by the server's commands and by an editor's own: the text afterwards,
//! and the rest that is still there.

use infill_ls::complete::Portion;
use serde_json::{Value, json};

use crate::support::{Script, TestServer, Unit, apply, at, fixture};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";

/// A document with a suggestion at its cursor.
struct Shown {
    server: TestServer,
    text: String,
    place: (u32, u32),
    version: i32,
}

impl Shown {
    async fn new(script: &std::sync::Arc<Script>, text: &str) -> Self {
        let (text, place) = fixture(text);
        let mut server = TestServer::plain(script).await;
        server.open(URI, "python", &text).await;
        assert_ne!(server.call(INLINE, at(URI, place.0, place.1)).await, Value::Null);
        Self { server, text, place, version: 1 }
    }

    /// Executes a command and does what the server has the editor do; returns the text.
    async fn command(&mut self, command: &str, arguments: Value) -> &str {
        let params = json!({ "command": command, "arguments": arguments });
        assert_eq!(self.server.call("workspace/executeCommand", params).await, true);
        let edit = self.server.heard("workspace/applyEdit").await["edit"]["changes"][URI][0].take();
        self.edit(&edit["range"], edit["newText"].as_str().unwrap()).await;
        &self.text
    }

    /// Edits the document as the editor would, the cursor behind the new text.
    async fn edit(&mut self, range: &Value, text: &str) {
        self.text = apply(&self.text, range, text, Unit::Utf16);
        self.version += 1;
        self.server.change(URI, self.version, json!([{ "range": range, "text": text }])).await;
        let start = (range["start"]["line"].as_u64().unwrap(), range["start"]["character"].as_u64().unwrap());
        let lines = text.matches('\n').count() as u32;
        let column = text.rsplit('\n').next().unwrap().encode_utf16().count() as u32;
        self.place = (start.0 as u32 + lines, if lines == 0 { start.1 as u32 + column } else { column });
    }

    /// What is suggested at the cursor now.
    async fn rest(&mut self) -> String {
        let answer = self.server.call(INLINE, at(URI, self.place.0, self.place.1)).await;
        answer["items"][0]["insertText"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn word_by_word_the_rest_stays_without_the_model() {
    let script = Script::says("max(a, b) + 1\n");
    let mut shown = Shown::new(&script, "total = $0\n").await;
    let steps = [
        ("total = max\n", "(a, b) + 1"),
        ("total = max(\n", "a, b) + 1"),
        ("total = max(a\n", ", b) + 1"),
        ("total = max(a,\n", " b) + 1"),
        ("total = max(a, b\n", ") + 1"),
        ("total = max(a, b)\n", " + 1"),
        ("total = max(a, b) +\n", " 1"),
    ];
    for (text, rest) in steps {
        assert_eq!(shown.command("infill-ls.acceptWord", json!([])).await, text);
        assert_eq!(shown.rest().await, rest);
    }
    assert_eq!(shown.command("infill-ls.accept", json!([])).await, "total = max(a, b) + 1\n");
    assert_eq!(script.seen().len(), 1);
    shown.server.finish().await;
}

#[tokio::test]
async fn line_by_line_the_rest_stays_without_the_model() {
    let script = Script::says("total = 0\n    for n in numbers:\n        total += n\n    return total\n");
    let mut shown = Shown::new(&script, "def sum_of(numbers):\n    $0\n").await;
    for lines in ["total = 0", "total = 0\n    for n in numbers:"] {
        let text = shown.command("infill-ls.acceptLine", json!([])).await;
        assert_eq!(text, format!("def sum_of(numbers):\n    {lines}\n"));
        assert!(shown.rest().await.starts_with('\n'));
    }
    assert_eq!(script.seen().len(), 1);
    shown.server.finish().await;
}

#[tokio::test]
async fn brackets_behind_the_cursor_are_replaced_with_the_last_part() {
    let script = Script::says("1, 2))\n");
    let mut shown = Shown::new(&script, "print(max($0))\n").await;
    assert_eq!(shown.command("infill-ls.acceptWord", json!([])).await, "print(max(1))\n");
    assert_eq!(shown.rest().await, ", 2))");
    assert_eq!(shown.command("infill-ls.accept", json!([])).await, "print(max(1, 2))\n");
    shown.server.finish().await;
}

#[tokio::test]
async fn an_editors_own_accept_word_leaves_the_rest_too() {
    let script = Script::says("a + b\n");
    let mut shown = Shown::new(&script, "total = $0\n").await;
    let cursor = json!({ "line": 0, "character": 8 });
    shown.edit(&json!({ "start": cursor, "end": cursor }), "a +").await;
    assert_eq!(shown.rest().await, " b");
    assert_eq!(script.seen().len(), 1);
    shown.server.finish().await;
}

#[tokio::test]
async fn what_was_typed_along_is_not_inserted_twice() {
    let script = Script::says("max(a, b)\n");
    let mut shown = Shown::new(&script, "total = $0\n").await;
    let cursor = json!({ "line": 0, "character": 8 });
    shown.edit(&json!({ "start": cursor, "end": cursor }), "m").await;
    assert_eq!(shown.command("infill-ls.acceptWord", json!([])).await, "total = max\n");
    shown.server.finish().await;
}

#[tokio::test]
async fn where_nothing_is_shown_nothing_is_inserted() {
    let script = Script::says("max(a, b)\n");
    let mut shown = Shown::new(&script, "total = $0\nother = 1\n").await;
    let elsewhere = json!([{ "textDocument": { "uri": URI }, "position": { "line": 1, "character": 9 } }]);
    let params = json!({ "command": "infill-ls.accept", "arguments": elsewhere });
    assert_eq!(shown.server.call("workspace/executeCommand", params).await, false);
    let cursor = json!({ "line": 0, "character": 8 });
    shown.edit(&json!({ "start": cursor, "end": cursor }), "x").await;
    let params = json!({ "command": "infill-ls.accept" });
    assert_eq!(shown.server.call("workspace/executeCommand", params).await, false);
    assert!(shown.server.all_heard("workspace/applyEdit").await.is_empty());
    shown.server.finish().await;
}

#[tokio::test]
async fn what_an_editor_does_not_insert_is_still_suggested() {
    let script = Script::says("max(a, b)\n");
    let mut shown = Shown::new(&script, "total = $0\n").await;
    shown.server.refuse("workspace/applyEdit");
    let params = json!({ "command": "infill-ls.accept" });
    let id = shown.server.request("workspace/executeCommand", params).await;
    assert!(shown.server.answer(id).await.get("error").is_some());
    assert_eq!(shown.rest().await, "max(a, b)");
    shown.server.finish().await;
}

#[tokio::test]
async fn at_the_cursor_that_the_editor_names_it_is_inserted() {
    let script = Script::says("max(a, b)\n");
    let mut shown = Shown::new(&script, "total = $0\n").await;
    let here = json!([{ "textDocument": { "uri": URI }, "position": { "line": 0, "character": 8 } }]);
    assert_eq!(shown.command("infill-ls.acceptWord", here).await, "total = max\n");
    shown.server.finish().await;
}

#[tokio::test]
async fn a_wrong_argument_is_an_error() {
    let script = Script::says("max(a, b)\n");
    let mut server = TestServer::plain(&script).await;
    for command in ["infill-ls.accepted", "infill-ls.acceptWord"] {
        let params = json!({ "command": command, "arguments": [{ "id": "seven" }] });
        let id = server.request("workspace/executeCommand", params).await;
        assert_eq!(server.answer(id).await["error"]["code"], -32602);
    }
    server.finish().await;
}

#[test]
fn words_are_words_with_the_blanks_before_them_or_runs_of_signs() {
    let words = |mut text: &str| {
        let mut words = Vec::new();
        while !text.is_empty() {
            let word = Portion::Word.of(text);
            words.push(word.to_owned());
            text = &text[word.len()..];
        }
        words
    };
    assert_eq!(words(" = größer_1 + x2;\n"), [" =", " größer_1", " +", " x2", ";", "\n"]);
    assert_eq!(words("\n    foo(bar);"), ["\n    foo", "(", "bar", ");"]);
}

#[test]
fn lines_end_before_their_line_ending() {
    assert_eq!(Portion::Line.of("a b\r\nc"), "a b");
    assert_eq!(Portion::Line.of("\r\nc d\r\ne"), "\r\nc d");
    assert_eq!(Portion::Line.of("\n\n"), "\n\n");
    assert_eq!(Portion::Whole.of("a\nb"), "a\nb");
}

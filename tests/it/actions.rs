//! "Write the function this comment describes": where it is offered, what it makes of an answer, and how it is stopped.

use std::sync::Arc;

use infill_ls::source::Input;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, Unit, apply};

const URI: &str = "file:///project/shop.py";
const CANCELLED: i64 = -32800;
const CONTENT_MODIFIED: i64 = -32801;
const REQUEST_FAILED: i64 = -32803;

/// An editor that can do all there is: actions that resolve, versioned edits, progress.
pub(crate) async fn capable(script: &Arc<Script>) -> TestServer {
    editor(script).ready().await
}

/// The same, before it has said so.
pub(crate) fn editor(script: &Arc<Script>) -> Builder {
    let actions = json!({
        "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["refactor.rewrite"] } },
        "dataSupport": true,
        "resolveSupport": { "properties": ["edit", "command"] },
    });
    let edits = json!({
        "documentChanges": true,
        "resourceOperations": ["create"],
        "changeAnnotationSupport": { "groupsOnLabel": false },
    });
    Builder::new(script)
        .with("/capabilities/textDocument", json!({ "codeAction": actions }))
        .with("/capabilities/workspace", json!({ "workspaceEdit": edits }))
        .with(
            "/capabilities/window",
            json!({ "workDoneProgress": true, "showDocument": { "support": true } }),
        )
}

pub(crate) async fn offered(server: &mut TestServer, uri: &str, line: u32, only: Option<&[&str]>) -> Value {
    let place = json!({ "line": line, "character": 3 });
    let mut context = json!({ "diagnostics": [] });
    if let Some(only) = only {
        context["only"] = json!(only);
    }
    let range = json!({ "start": place, "end": place });
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
    server.call("textDocument/codeAction", params).await
}

fn last_chat(script: &Script) -> (String, String, String) {
    match script.seen().pop() {
        Some(Input::Chat { system, user, answer_start }) => (system, user, answer_start),
        other => panic!("the last prompt is {other:?}"),
    }
}

/// Returns the text after the action was chosen on a line.
async fn written(language: &str, text: &str, line: u32, answer: &'static str) -> String {
    let script = Script::says(answer);
    let mut server = capable(&script).await;
    server.open(URI, language, text).await;
    let action = offered(&mut server, URI, line, None).await[0].take();
    let resolved = server.call("codeAction/resolve", action).await;
    let edit = &resolved["edit"]["documentChanges"][0];
    assert_eq!(edit["textDocument"], json!({ "uri": URI, "version": 1 }));
    server.finish().await;
    // From the last to the first, so that none moves another.
    edit["edits"].as_array().unwrap().iter().rev().fold(text.into(), |text: String, edit| {
        apply(&text, &edit["range"], edit["newText"].as_str().unwrap(), Unit::Utf16)
    })
}

#[tokio::test]
async fn a_comment_becomes_a_function_below_it() {
    let text = "import math\n\n# Returns the area of a circle.\n\nprint(1)\n";
    let answer = "import math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))\n```\nThis function returns …";
    let expected = "import math\n\n# Returns the area of a circle.\ndef area(r):\n    return math.pi * r ** 2\n\nprint(1)\n";
    assert_eq!(written("python", text, 2, answer).await, expected);
}

#[tokio::test]
async fn what_the_function_needs_is_imported_where_the_others_are() {
    let answer = "import re\nimport os\n\ndef f(self):\n    return re.escape(os.sep)\n```";
    let text = "import os\n\nclass A:\n    # Returns the escaped separator.\n";
    let expected = "import os\nimport re\n\nclass A:\n    # Returns the escaped separator.\n    def f(self):\n        return re.escape(os.sep)\n";
    assert_eq!(written("python", text, 3, answer).await, expected);

    let text = "#!/usr/bin/env python\n@final\nclass A:\n    # Returns the escaped separator.\n";
    let imported = written("python", text, 3, answer).await;
    assert!(
        imported.starts_with("#!/usr/bin/env python\nimport re\nimport os\n\n@final\nclass A:"),
        "{imported}"
    );
}

#[tokio::test]
async fn a_comment_said_again_is_not_written_again() {
    let text = "/// Doubles.\n";
    let answer = "/// Doubles.\nfn double(x: u8) -> u8 {\n    x * 2\n}\n\n#[cfg(test)]\nmod tests {}\n```";
    assert_eq!(
        written("rust", text, 0, answer).await,
        "/// Doubles.\nfn double(x: u8) -> u8 {\n    x * 2\n}\n"
    );
}

#[tokio::test]
async fn a_signature_gets_its_body() {
    let text = "class Cart:\n    def total(self, rate):\n        \"\"\"Returns the sum with tax.\"\"\"\n";
    let answer = "    return sum(self.items) * rate\n\n\ncart = Cart()\n```";
    let expected = format!("{text}        return sum(self.items) * rate\n");
    assert_eq!(written("python", text, 2, answer).await.trim_end(), expected.trim_end());
}

#[tokio::test]
async fn braces_are_closed_where_the_function_ends() {
    let text = "mod shop {\n    /// Returns twice `x`.\n    fn twice(x: u8) -> u8 {}\n}\n";
    let answer = "    x * 2\n}\n\nfn main() {}\n```";
    let expected =
        "mod shop {\n    /// Returns twice `x`.\n    fn twice(x: u8) -> u8 {\n        x * 2\n    }\n}\n";
    assert_eq!(written("rust", text, 1, answer).await, expected);
}

#[tokio::test]
async fn a_function_takes_the_line_endings_and_the_indentation_of_its_place() {
    let text = "class Cart:\r\n    # Returns how many items there are.\r\n";
    let answer = "```python\ndef count(self):\n    return len(self.items)\n```\nHope this helps!";
    let expected = "class Cart:\r\n    # Returns how many items there are.\r\n    def count(self):\r\n        return len(self.items)\r\n";
    assert_eq!(written("python", text, 1, answer).await, expected);
}

#[tokio::test]
async fn the_model_reads_the_comment_the_signature_and_the_file() {
    let script = Script::says("    return a\n```");
    let mut server = capable(&script).await;
    let text = "RATE = 3\n\n# Adds the tax,\n# rounded up.\ndef taxed(a):\n    pass\n";
    server.open(URI, "python", text).await;
    let action = offered(&mut server, URI, 2, None).await[0].take();
    server.call("codeAction/resolve", action).await;
    let (_, user, answer_start) = last_chat(&script);
    assert!(user.contains("RATE = 3"), "{user}");
    assert!(user.contains("# Adds the tax,\n# rounded up.\ndef taxed(a):"), "{user}");
    assert!(user.contains("Python"), "{user}");
    // The answer is begun with what it is to go on from.
    assert_eq!(answer_start, "```python\n# Adds the tax,\n# rounded up.\ndef taxed(a):\n");
    server.finish().await;
}

#[tokio::test]
async fn another_requirement_makes_another_function() {
    let script = Script::answers(|input| match input {
        Input::Chat { user, .. } if user.contains("price in cents") => {
            "def price():\n    return 100\n```".into()
        }
        _ => "def price():\n    return 1\n```".into(),
    });
    let mut server = capable(&script).await;
    for (comment, result) in [("# The price in cents.\n", "100"), ("# The price in euros.\n", "1")] {
        server.open(URI, "python", comment).await;
        let action = offered(&mut server, URI, 0, None).await[0].take();
        let resolved = server.call("codeAction/resolve", action).await;
        let edit = resolved["edit"]["documentChanges"][0]["edits"][0]["newText"].clone();
        assert_eq!(edit, format!("\ndef price():\n    return {result}"));
    }
    server.finish().await;
}

#[tokio::test]
async fn it_is_offered_on_comments_and_only_where_it_is_wanted() {
    let script = Script::says("");
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n\nx = 1\n").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    assert_eq!(action["title"], "Write the function this comment describes");
    assert_eq!(action["kind"], "refactor.rewrite");
    assert_eq!(offered(&mut server, URI, 2, None).await, Value::Null);
    for (only, wanted) in
        [("refactor", true), ("refactor.rewrite", true), ("quickfix", false), ("ref", false)]
    {
        let actions = offered(&mut server, URI, 0, Some(&[only])).await;
        assert_eq!(actions.is_array(), wanted, "{only}");
    }
    assert!(script.seen().is_empty());
    server.finish().await;
}

#[tokio::test]
async fn an_editor_that_cannot_resolve_runs_a_command() {
    let script = Script::says("def add(a, b):\n    return a + b\n```");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let command = offered(&mut server, URI, 0, None).await[0].take();
    assert_eq!(command["command"], "infill-ls.writeFunction");
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    server.call("workspace/executeCommand", params).await;
    let edit = server.heard("workspace/applyEdit").await;
    assert_eq!(edit["edit"]["changes"][URI][0]["newText"], "\ndef add(a, b):\n    return a + b");
    server.finish().await;
}

#[tokio::test]
async fn progress_is_shown_while_it_is_written() {
    let script = Script::says("def add(a, b):\n    return a + b\n```");
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    script.hold();
    let id = server.request("codeAction/resolve", action).await;
    let begin = server.heard("$/progress").await;
    assert_eq!(begin["value"]["kind"], "begin");
    assert_eq!(begin["value"]["cancellable"], true);
    script.release();
    assert_eq!(server.heard("$/progress").await["value"], json!({ "kind": "report", "message": "line 1" }));
    while server.heard("$/progress").await["value"]["kind"] != "end" {}
    assert!(server.answer(id).await["result"]["edit"].is_object());
    server.finish().await;
}

#[tokio::test]
async fn the_cancel_button_stops_it() {
    let script = Script::says("def f(): pass\n```");
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    script.hold();
    let id = server.request("codeAction/resolve", action).await;
    let token = server.heard("$/progress").await["token"].take();
    server.notify("window/workDoneProgress/cancel", json!({ "token": token })).await;
    assert_eq!(server.answer(id).await["error"]["code"], CANCELLED);
    script.stopped().await;
    while server.heard("$/progress").await["value"]["kind"] != "end" {}
    server.finish().await;
}

#[tokio::test]
async fn taking_the_request_back_stops_it() {
    let script = Script::says("def f(): pass\n```");
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    script.hold();
    let id = server.request("codeAction/resolve", action).await;
    script.begun().await;
    server.notify("$/cancelRequest", json!({ "id": id })).await;
    assert_eq!(server.answer(id).await["error"]["code"], CANCELLED);
    script.stopped().await;
    server.finish().await;
}

#[tokio::test]
async fn completions_and_the_action_do_not_overtake_each_other() {
    let script = Script::answers(|input| match input {
        Input::Chat { .. } => "def add(a, b):\n    return a + b\n```".into(),
        _ => "1\n".into(),
    });
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n\nx = ").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    script.hold();
    let writing = server.request("codeAction/resolve", action).await;
    script.begun().await;
    let inline = server.request("textDocument/inlineCompletion", crate::support::at(URI, 2, 4)).await;
    script.begun().await;
    script.release();
    assert!(server.answer(writing).await["result"]["edit"].is_object());
    assert_ne!(server.answer(inline).await["result"], Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn an_edit_moves_with_its_place_while_it_is_made() {
    let script = Script::says("def add(a, b):\n    return a + b\n```");
    let mut server = capable(&script).await;
    server.open(URI, "python", "x = 1\n\n# Adds two numbers.\n").await;
    let action = offered(&mut server, URI, 2, None).await[0].take();
    script.hold();
    let id = server.request("codeAction/resolve", action).await;
    script.begun().await;
    server.insert(URI, 2, (0, 0), "import os\n").await;
    server.call("infill/doctor", Value::Null).await;
    script.release();
    let resolved = server.answer(id).await;
    let change = &resolved["result"]["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"]["version"], 2);
    assert_eq!(change["edits"][0]["range"]["start"], json!({ "line": 3, "character": 19 }));
    server.finish().await;
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_not_edited() {
    let script = Script::says("def add(a, b):\n    return a + b\n```");
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    script.hold();
    let id = server.request("codeAction/resolve", action.clone()).await;
    script.begun().await;
    server.insert(URI, 2, (0, 19), " And more.").await;
    server.call("infill/doctor", Value::Null).await;
    script.release();
    assert_eq!(server.answer(id).await["error"]["code"], CONTENT_MODIFIED);
    let message = server.heard("window/showMessage").await["message"].take();
    assert!(message.as_str().unwrap().contains("choose it again"), "{message}");
    // It is too late for the old action, too.
    let id = server.request("codeAction/resolve", action).await;
    assert_eq!(server.answer(id).await["error"]["code"], CONTENT_MODIFIED);
    server.finish().await;
}

/// A script that gives one answer after the other, the last one for ever.
fn in_turn(answers: &'static [&'static str]) -> Arc<Script> {
    let number = std::sync::atomic::AtomicUsize::new(0);
    Script::answers(move |_| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        answers[number.min(answers.len() - 1)].into()
    })
}

#[tokio::test]
async fn what_does_not_parse_is_asked_for_again() {
    let script = in_turn(&["def add(a, b:\n    return a +\n```", "def add(a, b):\n    return a + b\n```"]);
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    let resolved = server.call("codeAction/resolve", action).await;
    let text = &resolved["edit"]["documentChanges"][0]["edits"][0]["newText"];
    assert_eq!(text, "\ndef add(a, b):\n    return a + b");
    assert_eq!(script.seen().len(), 2);
    server.finish().await;
}

#[tokio::test]
async fn the_menu_offers_other_ways_of_a_function() {
    let script =
        in_turn(&["def add(a, b):\n    return a + b\n```", "def add(a, b):\n    return sum((a, b))\n```"]);
    let mut server = capable(&script).await;
    let text = "# Adds two numbers.\n";
    server.open(URI, "python", text).await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    server.call("codeAction/resolve", action).await;
    let first = "# Adds two numbers.\ndef add(a, b):\n    return a + b\n";
    server.change(URI, 2, json!([{ "text": first }])).await;

    let another = titled(&mut server, URI, 0, "in another way").await;
    let resolved = server.call("codeAction/resolve", another).await;
    let edit = &resolved["edit"]["documentChanges"][0]["edits"][0];
    let second = apply(first, &edit["range"], edit["newText"].as_str().unwrap(), Unit::Utf16);
    assert_eq!(second, "# Adds two numbers.\ndef add(a, b):\n    return sum((a, b))\n");
    server.change(URI, 3, json!([{ "text": second }])).await;

    // Back to the first one, without the model.
    let asked = script.seen().len();
    let back = titled(&mut server, URI, 0, "version 1 of 2").await;
    let edit = &back["edit"]["documentChanges"][0]["edits"][0];
    assert_eq!(apply(&second, &edit["range"], edit["newText"].as_str().unwrap(), Unit::Utf16), first);
    assert_eq!(script.seen().len(), asked);
    server.finish().await;
}

/// Returns the action of a line whose title holds some words.
pub(crate) async fn titled(server: &mut TestServer, uri: &str, line: u32, words: &str) -> Value {
    let offered = offered(server, uri, line, None).await;
    let found = offered
        .as_array()
        .and_then(|all| all.iter().find(|action| action["title"].as_str().unwrap().contains(words)));
    found.unwrap_or_else(|| panic!("no action `{words}` in {offered}")).clone()
}

#[tokio::test]
async fn a_body_without_a_comment_is_filled_in() {
    let script = Script::says("    return a + b\n```");
    let mut server = capable(&script).await;
    server.open(URI, "python", "def add(a, b):\n    pass\n").await;
    let action = titled(&mut server, URI, 1, "Fill in this body").await;
    let resolved = server.call("codeAction/resolve", action).await;
    let edit = &resolved["edit"]["documentChanges"][0]["edits"][0];
    let text =
        apply("def add(a, b):\n    pass\n", &edit["range"], edit["newText"].as_str().unwrap(), Unit::Utf16);
    assert_eq!(text, "def add(a, b):\n    return a + b\n");
    server.finish().await;
}

#[tokio::test]
async fn a_function_is_indented_as_its_file() {
    let text = "const rates = {\n  eur: 1,\n};\n\n// Returns twice `n`, at least 1.\n";
    let answer = "function twice(n) {\n    if (n < 1) {\n        return 1;\n    }\n    return 2 * n;\n}\n```";
    let after = written("javascript", text, 4, answer).await;
    assert!(after.contains("\n  if (n < 1) {\n    return 1;\n  }\n"), "{after}");
}

#[tokio::test]
async fn a_function_is_known_as_one_in_languages_that_write_it_otherwise() {
    for (language, comment, function) in [
        ("ruby", "# Returns twice n.\n", "def twice(n)\n  2 * n\nend\n"),
        ("php", "<?php\n// Returns twice n.\n", "function twice($n) {\n    return 2 * $n;\n}\n"),
    ] {
        let script = Script::answers(move |_| format!("{function}```"));
        let mut server = capable(&script).await;
        server.open(URI, language, comment).await;
        let line = comment.lines().count() as u32 - 1;
        let action = titled(&mut server, URI, line, "Write the function").await;
        let resolved = server.call("codeAction/resolve", action).await;
        let edit = &resolved["edit"]["documentChanges"][0]["edits"][0];
        let after = apply(comment, &edit["range"], edit["newText"].as_str().unwrap(), Unit::Utf16);
        assert_eq!(after, format!("{comment}{function}"), "{language}");
        server.finish().await;
    }
}

#[tokio::test]
async fn an_answer_without_code_is_told() {
    let script = Script::says("```\nI cannot do that.");
    let mut server = capable(&script).await;
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    let id = server.request("codeAction/resolve", action).await;
    assert_eq!(server.answer(id).await["error"]["code"], REQUEST_FAILED);
    let message = server.heard("window/showMessage").await["message"].take();
    assert!(message.as_str().unwrap().contains("no function"), "{message}");
    server.finish().await;
}

#[tokio::test]
async fn an_edit_that_the_editor_refuses_is_told() {
    let script = Script::says("def add(a, b):\n    return a + b\n```");
    let mut server = TestServer::plain(&script).await;
    server.refuse("workspace/applyEdit");
    server.open(URI, "python", "# Adds two numbers.\n").await;
    let command = offered(&mut server, URI, 0, None).await[0].take();
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    let id = server.request("workspace/executeCommand", params).await;
    assert!(server.answer(id).await["error"].is_object());
    let unknown = json!({ "command": "rm", "arguments": [] });
    let id = server.request("workspace/executeCommand", unknown).await;
    assert_eq!(server.answer(id).await["error"]["code"], -32602);
    server.finish().await;
}

#[tokio::test]
async fn a_function_is_begun_for_the_model_where_only_a_comment_tells_of_it() {
    let script = Script::says(" area(r):\n    return 3.14 * r ** 2\n```");
    let mut server = capable(&script).await;
    let text = "# Returns the area of a circle.\n";
    server.open(URI, "python", text).await;
    let action = offered(&mut server, URI, 0, None).await[0].take();
    let resolved = server.call("codeAction/resolve", action).await;
    let written = &resolved["edit"]["documentChanges"][0]["edits"][0]["newText"];
    assert_eq!(written, "\ndef area(r):\n    return 3.14 * r ** 2");
    assert_eq!(last_chat(&script).2, "```python\ndef");
    server.finish().await;
}

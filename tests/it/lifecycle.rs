//! From the handshake to the end: what is offered, how loading is shown, and every way in which a server can end.

use infill_ls::server::Exit;
use infill_ls::source::Status;
use serde_json::{Value, json};

use crate::support::{Builder, Script, TestServer, at};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";

fn loading(done: u64) -> Status {
    Status::Loading { stage: "downloading".into(), done, total: 400 }
}

#[tokio::test]
async fn what_is_offered() {
    let server = TestServer::plain(&Script::says("")).await;
    expect_test::expect![[r#"
        {
          "codeActionProvider": {
            "codeActionKinds": [
              "refactor.rewrite",
              "quickfix"
            ],
            "resolveProvider": false
          },
          "completionProvider": {},
          "executeCommandProvider": {
            "commands": [
              "infill-ls.accepted",
              "infill-ls.accept",
              "infill-ls.acceptWord",
              "infill-ls.acceptLine",
              "infill-ls.writeFunction",
              "infill-ls.task",
              "infill-ls.ask",
              "infill-ls.open"
            ]
          },
          "inlineCompletionProvider": true,
          "positionEncoding": "utf-16",
          "textDocumentSync": {
            "change": 2,
            "openClose": true,
            "save": {
              "includeText": false
            }
          },
          "workspace": {
            "workspaceFolders": {
              "changeNotifications": true,
              "supported": true
            }
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&server.hello["capabilities"]).unwrap());
    server.finish().await;
}

#[tokio::test]
async fn inline_completion_is_registered_where_the_editor_asks_for_that_and_not_twice() {
    let script = Script::says("1\n");
    let dynamic = json!({ "inlineCompletion": { "dynamicRegistration": true } });
    let mut server = Builder::new(&script).with("/capabilities/textDocument", dynamic).ready().await;
    assert_eq!(server.hello["capabilities"].get("inlineCompletionProvider"), None);
    let registration = server.heard("client/registerCapability").await;
    let registration = &registration["registrations"][0];
    assert_eq!(registration["method"], INLINE);
    // All documents, said in so many words: what `null` means is up to the client.
    assert_eq!(registration["registerOptions"], json!({ "documentSelector": [{ "pattern": "**" }] }));
    server.open(URI, "python", "x = ").await;
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn an_editor_that_does_not_wait_for_the_handshake_is_served() {
    let script = Script::says("1\n");
    let (mut server, initialize) = Builder::new(&script).start();
    let hello = server.request("initialize", initialize).await;
    server.notify("initialized", json!({})).await;
    server.open(URI, "python", "x = ").await;
    let inline = server.request(INLINE, at(URI, 0, 4)).await;
    assert!(server.answer(hello).await["result"].is_object());
    assert_eq!(server.answer(inline).await["result"]["items"][0]["insertText"], "1");
    server.finish().await;
}

#[tokio::test]
async fn everything_before_initialize_is_refused_and_the_server_goes_on() {
    let script = Script::says("1\n");
    let (mut server, initialize) = Builder::new(&script).start();
    server.open(URI, "python", "x = ").await;
    server.insert(URI, 2, (0, 4), "2").await;
    let inline = server.request(INLINE, at(URI, 0, 4)).await;
    let doctor = server.request("infill/doctor", Value::Null).await;
    let shutdown = server.request("shutdown", Value::Null).await;
    for id in [inline, doctor, shutdown] {
        assert_eq!(server.answer(id).await["error"]["code"], -32002);
    }
    server.call("initialize", initialize.clone()).await;
    let again = server.request("initialize", initialize).await;
    assert_eq!(server.answer(again).await["error"]["code"], -32600);
    server.open(URI, "python", "x = ").await;
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn loading_is_shown_and_answered_with_its_reason() {
    let script = Script::says("1\n");
    script.set_status(loading(100));
    let progress = json!({ "workDoneProgress": true });
    let mut server = Builder::new(&script).with("/capabilities/window", progress).ready().await;
    let token = server.heard("window/workDoneProgress/create").await["token"].take();
    let begin = server.heard("$/progress").await;
    assert_eq!((&begin["token"], &begin["value"]["kind"]), (&token, &json!("begin")));
    assert_eq!(begin["value"]["percentage"], 0);
    let report = server.heard("$/progress").await;
    assert_eq!(report["value"]["message"], "downloading");
    assert_eq!(report["value"]["percentage"], 25);

    server.open(URI, "python", "x = ").await;
    assert_eq!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "loading": 1 }));
    assert_eq!(doctor["status"], json!({ "state": "loading", "message": "downloading" }));

    script.set_status(Status::Ready { model: "small".into() });
    while server.heard("$/progress").await["value"]["kind"] != "end" {}
    assert!(server.heard("window/logMessage").await["message"].as_str().unwrap().contains("small is ready"));
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn a_request_waits_for_a_model_that_is_being_read() {
    let script = Script::says("1\n");
    script.set_status(Status::Loading { stage: "loading small".into(), done: 0, total: 0 });
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = \ny = ").await;
    let first = server.request(INLINE, at(URI, 0, 4)).await;
    let second = server.request(INLINE, at(URI, 1, 4)).await;
    // A newer request overtakes one that waits, as ever.
    assert_eq!(server.answer(first).await["result"], Value::Null);
    script.set_status(Status::Ready { model: "small".into() });
    assert_ne!(server.answer(second).await["result"], Value::Null);
    server.finish().await;
}

#[tokio::test]
async fn an_editor_without_progress_is_not_asked_for_it() {
    let script = Script::says("1\n");
    script.set_status(loading(0));
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    assert_eq!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    script.set_status(Status::Ready { model: "small".into() });
    server.heard("window/logMessage").await;
    assert!(server.all_heard("window/workDoneProgress/create").await.is_empty());
    server.finish().await;
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_is_told_once() {
    let script = Script::says("1\n");
    script.set_status(Status::Failed { message: "no space; free 500 MB".into() });
    let mut server = TestServer::plain(&script).await;
    let told = server.heard("window/showMessage").await;
    assert_eq!(told["message"], "infill-ls: no space; free 500 MB");
    server.open(URI, "python", "x = ").await;
    for _ in 0..3 {
        assert_eq!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    }
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "no-model": 3 }));
    assert!(server.all_heard("window/showMessage").await.is_empty());
    server.finish().await;
}

#[tokio::test]
async fn the_status_follows_the_requests() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    assert_eq!(server.heard("infill/status").await["state"], "ready");
    server.open(URI, "python", "x = ").await;
    script.hold();
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    assert_eq!(server.heard("infill/status").await["state"], "thinking");
    script.release();
    server.answer(id).await;
    assert_eq!(server.heard("infill/status").await, json!({ "state": "ready", "message": "scripted" }));
    server.call(INLINE, at("file:///unknown", 0, 0)).await;
    let status = server.heard("infill/status").await;
    assert_eq!((&status["state"], &status["reason"]), (&json!("silent"), &json!("not-open")));
    server.finish().await;
}

#[tokio::test]
async fn exit_without_shutdown_is_no_success() {
    let mut server = TestServer::plain(&Script::says("")).await;
    server.send(json!({ "jsonrpc": "2.0", "method": "exit" })).await;
    let exit = server.ended().await;
    assert_eq!((exit, exit.code()), (Exit::Unclean, 1));
}

#[tokio::test]
async fn after_shutdown_only_exit_is_left() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.call("shutdown", Value::Null).await;
    let late = server.request(INLINE, at(URI, 0, 0)).await;
    assert_eq!(server.answer(late).await["error"]["code"], -32600);
    server.send(json!({ "jsonrpc": "2.0", "method": "exit" })).await;
    let exit = server.ended().await;
    assert_eq!((exit, exit.code()), (Exit::Clean, 0));
}

#[tokio::test]
async fn shutdown_answers_what_is_under_way() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    server.call("shutdown", Value::Null).await;
    assert_eq!(server.answer(id).await["result"], Value::Null);
    script.stopped().await;
    server.send(json!({ "jsonrpc": "2.0", "method": "exit" })).await;
    assert_eq!(server.ended().await, Exit::Clean);
}

#[tokio::test]
async fn hanging_up_ends_the_server_and_what_it_computes() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    server.hang_up();
    script.stopped().await;
    assert_eq!(server.answer(id).await["result"], Value::Null);
    assert_eq!(server.ended().await, Exit::Unclean);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_server_ends_with_the_process_that_started_it() {
    let mut parent = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let script = Script::says("");
    let mut server = Builder::new(&script).with("/processId", json!(parent.id())).ready().await;
    server.call("infill/doctor", Value::Null).await;
    parent.kill().unwrap();
    assert_eq!(server.ended().await, Exit::Unclean);
    parent.wait().unwrap();
}

#[tokio::test]
async fn a_process_that_cannot_be_seen_is_not_waited_for() {
    let script = Script::says("");
    let mut server = Builder::new(&script).with("/processId", json!(u32::MAX)).ready().await;
    server.call("infill/doctor", Value::Null).await;
    server.finish().await;
}

#[tokio::test]
async fn null_parameters_are_none() {
    let mut server = TestServer::plain(&Script::says("")).await;
    server.expect_answer(77);
    server.send(json!({ "jsonrpc": "2.0", "id": 77, "method": "shutdown", "params": null })).await;
    assert_eq!(server.answer(77).await["result"], Value::Null);
    server.send(json!({ "jsonrpc": "2.0", "method": "exit", "params": null })).await;
    assert_eq!(server.ended().await, Exit::Clean);
}

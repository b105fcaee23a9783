//! What no editor should send, and documents that no editor should open: the server answers and goes on.

use serde_json::{Value, json};

use crate::support::{Script, TestServer, at};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";
const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

fn framed(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Waits for the answer to a message that has no id that could be read.
async fn answer_to_nobody(server: &mut TestServer) -> Value {
    server.nameless_answer().await["error"]["code"].take()
}

async fn goes_on(server: &mut TestServer) {
    server.open(URI, "python", "x = ").await;
    assert_eq!(server.call(INLINE, at(URI, 0, 4)).await["items"][0]["insertText"], "1");
}

#[tokio::test]
async fn messages_that_do_not_parse_are_answered_with_an_error() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{}1{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    let cases = [
        (framed("{\"jsonrpc\":\"2.0\",\"method\":"), PARSE_ERROR),
        (framed(""), PARSE_ERROR),
        (framed("\0\0\0"), PARSE_ERROR),
        ([b"Content-Length: 4\r\n\r\n".as_slice(), b"\"\xff\xfe\""].concat(), PARSE_ERROR),
        (framed(&deep), PARSE_ERROR),
        (framed("[]"), INVALID_REQUEST),
        (framed("7"), INVALID_REQUEST),
        (framed("{}"), INVALID_REQUEST),
        (framed("{\"jsonrpc\":\"1.0\",\"method\":\"x\"}"), INVALID_REQUEST),
        (framed("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":1.5}"), INVALID_REQUEST),
        (framed("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":{}}"), INVALID_REQUEST),
        (framed("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":1}"), INVALID_REQUEST),
        (b"Content-Length: many\r\n\r\n".to_vec(), PARSE_ERROR),
        (b"Content-Type: text/plain\r\n\r\n".to_vec(), PARSE_ERROR),
        (b"Content-Length: 99999999999999\r\n\r\n".to_vec(), PARSE_ERROR),
        (b"this is no header\r\n\r\n".to_vec(), PARSE_ERROR),
    ];
    for (bytes, code) in cases {
        server.send_raw(&bytes).await;
        assert_eq!(answer_to_nobody(&mut server).await, code, "{}", String::from_utf8_lossy(&bytes));
        goes_on(&mut server).await;
    }
    server.finish().await;
}

#[tokio::test]
async fn json_of_any_depth_is_survived() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    for depth in 115..135 {
        let params = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        server
            .send_raw(&framed(&format!("{{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{params}}}")))
            .await;
        goes_on(&mut server).await;
    }
    server.finish().await;
}

#[tokio::test]
async fn a_wrong_length_costs_no_more_than_the_messages_it_is_about() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    // Too short: what is left of the message runs into the next header.
    server.send_raw(b"Content-Length: 5\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"x\"}").await;
    assert_eq!(answer_to_nobody(&mut server).await, PARSE_ERROR);
    goes_on(&mut server).await;
    // Headers in another case and unknown ones are nothing bad.
    let body = "{\"jsonrpc\":\"2.0\",\"method\":\"initialized\",\"params\":{}}";
    let headers = format!(
        "X-Trace: 1\r\nContent-Type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    server.send_raw(headers.as_bytes()).await;
    goes_on(&mut server).await;
    server.finish().await;
}

#[tokio::test]
async fn what_is_not_known_is_refused_by_name_or_ignored() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.notify("$/unknown", json!({})).await;
    server.notify("workspace/unknown", json!({})).await;
    let unknown = server.request("textDocument/unknown", json!({})).await;
    assert_eq!(server.answer(unknown).await["error"]["code"], METHOD_NOT_FOUND);
    let hover = server.request("textDocument/hover", at(URI, 0, 0)).await;
    assert_eq!(server.answer(hover).await["error"]["code"], METHOD_NOT_FOUND);
    goes_on(&mut server).await;
    server.finish().await;
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    for params in [
        json!({}),
        json!([1]),
        json!("x"),
        at("not a uri", 0, 0),
        json!({ "textDocument": { "uri": URI }, "position": { "line": -1, "character": 0 } }),
        json!({ "textDocument": { "uri": URI }, "position": { "line": 1e99, "character": 0 } }),
    ] {
        for method in
            [INLINE, "textDocument/completion", "textDocument/codeAction", "workspace/executeCommand"]
        {
            let id = server.request(method, params.clone()).await;
            assert_eq!(server.answer(id).await["error"]["code"], INVALID_PARAMS, "{method} {params}");
        }
    }
    for method in ["textDocument/didOpen", "textDocument/didChange", "textDocument/didClose"] {
        server.notify(method, json!({ "textDocument": 5 })).await;
    }
    let stray = json!({ "title": "x", "data": { "of": "another server" } });
    let id = server.request("codeAction/resolve", stray).await;
    assert_eq!(server.answer(id).await["error"]["code"], INVALID_PARAMS);
    goes_on(&mut server).await;
    server.finish().await;
}

#[tokio::test]
async fn answers_that_nobody_asked_for_are_ignored() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    for id in [json!(99), json!("x"), Value::Null] {
        server.send(json!({ "jsonrpc": "2.0", "id": id, "result": {} })).await;
        server.send(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": 1, "message": "no" } })).await;
    }
    goes_on(&mut server).await;
    server.finish().await;
}

#[tokio::test]
async fn the_same_id_twice_is_refused_the_second_time() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    let again = json!({ "jsonrpc": "2.0", "id": id, "method": INLINE, "params": at(URI, 0, 4) });
    server.send(again).await;
    assert_eq!(server.answer(id).await["error"]["code"], INVALID_REQUEST);
    server.expect_answer(id);
    script.release();
    assert_eq!(server.answer(id).await["result"]["items"][0]["insertText"], "1");
    server.finish().await;
}

#[tokio::test]
async fn a_document_of_50_megabytes_is_kept_in_step_and_not_completed() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    let text = "value = compute(value)\n".repeat(50_000_000 / 23);
    server.open(URI, "python", &text).await;
    for edit in 0..20 {
        server.insert(URI, 2 + edit, (1_000_000, 0), "x").await;
    }
    assert_eq!(server.call(INLINE, at(URI, 1_000_000, 3)).await, Value::Null);
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "too-large": 1 }));
    assert!(server.all_heard("window/showMessage").await.is_empty());
    server.close(URI).await;
    goes_on(&mut server).await;
    server.finish().await;
}

#[tokio::test]
async fn a_line_of_a_million_characters_is_completed_or_not_but_answered() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    let text = format!("x = [{}\ny = ", "1, ".repeat(333_333));
    server.open(URI, "python", &text).await;
    for place in [(0, 0), (0, 500_000), (0, 1_000_004), (1, 4)] {
        let id = server.request(INLINE, at(URI, place.0, place.1)).await;
        assert!(server.answer(id).await.get("error").is_none());
    }
    goes_on(&mut server).await;
    server.finish().await;
}

#[tokio::test]
async fn nul_bytes_are_text_like_any_other() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "a\0b\0 = \0\nx = ").await;
    server.insert(URI, 2, (0, 1), "\0").await;
    assert_eq!(server.call(INLINE, at(URI, 1, 4)).await["items"][0]["insertText"], "1");
    assert_eq!(script.last_prefix(), "a\0\0b\0 = \0\nx = ");
    server.finish().await;
}

#[tokio::test]
async fn a_language_that_nobody_knows_is_completed_as_text() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    for (number, language) in ["", "klingon", "🦀"].into_iter().enumerate() {
        let uri = format!("untitled:Untitled-{number}");
        server.open(&uri, language, "x = ").await;
        assert_eq!(server.call(INLINE, at(&uri, 0, 4)).await["items"][0]["insertText"], "1");
    }
    server.finish().await;
}

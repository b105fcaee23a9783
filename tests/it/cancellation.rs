//! Requests that are taken back, overtaken, or asked in floods: each is answered once, and what nobody waits for stops.

use serde_json::{Value, json};

use crate::support::{Script, TestServer, at};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";
const CANCELLED: i64 = -32800;

async fn cancel(server: &mut TestServer, id: i64) {
    server.notify("$/cancelRequest", json!({ "id": id })).await;
}

/// The trap of tower-lsp: with its default of four handlers, neither the cancel nor the edits would be seen.
#[tokio::test]
async fn with_many_requests_in_flight_a_cancel_and_300_edits_get_through() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    script.hold();
    let mut requests = Vec::new();
    for number in 0..40 {
        let uri = format!("file:///project/{number}.py");
        server.open(&uri, "python", "x = ").await;
        requests.push(server.request(INLINE, at(&uri, 0, 4)).await);
        script.begun().await;
    }
    server.open(URI, "python", "").await;
    cancel(&mut server, requests[7]).await;
    for edit in 0..300 {
        server.insert(URI, edit + 2, (0, edit as u32), "x").await;
    }
    assert_eq!(server.answer(requests[7]).await["error"]["code"], CANCELLED);
    script.stopped().await;

    script.release();
    for (number, id) in requests.into_iter().enumerate().filter(|(number, _)| *number != 7) {
        assert_eq!(server.answer(id).await["result"]["items"][0]["insertText"], "1", "request {number}");
    }
    server.insert(URI, 302, (0, 300), " = ").await;
    server.call(INLINE, at(URI, 0, 303)).await;
    assert_eq!(script.last_prefix(), format!("{} = ", "x".repeat(300)));
    server.finish().await;
}

#[tokio::test]
async fn three_hundred_edits_and_requests_in_a_burst_are_all_answered() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "").await;
    script.hold();
    let mut requests = Vec::new();
    for edit in 0..300 {
        server.insert(URI, edit + 2, (0, edit as u32), "(").await;
        requests.push(server.request(INLINE, at(URI, 0, edit as u32 + 1)).await);
    }
    let last = requests.pop().unwrap();
    for id in requests {
        assert_eq!(server.answer(id).await["result"], Value::Null);
    }
    script.release();
    assert_ne!(server.answer(last).await["result"], Value::Null);
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "overtaken": 299 }));
    server.finish().await;
}

#[tokio::test]
async fn a_newer_request_overtakes_the_older_one_which_is_answered_null() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = \ny = ").await;
    script.hold();
    let older = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    let newer = server.request(INLINE, at(URI, 1, 4)).await;
    assert_eq!(server.answer(older).await["result"], Value::Null);
    script.stopped().await;
    script.release();
    assert_eq!(server.answer(newer).await["result"]["items"][0]["range"]["start"]["line"], 1);
    server.finish().await;
}

#[tokio::test]
async fn cancelled_before_it_begins() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    // Both messages are in the pipe before the server reads either.
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    cancel(&mut server, id).await;
    assert_eq!(server.answer(id).await["error"]["code"], CANCELLED);
    script.release();
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "cancelled": 1 }));
    server.finish().await;
}

#[tokio::test]
async fn cancelled_while_it_is_generated() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    cancel(&mut server, id).await;
    assert_eq!(server.answer(id).await["error"]["code"], CANCELLED);
    script.stopped().await;
    assert_eq!(server.call("infill/doctor", Value::Null).await["counters"]["cancelled"], 1);
    server.finish().await;
}

#[tokio::test]
async fn cancelled_after_the_answer() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    assert_ne!(server.answer(id).await["result"], Value::Null);
    cancel(&mut server, id).await;
    cancel(&mut server, 4711).await;
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!((&doctor["requests"]["shown"], &doctor["counters"]["cancelled"]), (&json!(1), &json!(0)));
    server.finish().await;
}

#[tokio::test]
async fn who_still_waits_for_a_shared_generation_gets_it() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let inline = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    let items = server.request("textDocument/completion", at(URI, 0, 4)).await;
    cancel(&mut server, inline).await;
    assert_eq!(server.answer(inline).await["error"]["code"], CANCELLED);
    script.release();
    assert_eq!(server.answer(items).await["result"]["items"][0]["label"], "1");
    server.finish().await;
}

#[tokio::test]
async fn closing_the_document_answers_and_stops() {
    let script = Script::says("1\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let id = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    server.close(URI).await;
    assert_eq!(server.answer(id).await["result"], Value::Null);
    script.stopped().await;
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "not-open": 1 }));
    server.finish().await;
}

#[tokio::test]
async fn a_known_suggestion_overtakes_what_is_generated_elsewhere() {
    let script = Script::says("1 + 2\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = \ny = ").await;
    server.call(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    script.hold();
    let elsewhere = server.request(INLINE, at(URI, 1, 4)).await;
    script.begun().await;
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    assert_eq!(server.answer(elsewhere).await["result"], Value::Null);
    script.stopped().await;
    server.finish().await;
}

#[tokio::test]
async fn a_source_that_panics_costs_one_answer() {
    let script = Script::answers(|input| match input {
        infill_ls::source::Input::Infill(prompt) if prompt.before_cursor().contains("boom") => {
            panic!("as asked")
        }
        _ => "1\n".into(),
    });
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "boom = \nx = ").await;
    assert_eq!(server.call(INLINE, at(URI, 0, 7)).await, Value::Null);
    server.open(URI, "python", "x = ").await;
    assert_ne!(server.call(INLINE, at(URI, 0, 4)).await, Value::Null);
    let doctor = server.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "failed": 1 }));
    server.finish().await;
}

#[tokio::test]
async fn who_types_along_what_is_being_written_is_served_by_it() {
    let script = Script::says("1 + 2\n");
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let before = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    server.insert(URI, 2, (0, 4), "1").await;
    cancel(&mut server, before).await;
    let after = server.request(INLINE, at(URI, 0, 5)).await;
    assert_eq!(server.answer(before).await["error"]["code"], CANCELLED);
    script.release();
    assert_eq!(server.answer(after).await["result"]["items"][0]["insertText"], " + 2");
    assert_eq!(server.call("infill/doctor", Value::Null).await["counters"]["requests"], 1);
    server.finish().await;
}

#[tokio::test]
async fn where_something_else_is_written_than_was_typed_it_is_written_anew() {
    let script = Script::answers(|input| match input {
        infill_ls::source::Input::Infill(prompt) if prompt.before_cursor().ends_with('7') => " * 3\n".into(),
        _ => "1 + 2\n".into(),
    });
    let mut server = TestServer::plain(&script).await;
    server.open(URI, "python", "x = ").await;
    script.hold();
    let before = server.request(INLINE, at(URI, 0, 4)).await;
    script.begun().await;
    server.insert(URI, 2, (0, 4), "7").await;
    let after = server.request(INLINE, at(URI, 0, 5)).await;
    // The older request does not wait for what the newer one comes to.
    assert_eq!(server.answer(before).await["result"], Value::Null);
    script.release();
    assert_eq!(server.answer(after).await["result"]["items"][0]["insertText"], " * 3");
    server.finish().await;
}

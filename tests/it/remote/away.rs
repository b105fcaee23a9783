//! A server that goes away and comes back, with the model inside behind it, as an editor sees it.

use std::sync::Arc;
use std::time::Duration;

use infill_ls::source::{FallbackSource, RemoteKind, RemoteOptions, RemoteSource, Source};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::server::Server;
use super::{options, pass};
use crate::support::{Builder, Script, TestServer, at};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";
const REMOTE: &[&str] = &[r#"{"content":" remote_answer","stop":true}"#];

fn server(listener: TcpListener) -> Server {
    Server::on(listener, |asked, answering| {
        Box::pin(async move {
            match asked.path() {
                "/health" => answering.whole("200 OK", "application/json", "{}").await,
                _ => answering.events(REMOTE).await,
            }
            true
        })
    })
}

/// An editor in front of a source, with a document open.
async fn editor(source: Arc<dyn Source>) -> TestServer {
    let mut editor = Builder::of(source).ready().await;
    editor.open(URI, "python", "").await;
    editor
}

/// Types a line and returns what is suggested at its end.
async fn suggested(editor: &mut TestServer, line: &mut u32) -> Value {
    let text = format!("value_{line} = ");
    editor.insert(URI, *line as i32 + 2, (*line, 0), &format!("{text}\n")).await;
    let answer = editor.call(INLINE, at(URI, *line, text.len() as u32)).await;
    *line += 1;
    answer["items"][0]["insertText"].clone()
}

#[tokio::test]
async fn the_model_inside_answers_while_the_server_is_away_and_no_longer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let remote = RemoteSource::new(options(RemoteKind::LlamaServer, &format!("http://{address}")));
    let inside = Script::says("inside_answer\n");
    let started = Arc::clone(&inside);
    let source = Arc::new(FallbackSource::new(remote, move || started));
    let mut there = server(listener);
    let mut editor = editor(Arc::clone(&source) as _).await;
    let mut line = 0;
    assert_eq!(suggested(&mut editor, &mut line).await, "remote_answer");
    assert!(inside.seen().is_empty(), "the model inside was not needed");

    drop(there);
    // The connection that is kept has to end too.
    let mut answers = Vec::new();
    while answers.last() != Some(&json!("inside_answer")) {
        answers.push(suggested(&mut editor, &mut line).await);
        assert!(answers.len() < 5, "{answers:?}");
    }
    let doctor = editor.call("infill/doctor", Value::Null).await;
    let message = doctor["status"]["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("scripted; qwen2.5-coder at {address} is away: ")), "{message}");
    assert!(
        doctor["remote"]["away"].is_string() && doctor["remote"]["fell_back"] != 0,
        "{}",
        doctor["remote"]
    );
    let told = editor.all_heard("infill/status").await;
    assert!(
        told.iter().any(|status| status["params"]["message"].as_str().unwrap().contains("is away: ")),
        "{told:?}"
    );

    there = server(TcpListener::bind(address).await.unwrap());
    pass(Duration::from_secs(61)).await;
    // The first one makes it look; nobody is made to wait for what it finds.
    while suggested(&mut editor, &mut line).await != "remote_answer" {
        assert!(line < 50, "the server was not found again");
    }
    let doctor = editor.call("infill/doctor", Value::Null).await;
    assert_eq!((&doctor["remote"]["away"], &doctor["status"]["state"]), (&Value::Null, &json!("ready")));
    assert_eq!(doctor["status"]["message"], format!("qwen2.5-coder at {address}"));
    assert!(there.asked().iter().any(|asked| asked.path() == "/health"));
    editor.finish().await;
}

#[tokio::test]
async fn without_the_model_inside_a_silence_says_that_the_server_is_away() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let remote = RemoteSource::new(options(RemoteKind::LlamaServer, &format!("http://{gone}")));
    let mut editor = editor(Arc::new(remote)).await;
    assert_eq!(suggested(&mut editor, &mut 0).await, Value::Null);
    let doctor = editor.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "remote-away": 1 }));
    assert_eq!(doctor["status"]["reason"], "remote-away");
    editor.finish().await;
}

#[tokio::test]
async fn what_must_not_be_sent_is_answered_inside() {
    let here = Server::events(REMOTE).await;
    let none = |url: &str| RemoteOptions {
        folders: vec!["/elsewhere".into()],
        ..options(RemoteKind::LlamaServer, url)
    };
    let source = FallbackSource::new(RemoteSource::new(none(&here.url)), || Script::says("inside_answer\n"));
    let mut with_fallback = editor(Arc::new(source)).await;
    assert_eq!(suggested(&mut with_fallback, &mut 0).await, "inside_answer");
    let doctor = with_fallback.call("infill/doctor", Value::Null).await;
    let message = doctor["status"]["message"].as_str().unwrap();
    assert!(message.contains("; the model inside answered: nothing is sent from here: "), "{message}");
    with_fallback.finish().await;
    let mut without = editor(Arc::new(RemoteSource::new(none(&here.url)))).await;
    assert_eq!(suggested(&mut without, &mut 0).await, Value::Null);
    let doctor = without.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["requests"]["silent"], json!({ "private": 1 }));
    assert_eq!(doctor["remote"]["withheld"], 1);
    without.finish().await;
    assert!(here.asked().is_empty(), "something was sent");
}

#[tokio::test]
async fn settings_that_cannot_be_used_leave_the_model_inside() {
    let unusable = RemoteSource::unusable("the key is missing".into());
    let mut editor =
        editor(Arc::new(FallbackSource::new(unusable, || Script::says("inside_answer\n")))).await;
    assert_eq!(suggested(&mut editor, &mut 0).await, "inside_answer");
    let doctor = editor.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["status"]["message"], "scripted; the remote source is away: the key is missing");
    editor.finish().await;
}

#[tokio::test]
async fn masked_secrets_are_counted_in_the_status() {
    let here = Server::events(REMOTE).await;
    let remote = RemoteSource::new(options(RemoteKind::LlamaServer, &here.url));
    // Nothing is asked ahead, which would mask the same secret again.
    let asked_only = json!({ "completion": { "ahead": false } });
    let mut editor = Builder::of(Arc::new(remote)).with("/initializationOptions", asked_only).ready().await;
    editor.open(URI, "python", "").await;
    editor.insert(URI, 2, (0, 0), "password = 'hunter2'\n\nx = ").await;
    editor.call(INLINE, at(URI, 2, 4)).await;
    let doctor = editor.call("infill/doctor", Value::Null).await;
    assert_eq!(doctor["remote"]["masked"], 1);
    assert!(
        doctor["status"]["message"].as_str().unwrap().ends_with("; 1 secret masked"),
        "{}",
        doctor["status"]
    );
    assert!(!String::from_utf8(here.only().bytes).unwrap().contains("hunter2"));
    editor.finish().await;
}

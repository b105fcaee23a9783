//! A server that is tried: whether it fills in gaps is seen in what it writes, not in that it answers.

use infill_ls::source::{MarkerChoice, RemoteKind, RemoteOptions, RemoteSource};
use serde_json::json;

use super::options;
use super::server::Server;

/// Starts a server that fills in gaps where it is shown them in its way: as a suffix.
async fn suffixes() -> Server {
    Server::start(|asked, answering| {
        Box::pin(async move {
            let text = match asked.body()["suffix"].as_str() {
                Some(after) if after.starts_with(" in x:") => "item",
                Some(after) if after.starts_with("):") => "breadth, height",
                _ => "i in range(3):",
            };
            let event = json!({ "choices": [{ "text": text, "finish_reason": "stop" }] });
            answering.events(&[&event.to_string()]).await;
            true
        })
    })
    .await
}

fn with(markers: MarkerChoice, url: &str) -> RemoteSource {
    RemoteSource::new(RemoteOptions { markers, ..options(RemoteKind::Openai, url) })
}

#[tokio::test]
async fn a_server_that_answers_without_filling_in_is_told_from_one_that_fills_in() {
    let server = suffixes().await;
    let trial = with(MarkerChoice::Suffix, &server.url).try_out().await.unwrap();
    assert!(trial.fills && !trial.tells_odds, "{trial:?}");
    assert_eq!((trial.wrote.as_str(), trial.shown.as_str()), ("breadth, height", "as a suffix"));
    let trial = with(MarkerChoice::Auto, &server.url).try_out().await.unwrap();
    assert!(!trial.fills, "{trial:?}");
    assert_eq!(
        (trial.wrote.as_str(), trial.shown.as_str()),
        ("i in range(3):", "with the markers of `qwen`")
    );
}

#[tokio::test]
async fn what_a_server_says_against_a_gap_is_told() {
    let server = Server::start(|_, answering| {
        Box::pin(async move {
            let said = r#"{"error":"chatty does not support insert"}"#;
            answering.whole("400 Bad Request", "application/json", said).await;
            true
        })
    })
    .await;
    let why = with(MarkerChoice::Suffix, &server.url).try_out().await.unwrap_err().to_string();
    assert!(why.contains("chatty does not support insert"), "{why}");
}

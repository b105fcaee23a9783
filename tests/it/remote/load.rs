//! `bench load`: users who type against a server of the test, and what is counted of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use infill_ls::cli::bench::load::replay;
use infill_ls::cli::bench::typing::task::{Task, from_source};
use infill_ls::config::Settings;
use infill_ls::source::{RemoteKind, RemoteSource, Source};

use super::options;
use super::server::Server;

const SOURCE: &str =
    "def total(numbers):\n    return sum(numbers)\n\n\ndef mean(numbers):\n    return total(numbers)\n";

fn tasks() -> Arc<Vec<(PathBuf, Task)>> {
    let path = PathBuf::from("sum.py");
    let tasks = from_source(&path, SOURCE);
    Arc::new(tasks.into_iter().map(|task| (path.clone(), task)).collect())
}

#[tokio::test]
async fn users_type_at_once_and_what_they_see_is_counted() {
    let server = Server::start(|asked, answering| {
        Box::pin(async move {
            // What it is held to is what a real server would begin with.
            let held = asked.body()["grammar"]
                .as_str()
                .map_or("", |grammar| grammar.split('"').nth(1).unwrap())
                .to_owned();
            let event = serde_json::json!({ "content": format!("{held}value_of(it)"), "stop": true });
            answering.events(&[&event.to_string()]).await;
            true
        })
    })
    .await;
    let source: Arc<dyn Source> = Arc::new(RemoteSource::new(options(RemoteKind::LlamaServer, &server.url)));
    let pace = (Duration::from_millis(100), 6, Duration::from_millis(900));
    let tally = replay(3, &source, &Arc::new(Settings::default()), &tasks(), pace).await;
    assert_eq!(tally.requests, server.asked().len() as u64, "{tally:?}");
    assert!(!tally.shown_ms.is_empty() && tally.errors() == 0, "{tally:?}");
    // Each of the three presses a key every tenth of a second.
    assert!((10..=33).contains(&tally.keys), "{tally:?}");
    let figures = tally.figures(3, 0.9);
    assert_eq!(figures["suggestions"], tally.shown_ms.len());
    // Each key is answered by what is there, by a request under way, or by one of its own.
    assert_eq!(tally.keys, tally.requests + tally.typed_through + tally.joined, "{tally:?}");
    let silent: u64 = tally.silent.values().sum();
    assert_eq!(tally.requests, tally.shown_ms.len() as u64 + tally.dropped + silent, "{tally:?}");
}

#[tokio::test]
async fn what_fails_is_counted_as_an_error() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let source: Arc<dyn Source> =
        Arc::new(RemoteSource::new(options(RemoteKind::LlamaServer, &format!("http://{gone}"))));
    let pace = (Duration::from_millis(400), 2, Duration::from_millis(900));
    let tally = replay(2, &source, &Arc::new(Settings::default()), &tasks(), pace).await;
    assert!(0 < tally.errors() && tally.shown_ms.is_empty(), "{tally:?}");
}

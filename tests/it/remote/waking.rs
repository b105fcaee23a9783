//! Servers that load a model when it is first asked for.

use std::sync::Arc;

use infill_ls::source::{RemoteKind, RemoteSource, Source, SourceError};
use tokio::sync::Semaphore;

use super::server::{Asked, Server};
use super::{gap, options, pass, request};

/// Starts an Ollama that has its model loaded once `loaded` has a permit.
async fn ollama(loaded: Arc<Semaphore>) -> Server {
    Server::start(move |asked, answering| {
        let loaded = Arc::clone(&loaded);
        Box::pin(async move {
            match asked.body().get("prompt") {
                None => {
                    let _permit = loaded.acquire().await.unwrap();
                    answering.whole("200 OK", "application/json", r#"{"response":"","done":true}"#).await;
                }
                Some(_) => {
                    answering.begin("application/x-ndjson").await;
                    answering.piece("{\"response\":\"1\",\"done\":true}\n").await;
                    answering.end().await;
                }
            }
            true
        })
    })
    .await
}

/// Returns how often the model was to be loaded, and how often text was asked for.
fn counts(asked: &[Asked]) -> (usize, usize) {
    let prompts = asked.iter().filter(|asked| asked.body().get("prompt").is_some()).count();
    (asked.len() - prompts, prompts)
}

async fn until(server: &Server, expected: (usize, usize)) {
    while counts(&server.asked()) != expected {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_model_goes_on_loading_when_whoever_asked_for_it_goes_away() {
    let loaded = Arc::new(Semaphore::new(0));
    let server = ollama(Arc::clone(&loaded)).await;
    let source = RemoteSource::new(options(RemoteKind::Ollama, &server.url));
    // Each key takes back the request of the one before.
    for _ in 0..3 {
        let (request, _) = request(gap("x = $0"));
        let cancel = request.cancel.clone();
        let asked = source.generate(request);
        let taken_back = async {
            until(&server, (1, 0)).await;
            cancel.cancel();
        };
        assert_eq!(tokio::join!(asked, taken_back).0.unwrap_err(), SourceError::Cancelled);
    }
    loaded.add_permits(1);
    assert_eq!(source.generate(request(gap("x = $0")).0).await.unwrap().text, "1");
    assert_eq!(source.generate(request(gap("y = $0")).0).await.unwrap().text, "1");
    assert_eq!(counts(&server.asked()), (1, 2), "it was loaded once, over one connection");
}

#[tokio::test]
async fn a_model_that_loads_for_long_is_not_waited_for() {
    let loaded = Arc::new(Semaphore::new(0));
    let server = ollama(Arc::clone(&loaded)).await;
    let options = options(RemoteKind::Ollama, &server.url);
    let silence = options.read;
    let source = RemoteSource::new(options);
    let away = SourceError::Away("the server is loading the model".into());
    let waiting = source.generate(request(gap("x = $0")).0);
    let waiting = tokio::spawn(waiting);
    until(&server, (1, 0)).await;
    while !waiting.is_finished() {
        pass(silence / 4).await;
    }
    assert_eq!(waiting.await.unwrap().unwrap_err(), away);
    // The next one does not wait at all.
    assert_eq!(source.generate(request(gap("x = $0")).0).await.unwrap_err(), away);
    assert_eq!(source.remote().unwrap().away.as_deref(), Some("the server is loading the model"));
    loaded.add_permits(1);
    while source.remote().unwrap().away.is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(source.generate(request(gap("x = $0")).0).await.unwrap().text, "1");
    assert_eq!(counts(&server.asked()), (1, 1));
}

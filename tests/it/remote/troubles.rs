//! What can go wrong with a server, and what becomes of the request then: it is answered once, soon, and with a reason.

use std::ops::ControlFlow;
use std::time::Duration;

use infill_ls::engine::{CancelToken, FinishReason};
use infill_ls::source::{RemoteKind, RemoteOptions, RemoteSource, Request, Source, SourceError};
use tokio::sync::Semaphore;

use super::server::Server;
use super::{gap, options, request};

/// Returns why a request to a server that answers like this comes to nothing.
async fn failure(status: &'static str, kind: &'static str, body: &'static str) -> String {
    let server = Server::start(move |_, answering| {
        Box::pin(async move {
            answering.whole(status, kind, body).await;
            true
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &server.url));
    let error = source.generate(request(gap("x = 1\n$0")).0).await.unwrap_err();
    assert!(matches!(error, SourceError::Away(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_server_that_refuses_says_why() {
    let json = "application/json";
    for (status, body, expected) in [
        (
            "401 Unauthorized",
            r#"{"error":{"message":"bad key"}}"#,
            "the key is refused (settings `remote.key_env`, `remote.key_name`): status 401: bad key",
        ),
        (
            "404 Not Found",
            "",
            "there is no such address or model (settings `remote.url`, `remote.model`): status 404",
        ),
        ("302 Found", "", "the server is elsewhere (setting `remote.url`): status 302"),
        (
            "500 Oops",
            r#"{"error":"out of\nmemory"}"#,
            "the server answered with an error: status 500: out of memory",
        ),
        (
            "400 Bad Request",
            r#"{"detail":"no such option"}"#,
            "the server answered with an error: status 400: no such option",
        ),
    ] {
        assert_eq!(failure(status, json, body).await, expected);
    }
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    assert_eq!(
        failure("200 OK", "text/event-stream", "<html>Welcome!</html>\n").await,
        "the answer is no stream of events"
    );
    assert_eq!(
        failure("200 OK", "text/event-stream", "data: {\"conte\n\n").await,
        "the answer holds what is no JSON"
    );
    assert_eq!(
        failure("200 OK", "text/event-stream", "data: {\"answer\":42}\n\n").await,
        "the server sent no `content`"
    );
    assert_eq!(
        failure("200 OK", "text/event-stream", "data: {\"error\":{\"message\":\"no slot\"}}\n\n").await,
        "the server failed: no slot"
    );
    assert_eq!(failure("200 OK", "application/json", "[1, 2").await, "the answer holds what is no JSON");
    assert_eq!(failure("200 OK", "text/event-stream", "").await, "the answer broke off");
}

#[tokio::test]
async fn nobody_there_is_found_out_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &url));
    let error = source.generate(request(gap("x = 1\n$0")).0).await.unwrap_err().to_string();
    assert!(error.starts_with("no connection: "), "{error}");
    assert_eq!(source.remote().unwrap().away, Some(error));
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_one_that_has_begun_is_not() {
    let tries = std::sync::Arc::new(Semaphore::new(2));
    let server = Server::start(move |_, answering| {
        let tries = std::sync::Arc::clone(&tries);
        Box::pin(async move {
            match tries.try_acquire() {
                Ok(permit) => {
                    permit.forget();
                    answering
                        .whole("503 Service Unavailable", "application/json", r#"{"error":"loading"}"#)
                        .await;
                }
                Err(_) => answering.events(&[r#"{"content":"1","stop":true}"#]).await,
            }
            true
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &server.url));
    assert_eq!(source.generate(request(gap("x = 1\n$0")).0).await.unwrap().text, "1");
    assert_eq!(server.asked().len(), 3);
    let cut = Server::start(|_, answering| {
        Box::pin(async move {
            answering.begin("text/event-stream").await;
            false
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &cut.url));
    source.generate(request(gap("x = 1\n$0")).0).await.unwrap_err();
    assert_eq!(cut.asked().len(), 1);
}

#[tokio::test]
async fn what_came_before_a_stream_was_cut_counts_as_cut_short() {
    let server = Server::start(|_, answering| {
        Box::pin(async move {
            answering.begin("text/event-stream").await;
            answering.piece("data: {\"content\":\"total(\"}\n\n").await;
            answering.piece("data: {\"content\":\"nu").await;
            false
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &server.url));
    // What was to begin with the sign that was typed does not: that is no answer to what was asked.
    let generation = source.generate(request(gap("x =$0")).0).await.unwrap();
    assert_eq!((generation.text.as_str(), generation.finish), ("", FinishReason::EndOfText));
    let generation = source.generate(request(gap("x = 1\n$0")).0).await.unwrap();
    assert_eq!((generation.text.as_str(), generation.finish), ("total(", FinishReason::Length));
    assert_eq!(source.remote().unwrap().failed, 1);
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up() {
    let server = Server::start(|asked, answering| {
        Box::pin(async move {
            if asked.body()["prompt"] == "b" {
                answering.begin("text/event-stream").await;
            }
            answering.closed().await;
            false
        })
    })
    .await;
    let read = Duration::from_millis(100);
    let source = RemoteSource::new(RemoteOptions { read, ..options(RemoteKind::LlamaServer, &server.url) });
    for text in ["$0", "b$0"] {
        let error = source.generate(request(gap(text)).0).await.unwrap_err().to_string();
        assert_eq!(error, "nothing came within `remote.read_ms`");
    }
    let (mut hurried, _) = request(gap("$0"));
    hurried.params.time_budget = Some(Duration::from_millis(20));
    let error = source.generate(hurried).await.unwrap_err().to_string();
    assert_eq!(error, "nothing came within `completion.time_ms`");
    assert_eq!(server.asked().len(), 3, "a silent server may be at work, so that it is not asked again");
}

#[tokio::test]
async fn when_the_time_is_over_what_is_there_counts() {
    let server = Server::start(|_, answering| {
        Box::pin(async move {
            answering.begin("text/event-stream").await;
            answering.piece("data: {\"content\":\"one\"}\n\n").await;
            answering.closed().await;
            false
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &server.url));
    let (mut hurried, _) = request(gap("$0"));
    hurried.params.time_budget = Some(Duration::from_millis(300));
    let generation = source.generate(hurried).await.unwrap();
    assert_eq!((generation.text.as_str(), generation.finish), ("one", FinishReason::Time));
}

/// A server that begins each answer, says so, and goes on for ever.
async fn endless(begun: &'static Semaphore) -> Server {
    Server::start(move |_, answering| {
        Box::pin(async move {
            answering.begin("text/event-stream").await;
            answering.piece("data: {\"content\":\"one\"}\n\n").await;
            begun.add_permits(1);
            answering.closed().await;
            false
        })
    })
    .await
}

#[tokio::test]
async fn every_way_to_stop_closes_the_connection() {
    static BEGUN: Semaphore = Semaphore::const_new(0);
    let mut server = endless(&BEGUN).await;
    let source = std::sync::Arc::new(RemoteSource::new(options(RemoteKind::LlamaServer, &server.url)));
    let start = |request: Request| tokio::spawn(source.generate(request));
    let begun = async || BEGUN.acquire().await.unwrap().forget();

    // The future is dropped, as when an editor takes its request back.
    let (dropped, _) = request(gap("$0"));
    let task = start(dropped);
    begun().await;
    task.abort();
    assert_eq!(server.closed().await, 0);

    // The token is set.
    let cancel = CancelToken::new();
    let task = start(Request { cancel: cancel.clone(), ..request(gap("$0")).0 });
    begun().await;
    cancel.cancel();
    assert_eq!(task.await.unwrap().unwrap_err(), SourceError::Cancelled);
    assert_eq!(server.closed().await, 1);

    // A newer request of the branch comes.
    let older = start(request(gap("$0")).0);
    begun().await;
    let newer = start(request(gap("$0")).0);
    begun().await;
    assert_eq!(older.await.unwrap().unwrap_err(), SourceError::Overtaken);
    assert_eq!(server.closed().await, 2);

    // The document is closed.
    source.forget(1);
    assert_eq!(newer.await.unwrap().unwrap_err(), SourceError::Overtaken);
    assert_eq!(server.closed().await, 3);

    // The watcher has enough.
    let enough = Request { watch: Box::new(|_| ControlFlow::Break(())), ..request(gap("$0")).0 };
    let generation = start(enough).await.unwrap().unwrap();
    assert_eq!((generation.text.as_str(), generation.finish), ("one", FinishReason::Stop));
    assert_eq!(server.closed().await, 4);
    let counters = source.counters();
    assert_eq!((counters.requests, counters.cancelled, counters.busy), (5, 4, false));
}

#[tokio::test]
async fn what_nobody_waits_for_gives_way() {
    static BEGUN: Semaphore = Semaphore::const_new(0);
    let server = endless(&BEGUN).await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &server.url));
    let idle = |branch| Request { branch, idle: true, ..request(gap("$0")).0 };
    let first = tokio::spawn(source.generate(idle(1)));
    BEGUN.acquire().await.unwrap().forget();
    let waited_for = tokio::spawn(source.generate(Request { branch: 2, ..request(gap("$0")).0 }));
    assert_eq!(first.await.unwrap().unwrap_err(), SourceError::Overtaken);
    BEGUN.acquire().await.unwrap().forget();
    assert_eq!(source.generate(idle(3)).await.unwrap_err(), SourceError::Overtaken);
    waited_for.abort();
}

#[tokio::test]
async fn a_server_that_does_not_keep_to_its_bound_is_cut() {
    let server = Server::start(|_, answering| {
        Box::pin(async move {
            answering.begin("text/event-stream").await;
            for _ in 0..100 {
                answering.piece("data: {\"content\":\"0123456789012345678901234567890123456789\"}\n\n").await;
            }
            answering.closed().await;
            false
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &server.url));
    let generation = source.generate(request(gap("$0")).0).await.unwrap();
    assert_eq!(generation.finish, FinishReason::Length);
    assert!(generation.text.len() < 1200, "{}", generation.text.len());
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named() {
    for (url, ca_file, expected) in [
        ("localhost:8080", None, "`remote.url` must begin with http:// or https://"),
        ("not an address", None, "`remote.url` is no address"),
        ("http://localhost", Some("/no/such/file.pem"), "`remote.ca_file` /no/such/file.pem"),
        (
            "http://localhost",
            Some(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")),
            "no certificate in PEM form",
        ),
    ] {
        let options = RemoteOptions { ca_file: ca_file.map(Into::into), ..options(RemoteKind::Openai, url) };
        let source = RemoteSource::new(options);
        let error = source.generate(request(gap("$0")).0).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

//! A server that fails at random: every request is answered exactly once, and soon. `examples/storm.rs` does the same with
//! ten thousand requests and looks at the memory.

use std::time::Duration;

use infill_ls::source::{
    FallbackSource, RemoteKind, RemoteOptions, RemoteSource, Request, Source, SourceError,
};

use super::fate::Fates;
use super::server::{Answering, Server};
use super::{gap, options, request};
use crate::support::Script;

async fn misbehave(fate: u64, answering: &mut Answering) -> bool {
    match fate % 8 {
        0 => false,
        1 => {
            answering.closed().await;
            false
        }
        2 => {
            answering.begin("text/event-stream").await;
            answering.piece("data: {\"content\":\"half of").await;
            false
        }
        3 => {
            answering.send("SSH-2.0-OpenSSH_9.2\r\n").await;
            false
        }
        4 => {
            answering.whole("500 Oops", "text/html", "<html>no</html>").await;
            true
        }
        5 => {
            answering.whole("200 OK", "text/event-stream", "data: nonsense\n\n").await;
            true
        }
        _ => {
            answering.events(&[r#"{"content":"fine","stop":false}"#, r#"{"content":"","stop":true}"#]).await;
            true
        }
    }
}

#[tokio::test]
async fn whatever_a_server_does_every_request_is_answered_once() {
    const REQUESTS: usize = 600;
    let fates = Fates::new();
    let server = Server::start(move |_, answering| {
        let fate = fates.draw();
        Box::pin(misbehave(fate, answering))
    })
    .await;
    let times =
        RemoteOptions { read: Duration::from_millis(30), ..options(RemoteKind::LlamaServer, &server.url) };
    let remote = RemoteSource::new(times.clone());
    let both = FallbackSource::new(RemoteSource::new(times), || Script::says("inside"));
    let (mut fine, mut away) = (0, 0);
    for number in 0..REQUESTS {
        match remote.generate(Request { branch: number as u64 % 7, ..request(gap("x = 1\n$0")).0 }).await {
            Ok(generation) => fine += usize::from(generation.text == "fine"),
            Err(SourceError::Away(_)) => away += 1,
            Err(other) => panic!("{other}"),
        }
        // With the model inside there is an answer whatever happens.
        let text = both.generate(request(gap("x = 1\n$0")).0).await.unwrap().text;
        assert!(["fine", "inside", ""].contains(&text.as_str()), "{text}");
        if number % 10 == 0 {
            // Otherwise most of them would not be sent: the server is left alone.
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(60)).await;
            tokio::time::resume();
        }
    }
    assert!(0 < fine && 0 < away, "{fine} fine, {away} away");
    assert_eq!(remote.counters().requests as usize, remote.remote().unwrap().requests as usize);
    assert!(!remote.counters().busy);
}

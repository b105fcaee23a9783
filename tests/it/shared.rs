//! One engine for all windows: what two windows and an engine make of each other, in one process with a tiny model, and the
//! program as an editor starts it.

mod ground;
mod program;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use infill_ls::complete::Prompt;
use infill_ls::engine::{CancelToken, FinishReason, GenerationParams};
use infill_ls::source::{Ahead, Generation, Input, Readiness, Request, Source, SourceError, Status};

use ground::{Ground, ready, until};

/// A request that ends when it has seen so many bytes.
fn request(branch: u64, text: &str, enough: usize) -> Request {
    let mut seen = 0;
    let watch = move |piece: &str| {
        seen += piece.len();
        if seen < enough { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    Request {
        branch,
        input: Input::Text(text.into()),
        others: Vec::new(),
        latency: Duration::MAX,
        params: GenerationParams { max_tokens: 24, ..GenerationParams::default() },
        watch: Box::new(watch),
        cancel: CancelToken::new(),
        idle: false,
        files: Vec::new(),
    }
}

/// What of an answer does not depend on the time.
fn told(generation: Generation) -> (String, FinishReason, Vec<(usize, u32)>) {
    let tokens = generation.tokens.iter().map(|token| (token.end, token.probability.to_bits())).collect();
    (generation.text, generation.finish, tokens)
}

#[tokio::test]
async fn two_windows_share_one_model_and_are_both_answered() {
    let ground = Ground::new();
    let (one, two) = (ground.window(), ground.window());
    ready(&one).await;
    ready(&two).await;
    assert_eq!(ground.launches(), 1, "the second window finds what the first has started");
    let (first, second) = tokio::join!(
        one.generate(request(1, "fn one() {", usize::MAX)),
        two.generate(request(1, "fn two() {", usize::MAX))
    );
    assert!(
        first.is_ok() && second.is_ok(),
        "the same branch of two windows is two branches: {first:?} {second:?}"
    );
    let report = one.engine().unwrap();
    assert!(report.shared && report.windows == 2 && report.reason.is_none(), "{report:?}");
    assert_eq!(one.counters().requests, 2);
    drop(two);
    until("the window that is gone is not counted", || one.engine().is_some_and(|it| it.windows == 1)).await;
}

#[tokio::test]
async fn an_answer_is_the_same_as_with_the_model_in_this_process() {
    let ground = Ground::new();
    let (shared, own) = (ground.window(), ground.embedded());
    ready(&shared).await;
    ready(&own).await;
    for enough in [1, 2, 5, 11, usize::MAX] {
        let text = "def total(numbers):\n    return ";
        let [shared, own] = [&shared, &own].map(|source| source.generate(request(7, text, enough)));
        let (shared, own) = (shared.await.unwrap(), own.await.unwrap());
        assert_eq!(shared.usage.prompt_tokens, own.usage.prompt_tokens);
        assert_eq!(told(shared), told(own), "enough at {enough}");
    }
}

#[tokio::test]
async fn tokens_are_counted_as_the_model_would() {
    let ground = Ground::new();
    let (shared, own) = (ground.window(), ground.embedded());
    ready(&shared).await;
    ready(&own).await;
    let (shared, own) = (shared.counter().unwrap(), own.counter().unwrap());
    let long = "let x = 1;\n".repeat(1_600);
    for text in ["", "a", "let x = 1;\n", "grüße 🦀", "a", &long] {
        assert_eq!(shared.count(text), own.count(text), "{} bytes", text.len());
    }
}

#[tokio::test]
async fn a_request_is_cancelled_and_the_next_is_answered() {
    let ground = Ground::new();
    let window = ground.window();
    ready(&window).await;
    let asked = request(1, "fn a() {", usize::MAX);
    asked.cancel.cancel();
    assert_eq!(window.generate(asked).await, Err(SourceError::Cancelled));
    drop(window.generate(request(1, "fn b() {", usize::MAX)));
    let (one, two) = tokio::join!(
        window.generate(request(1, "fn c() {", usize::MAX)),
        window.generate(request(1, "fn d() {", usize::MAX))
    );
    let is_answered = |it: &Result<Generation, _>| matches!(it, Ok(_) | Err(SourceError::Overtaken));
    assert!(is_answered(&one) && is_answered(&two) && (one.is_ok() || two.is_ok()), "{one:?} {two:?}");
}

#[tokio::test]
async fn what_is_made_ready_is_told_to_the_window() {
    let ground = Ground::new();
    let window = ground.window();
    ready(&window).await;
    let readiness = Readiness::default();
    let prompt = Prompt { prefix: "fn main() {\n    let x = 1;\n}\n".into(), ..Prompt::default() };
    window.prepare(3, Ahead::File(prompt.clone()));
    window.prepare(3, Ahead::NewContext(prompt, readiness.clone()));
    until("the context is there", || readiness.is_reached()).await;
    window.forget(3);
}

#[tokio::test]
async fn an_engine_that_is_lost_is_replaced() {
    let ground = Ground::new();
    let (one, two) = (ground.window(), ground.window());
    ready(&one).await;
    ready(&two).await;
    ground.kill();
    until("another engine", || ground.launches() == 2).await;
    for window in [&one, &two] {
        answered(window).await;
    }
    assert_eq!(ground.launches(), 2, "one of them has started it for both");
    assert_eq!(one.engine().unwrap().windows, 2);
}

/// Waits until a request is answered, also where the window has not yet noticed that its engine is gone.
async fn answered(window: &Arc<dyn Source>) {
    loop {
        ready(window).await;
        match window.generate(request(1, "fn a() {", usize::MAX)).await {
            Ok(_) => return,
            Err(SourceError::Loading) => {}
            Err(SourceError::Failed(why)) if why.contains("engine process ended") => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_request_that_nobody_has_begun_is_asked_again_and_a_begun_one_is_told() {
    let ground = Ground::new();
    let window = ground.window();
    ready(&window).await;
    // The engine waits a little for what the watcher says, and is gone by then.
    let (held, hold) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel();
    let mut first = request(1, "fn a() {", usize::MAX);
    let hold = std::sync::Mutex::new(hold);
    first.watch = Box::new(move |_| {
        let _ = begun.send(());
        let _ = hold.lock().unwrap().recv();
        ControlFlow::Continue(())
    });
    let first = tokio::spawn(window.generate(first));
    tokio::task::spawn_blocking(move || begins.recv()).await.unwrap().unwrap();
    let mut second = window.generate(request(2, "fn b() {", usize::MAX));
    tokio::select! {
        biased;
        answer = &mut second => panic!("nobody can have answered: {answer:?}"),
        () = std::future::ready(()) => {}
    }
    ground.kill();
    drop(held);
    let first = first.await.unwrap();
    assert!(
        matches!(&first, Err(SourceError::Failed(why)) if why.contains("engine process ended")),
        "{first:?}"
    );
    let second = second.await;
    assert!(second.is_ok(), "{second:?}");
}

#[tokio::test]
async fn an_engine_that_keeps_dying_is_given_up() {
    let ground = Ground::new();
    let window = ground.window();
    for life in 1..=5 {
        until("another engine", || ground.launches() == life).await;
        // Once something was answered, the window is at this engine and not at the last one.
        answered(&window).await;
        ground.kill();
    }
    until("the end", || matches!(window.status(), Status::Failed { .. })).await;
    let answer = window.generate(request(1, "fn a() {", usize::MAX)).await;
    assert!(matches!(&answer, Err(SourceError::Failed(why)) if why.contains("engine.share")), "{answer:?}");
}

#[tokio::test]
async fn another_version_is_refused_and_the_model_loaded_here() {
    let ground = Ground::new();
    let one = ground.window();
    ready(&one).await;
    let other = ground.window_with_key("another key");
    ready(&other).await;
    let report = other.engine().unwrap();
    let reason = report.reason.unwrap_or_default();
    assert!(!report.shared && reason.contains("another model or other options"), "{reason}");
    assert!(other.generate(request(1, "fn a() {", usize::MAX)).await.is_ok());
    assert_eq!(one.engine().unwrap().windows, 1);
}

#[tokio::test]
async fn without_an_engine_process_the_model_is_loaded_here() {
    let ground = Ground::new();
    ground.refuse("no room for another process");
    let window = ground.window();
    ready(&window).await;
    let report = window.engine().unwrap();
    assert_eq!(report.reason.as_deref(), Some("no room for another process"));
    assert!(window.generate(request(1, "fn a() {", usize::MAX)).await.is_ok());
}

#[tokio::test]
async fn a_stopped_engine_is_started_again_by_the_next_request() {
    let ground = Ground::new();
    let window = ground.window();
    ready(&window).await;
    assert!(infill_ls::source::stop(&ground.place()));
    until("the end", || window.engine().is_none()).await;
    assert_eq!(ground.launches(), 1, "nobody needs it yet");
    assert!(
        window.generate(request(1, "fn a() {", usize::MAX)).await.is_ok(),
        "the request waits for the model"
    );
    assert_eq!(ground.launches(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn nonsense_ends_only_its_own_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ground = Ground::new();
    let window = ground.window();
    ready(&window).await;
    let hello = br#"{"Stop":null}"#;
    let mut early = (hello.len() as u32).to_le_bytes().to_vec();
    early.extend(hello);
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 16], &[0, 0, 0, 0], &early] {
        let mut stream = tokio::net::UnixStream::connect(ground.socket()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        // It is closed, with or without an error.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
    }
    assert!(window.generate(request(1, "fn a() {", usize::MAX)).await.is_ok());
    assert_eq!(ground.launches(), 1);
}

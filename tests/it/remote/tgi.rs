//! Text Generation Inference, as its router (of January 2026) was seen to answer: over its own backend, and over llama.cpp.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use infill_ls::engine::FinishReason;
use infill_ls::source::{FallbackSource, MarkerChoice, RemoteKind, RemoteOptions, RemoteSource, Source};
use serde_json::{Value, json};

use super::answers::{TEXT, odds};
use super::server::{Asked, Server};
use super::{gap, options, pass, question, request};
use crate::support::Script;

/// What the router says of itself; of its backends only the one over llama.cpp takes no stop strings.
const OVER_ITS_OWN: &str = r#"{"model_id":"bigcode/starcoder2-7b","max_best_of":2,"max_stop_sequences":4}"#;
const OVER_LLAMA_CPP: &str = r#"{"model_id":"Qwen/Qwen2.5-Coder-0.5B-Instruct","model_sha":null,"model_pipeline_tag":null,"max_concurrent_requests":4,"max_best_of":0,"max_stop_sequences":0,"max_input_tokens":1024,"max_total_tokens":2048,"validation_workers":2,"max_client_batch_size":4,"router":"text-generation-router","version":"3.3.6-dev0","sha":"db931fcf","docker_label":null}"#;

/// A router that is over one of its backends and answers everything with the same events.
async fn router(info: &'static str, events: &'static [&'static str]) -> Server {
    Server::start(move |asked, answering| {
        Box::pin(async move {
            match asked.path() {
                "/info" => answering.whole("200 OK", "application/json", info).await,
                // No body at all.
                "/health" => answering.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await,
                _ => answering.events(events).await,
            }
            true
        })
    })
    .await
}

/// A source whose settings name neither the model nor its markers.
fn asking(server: &Server) -> RemoteSource {
    RemoteSource::new(RemoteOptions { model: None, ..options(RemoteKind::Tgi, &server.url) })
}

#[tokio::test]
async fn its_own_backend_streams_tokens_and_tells_their_odds() {
    let server = router(
        OVER_ITS_OWN,
        &[
            r#"{"index":1,"token":{"id":1,"text":"m(numbers","logprob":-0.6931,"special":false},"generated_text":null,"details":null}"#,
            r#"{"index":2,"token":{"id":2,"text":")","logprob":-0.1054,"special":false},"generated_text":null,"details":null}"#,
            r#"{"index":3,"token":{"id":0,"text":"<|endoftext|>","logprob":-0.1,"special":true},"generated_text":"m(numbers)","details":{"finish_reason":"eos_token","generated_tokens":3,"seed":1,"input_length":23}}"#,
        ],
    )
    .await;
    let generation = asking(&server).generate(request(gap(TEXT)).0).await.unwrap();
    assert_eq!((generation.text.as_str(), odds(&generation)), ("m(numbers)", vec![(9, 50), (10, 90)]));
    let asked = server.asked();
    assert_eq!(asked.iter().map(Asked::path).collect::<Vec<_>>(), ["/info", "/generate_stream"]);
    let body = asked[1].body();
    assert!(body["inputs"].as_str().unwrap().ends_with("<fim_middle>"), "{body}");
    assert_eq!(
        body["parameters"],
        json!({ "do_sample": false, "max_new_tokens": 16, "return_full_text": false, "details": true })
    );
    assert_eq!((generation.usage.prompt_tokens, generation.finish), (23, FinishReason::EndOfText));
}

/// Over llama.cpp each token is drawn, and one stop string is one too many.
#[tokio::test]
async fn over_llama_cpp_only_the_likeliest_token_is_left_to_the_draw() {
    let events = &[
        r#"{"index":1,"token":{"id":76,"text":"m","logprob":0.0,"special":false},"generated_text":null,"details":null}"#,
        r#"{"index":2,"token":{"id":151664,"text":"<|file_sep|>","logprob":0.0,"special":true},"generated_text":null,"details":null}"#,
        r#"{"index":3,"token":{"id":7,"text":"lib.py","logprob":0.0,"special":false},"generated_text":null,"details":null}"#,
    ];
    let server = router(OVER_LLAMA_CPP, events).await;
    let generation = asking(&server).generate(request(gap(TEXT)).0).await.unwrap();
    assert_eq!((generation.text.as_str(), generation.finish), ("m", FinishReason::EndOfText));
    // Each token is certain once the others are out, so that nothing is said of how sure the model was.
    assert_eq!(odds(&generation), []);
    let parameters = server.only().body()["parameters"].clone();
    assert_eq!((&parameters["stop"], &parameters["do_sample"]), (&Value::Null, &json!(false)));
    let top_p = parameters["top_p"].as_f64().unwrap();
    assert!(0.0 < top_p && top_p < 1e-5, "{top_p}");
    let events =
        &[r#"{"choices":[{"delta":{"role":"assistant","content":"It is 42."},"finish_reason":"stop"}]}"#];
    let server = router(OVER_LLAMA_CPP, events).await;
    assert_eq!(asking(&server).generate(request(question()).0).await.unwrap().text, "42.");
    let body = server.only().body();
    // Any other name is taken for an adapter's.
    assert_eq!((&body["model"], body["top_p"].as_f64()), (&json!("tgi"), Some(top_p)));
}

/// Over llama.cpp each token is read by itself, so that a character of several tokens is lost.
#[tokio::test]
async fn an_answer_ends_before_a_character_that_is_lost() {
    let events = &[
        r#"{"index":1,"token":{"id":1,"text":"m # ","logprob":0.0,"special":false},"generated_text":null,"details":null}"#,
        r#"{"index":2,"token":{"id":123918,"text":"\ufffd","logprob":0.0,"special":false},"generated_text":null,"details":null}"#,
        r#"{"index":3,"token":{"id":250,"text":"\ufffd","logprob":0.0,"special":false},"generated_text":"m # \ufffd\ufffd","details":{"finish_reason":"length","generated_tokens":3,"seed":1,"input_length":23}}"#,
    ];
    let server = router(OVER_LLAMA_CPP, events).await;
    let generation = asking(&server).generate(request(gap(TEXT)).0).await.unwrap();
    assert_eq!((generation.text.as_str(), generation.finish), ("m # ", FinishReason::Length));
}

/// What is wrong with a request it says in the answer, whose status is 200 by then.
#[tokio::test]
async fn a_prompt_that_is_too_long_does_not_make_the_server_count_as_away() {
    let said = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 2316 `inputs` tokens and 16 `max_new_tokens`";
    let events = &[
        r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 2316 `inputs` tokens and 16 `max_new_tokens`","error_type":"validation"}"#,
    ];
    let server = router(OVER_LLAMA_CPP, events).await;
    let source = asking(&server);
    for _ in 0..5 {
        let why = source.generate(request(gap(TEXT)).0).await.unwrap_err().to_string();
        assert!(why.contains(said), "{why}");
    }
    assert_eq!(source.remote().unwrap().away, None);
    let server =
        router(OVER_LLAMA_CPP, &[r#"{"error":"Model is overloaded","error_type":"overloaded"}"#]).await;
    let source = asking(&server);
    for _ in 0..3 {
        source.generate(request(gap(TEXT)).0).await.unwrap_err();
    }
    assert_eq!(source.remote().unwrap().away.as_deref(), Some("the server failed: Model is overloaded"));
}

#[tokio::test]
async fn its_sign_of_life_has_no_body() {
    let server = router(OVER_LLAMA_CPP, &[]).await;
    asking(&server).check().await.unwrap();
    assert_eq!(server.asked()[0].path(), "/health");
    let page = Server::start(|_, answering| {
        Box::pin(async move {
            answering.whole("200 OK", "text/html", "<html>Please log in</html>").await;
            true
        })
    })
    .await;
    assert_eq!(asking(&page).check().await.unwrap_err().to_string(), "the answer is no JSON");
}

/// A proxy may pass on questions alone.
#[tokio::test]
async fn what_it_says_of_itself_may_be_out_of_reach_where_the_markers_are_set() {
    let server = Server::start(|asked, answering| {
        Box::pin(async move {
            match asked.path() {
                "/info" => answering.whole("404 Not Found", "text/plain", "").await,
                _ => {
                    answering
                        .events(&[r#"{"token":{"text":"m(numbers)"},"generated_text":"m(numbers)"}"#])
                        .await
                }
            }
            true
        })
    })
    .await;
    let set = |markers| RemoteOptions { model: None, markers, ..options(RemoteKind::Tgi, &server.url) };
    let source = RemoteSource::new(set(MarkerChoice::Qwen));
    for _ in 0..2 {
        assert_eq!(source.generate(request(gap(TEXT)).0).await.unwrap().text, "m(numbers)");
    }
    assert_eq!(server.asked().iter().filter(|asked| asked.path() == "/info").count(), 1);
    let unnamed = RemoteSource::new(set(MarkerChoice::Auto));
    unnamed.generate(request(gap(TEXT)).0).await.unwrap_err();
}

#[tokio::test]
async fn where_only_questions_are_passed_on_an_outage_ends_too() {
    let works = Arc::new(AtomicBool::new(true));
    let is_up = Arc::clone(&works);
    let server = Server::start(move |asked, answering| {
        let works = is_up.load(Relaxed);
        Box::pin(async move {
            match asked.path() {
                "/generate_stream" if works => {
                    answering
                        .events(&[r#"{"token":{"text":"m(numbers)"},"generated_text":"m(numbers)"}"#])
                        .await
                }
                "/generate_stream" => answering.whole("500 Internal Server Error", "text/plain", "").await,
                _ => answering.whole("404 Not Found", "text/plain", "").await,
            }
            true
        })
    })
    .await;
    let options = RemoteOptions { markers: MarkerChoice::Qwen, ..options(RemoteKind::Tgi, &server.url) };
    let source = FallbackSource::new(RemoteSource::new(options), || Script::says("inside"));
    let answer = || async { source.generate(request(gap(TEXT)).0).await.unwrap().text };
    assert_eq!(answer().await, "m(numbers)");
    works.store(false, Relaxed);
    for _ in 0..3 {
        assert_eq!(answer().await, "inside");
    }
    works.store(true, Relaxed);
    assert_eq!(answer().await, "inside", "it is left alone for a while");
    pass(Duration::from_secs(61)).await;
    let begun = Instant::now();
    while answer().await != "m(numbers)" {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server was not found again");
        tokio::task::yield_now().await;
    }
}

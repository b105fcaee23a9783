//! Each kind of server: what it is sent, and what is made of its answer.

use infill_ls::engine::FinishReason;
use infill_ls::source::{
    Generation, Input, KeySource, MarkerChoice, RemoteKind, RemoteOptions, RemoteSource, Source,
};
use serde_json::{Value, json};

use super::server::{Asked, Server};
use super::{gap, options, question, request};

pub const TEXT: &str = "def total(numbers):\n    return su$0\n\nprint(total([1]))\n";

/// Sends a request to a server that answers with these events; returns what was sent, and what came of it.
async fn ask(
    options: impl FnOnce(&str) -> RemoteOptions,
    input: Input,
    events: &'static [&'static str],
) -> (Asked, Generation) {
    let server = Server::events(events).await;
    let source = RemoteSource::new(options(&server.url));
    let (request, pieces) = request(input);
    let generation = source.generate(request).await.unwrap();
    assert_eq!(pieces.lock().unwrap().concat(), generation.text, "the watcher sees what is written");
    (server.only(), generation)
}

fn with(kind: RemoteKind) -> impl FnOnce(&str) -> RemoteOptions {
    move |url| options(kind, url)
}

/// The numbers of an answer: where its tokens end, and their probabilities in per cent.
pub fn odds(generation: &Generation) -> Vec<(usize, u32)> {
    generation.tokens.iter().map(|odds| (odds.end, (odds.probability * 100.0).round() as u32)).collect()
}

#[tokio::test]
async fn llama_server_is_asked_to_infill_and_held_to_the_word_that_was_begun() {
    let (asked, generation) = ask(
        with(RemoteKind::LlamaServer),
        gap(TEXT),
        &[
            r#"{"content":" sum","stop":false,"completion_probabilities":[{"id":1,"token":" sum","bytes":[32,115,117,109],"logprob":-1.6094,"top_logprobs":[{"id":1,"token":" sum","logprob":-1.6094},{"id":2,"token":" su","logprob":-3.2189},{"id":3,"token":" 0","logprob":-0.5}]}]}"#,
            r#"{"content":"(numbers","stop":false,"completion_probabilities":[{"id":4,"token":"(numbers","bytes":[40,110,117,109,98,101,114,115],"logprob":-0.1054,"top_logprobs":[]}]}"#,
            r#"{"content":")","stop":false}"#,
            r#"{"content":"","stop":true,"stop_type":"eos","timings":{"prompt_n":7,"cache_n":20}}"#,
        ],
    )
    .await;
    assert_eq!((asked.path(), asked.header("authorization")), ("/infill", None));
    let body = asked.body();
    assert_eq!(
        json!([
            body["input_prefix"],
            body["prompt"],
            body["grammar"],
            body["input_suffix"],
            body["input_extra"]
        ]),
        json!(["def total(numbers):\n    ", "return", "root ::= \" su\" .*", "\n\nprint(total([1]))\n", []])
    );
    assert_eq!(json!([body["temperature"], body["stream"], body["cache_prompt"]]), json!([0.0, true, true]));
    assert_eq!((generation.text.as_str(), generation.finish), ("m(numbers)", FinishReason::EndOfText));
    // Of the tokens that agree with what was typed, the first one took five sixths.
    assert_eq!(odds(&generation), [(1, 83), (9, 90)]);
    let usage = generation.usage;
    assert_eq!((usage.prompt_tokens, usage.reused_tokens, usage.prefill_tokens), (27, 20, 7));
}

#[tokio::test]
async fn llama_server_is_not_held_to_what_ends_a_word() {
    for (text, prompt, grammar) in [
        ("x = 1\n$0\n", "", Value::Null),
        ("if x:\n    $0\n", "", Value::Null),
        ("total = $0", "total =", json!("root ::= \" \" .*")),
        ("say(\"a\\$0", "say(\"a", json!("root ::= \"\\\\\" .*")),
        ("f(x$0", "f(", json!("root ::= \"x\" .*")),
    ] {
        let (asked, _) =
            ask(with(RemoteKind::LlamaServer), gap(text), &[r#"{"content":"","stop":true}"#]).await;
        let body = asked.body();
        assert_eq!((&body["prompt"], &body["grammar"]), (&json!(prompt), &grammar), "{text}");
    }
}

#[tokio::test]
async fn openai_servers_get_the_markers_of_a_known_model_or_a_suffix() {
    let events = &[
        r#"{"choices":[{"text":"m(numbers","logprobs":{"tokens":["m","(numbers"],"token_logprobs":[-0.6931,-0.1054]},"finish_reason":null}]}"#,
        r#"{"choices":[{"text":")","logprobs":null,"finish_reason":"length"}]}"#,
        "[DONE]",
    ];
    let (asked, generation) = ask(with(RemoteKind::Openai), gap(TEXT), events).await;
    assert_eq!(asked.path(), "/v1/completions");
    let body = asked.body();
    let prompt =
        "<|fim_prefix|>def total(numbers):\n    return su<|fim_suffix|>\n\nprint(total([1]))\n<|fim_middle|>";
    assert_eq!(
        (&body["prompt"], &body["suffix"], &body["model"]),
        (&json!(prompt), &Value::Null, &json!("qwen2.5-coder"))
    );
    assert_eq!(body["stop"].as_array().unwrap().len(), 4);
    assert_eq!((generation.text.as_str(), generation.finish), ("m(numbers)", FinishReason::Length));
    assert_eq!(odds(&generation), [(1, 50), (9, 90)]);
    let suffix = |url: &str| RemoteOptions {
        markers: MarkerChoice::Suffix,
        ..options(RemoteKind::Openai, &format!("{url}/beta/"))
    };
    let (asked, _) = ask(suffix, gap(TEXT), events).await;
    let body = asked.body();
    assert_eq!(asked.path(), "/beta/completions");
    assert_eq!(
        json!([body["prompt"], body["suffix"]]),
        json!(["def total(numbers):\n    return su", "\n\nprint(total([1]))\n"])
    );
}

#[tokio::test]
async fn markers_in_the_users_text_stay_text() {
    let text = "a = '<|fim_middle|>'\nb = <|file_sep|>$0 <|endoftext|>";
    let end = &[r#"{"choices":[{"text":"x","finish_reason":"stop"}]}"#];
    let (asked, _) = ask(with(RemoteKind::Openai), gap(text), end).await;
    let prompt = asked.body()["prompt"].as_str().unwrap().to_owned();
    let count = |marker: &str| prompt.matches(marker).count();
    assert_eq!(
        (count("<|fim_middle|>"), count("<|file_sep|>"), count("<|endoftext|>")),
        (1, 0, 0),
        "{prompt}"
    );
}

#[tokio::test]
async fn vllm_is_asked_for_its_model_and_goes_on_with_an_answer() {
    let server = Server::start(|asked, answering| {
        Box::pin(async move {
            match asked.path() {
                "/v1/models" => {
                    answering
                        .whole("200 OK", "application/json", r#"{"data":[{"id":"Qwen/Qwen2.5-Coder-7B"}]}"#)
                        .await
                }
                _ => {
                    answering
                        .events(&[
                            r#"{"choices":[{"delta":{"content":"42."},"finish_reason":"stop"}]}"#,
                            r#"{"choices":[],"usage":{"prompt_tokens":5}}"#,
                        ])
                        .await
                }
            }
            true
        })
    })
    .await;
    let source = RemoteSource::new(RemoteOptions { model: None, ..options(RemoteKind::Vllm, &server.url) });
    for _ in 0..2 {
        assert_eq!(source.generate(request(question()).0).await.unwrap().text, "42.");
    }
    source.generate(request(gap(TEXT)).0).await.unwrap();
    let asked = server.asked();
    let paths: Vec<&str> = asked.iter().map(Asked::path).collect();
    assert_eq!(paths, ["/v1/models", "/v1/chat/completions", "/v1/chat/completions", "/v1/completions"]);
    let chat = asked[1].body();
    assert_eq!(chat["messages"][2], json!({ "role": "assistant", "content": "It is " }));
    assert_eq!(
        json!([chat["model"], chat["continue_final_message"], chat["add_generation_prompt"]]),
        json!(["Qwen/Qwen2.5-Coder-7B", true, false])
    );
    assert!(asked[3].body()["prompt"].as_str().unwrap().starts_with("<|fim_prefix|>"));
}

/// Told to stop at a marker, vLLM would hold back as many characters as the marker has.
#[tokio::test]
async fn the_markers_that_end_an_answer_of_vllm_are_looked_for_here() {
    let mut server = Server::start(|_, answering| {
        Box::pin(async move {
            answering.begin("text/event-stream").await;
            for text in ["a <", " b", "<|", "file_", "sep|>lib.py"] {
                let event = json!({ "choices": [{ "text": text, "finish_reason": null }] });
                answering.piece(&format!("data: {event}\n\n")).await;
            }
            // It would go on.
            answering.closed().await;
            false
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::Vllm, &server.url));
    let (request, pieces) = request(gap(TEXT));
    let generation = source.generate(request).await.unwrap();
    assert_eq!((generation.text.as_str(), generation.finish), ("a < b", FinishReason::EndOfText));
    // What may be the beginning of a marker is shown once it is none.
    assert_eq!(*pieces.lock().unwrap(), ["a ", "< b"]);
    assert_eq!(server.closed().await, 0, "it is told to stop by closing the connection");
    let body = server.only().body();
    assert_eq!(json!([body["stop"], body["skip_special_tokens"]]), json!([null, false]));
    // The files of some models say 1.1 or so, and vLLM goes by them where a request does not say otherwise.
    assert_eq!(body["repetition_penalty"], 1.0);
    let server =
        Server::events(&[r#"{"choices":[{"delta":{"content":"It is 42."},"finish_reason":"stop"}]}"#]).await;
    let source = RemoteSource::new(options(RemoteKind::Vllm, &server.url));
    source.generate(super::request(question()).0).await.unwrap();
    assert_eq!(server.only().body()["repetition_penalty"], 1.0);
}

/// A character may be several tokens, which have no text of their own.
#[tokio::test]
async fn the_bytes_of_a_token_count_where_the_server_tells_them() {
    let events = &[
        r#"{"choices":[{"text":"x\u00e9","logprobs":{"content":[{"token":"x","bytes":[120],"logprob":0.0},{"token":"\ufffd","bytes":[195],"logprob":-0.6931},{"token":"","bytes":[169],"logprob":-0.1054}]},"finish_reason":null}]}"#,
        r#"{"choices":[{"text":"","finish_reason":"stop"}]}"#,
    ];
    let (_, generation) = ask(with(RemoteKind::Openai), gap(TEXT), events).await;
    assert_eq!(odds(&generation), [(1, 100), (2, 50), (3, 90)]);
}

#[tokio::test]
async fn a_beginning_that_the_server_repeats_is_taken_off() {
    let events = &[
        r#"{"choices":[{"delta":{"content":"It"}}]}"#,
        r#"{"choices":[{"delta":{"content":" is 4"}}]}"#,
        r#"{"choices":[{"delta":{"content":"2."},"finish_reason":"stop"}]}"#,
    ];
    for kind in [RemoteKind::Openai, RemoteKind::LlamaServer, RemoteKind::Mistral, RemoteKind::Tgi] {
        let (asked, generation) = ask(with(kind), question(), events).await;
        assert_eq!((asked.path(), generation.text.as_str()), ("/v1/chat/completions", "42."), "{kind:?}");
    }
}

#[tokio::test]
async fn ollama_answers_line_by_line() {
    let server = Server::start(|asked, answering| {
        Box::pin(async move {
            if asked.body().get("prompt").is_none() {
                answering.whole("200 OK", "application/json", r#"{"response":"","done":true}"#).await;
                return true;
            }
            answering.begin("application/x-ndjson").await;
            // A line may come in two pieces, and two lines in one.
            answering.piece("{\"response\":\"m(num").await;
            answering.piece("bers\",\"done\":false,\"logprobs\":[{\"token\":\"m(numbers\",\"logprob\":-0.6931}]}\n{\"response\":\")\",\"done\":false}\n").await;
            answering.piece("{\"response\":\"\",\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":9}").await;
            answering.end().await;
            true
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::Ollama, &server.url));
    let generation = source.generate(request(gap(TEXT)).0).await.unwrap();
    assert_eq!(
        (generation.text.as_str(), odds(&generation), generation.usage.prompt_tokens),
        ("m(numbers)", vec![(9, 50)], 9)
    );
    let asked = server.asked();
    let paths: Vec<&str> = asked.iter().map(Asked::path).collect();
    assert_eq!(paths, ["/api/generate", "/api/generate"]);
    // It loads the model at the first request, and would give that up if the request went away.
    assert_eq!(asked[0].body(), json!({ "model": "qwen2.5-coder", "stream": false }));
    let body = asked[1].body();
    assert_eq!(
        json!([body["prompt"], body["suffix"], body["model"]]),
        json!(["def total(numbers):\n    return su", "\n\nprint(total([1]))\n", "qwen2.5-coder"])
    );
}

#[tokio::test]
async fn mistral_has_an_address_of_its_own_and_tells_no_odds() {
    let events = &[
        r#"{"choices":[{"delta":{"content":"m(numbers)"},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":""},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ];
    let unnamed = |url: &str| RemoteOptions {
        model: None,
        key: Some(KeySource::Known("a key".into())),
        ..options(RemoteKind::Mistral, url)
    };
    let (asked, generation) = ask(unnamed, gap(TEXT), events).await;
    assert_eq!((asked.path(), asked.header("authorization")), ("/v1/fim/completions", Some("Bearer a key")));
    assert_eq!(asked.body()["model"], "codestral-latest");
    assert_eq!((generation.text.as_str(), generation.tokens.len()), ("m(numbers)", 0));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_read_too() {
    let server = Server::start(|_, answering| {
        Box::pin(async move {
            let body = "{\n  \"choices\": [{ \"text\": \"m(numbers)\", \"finish_reason\": \"stop\" }]\n}\n";
            answering.whole("200 OK", "application/json; charset=utf-8", body).await;
            true
        })
    })
    .await;
    let source = RemoteSource::new(options(RemoteKind::Openai, &server.url));
    assert_eq!(source.generate(request(gap(TEXT)).0).await.unwrap().text, "m(numbers)");
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let server = Server::events(&[r#"{"content":"1","stop":true,"stop_type":"limit"}"#]).await;
    let source = RemoteSource::new(options(RemoteKind::LlamaServer, &server.url));
    for _ in 0..5 {
        source.generate(request(gap("x = $0")).0).await.unwrap();
        // The rest of the answer is read in the background, and then the connection is free.
        tokio::task::yield_now().await;
    }
    let connections: std::collections::HashSet<usize> =
        server.asked().iter().map(|asked| asked.connection).collect();
    assert!(connections.len() < 5, "{connections:?}");
}

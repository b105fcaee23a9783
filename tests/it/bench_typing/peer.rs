//! The peer's side: what llama.vim sends and shows, against an HTTP server that answers by a rule of the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use infill_ls::cli::bench::typing::llama_vim::{Around, Kept};
use infill_ls::cli::bench::typing::screen::{Outcome, Pace};
use infill_ls::cli::bench::typing::theirs::Theirs;
use serde_json::{Value, json};

use super::{PATIENT, outcomes, task};

/// A server in the peer's place, as long as the test's process lives.
struct StandIn {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl StandIn {
    /// Starts it; where `answer` has none, the connection stays open without a word until the client closes it.
    fn start(answer: impl Fn(&Value) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &seen, &answer);
            }
        });
        Self { url, asked }
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Value>>, answer: &impl Fn(&Value) -> Option<String>) {
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while input.read_line(&mut head).unwrap() > 2 {
        let line = head.lines().last().unwrap().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).unwrap();
    let reply = match head.starts_with("POST /infill ") {
        false => Some(json!({ "status": "ok" })),
        true => {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            seen.lock().unwrap().push(asked.clone());
            let reply =
                |content| json!({ "content": content, "timings/prompt_n": 3, "timings/predicted_n": 7 });
            answer(&asked).map(reply)
        }
    };
    match reply.map(|reply| reply.to_string()) {
        Some(reply) => {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", reply.len());
            stream.write_all((head + &reply).as_bytes()).unwrap();
        }
        // Returns when the client has closed the connection.
        None => drop(input.read(&mut [0])),
    }
}

#[test]
fn keys_of_the_peer_are_told_apart_by_how_they_were_answered() {
    let peer = StandIn::start(|asked| {
        let prompt = asked["prompt"].as_str().unwrap();
        Some(if prompt.ends_with("= ") { "a * b" } else { "" }.into())
    });
    let typed =
        Theirs::connect(&peer.url).unwrap().type_task(&task("x = ", "a + b", "\n"), &PATIENT).unwrap();
    assert_eq!(outcomes(&typed), ["computed", "typed through", "typed through", "empty", "empty"]);
    match typed.screens[0].outcome {
        Outcome::Computed(work) => assert_eq!((work.prefill, work.decoded), (3, 7)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_that_is_not_answered_before_the_next_key_is_hung_up() {
    // The stand-in serves one connection after the other: the second comes through only when the first was closed.
    let peer = StandIn::start(|_| None);
    let pace =
        Pace { interval: Some(Duration::from_millis(50)), patience: Duration::from_millis(50), keys: 3 };
    let typed = Theirs::connect(&peer.url).unwrap().type_task(&task("x = ", "a + b", "\n"), &pace).unwrap();
    assert_eq!(outcomes(&typed), ["unanswered"; 3]);
    let asked = peer.asked.lock().unwrap();
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked["n_predict"] == 128));
}

#[test]
fn a_peer_that_is_not_there_is_said_to_be_missing() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Theirs::connect(&format!("http://{closed}")).err().unwrap();
    assert!(error.to_string().contains("llama-server -m"), "{error}");
}

#[test]
fn the_text_is_sent_by_lines() {
    let before: String = (0..300).map(|n| format!("before {n}\n")).collect();
    let after: String = (0..100).map(|n| format!("after {n}\n")).collect();
    let body = Around::new(&format!("{before}    x = "), &format!(");\n{after}")).request().unwrap();
    let prefix = body["input_prefix"].as_str().unwrap();
    assert!(prefix.starts_with("before 44\n") && prefix.ends_with("before 299\n"), "{prefix}");
    let suffix = body["input_suffix"].as_str().unwrap();
    assert!(suffix.starts_with(");\nafter 0\n") && suffix.ends_with("\nafter 63\n"), "{suffix}");
    assert_eq!((&body["prompt"], &body["n_indent"]), (&json!("    x = "), &json!(4)));
}

#[test]
fn a_blank_line_is_asked_for_from_its_beginning() {
    let around = Around::new("def f():\n    ", "\n");
    assert_eq!(around.request().unwrap()["prompt"], "");
    assert_eq!(around.shown("    return 1\n\n"), "return 1");
    assert_eq!(around.shown("return 1"), "return 1");
}

#[test]
fn nothing_is_asked_in_front_of_much_text() {
    assert_eq!(Around::new("f(", "a, b, c)\n").request().map(drop), Some(()));
    assert_eq!(Around::new("f(", "a, b, c);\n").request(), None);
}

#[test]
fn what_only_repeats_the_file_is_not_shown() {
    let shown = |content: &str| Around::new("a\nx = ", ");\n\nx = 1\nx = 2\nx = 3\n").shown(content);
    assert_eq!(shown("f(y"), "f(y");
    for repeated in ["  \n", ");", "\n\nx = 1", "1", "1\nx =", "1\nx = 2\nx = 3"] {
        assert_eq!(shown(repeated), "", "{repeated:?}");
    }
    assert_eq!(shown("1\nx = 9"), "1\nx = 9");
}

#[test]
fn of_what_was_typed_through_the_longest_rest_stays() {
    let mut kept = Kept::default();
    kept.keep(&Around::new("x", "\n"), " = a");
    kept.keep(&Around::new("x =", "\n"), " a + b");
    kept.keep(&Around::new("x = a", "\n"), " * c * d");
    assert_eq!(kept.typed_through(&Around::new("x = ", "\n")), Some("a + b"));
    assert_eq!(kept.typed_through(&Around::new("x = ", "\nelse\n")), None);
    assert_eq!(kept.typed_through(&Around::new("x = y", "\n")), None);
}

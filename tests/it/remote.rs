//! Remote sources in front of a server that a test writes: what is sent, what is made of the answer, and of all that can go
//! wrong with one.

mod answers;
mod away;
mod command;
mod fate;
mod keys;
mod load;
mod private;
mod server;
mod storm;
mod tgi;
mod trial;
mod troubles;
mod waking;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use infill_ls::complete::Prompt;
use infill_ls::engine::{CancelToken, GenerationParams};
use infill_ls::source::{Input, MarkerChoice, RemoteKind, RemoteOptions, Request};

/// Options for a server on this machine, with short times.
pub fn options(kind: RemoteKind, url: &str) -> RemoteOptions {
    RemoteOptions {
        kind,
        url: Some(url.into()),
        model: Some("qwen2.5-coder".into()),
        key: None,
        markers: MarkerChoice::Auto,
        folders: vec!["*".into()],
        connect: Duration::from_secs(5),
        read: Duration::from_secs(20),
        ca_file: None,
        proxy: true,
    }
}

/// Lets a time pass that the source is to wait for.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A request, and the pieces that its watcher sees.
pub fn request(input: Input) -> (Request, Arc<Mutex<Vec<String>>>) {
    let pieces = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&pieces);
    let request = Request {
        branch: 1,
        input,
        others: Vec::new(),
        latency: Duration::from_secs(1),
        params: GenerationParams { max_tokens: 16, ..GenerationParams::default() },
        watch: Box::new(move |piece| {
            seen.lock().unwrap().push(piece.to_owned());
            ControlFlow::Continue(())
        }),
        cancel: CancelToken::new(),
        idle: false,
        files: Vec::new(),
    };
    (request, pieces)
}

/// An infill request with `$0` at the cursor; what stands before it on its line was typed since the anchor.
pub fn gap(text: &str) -> Input {
    let (before, suffix) = text.split_once("$0").unwrap();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let indentation = before[line..].len() - before[line..].trim_start().len();
    let (prefix, typed) = before.split_at(line + indentation);
    Input::Infill(Prompt {
        prefix: prefix.into(),
        typed: typed.into(),
        suffix: suffix.into(),
        ..Prompt::default()
    })
}

/// A question with the beginning of its answer.
pub fn question() -> Input {
    Input::Chat {
        system: "Be brief.".into(),
        user: "What is 6 times 7?".into(),
        answer_start: "It is ".into(),
    }
}

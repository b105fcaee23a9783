//! The editor's side: sends, reads, answers the server's own requests, and holds that every request was answered once.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use infill_ls::config::Settings;
use infill_ls::server::{self, Exit, Options};
use infill_ls::source::Source;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::Script;

/// Nothing takes this long; it turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a test server is started.
pub struct Builder {
    source: Arc<dyn Source>,
    initialize: Value,
    settings: Settings,
    log_dir: Option<PathBuf>,
}

/// A running server and the editor that talks to it.
pub struct TestServer {
    input: Option<DuplexStream>,
    messages: UnboundedReceiver<Value>,
    server: Option<JoinHandle<Exit>>,
    next_id: i64,
    open_requests: HashSet<String>,
    answers: HashMap<String, Value>,
    /// Notifications and requests of the server that no test has looked at yet.
    unread: Vec<Value>,
    refused: HashSet<&'static str>,
    /// The result of `initialize`.
    pub hello: Value,
}

impl Builder {
    /// A server in front of a script.
    pub fn new(script: &Arc<Script>) -> Self {
        Self::of(Arc::clone(script) as Arc<dyn Source>)
    }

    /// A server in front of any source.
    pub fn of(source: Arc<dyn Source>) -> Self {
        let initialize = json!({ "processId": null, "rootUri": "file:///project", "capabilities": {} });
        Self { source, initialize, settings: Settings::default(), log_dir: None }
    }

    /// Sets a part of the `initialize` parameters, by JSON pointer.
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        let mut at = &mut self.initialize;
        for key in pointer.split('/').skip(1) {
            at = &mut at[key];
        }
        *at = value;
        self
    }

    /// Sets the settings of the command line.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Keeps the request log in a folder.
    pub fn log_dir(mut self, dir: PathBuf) -> Self {
        self.log_dir = Some(dir);
        self
    }

    /// Starts the server without a word to it.
    pub fn start(self) -> (TestServer, Value) {
        let (input, server_input) = tokio::io::duplex(1 << 20);
        let (server_output, output) = tokio::io::duplex(1 << 20);
        let source = self.source;
        let options = Options { settings: self.settings, log_dir: self.log_dir };
        let factory = Box::new(move |_: &Settings| source);
        let server = tokio::spawn(server::run(server_input, server_output, options, factory));
        let (sender, messages) = unbounded_channel();
        tokio::spawn(read_all(output, sender));
        let server = TestServer {
            input: Some(input),
            messages,
            server: Some(server),
            next_id: 1,
            open_requests: HashSet::new(),
            answers: HashMap::new(),
            unread: Vec::new(),
            refused: HashSet::new(),
            hello: Value::Null,
        };
        (server, self.initialize)
    }

    /// Starts the server and shakes hands.
    pub async fn ready(self) -> TestServer {
        let (mut server, initialize) = self.start();
        server.hello = server.call("initialize", initialize).await;
        server.notify("initialized", json!({})).await;
        server
    }
}

impl TestServer {
    /// A server in front of a script, for an editor that can do nothing special.
    pub async fn plain(script: &Arc<Script>) -> Self {
        Builder::new(script).ready().await
    }

    /// Sends bytes as they are.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Sends a request and returns its id.
    pub async fn request(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.open_requests.insert(json!(id).to_string());
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message).await;
        id
    }

    /// Waits for the whole answer to a request.
    pub async fn answer(&mut self, id: i64) -> Value {
        let key = json!(id).to_string();
        loop {
            if let Some(answer) = self.answers.remove(&key) {
                return answer;
            }
            self.read().await;
        }
    }

    /// Waits for the answer to a message whose id could not be read.
    pub async fn nameless_answer(&mut self) -> Value {
        loop {
            if let Some(answer) = self.answers.remove("null") {
                return answer;
            }
            self.read().await;
        }
    }

    /// Says that an id was sent once more.
    pub fn expect_answer(&mut self, id: i64) {
        self.open_requests.insert(json!(id).to_string());
    }

    /// Sends a request and waits for its result.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params).await;
        let mut answer = self.answer(id).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Waits for the next notification or request of the server with a method, and returns its parameters.
    pub async fn heard(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.unread.iter().position(|message| message["method"] == method) {
                return self.unread.remove(at)["params"].take();
            }
            self.read().await;
        }
    }

    /// Returns what was heard of a method and not yet looked at, after everything that the server has to say now.
    pub async fn all_heard(&mut self, method: &str) -> Vec<Value> {
        // The first report flushes what the server has to say; by the second it has come through the pipe.
        self.call("infill/doctor", Value::Null).await;
        self.call("infill/doctor", Value::Null).await;
        let (heard, rest) = std::mem::take(&mut self.unread).into_iter().partition(|m| m["method"] == method);
        self.unread = rest;
        heard
    }

    /// Makes the editor answer the server's requests of a method with an error.
    pub fn refuse(&mut self, method: &'static str) {
        self.refused.insert(method);
    }

    /// Opens a document, version 1.
    pub async fn open(&mut self, uri: &str, language: &str, text: &str) {
        let item = json!({ "uri": uri, "languageId": language, "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item })).await;
    }

    /// Replaces nothing at a place by a text.
    pub async fn insert(&mut self, uri: &str, version: i32, place: (u32, u32), text: &str) {
        let position = json!({ "line": place.0, "character": place.1 });
        let change = json!({ "range": { "start": position, "end": position }, "text": text });
        self.change(uri, version, json!([change])).await;
    }

    /// Sends changes.
    pub async fn change(&mut self, uri: &str, version: i32, changes: Value) {
        let document = json!({ "uri": uri, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", params).await;
    }

    /// Closes a document.
    pub async fn close(&mut self, uri: &str) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } })).await;
    }

    /// Says goodbye and holds that the server ended well and every request was answered.
    pub async fn finish(mut self) {
        self.call("shutdown", Value::Null).await;
        self.send(json!({ "jsonrpc": "2.0", "method": "exit" })).await;
        assert_eq!(self.ended().await, Exit::Clean);
        assert!(self.open_requests.is_empty(), "never answered: {:?}", self.open_requests);
    }

    /// Closes the pipe to the server.
    pub fn hang_up(&mut self) {
        self.input = None;
    }

    /// Waits for the server's end.
    pub async fn ended(&mut self) -> Exit {
        let server = self.server.take().unwrap();
        let exit = tokio::time::timeout(PATIENCE, server).await.expect("the server did not end").unwrap();
        while let Some(message) = self.messages.recv().await {
            self.take(message).await;
        }
        exit
    }

    async fn read(&mut self) {
        let message = tokio::time::timeout(PATIENCE, self.messages.recv()).await;
        let message = message.expect("the server has fallen silent").expect("the server has hung up");
        self.take(message).await;
    }

    async fn take(&mut self, message: Value) {
        let id = message.get("id").cloned();
        match (message.get("method"), id) {
            (Some(_), id) => {
                if let (Some(id), Some(_)) = (id, &self.input) {
                    let answer = self.reply(&message, id);
                    self.send(answer).await;
                }
                self.unread.push(message);
            }
            (None, Some(id)) => {
                let key = id.to_string();
                // An answer without an id is to a message that could not be read.
                assert!(
                    id.is_null() || self.open_requests.remove(&key),
                    "answered twice or never asked: {message}"
                );
                self.answers.insert(key, message);
            }
            (None, None) => panic!("neither a request nor an answer: {message}"),
        }
    }

    /// What a friendly editor answers.
    fn reply(&self, message: &Value, id: Value) -> Value {
        let method = message["method"].as_str().unwrap();
        if self.refused.contains(method) {
            let error = json!({ "code": -32601, "message": "refused" });
            return json!({ "jsonrpc": "2.0", "id": id, "error": error });
        }
        let result = match method {
            "workspace/applyEdit" => json!({ "applied": true }),
            _ => Value::Null,
        };
        json!({ "jsonrpc": "2.0", "id": id, "result": result })
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.server.is_none(), "a test must wait for its server's end");
        }
    }
}

async fn read_all(output: DuplexStream, messages: UnboundedSender<Value>) {
    let mut output = BufReader::new(output);
    while let Some(message) = read_one(&mut output).await {
        if messages.send(message).is_err() {
            return;
        }
    }
}

async fn read_one(output: &mut BufReader<DuplexStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some((_, value)) => length = value.parse().unwrap(),
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).await.ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

//! A small editor: the client's side of the language server protocol over any pair of pipes. It answers what the server
//! asks with `null`, and knows when each message came.

use std::io;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The connection to a server.
pub struct Editor {
    output: Box<dyn AsyncWrite + Send + Unpin>,
    inbox: UnboundedReceiver<Arrived>,
    next_id: i64,
    status: Option<Value>,
}

/// A message and when all of it was there.
#[derive(Debug)]
pub struct Arrived {
    /// When.
    pub at: Instant,
    /// The message.
    pub message: Value,
}

impl Editor {
    /// Connects to a server's output and input; must be called within a tokio runtime.
    pub fn connect(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let (sender, inbox) = unbounded_channel();
        tokio::spawn(read_all(BufReader::new(input), sender));
        Self { output: Box::new(output), inbox, next_id: 1, status: None }
    }

    /// Shakes hands and waits until the server's model is there.
    ///
    /// # Errors
    /// When the server ends or says that it has no model.
    pub async fn begin(&mut self, root: &str, options: Value) -> anyhow::Result<()> {
        let params = json!({
            "processId": std::process::id(),
            "clientInfo": { "name": "infill-ls bench" },
            "rootUri": root,
            "capabilities": { "general": { "positionEncodings": ["utf-8"] } },
            "initializationOptions": options,
        });
        let hello = self.call("initialize", params).await?;
        if hello.pointer("/capabilities/positionEncoding") != Some(&json!("utf-8")) {
            bail!("the server does not count columns in UTF-8: {hello}");
        }
        self.notify("initialized", json!({})).await?;
        loop {
            let said = self.status.take().unwrap_or_default();
            match said["state"].as_str() {
                None | Some("loading") => self.read().await.map(drop)?,
                Some("failed") => bail!("{}", said["message"].as_str().unwrap_or("the model failed")),
                Some(_) => return Ok(()),
            }
        }
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn notify(&mut self, method: &str, params: Value) -> anyhow::Result<()> {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await
    }

    /// Sends a request and returns its id.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn ask(&mut self, method: &str, params: Value) -> anyhow::Result<i64> {
        let id = self.next_id;
        self.next_id += 1;
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message).await?;
        Ok(id)
    }

    /// Waits for the answer to a request, until a moment if there is one. Answers to other requests are let go: nobody
    /// waits for two.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn answer(&mut self, id: i64, until: Option<Instant>) -> anyhow::Result<Option<Arrived>> {
        loop {
            let arrived = match until {
                None => self.read().await?,
                Some(until) => match tokio::time::timeout_at(until.into(), self.read()).await {
                    Ok(arrived) => arrived?,
                    Err(_) => return Ok(None),
                },
            };
            if arrived.message.get("method").is_none() && arrived.message["id"] == id {
                // What lay in the pipe for a while may have been late.
                return Ok(Some(arrived).filter(|arrived| until.is_none_or(|until| arrived.at <= until)));
            }
        }
    }

    /// Sends a request and waits for its result.
    ///
    /// # Errors
    /// When the server has ended or answers with an error.
    pub async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        let id = self.ask(method, params).await?;
        let mut message = self.answer(id, None).await?.map(|arrived| arrived.message).unwrap_or_default();
        match message.get("error") {
            Some(error) => bail!("{method}: {}", error["message"].as_str().unwrap_or("an error")),
            None => Ok(message["result"].take()),
        }
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// When the server has ended already.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.call("shutdown", Value::Null).await?;
        self.send(json!({ "jsonrpc": "2.0", "method": "exit" })).await
    }

    async fn send(&mut self, message: Value) -> anyhow::Result<()> {
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.output.write_all(frame.as_bytes()).await.context(GONE)?;
        self.output.flush().await.context(GONE)
    }

    /// Returns the next message, after what has to be done about it.
    async fn read(&mut self) -> anyhow::Result<Arrived> {
        let arrived = self.inbox.recv().await.context(GONE)?;
        let message = &arrived.message;
        if message["method"] == "infill/status" {
            self.status = Some(message["params"].clone());
        } else if let (Some(_), Some(id)) = (message.get("method"), message.get("id")) {
            self.send(json!({ "jsonrpc": "2.0", "id": id, "result": null })).await?;
        }
        Ok(arrived)
    }
}

const GONE: &str = "the language server has ended; `infill-ls doctor` says what works";

async fn read_all(mut input: BufReader<impl AsyncRead + Unpin>, sender: UnboundedSender<Arrived>) {
    while let Ok(Some(message)) = read_one(&mut input).await {
        if sender.send(Arrived { at: Instant::now(), message }).is_err() {
            return;
        }
    }
}

async fn read_one(input: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<Value>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body)?))
}

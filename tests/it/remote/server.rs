//! A server on the loopback interface that answers as a test says, and notes what it is asked and when a connection ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub line: String,
    pub headers: Vec<String>,
    pub bytes: Vec<u8>,
    /// Which connection it came on.
    pub connection: usize,
}

impl Asked {
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The server's side of a connection while it answers.
pub struct Answering {
    writer: OwnedWriteHalf,
    reader: BufReader<OwnedReadHalf>,
}

impl Answering {
    /// Sends bytes as they are.
    pub async fn send(&mut self, text: &str) {
        // A client that has gone away is what some tests are about.
        let _ = self.writer.write_all(text.as_bytes()).await;
    }

    /// Begins an answer of unknown length; [`Self::piece`] and [`Self::end`] go on with it.
    pub async fn begin(&mut self, kind: &str) {
        self.send(&format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"))
            .await;
    }

    pub async fn piece(&mut self, text: &str) {
        self.send(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    pub async fn end(&mut self) {
        self.send("0\r\n\r\n").await;
    }

    /// Sends a whole answer.
    pub async fn whole(&mut self, status: &str, kind: &str, body: &str) {
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        self.send(&(head + body)).await;
    }

    /// Sends events one by one, as a stream.
    pub async fn events(&mut self, events: &[&str]) {
        self.begin("text/event-stream").await;
        for event in events {
            self.piece(&format!("data: {event}\n\n")).await;
        }
        self.end().await;
    }

    /// Waits until the client closes the connection.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest).await;
    }
}

type Script = Box<
    dyn for<'a> Fn(Asked, &'a mut Answering) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> + Send + Sync,
>;

/// The server.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    closed: UnboundedReceiver<usize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts a server. The script says whether the connection is kept after the answer.
    pub async fn start<S>(script: S) -> Self
    where
        S: for<'a> Fn(Asked, &'a mut Answering) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>
            + Send
            + Sync
            + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    /// Starts a server on a listener.
    pub fn on<S>(listener: TcpListener, script: S) -> Self
    where
        S: for<'a> Fn(Asked, &'a mut Answering) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>
            + Send
            + Sync
            + 'static,
    {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (sender, closed) = unbounded_channel();
        let (seen, script): (_, Arc<Script>) = (Arc::clone(&asked), Arc::new(Box::new(script)));
        let accepting = tokio::spawn(async move {
            // Connections end with the server.
            let mut connections = JoinSet::new();
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(
                    stream,
                    connection,
                    Arc::clone(&seen),
                    Arc::clone(&script),
                    sender.clone(),
                ));
                connection += 1;
            }
        });
        Self { url, asked, closed, accepting }
    }

    /// Answers every request with the same events.
    pub async fn events(events: &'static [&'static str]) -> Self {
        Self::start(move |_, answering| {
            Box::pin(async move {
                answering.events(events).await;
                true
            })
        })
        .await
    }

    /// Returns what was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns the one request that came, apart from questions of what the server is.
    pub fn only(&self) -> Asked {
        let mut asked = self.asked();
        asked.retain(|asked| !asked.line.starts_with("GET "));
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.into_iter().next().unwrap()
    }

    /// Waits until a connection is over and returns its number.
    pub async fn closed(&mut self) -> usize {
        self.closed.recv().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    connection: usize,
    seen: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Script>,
    closed: UnboundedSender<usize>,
) {
    let (reader, writer) = stream.into_split();
    let mut answering = Answering { writer, reader: BufReader::new(reader) };
    while let Some(asked) = read(&mut answering.reader, connection).await {
        seen.lock().unwrap().push(asked.clone());
        if !script(asked, &mut answering).await {
            break;
        }
    }
    drop(answering);
    let _ = closed.send(connection);
}

async fn read(reader: &mut BufReader<OwnedReadHalf>, connection: usize) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.remove(0);
    let mut asked = Asked { line, headers: lines, bytes: Vec::new(), connection };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.bytes = vec![0; length];
    reader.read_exact(&mut asked.bytes).await.ok()?;
    Some(asked)
}

//! The byte streams around tower-lsp. Its reader ends for good at the first message that does not parse, and its writer
//! panics when the editor is gone; so what reaches it is sifted first, and what it writes never fails.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tower_lsp::jsonrpc::Request;

use super::ending::Ending;

/// The method that stands for a message that does not parse; the front answers it with its error.
pub(super) const MALFORMED: &str = "infill/malformed";

/// The longest header line; what is longer is no header.
const LINE_BOUND: u64 = 8 * 1024;

/// The longest message. 50 MB of text with every byte escaped is a third of it.
const BODY_BOUND: u64 = 1 << 30;

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;

/// Copies messages from `input` to `output` until the input ends; one that does not parse becomes [`MALFORMED`].
pub(super) async fn sift<R, W>(input: R, mut output: W) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut input = BufReader::new(input);
    while let Some(frame) = next_frame(&mut input).await? {
        let body = match frame {
            Frame::Body(body) => match fault(&body) {
                None => body,
                Some(fault) => fault.into_message(),
            },
            Frame::Broken(message) => Fault::parse_error(message).into_message(),
        };
        let header = format!("Content-Length: {}\r\n\r\n", body.len());
        output.write_all(header.as_bytes()).await?;
        output.write_all(&body).await?;
    }
    Ok(())
}

enum Frame {
    Body(Vec<u8>),
    Broken(String),
}

/// Returns the next message or what is wrong with its header; `None` at the end of the input.
async fn next_frame<R: AsyncRead + Unpin>(input: &mut BufReader<R>) -> io::Result<Option<Frame>> {
    let mut length = None;
    let mut lines = 0;
    loop {
        let mut line = Vec::new();
        if (&mut *input).take(LINE_BOUND).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        match line.trim() {
            "" if lines == 0 => {}
            "" => break,
            header => length = content_length(header).or(length),
        }
        lines += usize::from(!line.trim().is_empty());
    }
    match length {
        Some(length) if length <= BODY_BOUND => read_body(input, length).await,
        Some(length) => Ok(Some(Frame::Broken(format!("a message of {length} bytes is too long")))),
        None => Ok(Some(Frame::Broken("the header has no valid Content-Length".into()))),
    }
}

/// Finds the length in a line that may begin with the rest of a message whose own length was wrong.
fn content_length(line: &str) -> Option<u64> {
    const NAME: &str = "content-length:";
    let at = line.to_ascii_lowercase().rfind(NAME)?;
    line[at + NAME.len()..].trim().parse().ok()
}

async fn read_body<R: AsyncRead + Unpin>(input: &mut BufReader<R>, length: u64) -> io::Result<Option<Frame>> {
    // `take` grows with what comes: a length is no reason to allocate it.
    let mut body = Vec::new();
    let read = (&mut *input).take(length).read_to_end(&mut body).await?;
    Ok((read as u64 == length).then_some(Frame::Body(body)))
}

/// What is wrong with a message.
struct Fault {
    code: i64,
    message: String,
    id: Value,
}

impl Fault {
    fn parse_error(message: String) -> Self {
        Self { code: PARSE_ERROR, message, id: Value::Null }
    }

    fn into_message(self) -> Vec<u8> {
        let params = json!({ "code": self.code, "message": self.message });
        json!({ "jsonrpc": "2.0", "method": MALFORMED, "id": self.id, "params": params })
            .to_string()
            .into_bytes()
    }
}

/// Returns why tower-lsp could not read a message.
fn fault(body: &[u8]) -> Option<Fault> {
    // What tower-lsp reads, a response of the editor too, reads as a request: all its fields but the version are optional.
    if serde_json::from_slice::<Request>(body).is_ok_and(|request| !request.method().is_empty()) {
        return None;
    }
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return Some(Fault::parse_error(format!("the message is no JSON: {error}"))),
    };
    let is_response = value.get("result").is_some() || value.get("error").is_some();
    if is_response && serde_json::from_slice::<tower_lsp::jsonrpc::Response>(body).is_ok() {
        return None;
    }
    let id = value.get("id").filter(|id| id.is_i64() || id.is_string() && !is_response);
    Some(Fault {
        code: INVALID_REQUEST,
        message: "the message is no JSON-RPC 2.0 request".into(),
        id: id.cloned().unwrap_or(Value::Null),
    })
}

/// A writer that never fails: when the editor is gone it says so to [`Ending`] and swallows the rest.
#[derive(Debug)]
pub(super) struct Steady<W> {
    inner: W,
    ending: Ending,
}

impl<W> Steady<W> {
    pub(super) fn new(inner: W, ending: Ending) -> Self {
        Self { inner, ending }
    }

    /// Turns a failure into success, and remembers it.
    fn calm<T>(&self, result: Poll<io::Result<T>>, instead: T) -> Poll<io::Result<T>> {
        match result {
            Poll::Ready(Err(error)) => {
                tracing::info!(%error, "the editor no longer reads");
                self.ending.input_ended();
                Poll::Ready(Ok(instead))
            }
            other => other,
        }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Steady<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.calm(result, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.calm(result, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.calm(result, ())
    }
}

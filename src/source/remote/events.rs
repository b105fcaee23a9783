//! The stream of an answer: server-sent events, or one JSON document a line, read piece by piece as they come.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::fault::{Fault, FaultKind};
use super::patience::patient;

/// The longest line, and the longest answer that comes as one document.
const LONGEST: usize = 4 << 20;

/// How long it is waited for what comes behind the end of an answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// How an answer is cut into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events: `data: {…}`, and `data: [DONE]` at the end.
    Sse,
    /// One JSON document a line.
    Lines,
    /// One JSON document.
    Document,
}

/// The events of an answer. Dropping it closes the connection, unless the answer was read to its end.
#[derive(Debug)]
pub(super) struct Events {
    answer: Response,
    framing: Framing,
    silence: Duration,
    buffer: Vec<u8>,
    ready: VecDeque<Value>,
    over: bool,
}

impl Events {
    /// Begins to read an answer, whose server may be silent for `silence`.
    pub(super) fn of(answer: Response, framing: Framing, silence: Duration) -> Self {
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        // A server that does not stream sends all of it as one document.
        let is_document = kind.starts_with("application/json") && framing == Framing::Sse;
        let framing = if is_document { Framing::Document } else { framing };
        Self { answer, framing, silence, buffer: Vec::new(), ready: VecDeque::new(), over: false }
    }

    /// Returns the next event; `None` when the answer is over.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Fault> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            let chunk = patient(self.silence, self.answer.chunk()).await.ok_or_else(Fault::silent)?;
            match chunk.map_err(Fault::of)? {
                Some(bytes) => self.take(&bytes)?,
                None => self.end()?,
            }
        }
    }

    /// Reads what comes behind the end of an answer, which is a few bytes, so that the connection serves the next request.
    pub(super) fn read_out(mut self) {
        tokio::spawn(async move {
            let _ =
                tokio::time::timeout(PATIENCE, async { while let Ok(Some(_)) = self.next().await {} }).await;
        });
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut from = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        let mut start = 0;
        if self.framing == Framing::Document {
            from = self.buffer.len();
        }
        while let Some(end) = self.buffer[from..].iter().position(|&byte| byte == b'\n').map(|at| from + at) {
            let event = self.event(&self.buffer[start..end])?;
            self.ready.extend(event);
            (start, from) = (end + 1, end + 1);
        }
        self.buffer.drain(..start);
        match self.buffer.len() <= LONGEST {
            true => Ok(()),
            false => Err(Fault::new(FaultKind::Nonsense, "the answer has a line without an end")),
        }
    }

    /// Takes what stands behind the last line ending.
    fn end(&mut self) -> Result<(), Fault> {
        self.over = true;
        let rest = std::mem::take(&mut self.buffer);
        let event = self.event(&rest)?;
        self.ready.extend(event);
        Ok(())
    }

    fn event(&self, line: &[u8]) -> Result<Option<Value>, Fault> {
        let line = line.trim_ascii();
        let data = match self.framing {
            Framing::Lines | Framing::Document => line,
            Framing::Sse => match line.strip_prefix(b"data:") {
                Some(data) => data.trim_ascii(),
                // Names of events, comments that keep the connection open, and the empty lines between events.
                None if is_no_data(line) => return Ok(None),
                None => return Err(Fault::new(FaultKind::Nonsense, "the answer is no stream of events")),
            },
        };
        if data.is_empty() || data == b"[DONE]" {
            return Ok(None);
        }
        let event = serde_json::from_slice(data);
        event.map(Some).map_err(|_| Fault::new(FaultKind::Nonsense, "the answer holds what is no JSON"))
    }
}

fn is_no_data(line: &[u8]) -> bool {
    line.is_empty() || [&b":"[..], b"event:", b"id:", b"retry:"].iter().any(|start| line.starts_with(start))
}

//! Our side of the typing benchmark: the language server, driven as an editor drives it, with one request for each key.
//! What a request cost is told by the server's own counters, read outside the timed part.

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use super::editor::{Arrived, Editor};
use super::screen::{Outcome, Pace, Screen, Typed, Work};
use super::task::Task;
use crate::text::{Language, Position, PositionEncoding, Snapshot};

/// The workspace that the documents seem to lie in; nothing is read from there.
pub const ROOT: &str = "file:///typing";

/// The server and what was seen of it.
pub struct Ours {
    editor: Editor,
    counters: Counters,
    /// Microseconds from each cancel to the end of its computation, as far as they were seen.
    pub cancel_us: Vec<f64>,
}

/// What the server says it has computed since its start.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Counters {
    requests: u64,
    cancelled: u64,
    /// Prompt tokens computed, for whatever reason.
    pub prefill_tokens: u64,
    /// Tokens generated, for whatever reason.
    pub decoded_tokens: u64,
    last_cancel_us: u64,
    /// The longest time from a cancel to the end of its computation.
    pub max_cancel_us: u64,
}

/// A document that is open in the editor.
struct Open<'a> {
    task: &'a Task,
    uri: String,
    version: i32,
    /// The request that was not answered before the next key.
    unanswered: Option<i64>,
}

impl Ours {
    /// Takes over a connection whose hands are shaken.
    pub fn new(editor: Editor) -> Self {
        Self { editor, counters: Counters::default(), cancel_us: Vec::new() }
    }

    /// Types a task.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn type_task(&mut self, task: &Task, pace: &Pace) -> anyhow::Result<Typed> {
        let mut open = Open { task, uri: uri(&task.path), version: 1, unanswered: None };
        let text = format!("{}{}", task.before, task.after);
        let item = json!({ "uri": open.uri, "languageId": task.language, "version": 1, "text": text });
        let mut screen = Screen::new(&task.typed, pace.keys);
        let mut pressed = None;
        self.editor.notify("textDocument/didOpen", json!({ "textDocument": item })).await?;
        loop {
            let outcome = self.key(&mut open, &mut screen, pressed, pace).await?;
            screen.note(outcome);
            pressed = screen.press();
            if pressed.is_none() {
                break;
            }
        }
        self.cancel(&mut open).await?;
        self.editor.notify("textDocument/didClose", json!({ "textDocument": { "uri": open.uri } })).await?;
        self.counters().await?;
        Ok(screen.end())
    }

    /// Sends what a key sends and sees what comes before the next one.
    async fn key(
        &mut self,
        open: &mut Open<'_>,
        screen: &mut Screen<'_>,
        pressed: Option<char>,
        pace: &Pace,
    ) -> anyhow::Result<Outcome> {
        let Task { before, after, language, .. } = open.task;
        let head = format!("{before}{}", screen.written());
        let snapshot = Snapshot::new(Language::from_id(language), &format!("{head}{after}"));
        let position = |offset| snapshot.position(offset, PositionEncoding::Utf8);
        let cursor = position(head.len());
        let from = position(head.len() - pressed.map_or(0, char::len_utf8));
        let earlier = self.counters().await?;

        let key = Instant::now();
        if let Some(pressed) = pressed {
            self.insert(open, from, pressed).await?;
        }
        self.cancel(open).await?;
        let params = json!({
            "textDocument": { "uri": open.uri }, "position": place(cursor), "context": { "triggerKind": 2 },
        });
        let id = self.editor.ask("textDocument/inlineCompletion", params).await?;
        let first = pressed.is_none();
        let arrived = self.editor.answer(id, Some(pace.next_key(key, first))).await?;

        let Some(Arrived { at, message }) = arrived else {
            open.unanswered = Some(id);
            return Ok(Outcome::Unanswered);
        };
        let suggestion = ghost(&message["result"], &snapshot, head.len()).unwrap_or_default();
        screen.show(&suggestion);
        let now = self.counters().await?;
        tokio::time::sleep_until(pace.next_key_if_answered(key, first).into()).await;
        let computed = now.requests > earlier.requests || now.decoded_tokens > earlier.decoded_tokens;
        Ok(match (suggestion.trim().is_empty(), computed) {
            (true, _) => Outcome::Empty,
            (false, false) => Outcome::TypedThrough,
            (false, true) => Outcome::Computed(Work {
                ms: (at - key).as_secs_f64() * 1e3,
                prefill: now.prefill_tokens - earlier.prefill_tokens,
                decoded: now.decoded_tokens - earlier.decoded_tokens,
            }),
        })
    }

    /// Sends the change of a key; `from` is the cursor before it.
    async fn insert(&mut self, open: &mut Open<'_>, from: Position, pressed: char) -> anyhow::Result<()> {
        open.version += 1;
        let range = json!({ "start": place(from), "end": place(from) });
        let params = json!({
            "textDocument": { "uri": open.uri, "version": open.version },
            "contentChanges": [{ "range": range, "text": pressed.to_string() }],
        });
        self.editor.notify("textDocument/didChange", params).await
    }

    async fn cancel(&mut self, open: &mut Open<'_>) -> anyhow::Result<()> {
        match open.unanswered.take() {
            Some(id) => self.editor.notify("$/cancelRequest", json!({ "id": id })).await,
            None => Ok(()),
        }
    }

    /// Returns what was computed so far, and notes how fast the last cancel stopped.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn counters(&mut self) -> anyhow::Result<Counters> {
        let mut report = self.editor.call("infill/doctor", Value::Null).await?;
        let counters: Counters = serde_json::from_value(report["counters"].take())?;
        // A job that is cancelled before it runs counts, too, and leaves the time as it was.
        let last = self.counters;
        if counters.cancelled > last.cancelled && counters.last_cancel_us != last.last_cancel_us {
            self.cancel_us.push(counters.last_cancel_us as f64);
        }
        self.counters = counters;
        Ok(counters)
    }

    /// Says goodbye to the server.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn end(self) -> anyhow::Result<()> {
        self.editor.end().await
    }
}

fn place(position: Position) -> Value {
    json!({ "line": position.line, "character": position.character })
}

/// Returns the address of a path in the workspace.
fn uri(path: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => char::from(byte).into(),
        _ => format!("%{byte:02X}"),
    };
    format!("{ROOT}/{}", path.bytes().map(escaped).collect::<String>())
}

/// Returns what an answer's first item adds at the cursor, unless an editor cannot show it there.
fn ghost(answer: &Value, snapshot: &Snapshot, cursor: usize) -> Option<String> {
    let item = answer.pointer("/items/0")?;
    let text = item["insertText"].as_str()?;
    let end = |name: &str| {
        let number = |unit: &str| item["range"][name][unit].as_u64().map(|number| number as u32);
        let position = Position { line: number("line")?, character: number("character")? };
        Some(snapshot.offset(position, PositionEncoding::Utf8))
    };
    let (start, end) = (end("start")?, end("end")?);
    if !(start..=end).contains(&cursor) {
        return None;
    }
    let added = text.strip_prefix(&snapshot.slice(start..cursor))?;
    // What it replaces behind the cursor by itself is there already.
    let behind = snapshot.slice(cursor..end);
    Some(added.strip_suffix(&behind).unwrap_or(added).into())
}

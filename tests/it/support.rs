//! The real server on in-memory pipes, driven as an editor would drive it, with a scripted model behind it.

mod client;
mod script;

pub use client::{Builder, TestServer};
pub use script::Script;

use serde_json::{Value, json};

/// The parameters of a request about a place in a document.
pub fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } })
}

/// Splits a text at its cursor, `$0`, and returns it without that, and the place.
pub fn fixture(text: &str) -> (String, (u32, u32)) {
    let (before, after) = text.split_once("$0").unwrap();
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
    (format!("{before}{after}"), (line as u32, column as u32))
}

/// The parameters of an inline completion that a person asked for.
pub fn asked(uri: &str, place: (u32, u32)) -> Value {
    let mut params = at(uri, place.0, place.1);
    params["context"] = json!({ "triggerKind": 1 });
    params
}

/// Applies an edit of the protocol to a text; columns are counted in `unit`.
pub fn apply(text: &str, range: &Value, new_text: &str, unit: Unit) -> String {
    let start = offset(text, &range["start"], unit);
    let end = offset(text, &range["end"], unit);
    format!("{}{new_text}{}", &text[..start], &text[end..])
}

/// What columns are counted in.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Utf8,
    Utf16,
    Utf32,
}

impl Unit {
    /// The name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Utf8 => "utf-8",
            Unit::Utf16 => "utf-16",
            Unit::Utf32 => "utf-32",
        }
    }

    /// The length of a text.
    pub fn len(self, text: &str) -> usize {
        match self {
            Unit::Utf8 => text.len(),
            Unit::Utf16 => text.encode_utf16().count(),
            Unit::Utf32 => text.chars().count(),
        }
    }
}

/// Written anew and not taken from the server, so that a mistake there is not repeated here.
fn offset(text: &str, position: &Value, unit: Unit) -> usize {
    let line = position["line"].as_u64().unwrap() as usize;
    let column = position["character"].as_u64().unwrap() as usize;
    let start = text.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let columns = text[start..].char_indices().map(|(at, _)| at).chain([text.len() - start]);
    let within = columns.into_iter().find(|at| unit.len(&text[start..start + at]) == column);
    start + within.unwrap_or_else(|| panic!("no column {column} in line {line}"))
}
